//! What is chosen at the top of a board.
//!
//! Every query narrows by `namespace` and `job`, so that a team sees its own. `namespace` is a label of
//! Kubernetes: where there is none, all is chosen and matches series without it, too.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::Plan;
use super::board::DataSource;
use crate::export::names;

/// Which series are asked for, by what is chosen.
pub const SIDECARS: &str = r#"namespace=~"$namespace", job=~"$job""#;

/// One choice.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    name: &'static str,
    label: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource: Option<DataSource>,
    query: String,
    refresh: u8,
    sort: u8,
    multi: bool,
    include_all: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_value: Option<&'static str>,
    current: Value,
    hide: u8,
}

impl Variable {
    /// Which Prometheus.
    pub fn data_source() -> Self {
        Self {
            name: "datasource",
            label: "Data source",
            kind: "datasource",
            description: "The Prometheus that scrapes the sidecars",
            datasource: None,
            query: "prometheus".into(),
            refresh: 1,
            sort: 0,
            multi: false,
            include_all: false,
            all_value: None,
            current: json!({}),
            hide: 0,
        }
    }

    /// Values of a label, one or several or all of them.
    fn several(
        name: &'static str,
        label: &'static str,
        description: &'static str,
        query: String,
    ) -> Self {
        Self {
            name,
            label,
            kind: "query",
            description,
            datasource: Some(DataSource::VARIABLE),
            query,
            // Also when another time is chosen: a model may have come or gone.
            refresh: 2,
            sort: 1,
            multi: true,
            include_all: true,
            all_value: Some(".+"),
            current: json!({"selected": true, "text": ["All"], "value": ["$__all"]}),
            hide: 0,
        }
    }

    /// One to begin with, more on request. `All` is not offered but works in an address, as when one
    /// comes from a board where it was chosen.
    fn first(self) -> Self {
        Self {
            include_all: false,
            current: json!({}),
            ..self
        }
    }

    /// Exactly one: figures of several would mean nothing together.
    fn one(self, first: Option<&str>) -> Self {
        Self {
            multi: false,
            include_all: false,
            all_value: None,
            current: first.map_or(
                json!({}),
                |value| json!({"selected": true, "text": value, "value": value}),
            ),
            ..self
        }
    }

    /// Namespaces, none outside Kubernetes.
    pub fn namespace() -> Self {
        Self {
            all_value: Some(".*"),
            ..Self::several(
                "namespace",
                "Namespace",
                "Of Kubernetes; all where there is none",
                label_values(&names::BUILD.series(), "", "namespace"),
            )
        }
    }

    /// Scrape jobs.
    pub fn job() -> Self {
        Self::several(
            "job",
            "Job",
            "The scrape job of the sidecars",
            label_values(&names::BUILD.series(), r#"namespace=~"$namespace""#, "job"),
        )
    }

    /// Sidecars.
    pub fn instance() -> Self {
        Self::several(
            "instance",
            "Instance",
            "The address at which a sidecar is scraped",
            label_values(&names::BUILD.series(), SIDECARS, "instance"),
        )
    }

    /// Models.
    pub fn models() -> Self {
        Self::several(
            "model",
            "Model",
            "Models that are watched",
            label_values(&names::PREDICTIONS.series(), SIDECARS, "model"),
        )
    }

    /// One model.
    pub fn model() -> Self {
        Self::models().first()
    }

    /// Versions of a model.
    pub fn version() -> Self {
        Self::several(
            "version",
            "Version",
            "Versions of the model; `default` where calls name none",
            label_values(
                &names::PREDICTIONS.series(),
                &format!(r#"{SIDECARS}, model=~"$model""#),
                "version",
            ),
        )
    }

    /// One version.
    pub fn one_version() -> Self {
        Self::version().first()
    }

    /// One field.
    pub fn feature() -> Self {
        Self::several(
            "feature",
            "Feature",
            "An input, prediction or score of the model",
            label_values(
                &names::FEATURE_STATE.series(),
                &format!(r#"{SIDECARS}, model=~"$model", version=~"$version""#),
                "feature",
            ),
        )
        .first()
    }

    /// One window: by default the shortest that rules compute over all pods.
    pub fn window(plan: &Plan) -> Self {
        let fleet = plan.fleet_windows().next();
        let first = fleet.or_else(|| plan.windows.last().copied());
        Self {
            sort: 0,
            ..Self::several(
                "window",
                "Window",
                "How long a time the figures are of; windows of an hour and more are of all pods together, shorter ones of the worst pod",
                label_values(&names::WINDOW_ROWS.series(), SIDECARS, "window"),
            )
            .one(first.map(super::super::Window::label).as_deref())
        }
    }

    /// One reference.
    pub fn reference() -> Self {
        Self::several(
            "reference",
            "Compared with",
            "profile: as it was when all was well; seasonal: the same hours of the days before; previous: the window before; version: another version",
            label_values(&names::FEATURE_DRIFT_RATIO.series(), SIDECARS, "reference"),
        )
        .one(Some("profile"))
    }
}

fn label_values(series: &str, matchers: &str, label: &str) -> String {
    if matchers.is_empty() {
        format!("label_values({series}, {label})")
    } else {
        format!("label_values({series}{{{matchers}}}, {label})")
    }
}
