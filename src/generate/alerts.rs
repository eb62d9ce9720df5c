//! Alerts, a file per kind of cause.

mod drift;

use super::{Alert, Group, Plan, Rule};

/// All groups.
pub fn all(plan: &Plan) -> Vec<Group> {
    vec![group("driftgauge-drift", drift::alerts(plan))]
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
