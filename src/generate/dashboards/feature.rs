//! One field of a model: how it has changed.

use super::super::{Plan, series};
use super::board::{Board, Name};
use super::cells;
use super::panel::Panel;
use super::query::{self, series as series_of};
use super::target::Target;
use super::threshold::{self, BAD, CAUTION, GOOD, LIVE, NEUTRAL, REFERENCE, Thresholds};
use super::unit::Unit;
use super::variables::Variable;
use crate::export::family::Family;
use crate::export::names;

pub(super) fn board(plan: &Plan) -> Board {
    Board::new(
        Name::Feature,
        "One feature, prediction or score of a model: how has it changed.",
        "6h",
        &plan.runbook_url,
    )
    .variables(vec![
        Variable::data_source(),
        Variable::namespace(),
        Variable::job(),
        Variable::model(),
        Variable::one_version(),
        Variable::feature(),
        Variable::window(plan),
        Variable::reference(),
    ])
    .mark_alerts(plan, r#"model=~"$model", feature=~"$feature""#)
    .mark_references()
    .mark_reloads()
    .row("Has it drifted?")
    .line(
        4,
        [
            (3, verdict()),
            (4, state_now()),
            (3, ratio_now()),
            (3, excess_now()),
            (3, nulls_now()),
            (4, unseen_now()),
            (4, rows_now()),
        ],
    )
    .row("How has it changed?")
    .line(
        11,
        [(14, cells::bars(&field())), (10, cells::moved(&field()))],
    )
    .line(
        9,
        [
            (12, cells::gained(&field())),
            (12, cells::over_time(&field())),
        ],
    )
    .row("Since when?")
    .line(4, [(24, states())])
    .line(8, [(12, ratios()), (12, drift())])
    .line(8, [(12, mean()), (12, distances())])
    .row("Is it the data?")
    .line(8, [(8, nulls()), (8, missing()), (8, unseen())])
}

/// Matchers of the field.
fn field() -> String {
    format!(r#"{}, feature=~"$feature""#, query::models())
}

fn in_window() -> String {
    format!(r#"{}, window="$window""#, field())
}

fn compared() -> String {
    format!(r#"{}, reference="$reference""#, in_window())
}

fn worst(labels: &str, recorded: &str, family: &Family, matchers: &str) -> String {
    query::worst(labels, recorded, family, matchers)
}

fn ratio() -> String {
    worst(
        "feature",
        series::RATIO,
        &names::FEATURE_DRIFT_RATIO,
        &compared(),
    )
}

fn verdict() -> Panel {
    Panel::stat(
        "Verdict",
        "Whether the drift in the window is above its threshold.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .words(threshold::verdict())
    .otherwise("not judged")
    .with(Target::now(ratio()))
}

fn ratio_now() -> Panel {
    Panel::stat(
        "Ratio",
        "Drift in units of its threshold: above 1 is drift, whatever the field.",
        Unit::Number,
    )
    .plain()
    .decimals(2)
    .limits(Thresholds::drift_ratio())
    .otherwise("not judged")
    .with(Target::now(ratio()))
}

fn excess_now() -> Panel {
    Panel::stat(
        "Excess",
        "How large the drift (PSI) is beyond what chance brings: above 0.1 it is large.",
        Unit::Number,
    )
    .plain()
    .decimals(3)
    .otherwise("not judged")
    .with(Target::now(worst(
        "feature",
        series::EXCESS,
        &names::FEATURE_DRIFT_EXCESS,
        &compared(),
    )))
}

fn nulls_now() -> Panel {
    Panel::stat(
        "Nulls",
        "Rows without a usable value, of all rows of the field in the window.",
        Unit::Share,
    )
    .plain()
    .decimals(2)
    .with(Target::now(worst(
        "feature",
        series::NULL_RATIO,
        &names::FEATURE_NULL_RATIO,
        &in_window(),
    )))
}

/// Numbers out of range, or new categories: a field has the one or the other.
fn unseen_rate() -> String {
    let of = |recorded, family| worst("feature", recorded, family, &in_window());
    format!(
        "{} or {}",
        of(
            series::OUT_OF_RANGE_RATIO,
            &names::FEATURE_OUT_OF_RANGE_RATIO
        ),
        of(
            series::NEW_CATEGORY_RATIO,
            &names::FEATURE_NEW_CATEGORY_RATIO
        )
    )
}

fn unseen_now() -> Panel {
    Panel::stat(
        "Never seen before",
        "Numbers out of the range of the reference, or categories that it does not have, of all values in the window.",
        Unit::Share,
    )
    .plain()
    .decimals(2)
    .otherwise("does not apply")
    .with(Target::now(unseen_rate()))
}

/// Usable values in the window, over all pods.
fn rows() -> String {
    format!(
        "sum by (feature) ({})",
        series_of(&names::FEATURE_WINDOW_ROWS, &in_window())
    )
}

fn rows_now() -> Panel {
    Panel::stat(
        "Values",
        "Usable values in the window, of all pods together.",
        Unit::Count,
    )
    .plain()
    .with(Target::now(rows()))
}

/// States from what is well to what is not, with what they are called and shown as.
const STATES: [(&str, &str, &str); 7] = [
    ("ok", "judged", GOOD),
    ("learning", "learning", LIVE),
    ("no_data", "no data", NEUTRAL),
    ("too_few_rows", "too few rows", NEUTRAL),
    ("unknown", "not in the reference", CAUTION),
    ("constant", "constant", BAD),
    ("absent", "absent", BAD),
];

/// The state as a number, its place in [`STATES`]; where pods differ, the worst.
fn state() -> String {
    let each = STATES
        .iter()
        .enumerate()
        .map(|(code, (state, _, _))| {
            let series = series_of(
                &names::FEATURE_STATE,
                &format!(r#"{}, state="{state}""#, in_window()),
            );
            format!("{code} * {series}")
        })
        .collect::<Vec<_>>()
        .join(" or ");
    format!("max by (feature) ({each})")
}

fn state_words() -> Vec<serde_json::Value> {
    let states = STATES.iter().enumerate();
    states
        .map(|(code, (_, text, color))| threshold::word(code, text, color))
        .collect()
}

fn state_now() -> Panel {
    Panel::stat(
        "State",
        "Whether the field can be judged in the window, and if not, why.",
        Unit::Number,
    )
    .words(state_words())
    .with(Target::now(state()))
}

fn states() -> Panel {
    Panel::states(
        "State over time",
        "Whether the field could be judged in the window, and if not, why: absent and constant are broken feeds.",
    )
    .words(state_words())
    .with(Target::over_time(state()).named("{{feature}}"))
}

/// Mean, standard deviation, over all pods: of sums, not of the pods' figures.
fn mean() -> Panel {
    let rows = series_of(&names::FEATURE_WINDOW_ROWS, &in_window());
    let mean = series_of(&names::FEATURE_MEAN, &in_window());
    let stddev = series_of(&names::FEATURE_STDDEV, &in_window());
    let over_pods = |of: &str| {
        format!("(sum by (feature) (({of}) * {rows}) / (sum by (feature) ({rows}) > 0))")
    };
    let fleet_mean = over_pods(&mean);
    let fleet_stddev = format!(
        "sqrt(clamp_min({} - {fleet_mean} ^ 2, 0))",
        over_pods(&format!("{stddev} ^ 2 + {mean} ^ 2"))
    );
    let reference = |family| query::largest("feature", family, &field());
    let (middle, width) = (
        reference(&names::REFERENCE_MEAN),
        reference(&names::REFERENCE_STDDEV),
    );
    Panel::lines(
        "Mean and standard deviation",
        "Mean in the window with a standard deviation to both sides; dashed, and as a grey band, those of the reference. \
         Of numbers only.",
        Unit::Count,
    )
    .free_axis()
    .band("reference + sd", "reference - sd", REFERENCE)
    .band("mean + sd", "mean - sd", LIVE)
    .dashed("reference", REFERENCE)
    .coloured("mean", LIVE)
    .with(Target::over_time(format!("{middle} + {width}")).named("reference + sd"))
    .with(Target::over_time(format!("{middle} - {width}")).named("reference - sd"))
    .with(Target::over_time(format!("{fleet_mean} + {fleet_stddev}")).named("mean + sd"))
    .with(Target::over_time(format!("{fleet_mean} - {fleet_stddev}")).named("mean - sd"))
    .with(Target::over_time(middle.as_str()).named("reference"))
    .with(Target::over_time(fleet_mean).named("mean"))
}

fn ratios() -> Panel {
    Panel::lines(
        "Ratio in every window",
        "Drift in units of its threshold, in each window against each reference. A short window and no long one: a blip. \
         A long one and no short one: a slow change. The profile by day and the season never: a daily rhythm.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .ratio_axis()
    .legend_table()
    .with(
        Target::over_time(worst(
            "window, reference",
            series::RATIO,
            &names::FEATURE_DRIFT_RATIO,
            &field(),
        ))
        .named("{{window}} {{reference}}"),
    )
}

fn drift() -> Panel {
    let of = |recorded, family| worst("feature", recorded, family, &compared());
    Panel::lines(
        "Drift and its threshold",
        "Population stability index of the window, what it must exceed to mean something given the rows, and how much of \
         it is beyond what chance brings.",
        Unit::Number,
    )
    .logarithmic_above(0.01)
    .decimals(2)
    .dashed("threshold", BAD)
    .with(Target::over_time(of(series::DRIFT, &names::FEATURE_DRIFT)).named("drift"))
    .with(Target::over_time(of(series::EXCESS, &names::FEATURE_DRIFT_EXCESS)).named("excess"))
    .with(
        Target::over_time(of(series::THRESHOLD, &names::FEATURE_DRIFT_THRESHOLD))
            .named("threshold"),
    )
}

fn distances() -> Panel {
    Panel::lines(
        "Other distances",
        "The same change by other measures: Jensen-Shannon (js), Hellinger, sum of differences (l1), largest difference \
         (linf), Kolmogorov-Smirnov (ks) and so on. Pods alone have fewer of them.",
        Unit::Number,
    )
    .with(
        Target::over_time(worst(
            "statistic",
            series::DISTANCE,
            &names::FEATURE_DISTANCE,
            &compared(),
        ))
        .named("{{statistic}}"),
    )
}

/// A rate of bad values over time, with that of the reference.
fn rate(title: &str, description: &str, rate: String, reference: String) -> Panel {
    Panel::lines(title, description, Unit::Share)
        .dashed("reference", REFERENCE)
        .coloured("window", LIVE)
        .with(Target::over_time(rate).named("window"))
        .with(Target::over_time(reference).named("reference"))
}

fn nulls() -> Panel {
    rate(
        "Nulls",
        "Rows without a usable value, of all rows of the field; dashed, in the reference.",
        worst(
            "feature",
            series::NULL_RATIO,
            &names::FEATURE_NULL_RATIO,
            &in_window(),
        ),
        query::largest("feature", &names::REFERENCE_NULL_RATIO, &field()),
    )
}

fn unseen() -> Panel {
    let reference = |family| query::largest("feature", family, &field());
    rate(
        "Never seen before",
        "Numbers out of the range of the reference, or categories that it does not have, of all values; dashed, what \
         unchanged data would bring.",
        unseen_rate(),
        format!(
            "{} or {}",
            reference(&names::REFERENCE_OUT_OF_RANGE_RATIO),
            reference(&names::REFERENCE_NEW_CATEGORY_RATIO)
        ),
    )
}

fn missing() -> Panel {
    let missing = query::rate("reason", &names::FEATURE_MISSING, &field());
    let all = format!(
        "(sum({}) + (sum({}) or vector(0)) > 0)",
        query::rate("feature", &names::FEATURE_VALUES, &field()),
        query::rate("feature", &names::FEATURE_MISSING, &field())
    );
    Panel::lines(
        "Missing by reason",
        "Why rows have no usable value: null, not a number, infinite, absent from the batch, of the wrong type.",
        Unit::Share,
    )
    .stacked()
    .with_any(
        &format!("{missing} / on () group_left () {all}"),
        "reason",
        "{{reason}}",
    )
}
