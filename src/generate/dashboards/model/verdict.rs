//! The top row: has the model drifted, and how is it otherwise.

use super::super::super::{Plan, limits, series};
use super::super::links::{self, Field};
use super::super::panel::Panel;
use super::super::query;
use super::super::target::Target;
use super::super::threshold::{self, BAD, CAUTION, Thresholds};
use super::super::unit::Unit;
use super::{inputs_and_outputs, model_ratio, outputs, ratio};
use crate::export::family::Family;
use crate::export::names;

pub(super) fn drifted() -> Panel {
    Panel::stat(
        "Verdict",
        "Drifted when anything is above its threshold in the window: a field, the dependence between features, all \
         features together, or a vector. Not judged with too few rows, or while the reference is learned.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .words(threshold::verdict())
    .otherwise("not judged")
    .with(Target::now(model_ratio("model", "")))
}

pub(super) fn worst_feature() -> Panel {
    Panel::stat(
        "Worst field",
        "The field with the largest drift ratio, predictions and scores included. Click on it.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .decimals(2)
    .with_name()
    .otherwise("none judged")
    .link(links::of_this_model_to_feature(Field::Line))
    .with(
        Target::now(format!(
            "topk(1, {})",
            ratio("feature", &inputs_and_outputs())
        ))
        .named("{{feature}}"),
    )
}

pub(super) fn drifted_features() -> Panel {
    let share = format!(
        "sum({}) / (sum({}) > 0)",
        query::worst(
            "version",
            series::DRIFTED_FEATURES,
            &names::MODEL_DRIFTED_FEATURES,
            &query::compared()
        ),
        judged(),
    );
    Panel::stat(
        "Fields drifted",
        "Fields above their threshold, divided by all fields that are judged. One field is a feed; many at once are a \
         cause that they share.",
        Unit::Share,
    )
    .limits(Thresholds::two(0.001, limits::MANY_FEATURES))
    .decimals(0)
    .otherwise("none judged")
    .with(Target::now(share))
}

/// Fields that have a ratio.
fn judged() -> String {
    format!(
        "count by (version) ({})",
        ratio("version, feature", &inputs_and_outputs())
    )
}

pub(super) fn outputs_now() -> Panel {
    Panel::stat(
        "Predictions and scores",
        "The largest drift ratio of what the model says. With inputs that have moved, it shows whether the model \
         follows them; without, the model itself has changed.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .decimals(2)
    .otherwise("not judged")
    .with(Target::now(ratio("model", &outputs())))
}

pub(super) fn quality_now() -> Panel {
    let raised = QUALITY
        .map(|(recorded, rate, reference)| {
            format!(
                "{} > {}",
                query::raise(recorded, rate, reference),
                limits::RATE_MARGIN
            )
        })
        .join(" or ");
    Panel::stat(
        "Data quality",
        "Fields with more nulls, values out of range or new categories than the reference has, by more than half a \
         percentage point.",
        Unit::Count,
    )
    .limits(Thresholds::any(CAUTION))
    .with(Target::now(query::count(&format!("({raised})"))))
}

/// Recorded raise, rate, and rate of the reference.
static QUALITY: [(&str, &Family, &Family); 3] = [
    (
        series::NULL_RATIO_RAISE,
        &names::FEATURE_NULL_RATIO,
        &names::REFERENCE_NULL_RATIO,
    ),
    (
        series::OUT_OF_RANGE_RATIO_RAISE,
        &names::FEATURE_OUT_OF_RANGE_RATIO,
        &names::REFERENCE_OUT_OF_RANGE_RATIO,
    ),
    (
        series::NEW_CATEGORY_RATIO_RAISE,
        &names::FEATURE_NEW_CATEGORY_RATIO,
        &names::REFERENCE_NEW_CATEGORY_RATIO,
    ),
];

pub(super) fn alerts_now(plan: &Plan) -> Panel {
    Panel::stat(
        "Alerts",
        "Alerts of this model that fire now. The marks on the panels below name them.",
        Unit::Count,
    )
    .limits(Thresholds::any(BAD))
    .with(Target::now(query::count(&query::firing(
        plan,
        r#"model=~"$model""#,
    ))))
}

pub(super) fn throughput_now() -> Panel {
    Panel::stat("Throughput", "Rows scored a second.", Unit::RowsPerSecond)
        .with_course()
        .with(Target::over_time(query::rate(
            "model",
            &names::PREDICTIONS,
            &query::models(),
        )))
}

pub(super) fn errors_now(plan: &Plan) -> Panel {
    Panel::stat("Errors", "Failed calls divided by all calls.", Unit::Share)
        .with_course()
        .otherwise("no calls")
        .limits(Thresholds::errors(plan))
        .with(Target::over_time(query::error_share(
            "model",
            &query::models(),
        )))
}

pub(super) fn latency_now(plan: &Plan) -> Panel {
    Panel::stat(
        "p99",
        "99 of 100 calls take at most this long.",
        Unit::Seconds,
    )
    .with_course()
    .words(vec![threshold::word_for_nothing("no calls")])
    .limits(Thresholds::above(plan.latency_bound, BAD))
    .with(Target::over_time(query::latency(
        0.99,
        "model",
        &query::models(),
    )))
}
