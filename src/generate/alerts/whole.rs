//! The model as a whole: many fields at once, fields together, and rows that are odd.

use super::super::limits::{CRITICAL_EXCESS, DRIFT_RATIO, MANY_FEATURES, MANY_FEATURES_AT_LEAST};
use super::super::promql::{fleet_or_worst_pod, max_over_pods};
use super::super::{Alert, Plan, Severity, Window, series};
use super::drift::critical;
use super::{described, evidence};
use crate::export::names;

pub(super) const PAGE: &str = include_str!("whole.md");

/// Name, `kind`, and what it is that has drifted.
const KINDS: [(&str, &str, &str); 3] = [
    ("DependenceDrift", "dependence", "how features go together"),
    ("JointDrift", "mmd", "the distribution of rows as a whole"),
    ("EmbeddingDrift", "embedding", "a vector"),
];

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let windows = plan.alert_windows();
    let mut alerts: Vec<Alert> = windows.iter().map(|w| many(plan, *w)).collect();
    alerts.extend(windows.first().map(|window| many_far(plan, *window)));
    for (name, kind, what) in KINDS {
        alerts.extend(windows.iter().map(|w| kind_of(plan, *w, name, kind, what)));
    }
    alerts.extend(windows.iter().map(|window| outliers(plan, *window)));
    alerts
}

fn matchers(window: Window, reference: &str) -> String {
    format!(r#"window="{}", reference="{reference}""#, window.label())
}

/// Fields with a ratio.
fn judged(window: Window) -> String {
    let matchers = matchers(window, "profile");
    let ratio = names::FEATURE_DRIFT_RATIO.series();
    let of_pod = max_over_pods(&format!(
        "count without (feature, role) ({ratio}{{{matchers}}})"
    ));
    format!("({}{{{matchers}}} or {of_pod})", series::JUDGED_FEATURES)
}

fn many(plan: &Plan, window: Window) -> Alert {
    let drifted = fleet_or_worst_pod(
        series::DRIFTED_FEATURES,
        &names::MODEL_DRIFTED_FEATURES,
        &matchers(window, "profile"),
    );
    let seasonal = max_over_pods(&format!(
        "{}{{{}}}",
        names::MODEL_DRIFTED_FEATURES.series(),
        matchers(window, "seasonal")
    ));
    Alert {
        expr: format!(
            "{drifted} / {} > {MANY_FEATURES}\n\
             and {drifted} >= {MANY_FEATURES_AT_LEAST}\n\
             unless ignoring (reference) {seasonal} < {MANY_FEATURES_AT_LEAST}",
            judged(window)
        ),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: "Many features of model {{ $labels.model }} have drifted at once".into(),
        description: "Over {{ $labels.window }}, {{ $value | humanizePercentage }} of the fields of model \
                      {{ $labels.model }}, version {{ $labels.version }}, have drifted: look for one cause."
            .into(),
        evidence: evidence::farthest(window),
        ..described(PAGE, "ManyFeaturesDrift", Severity::Warning, plan)
    }
}

fn many_far(plan: &Plan, window: Window) -> Alert {
    let far = format!(
        "count without (feature, role, profile) (\n{}\n)",
        critical(plan, window, "feature|prediction|score")
    );
    Alert {
        expr: format!(
            "{far} / {} > {MANY_FEATURES}\nand {far} >= {MANY_FEATURES_AT_LEAST}",
            judged(window)
        ),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: "Many features of model {{ $labels.model }} have drifted far at once".into(),
        description: format!(
            "Over {{{{ $labels.window }}}}, {{{{ $value | humanizePercentage }}}} of the fields of model \
             {{{{ $labels.model }}}}, version {{{{ $labels.version }}}}, have an excess above {CRITICAL_EXCESS}: \
             look for one cause."
        ),
        evidence: evidence::farthest(window),
        ..described(PAGE, "ManyFeaturesDrift", Severity::Critical, plan)
    }
}

fn kind_of(plan: &Plan, window: Window, name: &'static str, kind: &str, what: &str) -> Alert {
    let matchers = format!(r#"{}, kind="{kind}""#, matchers(window, "profile"));
    let ratio = fleet_or_worst_pod(series::MODEL_RATIO, &names::MODEL_DRIFT_RATIO, &matchers);
    Alert {
        expr: format!("{ratio} > {DRIFT_RATIO}"),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: format!("In model {{{{ $labels.model }}}}, {what} has drifted"),
        description: format!(
            "Over {{{{ $labels.window }}}}, {what} in model {{{{ $labels.model }}}}, version {{{{ $labels.version }}}}, \
             differs from the reference: {{{{ $value | printf `%.3g` }}}} times the threshold."
        ),
        ..described(PAGE, name, Severity::Warning, plan)
    }
}

fn outliers(plan: &Plan, window: Window) -> Alert {
    let label = window.label();
    let ratio = max_over_pods(&format!(
        r#"{}{{window="{label}"}} / {}{{window="{label}"}}"#,
        names::OUTLIER_RATIO.series(),
        names::OUTLIER_RATIO_THRESHOLD.series()
    ));
    Alert {
        expr: format!(r#"({}{{window="{label}"}} or {ratio}) > 1"#, series::OUTLIERS),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: "More rows of model {{ $labels.model }} than usual are odd as a whole".into(),
        description: "Over {{ $labels.window }}, more rows of model {{ $labels.model }}, version \
                      {{ $labels.version }}, are unusual as a whole than chance brings: {{ $value | printf `%.3g` }} \
                      times the threshold."
            .into(),
        ..described(PAGE, "OutliersRaised", Severity::Warning, plan)
    }
}
