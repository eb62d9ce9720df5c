//! All models: is anything wrong, and where.

use super::super::{Plan, limits, series};
use super::board::{Board, Name};
use super::links;
use super::panel::Panel;
use super::query::{self, FEATURE, MODEL};
use super::table::Table;
use super::target::Target;
use super::threshold::{self, BAD, CAUTION, GOOD, Thresholds};
use super::unit::Unit;
use super::variables::{SIDECARS, Variable};
use crate::export::names;

pub(super) fn board(plan: &Plan) -> Board {
    Board::new(
        Name::Fleet,
        "All models that driftgauge watches: is anything wrong, and where.",
        "6h",
        &plan.runbook_url,
    )
    .variables(vec![
        Variable::data_source(),
        Variable::namespace(),
        Variable::job(),
        Variable::models(),
        Variable::version(),
        Variable::window(plan),
        Variable::reference(),
    ])
    .mark_alerts(plan, "")
    .mark_references()
    .row("Is anything wrong?")
    .line(
        4,
        [
            (3, models()),
            (3, drifted_models()),
            (3, drifted_features()),
            (3, alerts(plan)),
            (3, throughput_now()),
            (3, errors_now(plan)),
            (3, sidecars_up()),
            (3, rows_lost()),
        ],
    )
    .row("Where?")
    .line(8, [(24, table_of_models(plan))])
    .line(9, [(10, worst_features()), (14, table_of_alerts(plan))])
    .row("Since when?")
    .line(8, [(12, drift()), (12, drifted_features_over_time())])
    .line(8, [(8, throughput()), (8, errors()), (8, latency(plan))])
    .row("Can the figures be trusted?")
    .line(7, [(24, sidecars())])
}

fn model_ratio(labels: &str) -> String {
    query::worst(
        labels,
        series::MODEL_RATIO,
        &names::MODEL_DRIFT_RATIO,
        &query::compared(),
    )
}

fn drifted(labels: &str) -> String {
    query::worst(
        labels,
        series::DRIFTED_FEATURES,
        &names::MODEL_DRIFTED_FEATURES,
        &query::compared(),
    )
}

fn models() -> Panel {
    let each = query::largest(MODEL, &names::WINDOW_ROWS, &query::in_window());
    Panel::stat(
        "Models",
        "Models and versions that are watched.",
        Unit::Count,
    )
    .plain()
    .with(Target::now(query::count(&each)))
}

fn drifted_models() -> Panel {
    let each = format!("{} > {}", model_ratio(MODEL), limits::DRIFT_RATIO);
    Panel::stat(
        "Models drifted",
        "Models and versions of which something is above its threshold in the window: a field, the dependence between \
         features, all features together, or a vector.",
        Unit::Count,
    )
    .limits(Thresholds::any(BAD))
    .with(Target::now(query::count(&each)))
}

fn drifted_features() -> Panel {
    Panel::stat(
        "Features drifted",
        "Fields of all models, predictions and scores included, whose drift is above its threshold in the window.",
        Unit::Count,
    )
    .limits(Thresholds::any(BAD))
    .with(Target::now(format!("sum({})", drifted(MODEL))))
}

