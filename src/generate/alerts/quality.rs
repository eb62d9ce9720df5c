//! Values that are not there, not known, not possible or not changing.
//!
//! Rates are judged by Wilson's lower bound above the reference's rate, so that a few rows of a quiet
//! night raise nothing.

use super::super::limits::{BY_CHANCE, JUDGED_ROWS, RATE_MARGIN};
use super::super::promql::{IN_ALL_WINDOWS, in_window, max_over_pods, sum_over_pods};
use super::super::{Alert, Plan, Severity, Subject, Window, series};
use super::{described, evidence};
use crate::export::names;

pub(super) const PAGE: &str = include_str!("quality.md");

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let windows = plan.alert_windows();
    let mut alerts = Vec::new();
    for window in &windows {
        alerts.push(nulls(plan, *window));
    }
    for window in &windows {
        alerts.push(new_categories(plan, *window));
    }
    for window in &windows {
        alerts.push(out_of_range(plan, *window));
    }
    let shortest = windows.first();
    alerts.extend(shortest.map(|window| vanished(plan, *window)));
    alerts.extend(shortest.map(|window| constant(plan, *window)));
    alerts
}

/// At the beginning of a sentence.
const SUBJECT: &str = "Feature {{ $labels.feature }} of model {{ $labels.model }}";
/// Within one.
const WHOSE: &str = "feature {{ $labels.feature }} of model {{ $labels.model }}";

/// A rate that is above the reference's, not by chance.
fn raised(plan: &Plan, window: Window, name: &'static str, raise: &str, what: &str) -> Alert {
    Alert {
        subject: Subject::Feature,
        expr: format!(r#"{raise}{{window="{}"}} > {RATE_MARGIN}"#, window.label()),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: format!("{SUBJECT} {what} more often"),
        description: format!(
            "Over {{{{ $labels.window }}}}, {WHOSE}, version {{{{ $labels.version }}}}, {what} more often than in its \
             reference, at least {{{{ $value | humanizePercentage }}}} of rows more."
        ),
        ..described(PAGE, name, Severity::Warning, plan)
    }
}

fn nulls(plan: &Plan, window: Window) -> Alert {
    let share = evidence::share(
        window,
        series::NULL_RATIO,
        &names::REFERENCE_NULL_RATIO.series(),
    );
    let reason = evidence::mostly(window, &names::FEATURE_MISSING.series(), "reason");
    Alert {
        evidence: share + &reason,
        ..raised(
            plan,
            window,
            "NullsRaised",
            series::NULL_RATIO_RAISE,
            "is missing",
        )
    }
}

fn new_categories(plan: &Plan, window: Window) -> Alert {
    Alert {
        evidence: evidence::share(
            window,
            series::NEW_CATEGORY_RATIO,
            &names::REFERENCE_NEW_CATEGORY_RATIO.series(),
        ),
        ..raised(
            plan,
            window,
            "NewCategoriesRaised",
            series::NEW_CATEGORY_RATIO_RAISE,
            "has values never seen before",
        )
    }
}

fn out_of_range(plan: &Plan, window: Window) -> Alert {
    let share = evidence::share(
        window,
        series::OUT_OF_RANGE_RATIO,
        &names::REFERENCE_OUT_OF_RANGE_RATIO.series(),
    );
    let side = evidence::mostly(window, &names::FEATURE_OUT_OF_RANGE.series(), "side");
    Alert {
        evidence: share + &side,
        ..raised(
            plan,
            window,
            "OutOfRangeRaised",
            series::OUT_OF_RANGE_RATIO_RAISE,
            "is out of range",
        )
    }
}

/// In a state on some pods and in none of others on any.
fn in_state(window: Window, state: &str, others: &str) -> String {
    let label = window.label();
    let pods = |matcher: &str| {
        let states = names::FEATURE_STATE.series();
        max_over_pods(&format!(r#"{states}{{window="{label}", {matcher}}}"#))
    };
    format!(
        "{}\nunless ignoring (state) {}",
        pods(&format!(r#"state="{state}""#)),
        pods(&format!(r#"state=~"{others}""#))
    )
}

fn vanished(plan: &Plan, window: Window) -> Alert {
    let label = window.label();
    let rows = names::WINDOW_ROWS.series();
    let rows = sum_over_pods(&format!(r#"{rows}{{window="{label}"}}"#));
    let of = |recorded: &str| in_window(recorded, &label);
    let reference = max_over_pods(&names::REFERENCE_NULL_RATIO.series());
    // A field that most rows lack is absent from many of them by chance.
    Alert {
        subject: Subject::Feature,
        expr: format!(
            "{}\n\
             and ignoring (feature, role, state) {rows} >= {JUDGED_ROWS}\n\
             unless ignoring (state) ({} + {}) * {IN_ALL_WINDOWS} (1 - {reference}) / {IN_ALL_WINDOWS} {} < {BY_CHANCE}",
            in_state(window, "absent", "ok|constant|too_few_rows"),
            of(series::VALUES),
            of(series::MISSING),
            series::DESIGN_EFFECT
        ),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: format!("{SUBJECT} has vanished"),
        description:
            "Over {{ $labels.window }}, model {{ $labels.model }}, version {{ $labels.version }}, has rows, \
             and not one of them has a usable value of {{ $labels.feature }}."
            .into(),
        evidence: evidence::share(
            window,
            series::NULL_RATIO,
            &names::REFERENCE_NULL_RATIO.series(),
        )
        .replace(" of rows.", " of rows have none.")
            + &evidence::mostly(window, &names::FEATURE_MISSING.series(), "reason"),
        ..described(PAGE, "FeatureVanished", Severity::Critical, plan)
    }
}

fn constant(plan: &Plan, window: Window) -> Alert {
    let rows = names::FEATURE_WINDOW_ROWS.series();
    let rows = sum_over_pods(&in_window(&rows, &window.label()));
    // A flag that is seldom set stays unset for hours by chance.
    Alert {
        subject: Subject::Feature,
        expr: format!(
            "{}\n\
             unless ignoring (state) {rows} * {IN_ALL_WINDOWS} max without (profile) (\n  \
             1 - max without (bin) ({}) / ({} > 0)\n\
             ) / {IN_ALL_WINDOWS} {} < {BY_CHANCE}",
            in_state(window, "constant", "ok"),
            series::REFERENCE_CELLS,
            series::REFERENCE_ROWS,
            series::DESIGN_EFFECT
        ),
        window: Some(window.0),
        hold: window.hold(),
        keep_firing_for: window.keep_firing(),
        summary: format!("{SUBJECT} no longer changes"),
        description: format!(
            "Over {{{{ $labels.window }}}}, all values of {WHOSE}, version {{{{ $labels.version }}}}, are the same; \
             those of its reference are not."
        ),
        ..described(PAGE, "FeatureConstant", Severity::Warning, plan)
    }
}
