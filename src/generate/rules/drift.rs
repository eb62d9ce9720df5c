//! Drift of the fleet from the profile.

use super::super::Record;
use super::super::Rule;
use super::super::promql::{IN_ALL_WINDOWS, in_window};
use super::super::series::{
    CELLS, DRIFT, DRIFT_TERMS, EXCESS, NOISE, RATIO, REFERENCE_CELLS, REFERENCE_ROWS, THRESHOLD,
    TOLERATED, WINDOW_CELLS, WINDOW_ROWS,
};
use super::comparison::Comparison;

pub(super) fn rules(window: &str) -> Vec<Rule> {
    let comparison = Comparison {
        window,
        reference: "profile",
        cells: in_window(WINDOW_CELLS, window),
        rows: in_window(WINDOW_ROWS, window),
        reference_cells: REFERENCE_CELLS.into(),
        reference_rows: REFERENCE_ROWS.into(),
        noise: NOISE,
        tolerated: TOLERATED,
        drift: DRIFT,
        threshold: THRESHOLD,
        ratio: RATIO,
    };
    let terms = in_window(DRIFT_TERMS, window);
    let (drift, noise) = (comparison.own(DRIFT), comparison.own(NOISE));
    let excess = format!("clamp_min({drift} - {noise} * {IN_ALL_WINDOWS} ({CELLS} - 1), 0)");
    let mut rules = vec![Record::rule(
        DRIFT_TERMS,
        comparison.terms(),
        [("window", window)],
    )];
    rules.extend(comparison.rules(format!("sum without (bin) ({terms})")));
    rules.push(comparison.record(EXCESS, excess));
    rules
}
