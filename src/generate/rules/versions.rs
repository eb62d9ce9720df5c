//! Each version against all other versions of its model together, in the same window.
//!
//! They may run in different pods, which is what the sidecars' own comparison cannot see. Cells of
//! different profiles cannot be compared; where versions have profiles of their own, nothing is.

use super::super::promql::in_window;
use super::super::series::{
    OTHER_CELLS, OTHER_ROWS, VERSION_DRIFT, VERSION_NOISE, VERSION_RATIO, VERSION_THRESHOLD,
    VERSION_TOLERATED, WINDOW_CELLS, WINDOW_ROWS,
};
use super::super::{Record, Rule};
use super::comparison::Comparison;

pub(super) fn rules(window: &str) -> Vec<Rule> {
    let (cells, rows) = (
        in_window(WINDOW_CELLS, window),
        in_window(WINDOW_ROWS, window),
    );
    let (other_cells, other_rows) = (
        in_window(OTHER_CELLS, window),
        in_window(OTHER_ROWS, window),
    );
    let comparison = Comparison {
        window,
        reference: "versions",
        cells: cells.clone(),
        rows,
        reference_cells: other_cells.clone(),
        reference_rows: other_rows,
        noise: VERSION_NOISE,
        tolerated: VERSION_TOLERATED,
        drift: VERSION_DRIFT,
        threshold: VERSION_THRESHOLD,
        ratio: VERSION_RATIO,
    };
    let several =
        format!("sum without (version) ({cells}) and count without (version) ({cells}) > 1");
    let mut rules = vec![
        // Off the grid of scrapes counts are no whole numbers, and what is left may fall below 0.
        Record::rule(
            OTHER_CELLS,
            format!("clamp_min(-{cells} + ignoring (version) group_left () ({several}), 0)"),
            [("window", window)],
        ),
        Record::rule(
            OTHER_ROWS,
            format!("sum without (bin) ({other_cells})"),
            [("window", window)],
        ),
    ];
    rules.extend(comparison.rules(format!("sum without (bin) (\n{}\n)", comparison.terms())));
    rules
}
