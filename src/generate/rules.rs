//! Recording rules: what is true of a fleet, from sums over all its pods.

mod cells;
mod reference;

use super::{Group, Plan};

/// All groups, those of long windows evaluated more seldom.
pub fn all(plan: &Plan) -> Vec<Group> {
    let mut groups = vec![reference::group()];
    groups.extend(plan.fleet_windows().map(|window| Group {
        name: format!("driftgauge-fleet-{}", window.label()),
        interval: Some(window.interval()),
        rules: cells::rules(window),
    }));
    groups
}
