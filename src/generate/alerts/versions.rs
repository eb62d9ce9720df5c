//! Versions of a model that see or say different things.

use super::super::limits::{DRIFT_RATIO, STEADY_SHARE};
use super::super::promql::max_over_pods;
use super::super::{Alert, Plan, Severity, Subject, Window, series};
use super::described;
use crate::export::names;

pub(super) const PAGE: &str = include_str!("versions.md");

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let windows = plan.alert_windows();
    windows.iter().map(|w| differ(plan, *w)).collect()
}

fn differ(plan: &Plan, window: Window) -> Alert {
    let label = window.label();
    let fleet = format!(r#"{}{{window="{label}"}}"#, series::VERSION_RATIO);
    let pods = max_over_pods(&format!(
        r#"{}{{window="{label}", reference=~"version:.*"}}"#,
        names::FEATURE_DRIFT_RATIO.series()
    ));
    let steadiness = format!(r#"{}{{window="{label}"}}"#, series::VERSION_STEADINESS);
    Alert {
        subject: Subject::Feature,
        expr: format!(
            "({fleet} or ignoring (profile, reference) {pods}) > {DRIFT_RATIO}\n\
             and ignoring (feature, role, profile, reference) {steadiness} < {STEADY_SHARE}\n\
             and ignoring (feature, role, profile, reference) {steadiness} > 1 / {STEADY_SHARE}"
        ),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: "{{ $labels.feature }} differs between versions of model {{ $labels.model }}".into(),
        description: "Over {{ $labels.window }}, {{ $labels.role }} {{ $labels.feature }} of model {{ $labels.model }} is \
                      not the same in version {{ $labels.version }} as in the others (reference {{ $labels.reference }}): \
                      the difference is {{ $value | printf `%.3g` }} times its threshold."
            .into(),
        ..described(PAGE, "VersionsDiffer", Severity::Warning, plan)
    }
}
