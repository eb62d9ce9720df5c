//! Values per cell in a window, over all pods: the sums that everything else is computed from.

use super::super::promql::{increase, sum_over_pods};
use super::super::{Record, Rule, Window, series};
use crate::export::names;

pub(super) fn rules(window: Window) -> Vec<Rule> {
    let label = window.label();
    let counts = sum_over_pods(&increase(&names::FEATURE_BIN, "", &label));
    vec![Record::new(
        series::WINDOW_CELLS,
        counts,
        [("window", &label)],
    )]
}
