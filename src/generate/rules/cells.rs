//! Values per cell in a window, over all pods: the sums that everything else is computed from.

use super::super::promql::{in_window, increase, max_over_pods, sum_over_pods};
use super::super::series::{WINDOW_CELLS, WINDOW_ROWS};
use super::super::{Record, Rule};
use crate::export::names;

pub(super) fn rules(window: &str) -> Vec<Rule> {
    let counts = sum_over_pods(&increase(&names::FEATURE_BIN, "", window));
    let shared = format!("{}{{source!=\"learned\"}}", names::REFERENCE.series());
    let shared = max_over_pods(&shared);
    let cells = in_window(WINDOW_CELLS, window);
    vec![
        // What a pod has learned by itself are cells of its own. One that was learned and then given
        // to others as a file is the same in all of them.
        Record::rule(
            WINDOW_CELLS,
            format!("{counts}\nand ignoring (feature, role, bin, source) {shared}"),
            [("window", window)],
        ),
        Record::rule(
            WINDOW_ROWS,
            format!("sum without (bin) ({cells})"),
            [("window", window)],
        ),
    ]
}
