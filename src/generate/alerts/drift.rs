//! Drift of single features.

use super::super::promql::fleet_or_worst_pod;
use super::super::{Alert, Plan, Severity, Subject, series};
use crate::export::names;

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    plan.fleet_windows()
        .map(|window| {
            let label = window.label();
            let matchers = format!(r#"role="feature", window="{label}", reference="profile""#);
            let ratio = fleet_or_worst_pod(series::RATIO, &names::FEATURE_DRIFT_RATIO, &matchers);
            Alert {
                name: "FeatureDrift",
                severity: Severity::Warning,
                subject: Subject::Feature,
                expr: format!("{ratio} > 1"),
                hold: window.hold(),
                keep_firing_for: window.keep_firing(),
                summary: "{{ $labels.feature }} of {{ $labels.model }} has drifted".into(),
                description: "Over {{ $labels.window }}, feature {{ $labels.feature }} of model \
                              {{ $labels.model }} differs from its reference."
                    .into(),
                means: "In this window the distribution of the feature differs from its reference by more than chance \
                        and by more than is tolerated.",
                check: "Open the board of the feature.",
                act: "Decide.",
                runbook_url: plan.runbook_url.clone(),
            }
        })
        .collect()
}
