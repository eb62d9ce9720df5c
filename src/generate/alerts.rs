//! Alerts, a file per kind of cause.

mod drift;
pub(super) mod sidecar;

use super::{Alert, Group, Plan, Rule};

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
