//! Grafana dashboards: fleet → model → feature, and the sidecar's own health.
//!
//! - [`board`]: a board and how panels are laid out. [`panel`], [`table`]: what stands on it.
//!   [`threshold`]: limits, colours and words. [`variables`]: what is chosen at the top. [`links`],
//!   [`marks`]: where clicks lead, what happened when.
//! - [`query`]: the phrases that queries share.
//! - `fleet`, `model`, `feature`, `sidecar`: the boards. To add a panel, write a function in one of
//!   them and give it a place in a line of `board`.

mod board;
mod cells;
mod feature;
mod fleet;
mod links;
mod marks;
mod model;
mod panel;
mod query;
mod sidecar;
mod table;
mod threshold;
mod variables;

use super::{File, Plan};

/// The files of all dashboards.
pub fn files(plan: &Plan) -> Vec<File> {
    [
        (
            "grafana-dashboards/driftgauge-fleet.json",
            fleet::board(plan),
        ),
        (
            "grafana-dashboards/driftgauge-model.json",
            model::board(plan),
        ),
        (
            "grafana-dashboards/driftgauge-feature.json",
            feature::board(plan),
        ),
        (
            "grafana-dashboards/driftgauge-sidecar.json",
            sidecar::board(plan),
        ),
    ]
    .map(|(path, board)| File {
        path,
        text: board.json(),
    })
    .into()
}
