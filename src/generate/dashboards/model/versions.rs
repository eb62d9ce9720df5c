//! Versions of a model side by side: is it one version, or the world?

use super::super::super::{Plan, series};
use super::super::links::{self, Field};
use super::super::panel::Panel;
use super::super::query;
use super::super::table::Table;
use super::super::target::Target;
use super::super::threshold::{BAD, Thresholds};
use super::super::unit::Unit;
use super::{inputs, outputs, ratio};
use crate::export::names;

fn ratios(title: &str, description: &str, expr: String, legend: &str) -> Panel {
    Panel::lines(title, description, Unit::Number)
        .limits(Thresholds::drift_ratio())
        .ratio_axis()
        .with(Target::over_time(expr).named(legend))
}

pub(super) fn drift() -> Panel {
    ratios(
        "Worst feature of each version",
        "The largest drift ratio of the inputs. Versions that get the same traffic drift alike: if one does not, it is \
         fed differently.",
        ratio("version", &inputs()),
        "{{version}}",
    )
}

pub(super) fn outputs_drift() -> Panel {
    ratios(
        "Predictions and scores of each version",
        "The largest drift ratio of what the versions say. If one moves and the inputs do not, it is the model.",
        ratio("version", &outputs()),
        "{{version}}",
    )
}

pub(super) fn between() -> Panel {
    let others = format!(
        r#"{}, reference=~"versions|version:.+""#,
        query::in_window()
    );
    let ratio = query::worst(
        "version, feature",
        series::VERSION_RATIO,
        &names::FEATURE_DRIFT_RATIO,
        &others,
    );
    Table::new(
        "Drift between versions",
        "The ten fields that differ most from the other versions of the model, in units of their thresholds: above 1 they \
         get or say different things. Needs the fleet rules, or `versions` among the references of the sidecars.",
        &["version", "feature"],
    )
    .leads_to(links::of_this_model_to_feature(Field::Row))
    .judged("Ratio", Unit::Number, 2, Thresholds::drift_ratio(), format!("topk(10, {ratio})"))
    .with_bars(10.0)
    .sorted_by("Ratio")
}

pub(super) fn throughput() -> Panel {
    Panel::lines(
        "Throughput of each version",
        "Rows scored a second: how the traffic is split.",
        Unit::RowsPerSecond,
    )
    .stacked()
    .with(
        Target::over_time(query::rate(
            "version",
            &names::PREDICTIONS,
            &query::models(),
        ))
        .named("{{version}}"),
    )
}

pub(super) fn errors() -> Panel {
    Panel::lines(
        "Errors of each version",
        "Failed calls divided by all calls.",
        Unit::Share,
    )
    .with(Target::over_time(query::error_share("version", &query::models())).named("{{version}}"))
}

pub(super) fn latency(plan: &Plan) -> Panel {
    Panel::lines(
        "p99 latency of each version",
        "99 of 100 calls take at most this long. The dashed line is what the objective allows.",
        Unit::Seconds,
    )
    .limits(Thresholds::above(plan.latency_bound, BAD))
    .with(Target::over_time(query::latency(0.99, "version", &query::models())).named("{{version}}"))
}
