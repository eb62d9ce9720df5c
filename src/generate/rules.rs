//! Recording rules: what is true of a fleet, from sums over all its pods.
//!
//! One idea a file; [`super::series`] are the names. Two things hold in all of them, so that no
//! expression can ever fail on data that it did not expect. Everything is first aggregated without
//! what tells pods apart, so a join never meets two series of the same labels. And joins name the
//! labels in which the two sides may differ, so all others, ours and those of the fleet, must agree:
//! what has no counterpart is absent, never paired with something else.

mod bands;
mod cells;
mod comparison;
mod distances;
mod drift;
mod rates;
mod reference;
mod served;
pub mod service;
mod traffic;
mod versions;
mod whole;

use super::{Group, Plan};

/// All groups, those of long windows evaluated more seldom.
pub fn all(plan: &Plan) -> Vec<Group> {
    let mut groups = vec![reference::group(plan), traffic::group(), served::group()];
    groups.extend(plan.fleet_windows().map(|window| {
        Group {
            name: format!("driftgauge-fleet-{}", window.label()),
            interval: Some(window.interval()),
            rules: [
                cells::rules,
                drift::rules,
                distances::rules,
                rates::rules,
                versions::rules,
                whole::rules,
            ]
            .iter()
            .flat_map(|rules| rules(&window.label()))
            .collect(),
        }
    }));
    groups.extend(service::groups(plan));
    groups.extend(bands::groups(plan));
    groups
}

#[cfg(test)]
mod tests;
