//! One model: what moved, and why.

mod drift;
mod pods;
mod quality;
mod reference;
mod traffic;
mod verdict;
mod versions;

use super::super::{Plan, series};
use super::board::{Board, Name};
use super::query;
use super::variables::Variable;
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
            (3, verdict::drifted()),
            (4, verdict::worst_feature()),
            (3, verdict::drifted_features()),
            (3, verdict::outputs_now()),
            (3, verdict::quality_now()),
            (2, verdict::alerts_now(plan)),
            (2, verdict::throughput_now()),
            (2, verdict::errors_now(plan)),
            (2, verdict::latency_now(plan)),
        ],
    )
    .row("What moved?")
    .line(11, [(12, drift::features()), (12, drift::drift_timeline())])
    .line(
        9,
        [(12, drift::feature_drift()), (12, drift::output_drift())],
    )
    .line(8, [(12, drift::together()), (12, drift::outliers())])
    .row("Is it the data?")
    .line(
        8,
        [
            (8, quality::nulls()),
            (8, quality::out_of_range()),
            (8, quality::new_categories()),
        ],
    )
    .row("Is it the traffic?")
    .line(
        8,
        [
            (8, traffic::throughput()),
            (8, traffic::errors_by_code()),
            (8, traffic::window_rows()),
        ],
    )
    .line(
        8,
        [
            (12, traffic::latency(plan)),
            (12, traffic::latency_heatmap()),
        ],
    )
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
        board.line(
            7,
            [(14, reference::references()), (10, reference::learning())],
        )
    })
}

/// Matchers of inputs that are compared.
fn inputs() -> String {
    format!(r#"{}, role="feature""#, query::compared())
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

/// Matchers of everything but the truth, which is not the model's.
fn inputs_and_outputs() -> String {
    format!(r#"{}, role!="label""#, query::compared())
}
