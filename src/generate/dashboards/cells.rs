//! The distribution of a field, cell by cell: what is seen against what is expected.

use serde_json::json;

use super::super::promql::{self, POD_LABELS};
use super::super::{limits, series};
use super::panel::Panel;
use super::query::series as series_of;
use super::table::Table;
use super::target::Target;
use super::threshold::{LIVE, REFERENCE};
use super::unit::Unit;
use crate::export::names;

/// Bounds that began as 32-bit floats have a tail that nobody reads: two digits behind the point, or
/// three that count, are enough for a label.
const NUMBER: &str = "-?(?:[1-9][0-9]*(?:[.][0-9]{1,2})?|0[.]0*[1-9][0-9]{0,2}|0|inf)|[+]inf";

/// What a cell holds, for people, as the label `cell`; its number where nothing better is known.
fn labelled(expression: &str) -> String {
    let bounds = format!("([(](?:{NUMBER}))[0-9]*(, (?:{NUMBER}))[0-9]*([])])");
    let replace = |inner: String, value: &str, label: &str, pattern: &str| {
        format!(r#"label_replace({inner}, "cell", "{value}", "{label}", "{pattern}")"#)
    };
    let bin = replace(expression.to_owned(), "$1", "bin", "(.*)");
    let range = replace(bin, "$1", "range", "(.+)");
    replace(range, "$1$2$3", "range", &bounds)
}

/// Reference rows of each cell, all pods of a profile having the same.
fn reference_rows(matchers: &str) -> String {
    format!(
        "max by (bin, cell) ({})",
        labelled(&series_of(&names::REFERENCE_BIN_ROWS, matchers))
    )
}

/// Values of each cell in the window, over all pods.
fn live_rows(matchers: &str) -> String {
    let window = "$window";
    let of_pods = promql::increase(&names::FEATURE_BIN, matchers, window);
    format!(
        r#"sum by (bin) ({}{{{matchers}, window="{window}"}} or ignoring (window) sum without ({POD_LABELS}) ({of_pods}))"#,
        series::WINDOW_CELLS
    )
}

/// Share of each cell among the reference rows.
fn reference_share(matchers: &str) -> String {
    let rows = reference_rows(matchers);
    format!("{rows} / on () group_left () (sum({rows}) > 0)")
}

/// Share of each cell among the values in the window.
fn live_share(matchers: &str) -> String {
    let rows = live_rows(matchers);
    let names = reference_rows(matchers);
    format!(
        "({rows} / on () group_left () (sum({rows}) > 0)) * on (bin) group_left (cell) ({names} >= bool 0)"
    )
}

/// Bars of each cell side by side.
pub(super) fn bars(matchers: &str) -> Panel {
    Panel::bars(
        "Distribution",
        "Share of each cell: in the reference, and in the window over all pods. Needs the counters of cells \
         (`metrics.fleet`).",
        Unit::Share,
        "cell",
    )
    .with(Target::rows(reference_share(matchers)))
    .with(Target::rows(live_share(matchers)))
    .transformed("merge", json!({}))
    .transformed(
        "sortBy",
        json!({"fields": {}, "sort": [{"field": "bin", "desc": false}]}),
    )
    .transformed(
        "organize",
        json!({
            "excludeByName": {"Time": true, "bin": true},
            "indexByName": {"cell": 0, "Value #A": 1, "Value #B": 2},
            "renameByName": {"Value #A": "reference", "Value #B": "window"},
        }),
    )
    .coloured("reference", REFERENCE)
    .coloured("window", LIVE)
}

/// The cells that moved most.
pub(super) fn moved(matchers: &str) -> Panel {
    let reference = reference_share(matchers);
    let live = live_share(matchers);
    let floor = 1e-4;
    let part = format!(
        "(({live}) - ({reference})) * ln(clamp_min({live}, {floor}) / clamp_min({reference}, {floor}))"
    );
    Table::new(
        "What moved",
        "Cells by their part in the drift, roughly: what the model sees more of, and less of, than the reference.",
        &["cell"],
    )
    .column("Part", Unit::Number, 3, format!("sum by (cell) ({part})"))
    .column("Reference", Unit::Share, 1, format!("sum by (cell) ({reference})"))
    .column("Window", Unit::Share, 1, format!("sum by (cell) ({live})"))
    .signed(
        "Change",
        Unit::Share,
        1,
        format!("sum by (cell) (({live}) - ({reference}))"),
    )
    .sorted_by("Part")
}

/// Shares of cells over time.
pub(super) fn over_time(matchers: &str) -> Panel {
    Panel::heatmap(
        "Distribution over time",
        "Share of each cell in the window, from the lowest values to the highest.",
        Unit::Share,
        Unit::Count,
    )
    .with(
        Target::over_time(format!("sum by (bin, cell) ({})", live_share(matchers)))
            .named("{{cell}}"),
    )
}

/// Cells that have more than their share, over time.
pub(super) fn gained(matchers: &str) -> Panel {
    let gained = format!(
        "({}) - on (bin, cell) ({})",
        live_share(matchers),
        reference_share(matchers)
    );
    Panel::heatmap(
        "Where values have moved to",
        "How much the share of each cell is above that of the reference, from the lowest values to the highest; dark is \
         as expected (up to half a percentage point), or less. It shows where values go, and since when.",
        Unit::Share,
        Unit::Count,
    )
    .dark_up_to(limits::RATE_MARGIN)
    .with(
        Target::over_time(format!("sum by (bin, cell) (clamp_min({gained}, 0))"))
            .named("{{cell}}"),
    )
}
