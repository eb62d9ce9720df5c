//! Rows and calls: how many, how fast, how well.

use super::super::super::Plan;
use super::super::panel::Panel;
use super::super::query;
use super::super::target::Target;
use super::super::threshold::{BAD, Thresholds};
use super::super::unit::Unit;
use crate::export::names;

pub(super) fn throughput() -> Panel {
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

pub(super) fn errors_by_code() -> Panel {
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

pub(super) fn window_rows() -> Panel {
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

pub(super) fn latency(plan: &Plan) -> Panel {
    let quantile = |quantile: f64| query::latency(quantile, "model", &query::models());
    Panel::lines(
        "Latency",
        "Half, 90 and 99 of 100 calls take at most this long. The dashed line is what the objective allows; dots, \
         where Prometheus keeps exemplars, are calls that can be traced.",
        Unit::Seconds,
    )
    .limits(Thresholds::above(plan.latency_bound, BAD))
    .with(Target::over_time(quantile(0.5)).named("p50"))
    .with(Target::over_time(quantile(0.9)).named("p90"))
    .with(Target::over_time(quantile(0.99)).named("p99").with_exemplars())
}

pub(super) fn latency_heatmap() -> Panel {
    Panel::heatmap(
        "Latency of calls",
        "Calls a second by how long they took: two bands are two kinds of calls, or a pod that is slow.",
        Unit::CallsPerSecond,
        Unit::Seconds,
    )
    .with(Target::buckets(query::latency_buckets("le", &query::models())))
}
