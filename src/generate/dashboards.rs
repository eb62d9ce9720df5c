//! Grafana dashboards: fleet → model → feature, and the sidecar's own health.
//!
//! - [`board`]: a board and how panels are laid out. [`panel`], [`look`], [`table`], [`target`],
//!   [`unit`]: what stands on it. [`threshold`]: limits, colours and words. [`variables`]: what is
//!   chosen at the top. [`links`], [`marks`]: where clicks lead, what happened when.
//! - [`query`]: the phrases that queries share.
//! - `fleet`, `model`, `feature`, `sidecar`: the boards. To add a panel, write a function in one of
//!   them and give it a place in a line of `board`.

mod board;
mod cells;
mod feature;
mod fleet;
mod links;
mod look;
mod marks;
mod model;
mod panel;
mod provisioning;
mod query;
mod sidecar;
mod table;
mod target;
mod threshold;
mod unit;
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::Window;
    use super::*;

    fn boards(windows: &str) -> Vec<Value> {
        let windows = windows.split(',').map(|text| text.parse().unwrap());
        let plan = Plan {
            windows: windows.map(Window).collect(),
            ..Plan::default()
        };
        let files = files(&plan);
        let boards = files.iter().filter(|file| file.path.ends_with(".json"));
        boards
            .map(|board| serde_json::from_str(&board.text).unwrap())
            .collect()
    }

    fn first_window(board: &Value) -> Option<&str> {
        let variables = board["templating"]["list"].as_array()?;
        let window = variables.iter().find(|one| one["name"] == "window")?;
        window["current"]["value"].as_str()
    }

    #[test]
    fn boards_open_with_the_shortest_window_of_the_fleet_else_the_longest() {
        let opened = |windows: &str| -> Vec<String> {
            let boards = boards(windows);
            let first = boards.iter().filter_map(first_window);
            first.map(str::to_owned).collect()
        };
        assert_eq!(opened("5m,1h,1d"), ["1h", "1h", "1h"]);
        assert_eq!(opened("12s,1m"), ["1m", "1m", "1m"]);
    }

    #[test]
    fn a_closed_row_keeps_its_panels_and_takes_one_line() {
        for board in boards("5m,1h,1d") {
            let panels = board["panels"].as_array().unwrap();
            let closed = panels.iter().filter(|panel| panel["collapsed"] == true);
            for row in closed {
                assert!(!row["panels"].as_array().unwrap().is_empty());
                let below = row["gridPos"]["y"].as_u64().unwrap() + 1;
                let inner = &row["panels"][0]["gridPos"]["y"];
                assert_eq!(inner.as_u64(), Some(below));
            }
        }
    }
}
