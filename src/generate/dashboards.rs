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
mod provisioning;
mod query;
mod sidecar;
mod table;
mod threshold;
mod variables;

use super::{File, Plan};

/// The files of all dashboards, and how Grafana gets them.
pub fn files(plan: &Plan) -> Vec<File> {
    let boards = [
        fleet::board(plan),
        model::board(plan),
        feature::board(plan),
        sidecar::board(plan),
    ];
    let mut files: Vec<File> = boards
        .iter()
        .map(|board| File {
            path: board.path(),
            text: board.json(),
        })
        .collect();
    files.extend(provisioning::folder());
    files.push(provisioning::config_maps(&boards));
    files
}
