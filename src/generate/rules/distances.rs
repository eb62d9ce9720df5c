//! Other views of the same change, without smoothing: they are shown and never alarm.

use super::super::promql::{IN_ALL_WINDOWS, in_window};
use super::super::series::{DISTANCE, REFERENCE_CELLS, REFERENCE_ROWS, WINDOW_CELLS, WINDOW_ROWS};
use super::super::{Record, Rule};

pub(super) fn rules(window: &str) -> Vec<Rule> {
    let (c, n) = (
        in_window(WINDOW_CELLS, window),
        in_window(WINDOW_ROWS, window),
    );
    let p = format!("({c} / ignoring (bin) group_left () ({n} > 0))");
    let q = format!("({REFERENCE_CELLS} / ignoring (bin) group_left () ({REFERENCE_ROWS} > 0))");
    let change = format!("({p} - {IN_ALL_WINDOWS} {q})");
    let change_of_roots = format!("(sqrt{p} - {IN_ALL_WINDOWS} sqrt{q})");
    // A cell that is empty on both sides has no middle, and none is needed.
    let both = format!("({p} + {IN_ALL_WINDOWS} {q} > 0)");
    let p_to_middle = format!("{p} * ln(clamp_min(2 * {p} / {both}, 1e-300))");
    let q_to_middle = format!(
        "{q} * ignoring (window) group_right () ln(clamp_min(2 * {q} / ignoring (window) group_right () {both}, 1e-300))"
    );
    [
        (
            "js",
            format!(
                "sqrt(\n  sum without (bin) (\n    {p_to_middle}\n    +\n    {q_to_middle}\n  )\n  / {}\n)",
                2.0 * std::f64::consts::LN_2,
            ),
        ),
        (
            "hellinger",
            format!("sqrt(sum without (bin) ({change_of_roots} ^ 2) / 2)"),
        ),
        ("l1", format!("sum without (bin) (abs{change})")),
        ("linf", format!("max without (bin) (abs{change})")),
    ]
    .map(|(statistic, expr)| {
        let labels = [
            ("window", window),
            ("reference", "profile"),
            ("statistic", statistic),
        ];
        Record::rule(DISTANCE, expr, labels)
    })
    .into()
}