fn alerts(plan: &Plan) -> Panel {
    let of =
        |severity: &str| query::count(&query::firing(plan, &format!(r#"severity="{severity}""#)));
    Panel::stat(
        "Alerts firing",
        "Alerts of driftgauge that fire now: critical ones page, warnings go to a channel. The table below names them.",
        Unit::Count,
    )
    .limits(Thresholds::any(BAD))
    .with(Target::now(of("critical")).named("critical"))
    .with(Target::now(of("warning")).named("warning"))
}

fn throughput_now() -> Panel {
    Panel::stat(
        "Throughput",
        "Rows that all models scored a second.",
        Unit::RowsPerSecond,
    )
    .with_course()
    .with(Target::over_time(format!(
        "sum({})",
        query::rate(MODEL, &names::PREDICTIONS, &query::models())
    )))
}

fn errors_now(plan: &Plan) -> Panel {
    Panel::stat(
        "Errors",
        "Failed calls divided by all calls, of all models together.",
        Unit::Share,
    )
    .with_course()
    .otherwise("no calls")
    .limits(Thresholds::errors(plan))
    .with(Target::over_time(query::error_share(
        "cluster",
        &query::models(),
    )))
}

fn sidecars_up() -> Panel {
    // `up` alone would count every target of Prometheus; those whose sidecar has gone have no other series.
    let of_ours = format!(
        "and on (job) group by (job) (last_over_time({}[1d]))",
        query::series(&names::BUILD, SIDECARS)
    );
    Panel::stat(
        "Sidecars",
        "Targets of the jobs in which there are sidecars: those that answer, and those that do not.",
        Unit::Count,
    )
    .plain()
    .limits(Thresholds::any(BAD))
    .with(Target::now(query::count(&format!("(up == 1) {of_ours}"))).named("up"))
    .with(Target::now(query::count(&format!("(up == 0) {of_ours}"))).named("down"))
    .coloured("up", GOOD)
}

fn rows_lost() -> Panel {
    let rate = |family| query::rate("cluster", family, SIDECARS);
    let lost = format!(
        "({} + {})",
        rate(&names::SHED_ROWS),
        rate(&names::REJECTED_ROWS)
    );
    Panel::stat(
        "Rows lost",
        "Rows that were shed or rejected, divided by all rows that came: figures are of the others only.",
        Unit::Share,
    )
    .limits(Thresholds::lost())
    .otherwise("none came")
    .with(Target::now(query::share(&lost, &rate(&names::RECEIVED_ROWS))))
}

fn table_of_models(plan: &Plan) -> Panel {
    let of_field = |recorded, family| query::worst(MODEL, recorded, family, &query::in_window());
    Table::new(
        "Models",
        "One line a model and version, the worst first. Ratio: drift in units of its threshold, above 1 is drift. Click on a model.",
        &["model", "version", "namespace", "cluster"],
    )
    .leads_to(links::to_model())
    .judged("Worst ratio", Unit::Number, 2, Thresholds::drift_ratio(), model_ratio(MODEL))
    .judged("Drifted features", Unit::Number, 0, Thresholds::any(BAD), drifted(MODEL))
    .column("Worst nulls", Unit::Share, 1, of_field(series::NULL_RATIO, &names::FEATURE_NULL_RATIO))
    .column(
        "Worst new categories",
        Unit::Share,
        1,
        of_field(series::NEW_CATEGORY_RATIO, &names::FEATURE_NEW_CATEGORY_RATIO),
    )
    .column(
        "Worst out of range",
        Unit::Share,
        1,
        of_field(series::OUT_OF_RANGE_RATIO, &names::FEATURE_OUT_OF_RANGE_RATIO),
    )
    .column("Outliers", Unit::Share, 2, query::largest(MODEL, &names::OUTLIER_RATIO, &query::in_window()))
    .column("Rows in window", Unit::Count, 1, format!("sum by ({MODEL}) ({})", query::series(&names::WINDOW_ROWS, &query::in_window())))
    .column("Throughput", Unit::RowsPerSecond, 1, query::rate(MODEL, &names::PREDICTIONS, &query::models()))
    .judged("Errors", Unit::Share, 2, Thresholds::errors(plan), query::error_share(MODEL, &query::models()))
    .column("p99 latency", Unit::Seconds, 1, query::latency(0.99, MODEL, &query::models()))
    .judged(
        "Age of reference",
        Unit::Seconds,
        0,
        Thresholds::above(limits::STALE_REFERENCE, CAUTION),
        format!("time() - max by ({MODEL}) ({})", query::series(&names::REFERENCE_CREATED, &query::models())),
    )
    .sorted_by("Worst ratio")
}

fn worst_features() -> Panel {
    let ratio = query::worst(
        FEATURE,
        series::RATIO,
        &names::FEATURE_DRIFT_RATIO,
        &query::compared(),
    );
    Table::new(
        "Worst features",
        "The 20 fields of all models that have moved most. Ratio: drift in units of its threshold, above 1 is drift. Click on a feature.",
        &["model", "version", "feature", "role", "namespace", "cluster"],
    )
    .leads_to(links::to_feature())
    .judged("Ratio", Unit::Number, 2, Thresholds::drift_ratio(), format!("topk(20, {ratio})"))
    .with_bars(10.0)
    .sorted_by("Ratio")
}

fn table_of_alerts(plan: &Plan) -> Panel {
    let labels = "cluster, namespace, alertname, model, version, feature, window, instance";
    Table::new(
        "Alerts firing",
        "Alerts of driftgauge that fire now, those that page first. The runbook, linked at the top, has a chapter for each.",
        &["alertname", "model", "version", "feature", "window", "instance", "namespace", "cluster"],
    )
    .leads_to(links::to_model())
    .figures_first()
    .column("Severity", Unit::Number, 0, format!("max by ({labels}) ({})", query::urgency(plan)))
    .words("Severity", &threshold::urgency())
    .column("Since", Unit::Ago, 0, format!("1000 * max by ({labels}) ({})", query::firing_since(plan)))
    .sorted_by("Severity")
}

fn drift() -> Panel {
    Panel::lines(
        "Drift of each model",
        "The largest of a model's drift ratios; above the line something has drifted. The axis is logarithmic above 1.",
        Unit::Number,
    )
    .limits(Thresholds::drift_ratio())
    .ratio_axis()
    .legend_table()
    .link(links::of_line_to_model())
    .with(Target::over_time(model_ratio(MODEL)).named("{{model}} {{version}}"))
}

fn drifted_features_over_time() -> Panel {
    Panel::lines(
        "Drifted features of each model",
        "Fields whose drift is above its threshold: one field is a feed, many at once are a cause that they share.",
        Unit::Count,
    )
    .legend_table()
    .link(links::of_line_to_model())
    .with(Target::over_time(drifted(MODEL)).named("{{model}} {{version}}"))
}

fn throughput() -> Panel {
    Panel::lines("Throughput", "Rows scored a second.", Unit::RowsPerSecond)
        .link(links::of_line_to_model())
        .with(
            Target::over_time(query::rate(MODEL, &names::PREDICTIONS, &query::models()))
                .named("{{model}} {{version}}"),
        )
}

fn errors() -> Panel {
    Panel::lines("Errors", "Failed calls divided by all calls.", Unit::Share)
        .link(links::of_line_to_model())
        .with(
            Target::over_time(query::error_share(MODEL, &query::models()))
                .named("{{model}} {{version}}"),
        )
}

fn latency(plan: &Plan) -> Panel {
    Panel::lines(
        "p99 latency",
        "99 of 100 calls take at most this long. The line is what the objective for latency allows.",
        Unit::Seconds,
    )
    .limits(Thresholds::above(plan.latency_bound, BAD))
    .link(links::of_line_to_model())
    .with(
        Target::over_time(query::latency(0.99, MODEL, &query::models()))
            .named("{{model}} {{version}}"),
    )
}

fn sidecars() -> Panel {
    const INSTANCE: &str = "cluster, namespace, pod, instance";
    let largest = |family| query::largest(INSTANCE, family, SIDECARS);
    let rate = |family| query::rate(INSTANCE, family, SIDECARS);
    Table::new(
        "Sidecars",
        "One line a sidecar, the one that was evaluated longest ago first. Click on an instance.",
        &["cluster", "namespace", "pod", "instance"],
    )
    .leads_to(links::to_sidecar())
    .judged(
        "Last evaluation",
        Unit::Seconds,
        0,
        Thresholds::above(limits::STALLED_EVALUATION, BAD),
        format!("time() - {}", largest(&names::LAST_EVALUATION)),
    )
    .column(
        "Evaluation takes",
        Unit::Seconds,
        1,
        largest(&names::EVALUATION_DURATION),
    )
    .column(
        "Rows received",
        Unit::RowsPerSecond,
        1,
        rate(&names::RECEIVED_ROWS),
    )
    .judged(
        "Rows shed",
        Unit::Share,
        2,
        Thresholds::lost(),
        query::share(&rate(&names::SHED_ROWS), &rate(&names::RECEIVED_ROWS)),
    )
    .judged(
        "Calls undecodable",
        Unit::Share,
        2,
        Thresholds::lost(),
        query::share(&rate(&names::UNDECODABLE_CALLS), &rate(&names::SEEN_CALLS)),
    )
    .judged(
        "Settings",
        Unit::Number,
        0,
        Thresholds::below(1.0),
        largest(&names::CONFIG_RELOAD_SUCCESSFUL),
    )
    .words(
        "Settings",
        &threshold::yes_or_no(("refused", BAD), ("loaded", GOOD)),
    )
    .judged(
        "Series of limit",
        Unit::Share,
        0,
        Thresholds::two(0.8, 0.95),
        format!(
            "{} / {}",
            largest(&names::SERIES),
            largest(&names::SERIES_LIMIT)
        ),
    )
    .column("CPU", Unit::Cores, 3, rate(&names::PROCESS_CPU))
    .column(
        "Memory",
        Unit::Bytes,
        1,
        largest(&names::PROCESS_RESIDENT_MEMORY),
    )
    .sorted_by("Last evaluation")
}
