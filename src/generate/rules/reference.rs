//! What fields are compared with, and how: the same in all pods of a profile, or else the largest,
//! which is the one that alarms least.

use super::super::limits::JUDGED_ROWS;
use super::super::promql::max_over_pods;
use super::super::series::{
    CELLS, DESIGN_EFFECT, JUDGED_FROM, MINIMUM_EFFECT, MINIMUM_ROWS, REFERENCE_CELLS,
    REFERENCE_NOISE, REFERENCE_ROWS, SIGNIFICANCE,
};
use super::super::{Group, Plan, Record};
use crate::export::names;
use crate::statistic::Sensitivity;

pub(super) fn group(plan: &Plan) -> Group {
    let cells = max_over_pods(&names::REFERENCE_BIN_ROWS.series());
    let design_effect = design_effect();
    let significance = significance();
    let of_profiles = |expression: &str| format!("max without (profile) ({expression})");
    let defaults = Sensitivity::default();
    let mut rules = vec![
        // The same cell may be described in one pod and, where it was learned, not in another.
        Record::rule(
            REFERENCE_CELLS,
            format!("max without (range) ({cells})"),
            [],
        ),
        Record::rule(
            REFERENCE_ROWS,
            format!("sum without (bin) ({REFERENCE_CELLS})"),
            [],
        ),
        Record::rule(
            CELLS,
            format!("count without (bin) ({REFERENCE_CELLS})"),
            [],
        ),
        Record::rule(
            MINIMUM_ROWS,
            format!("clamp_min(ceil(5 * {CELLS} * {design_effect}), 100)"),
            [],
        ),
        Record::rule(
            JUDGED_FROM,
            or_everywhere(&of_profiles(&judged_from()), f64::from(JUDGED_ROWS)),
            [],
        ),
        Record::rule(
            DESIGN_EFFECT,
            or_everywhere(&of_profiles(&design_effect), defaults.design_effect),
            [],
        ),
        Record::rule(
            SIGNIFICANCE,
            or_everywhere(&of_profiles(&significance), defaults.significance),
            [],
        ),
        Record::rule(
            REFERENCE_NOISE,
            or_everywhere(
                &of_profiles(&format!("{design_effect} / ({REFERENCE_ROWS} > 0)")),
                0.0,
            ),
            [],
        ),
    ];
    rules.extend(plan.fleet_windows().map(|window| {
        let label = window.label();
        let effect = names::REFERENCE_MINIMUM_EFFECT.series();
        let effect = max_over_pods(&format!("{effect}{{window=\"{label}\"}}"));
        Record::rule(MINIMUM_EFFECT, effect, [("window", &label)])
    }));
    Group {
        name: "driftgauge-reference".into(),
        interval: None,
        rules,
    }
}

/// Rows from which rates are judged, of each profile: as many independent ones as drift needs.
pub(super) fn judged_from() -> String {
    format!(
        "clamp_min(5 * {CELLS}, {JUDGED_ROWS}) * {}",
        design_effect()
    )
}

/// φ of each profile.
pub(super) fn design_effect() -> String {
    max_over_pods(&names::REFERENCE_DESIGN_EFFECT.series())
}

/// z of each profile.
pub(super) fn significance() -> String {
    max_over_pods(&names::REFERENCE_SIGNIFICANCE.series())
}

/// The same, and for fields that do not have it this value.
fn or_everywhere(expression: &str, value: f64) -> String {
    let every_field = max_over_pods(&names::FEATURE_VALUES.series());
    format!("{expression}\nor 0 * {every_field} + {value}")
}
