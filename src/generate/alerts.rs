//! Alerts, a file per kind of cause.

mod drift;
pub(super) mod sidecar;

use super::{Alert, Group, Plan, Rule, Severity, Subject};
use crate::settings::Span;

/// All groups.
pub fn all(plan: &Plan) -> Vec<Group> {
    vec![
        group("driftgauge-drift", drift::alerts(plan)),
        group("driftgauge-sidecar", sidecar::alerts(plan)),
    ]
}

fn group(name: &str, alerts: Vec<Alert>) -> Group {
    Group {
        name: name.into(),
        interval: None,
        rules: alerts
            .into_iter()
            .map(|alert| Rule::Alert(Box::new(alert)))
            .collect(),
    }
}

/// An alert with what its page says of it; the rest is yet to be filled in.
fn described(page: &'static str, name: &'static str, severity: Severity, plan: &Plan) -> Alert {
    let text = section(page, name);
    Alert {
        name,
        severity,
        subject: Subject::Model,
        expr: String::new(),
        hold: Span::default(),
        keep_firing_for: Span::default(),
        summary: String::new(),
        description: String::new(),
        means: part(text, "**What it means.**"),
        check: part(text, "**How to check.**"),
        act: part(text, "**What to do.**"),
        runbook_url: plan.runbook_url.clone(),
    }
}

/// The text below the heading of an alert; empty without one, which a test does not let pass.
fn section(page: &'static str, name: &str) -> &'static str {
    let mut sections = page.split("\n## ").skip(1);
    let found = sections.find_map(|section| section.strip_prefix(name)?.strip_prefix('\n'));
    found.unwrap_or_default()
}

/// The text after a mark, up to the next one.
fn part(text: &'static str, mark: &str) -> &'static str {
    let Some((_, after)) = text.split_once(mark) else {
        return "";
    };
    let end = ["\n**How to check.**", "\n**What to do.**"]
        .iter()
        .filter_map(|next| after.find(next))
        .min();
    after[..end.unwrap_or(after.len())].trim()
}
