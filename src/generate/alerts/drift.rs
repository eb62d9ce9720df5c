//! Drift of single fields: features, predictions and scores.

use super::super::limits::{CRITICAL_EXCESS, DRIFT_RATIO};
use super::super::promql::{fleet_or_worst_pod, max_over_pods};
use super::super::{Alert, Plan, Severity, Subject, Window, series};
use super::{described, evidence};
use crate::export::names;
use crate::settings::Span;

pub(super) const PAGE: &str = include_str!("drift.md");

/// Name, role, and what a message calls it.
const FIELDS: [(&str, &str, &str); 3] = [
    ("FeatureDrift", "feature", "Feature"),
    ("PredictionDrift", "prediction", "Prediction"),
    ("ScoreDrift", "score", "Score"),
];

/// A window below it has a rhythm of the day.
const DAY: Span = Span::from_secs(86_400);

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (name, role, noun) in FIELDS {
        let windows = plan.alert_windows();
        alerts.extend(windows.iter().map(|w| warning(plan, *w, name, role, noun)));
        let shortest = windows.first();
        alerts.extend(shortest.map(|window| Alert {
            subject: Subject::Feature,
            expr: critical(plan, *window, role),
            window: Some(window.0),
            hold: window.hold(),
            keep_firing_for: window.keep_firing(),
            summary: format!("{noun} {WHOSE} has drifted far"),
            description: format!(
                "{} differs from its reference by more than chance, and by much: its excess is \
                 {{{{ $value | printf `%.3g` }}}} (limit {CRITICAL_EXCESS}).",
                over(noun)
            ),
            evidence: evidence::drift(
                *window,
                "Ratio",
                series::RATIO,
                &names::FEATURE_DRIFT_RATIO.series(),
            ),
            ..described(PAGE, name, Severity::Critical, plan)
        }));
    }
    let windows = plan.alert_windows();
    let short = windows.into_iter().filter(|window| window.0 < DAY);
    alerts.extend(short.map(|window| unseasonal(plan, window)));
    alerts
}

/// Which field of which model.
const WHOSE: &str = "{{ $labels.feature }} of model {{ $labels.model }}";

fn over(noun: &str) -> String {
    format!(
        "Over {{{{ $labels.window }}}}, {} {WHOSE}, version {{{{ $labels.version }}}},",
        noun.to_lowercase()
    )
}

fn ratio(window: Window, role: &str, reference: &str) -> String {
    let matchers = matchers(window, role, reference);
    fleet_or_worst_pod(series::RATIO, &names::FEATURE_DRIFT_RATIO, &matchers)
}

fn matchers(window: Window, role: &str, reference: &str) -> String {
    let window = window.label();
    let is = if role.contains('|') { "=~" } else { "=" };
    format!(r#"role{is}"{role}", window="{window}", reference="{reference}""#)
}

/// Against the same hours of the days before, which only sidecars know.
fn seasonal(window: Window, role: &str) -> String {
    let matchers = matchers(window, role, "seasonal");
    let ratio = names::FEATURE_DRIFT_RATIO.series();
    max_over_pods(&format!("{ratio}{{{matchers}}}"))
}

fn warning(
    plan: &Plan,
    window: Window,
    name: &'static str,
    role: &'static str,
    noun: &str,
) -> Alert {
    let mut expr = format!("{} > {DRIFT_RATIO}", ratio(window, role, "profile"));
    if window.0 < DAY {
        expr = format!(
            "{expr}\nunless ignoring (profile, reference) {}",
            seasonal(window, role)
        );
    }
    Alert {
        subject: Subject::Feature,
        expr,
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: format!("{noun} {WHOSE} has drifted"),
        description: format!(
            "{} differs from its reference by more than chance: its drift is \
             {{{{ $value | printf `%.3g` }}}} times its threshold.",
            over(noun)
        ),
        evidence: evidence::drift(
            window,
            "Excess",
            series::EXCESS,
            &names::FEATURE_DRIFT_EXCESS.series(),
        ),
        ..described(PAGE, name, Severity::Warning, plan)
    }
}

/// Certain, large, no rhythm of the day, and against a reference that somebody has chosen.
///
/// The rhythm is excluded by the longest window or by the season. A model that has not been seen for
/// half of that window has no longest window yet.
pub(super) fn critical(plan: &Plan, window: Window, role: &str) -> String {
    let longest = plan.longest();
    let excess = fleet_or_worst_pod(
        series::EXCESS,
        &names::FEATURE_DRIFT_EXCESS,
        &matchers(window, role, "profile"),
    );
    let half = Span::from_millis(longest.0.millis() / 2);
    // At some time in the other half: models are scaled to zero over night.
    let seen = format!(
        "max_over_time({}[{half}] offset {half})",
        series::THROUGHPUT
    );
    let chosen = max_over_pods(&format!(
        r#"{}{{source!="learned"}}"#,
        names::REFERENCE.series()
    ));
    let lasting = format!(
        "(\n  {} > {DRIFT_RATIO}\n  or ignoring (profile, window, reference)\n  {} > {DRIFT_RATIO}\n)",
        ratio(longest, role, "profile"),
        seasonal(window, role)
    );
    let learned = format!(
        "(\n  {}\n  unless ignoring (profile)\n  {}\n)",
        of_source(r#"source="learned""#),
        of_source(r#"source!="learned""#)
    );
    format!(
        "{excess} > {CRITICAL_EXCESS}\n\
         and ignoring (profile) {} > {DRIFT_RATIO}\n\
         and ignoring (profile, window, reference) {lasting}\n\
         and ignoring (feature, role, profile, window, reference) {seen}\n\
         and ignoring (feature, role, profile, window, reference) sum without (profile, source) ({chosen})\n\
         unless ignoring (profile, window, reference) {learned}",
        ratio(window, role, "profile")
    )
}

/// The fields that are compared with a reference of such a source: a model may have a file for its
/// features and have learned its prediction.
fn of_source(source: &str) -> String {
    format!(
        "({} and ignoring (feature, role, source) {})",
        max_over_pods(&names::REFERENCE_DESIGN_EFFECT.series()),
        max_over_pods(&format!("{}{{{source}}}", names::REFERENCE.series()))
    )
}

fn unseasonal(plan: &Plan, window: Window) -> Alert {
    let role = "feature|prediction|score";
    Alert {
        subject: Subject::Feature,
        expr: format!(
            "{} > {DRIFT_RATIO}\nand ignoring (profile, reference) {} > {DRIFT_RATIO}",
            seasonal(window, role),
            ratio(window, role, "profile")
        ),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: format!(
            "{{{{ $labels.role }}}} {WHOSE} is neither as its reference nor as usual at this hour"
        ),
        description: format!(
            "{} differs by more than chance both from its reference and from the same hours of the days before: \
             against these its drift is {{{{ $value | printf `%.3g` }}}} times its threshold, so it is no daily rhythm.",
            over("{{ $labels.role }}")
        ),
        evidence: evidence::drift(
            window,
            "Excess",
            series::EXCESS,
            &names::FEATURE_DRIFT_EXCESS.series(),
        ),
        ..described(PAGE, "UnseasonalDrift", Severity::Warning, plan)
    }
}
