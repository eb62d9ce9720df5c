//! What happened, as marks on all panels: alerts, settings loaded, references changed.

use super::super::Plan;
use super::board::Board;
use super::query;
use super::threshold::{BAD, LIVE};
use super::variables::SIDECARS;
use crate::export::family::Family;
use crate::export::names;

impl Board {
    /// Marks for the alerts that are about what is chosen (matchers of `ALERTS`), but for those that
    /// only inform.
    pub fn mark_alerts(self, plan: &Plan, matchers: &str) -> Self {
        let told = r#"severity=~"critical|warning""#;
        let matchers = match matchers {
            "" => told.to_owned(),
            _ => format!("{told}, {matchers}"),
        };
        self.marks(
            "Alerts",
            BAD,
            &query::firing(plan, &matchers),
            "{{alertname}}",
            "{{model}} {{version}} {{feature}} {{window}} {{instance}}",
        )
    }

    /// Marks for settings that were loaded.
    pub fn mark_reloads(self) -> Self {
        self.moments(
            "Settings loaded",
            LIVE,
            &moment("job", &names::CONFIG_RELOAD_TIMESTAMP, SIDECARS),
            "Settings loaded",
        )
    }

    /// Marks for references that were made: learned, rebaselined, or by `driftgauge profile`.
    pub fn mark_references(self) -> Self {
        self.moments(
            "New reference",
            "purple",
            &moment(
                "model, version, profile",
                &names::REFERENCE_CREATED,
                &query::models(),
            ),
            "New reference of {{model}} {{version}}: {{profile}}",
        )
    }
}

fn moment(labels: &str, family: &Family, matchers: &str) -> String {
    query::largest(labels, family, matchers)
}
