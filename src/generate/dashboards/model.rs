//! One model: what moved, and why.

mod pods;
mod versions;

use super::super::{Plan, limits, series};
use super::board::{Board, Name};
use super::links::{self, Field};
use super::panel::{Panel, Target, Unit};
use super::query;
use super::table::Table;
use super::threshold::{self, BAD, CAUTION, Thresholds};
use super::variables::Variable;
use crate::export::family::Family;
use crate::export::names;

pub(super) fn board(plan: &Plan) -> Board {
    Board::new(
        Name::Model,
        "One model: has it drifted, what moved, and why.",
        "6h",
        &plan.runbook_url,
    )
    .variables(vec![
        Variable::data_source(),
        Variable::namespace(),
        Variable::job(),
        Variable::model(),
        Variable::version(),
        Variable::window(plan),
        Variable::reference(),
    ])
    .mark_alerts(plan, r#"model=~"$model""#)
    .mark_references()
    .mark_reloads()
    .row("Has it drifted?")
    .line(
        4,
        [
            (3, verdict()),
            (4, worst_feature()),
            (3, drifted_features()),
            (3, outputs_now()),
            (3, quality_now()),
            (2, alerts_now(plan)),
            (2, throughput_now()),
            (2, errors_now(plan)),
            (2, latency_now(plan)),
        ],
    )
    .row("What moved?")
    .line(11, [(12, features()), (12, drift_timeline())])
    .line(9, [(12, feature_drift()), (12, output_drift())])
    .line(8, [(12, together()), (12, outliers())])
    .row("Is it the data?")
    .line(
        8,
        [(8, nulls()), (8, out_of_range()), (8, new_categories())],
    )
    .row("Is it the traffic?")
    .line(
        8,
        [(8, throughput()), (8, errors_by_code()), (8, window_rows())],
    )
    .line(8, [(12, latency(plan)), (12, latency_heatmap())])
    .row("Is it one version?")
    .line(
        8,
        [
            (8, versions::drift()),
            (8, versions::outputs_drift()),
            (8, versions::between()),
        ],
    )
    .line(
        8,
        [
            (8, versions::throughput()),
            (8, versions::errors()),
            (8, versions::latency(plan)),
        ],
    )
    .row("Is it the pods?")
    .line(
        8,
        [
            (8, pods::cpu()),
            (8, pods::memory()),
            (8, pods::throttling()),
        ],
    )
    .line(
        8,
        [
            (8, pods::restarts()),
            (8, pods::gpu()),
            (8, pods::gpu_memory()),
        ],
    )
    .closed_row("What it is compared with", |board| {
        board.line(7, [(14, references()), (10, learning())])
    })
}

/// Matchers of inputs that are compared.
fn inputs() -> String {
    format!(r#"{}, role="feature""#, query::compared())
}

/// Matchers of everything but the truth, which is not the model's.
fn inputs_and_outputs() -> String {
    format!(r#"{}, role!="label""#, query::compared())
}

/// Matchers of predictions and scores that are compared.
fn outputs() -> String {
    format!(r#"{}, role=~"prediction|score""#, query::compared())
}

fn ratio(labels: &str, matchers: &str) -> String {
    query::worst(labels, series::RATIO, &names::FEATURE_DRIFT_RATIO, matchers)
}

fn model_ratio(labels: &str, further: &str) -> String {
    query::worst(
        labels,
        series::MODEL_RATIO,
        &names::MODEL_DRIFT_RATIO,
        &format!("{}{further}", query::compared()),
    )
}

fn verdict() -> Panel {
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

fn worst_feature() -> Panel {
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

fn drifted_features() -> Panel {
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

fn outputs_now() -> Panel {
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

fn quality_now() -> Panel {
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

fn alerts_now(plan: &Plan) -> Panel {
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

fn throughput_now() -> Panel {
    Panel::stat("Throughput", "Rows scored a second.", Unit::RowsPerSecond)
        .with_course()
        .with(Target::over_time(query::rate(
            "model",
            &names::PREDICTIONS,
            &query::models(),
        )))
}

fn errors_now(plan: &Plan) -> Panel {
    Panel::stat("Errors", "Failed calls divided by all calls.", Unit::Share)
        .with_course()
        .otherwise("no calls")
        .limits(Thresholds::errors(plan))
        .with(Target::over_time(query::error_share(
            "model",
            &query::models(),
        )))
}

fn latency_now(plan: &Plan) -> Panel {
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

fn features() -> Panel {
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
    .as_bars(10.0)
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

fn drift_timeline() -> Panel {
    Panel::states(
        "Drifted since",
        "One band a field, red while it is above its threshold in the window, empty while it is not judged: what moved \
         first, and what moved with it. Click on a band.",
    )
    .limits(Thresholds::drift_ratio())
    .link(links::of_this_model_to_feature(Field::Line))
    .with(Target::over_time(ratio("feature", &query::compared())).named("{{feature}}"))
}

fn feature_drift() -> Panel {
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

fn output_drift() -> Panel {
    Panel::lines(
        "Drift of predictions and scores",
        "Drift of what the model says, in units of its thresholds; above the line is drift. The axis is logarithmic above 1.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .ratio_axis()
    .legend_table()
    .link(links::of_this_model_to_feature(Field::Line))
    .with(Target::over_time(ratio("feature", &outputs())).named("{{feature}}"))
}

fn together() -> Panel {
    Panel::lines(
        "Features together",
        "What single features do not show, in units of its threshold: dependence between pairs, all features at once \
         (mmd), vectors (embedding); of the worst pod. Above the line is drift.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .ratio_axis()
    .with(Target::over_time(model_ratio("kind", r#", kind!="worst_feature""#)).named("{{kind}}"))
}

fn outliers() -> Panel {
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

fn rates(title: &str, description: &str, recorded: &str, family: &Family) -> Panel {
    Panel::lines(title, description, Unit::Share)
        .link(links::of_this_model_to_feature(Field::Line))
        .with_any(
            &query::worst("feature", recorded, family, &query::in_window()),
            "feature",
            "{{feature}}",
        )
}

fn nulls() -> Panel {
    rates(
        "Nulls",
        "Rows without a usable value, of all rows of the field in the window; fields without any are left out.",
        series::NULL_RATIO,
        &names::FEATURE_NULL_RATIO,
    )
}

fn out_of_range() -> Panel {
    rates(
        "Out of range",
        "Values below the smallest or above the largest of the reference, of all values in the window; fields without \
         any are left out.",
        series::OUT_OF_RANGE_RATIO,
        &names::FEATURE_OUT_OF_RANGE_RATIO,
    )
}

fn new_categories() -> Panel {
    rates(
        "New categories",
        "Values that the reference has never seen, of all values in the window; fields without any are left out.",
        series::NEW_CATEGORY_RATIO,
        &names::FEATURE_NEW_CATEGORY_RATIO,
    )
}

fn throughput() -> Panel {
    Panel::lines(
        "Rows and calls",
        "Rows scored and calls answered a second.",
        Unit::Count,
    )
    .with(
        Target::over_time(query::rate("model", &names::PREDICTIONS, &query::models()))
            .named("rows a second"),
    )
    .with(
        Target::over_time(query::rate("model", &names::REQUESTS, &query::models()))
            .named("calls a second"),
    )
}

fn errors_by_code() -> Panel {
    Panel::lines(
        "Errors by code",
        "Failed calls a second, by gRPC code name or HTTP status.",
        Unit::CallsPerSecond,
    )
    .stacked()
    .with_any(
        &query::rate("code", &names::REQUEST_ERRORS, &query::models()),
        "code",
        "{{code}}",
    )
}

fn window_rows() -> Panel {
    Panel::lines(
        "Rows in the window",
        "Rows behind the figures, by version, of all pods together. Few rows make thresholds high.",
        Unit::Count,
    )
    .with(
        Target::over_time(format!(
            "sum by (version) ({})",
            query::series(&names::WINDOW_ROWS, &query::in_window())
        ))
        .named("{{version}}"),
    )
}

fn latency(plan: &Plan) -> Panel {
    let quantile = |quantile: f64| query::latency(quantile, "model", &query::models());
    Panel::lines(
        "Latency",
        "Half, 90 and 99 of 100 calls take at most this long. The dashed line is what the objective allows.",
        Unit::Seconds,
    )
    .limits(Thresholds::above(plan.latency_bound, BAD))
    .with(Target::over_time(quantile(0.5)).named("p50"))
    .with(Target::over_time(quantile(0.9)).named("p90"))
    .with(Target::over_time(quantile(0.99)).named("p99"))
}

fn latency_heatmap() -> Panel {
    Panel::heatmap(
        "Latency of calls",
        "Calls a second by how long they took: two bands are two kinds of calls, or a pod that is slow.",
        Unit::CallsPerSecond,
        Unit::Seconds,
    )
    .with(Target::buckets(query::latency_buckets("le", &query::models())))
}

fn references() -> Panel {
    const LABELS: &str = "version, profile, source";
    let of_profile = |expr: String| {
        format!(
            "{expr} * on (version, profile) group_left (source) max by ({LABELS}) ({})",
            query::series(&names::REFERENCE, &query::models())
        )
    };
    Table::new(
        "References in force",
        "What the figures are compared with: first digits of its hash, whether it came from a file, was learned or was \
         rebaselined, and how old it is.",
        &["version", "profile", "source"],
    )
    .judged(
        "Age",
        Unit::Seconds,
        0,
        Thresholds::above(limits::STALE_REFERENCE, CAUTION),
        of_profile(format!("(time() - max by (version, profile) ({}))", query::series(&names::REFERENCE_CREATED, &query::models()))),
    )
    .column(
        "Pods",
        Unit::Count,
        0,
        format!("count by ({LABELS}) ({})", query::series(&names::REFERENCE, &query::models())),
    )
    .sorted_by("Age")
}

fn learning() -> Panel {
    let largest = |family| query::largest("version", family, &query::models());
    let learned = query::share(
        &largest(&names::LEARNING_ROWS),
        &largest(&names::LEARNING_ROWS_WANTED),
    );
    let nothing_to_learn = r#"label_replace(vector(1), "version", "done", "", "")"#;
    Panel::lines(
        "Learning",
        "How much of a reference, and of the burn-in that learns how much production varies, is done.",
        Unit::Share,
    )
    .between(0.0, 1.0)
    .with(
        Target::over_time(format!("{learned} or on () {nothing_to_learn}"))
            .named("reference {{version}}"),
    )
    .with(Target::over_time(largest(&names::BURN_IN_RATIO)).named("burn-in {{version}}"))
}
