//! What moved: fields by themselves, and all of them together.

use super::super::super::series;
use super::super::links::{self, Field};
use super::super::panel::Panel;
use super::super::query;
use super::super::table::Table;
use super::super::target::Target;
use super::super::threshold::{BAD, Thresholds};
use super::super::unit::Unit;
use super::{inputs, model_ratio, outputs, ratio};
use crate::export::names;

pub(super) fn features() -> Panel {
    const LABELS: &str = "version, feature, role";
    let worst =
        |recorded, family, matchers: String| query::worst(LABELS, recorded, family, &matchers);
    Table::new(
        "Fields",
        "One line a field, the worst first. Ratio: drift in units of its threshold, above 1 is drift. Excess: how large \
         the drift is beyond chance, above 0.1 is large. Click on a feature.",
        &["version", "feature", "role"],
    )
    .leads_to(links::of_this_model_to_feature(Field::Row))
    .judged(
        "Ratio",
        Unit::Number,
        2,
        Thresholds::drift_ratio(),
        ratio(LABELS, &query::compared()),
    )
    .with_bars(10.0)
    .wide(160)
    .column(
        "Excess",
        Unit::Number,
        3,
        worst(series::EXCESS, &names::FEATURE_DRIFT_EXCESS, query::compared()),
    )
    .column(
        "Nulls",
        Unit::Share,
        1,
        worst(series::NULL_RATIO, &names::FEATURE_NULL_RATIO, query::in_window()),
    )
    .column(
        "Out of range",
        Unit::Share,
        1,
        worst(
            series::OUT_OF_RANGE_RATIO,
            &names::FEATURE_OUT_OF_RANGE_RATIO,
            query::in_window(),
        ),
    )
    .column(
        "New categories",
        Unit::Share,
        1,
        worst(
            series::NEW_CATEGORY_RATIO,
            &names::FEATURE_NEW_CATEGORY_RATIO,
            query::in_window(),
        ),
    )
    .sorted_by("Ratio")
}

pub(super) fn drift_timeline() -> Panel {
    Panel::states(
        "Drifted since",
        "One band a field, red while it is above its threshold in the window, empty while it is not judged: what moved \
         first, and what moved with it. Click on a band.",
    )
    .limits(Thresholds::drift_ratio())
    .link(links::of_this_model_to_feature(Field::Line))
    .with(Target::over_time(ratio("feature", &query::compared())).named("{{feature}}"))
}

pub(super) fn feature_drift() -> Panel {
    Panel::lines(
        "Drift of features",
        "Drift of the inputs in units of their thresholds; above the line is drift. The axis is logarithmic above 1.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .ratio_axis()
    .legend_table()
    .link(links::of_this_model_to_feature(Field::Line))
    .with(Target::over_time(ratio("feature", &inputs())).named("{{feature}}"))
}

pub(super) fn output_drift() -> Panel {
    Panel::lines(
        "Drift of predictions and scores",
        "Drift of what the model says, in units of its thresholds; above the line is drift.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .linear_ratio_axis()
    .legend_table()
    .link(links::of_this_model_to_feature(Field::Line))
    .with(Target::over_time(ratio("feature", &outputs())).named("{{feature}}"))
}

pub(super) fn together() -> Panel {
    Panel::lines(
        "Features together",
        "What single features do not show, in units of its threshold: dependence between pairs, all features at once \
         (mmd), vectors (embedding); of the worst pod. Above the line is drift.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .linear_ratio_axis()
    .with(Target::over_time(model_ratio("kind", r#", kind!="worst_feature""#)).named("{{kind}}"))
}

pub(super) fn outliers() -> Panel {
    Panel::lines(
        "Outliers",
        "Rows that are unusual as a whole, as at most one in a hundred of the reference is; above the dashed line \
         there are more than chance brings.",
        Unit::Share,
    )
    .dashed("threshold", BAD)
    .with(
        Target::over_time(query::largest(
            "version",
            &names::OUTLIER_RATIO,
            &query::in_window(),
        ))
        .named("{{version}}"),
    )
    .with(
        Target::over_time(query::largest(
            "model",
            &names::OUTLIER_RATIO_THRESHOLD,
            &query::in_window(),
        ))
        .named("threshold"),
    )
}
