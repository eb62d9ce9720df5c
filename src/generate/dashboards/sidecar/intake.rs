//! Do the sidecars see everything: rows and calls that came, and what became of them.

use super::super::panel::Panel;
use super::super::query::series as series_of;
use super::super::target::Target;
use super::super::unit::Unit;
use super::{CHOSEN, rate};
use crate::export::names;

pub(super) fn rows() -> Panel {
    Panel::lines(
        "Rows",
        "Rows that came, were taken over for analysis, or were retries of rows that had been taken.",
        Unit::RowsPerSecond,
    )
    .with(Target::over_time(rate("source", &names::RECEIVED_ROWS)).named("{{source}} received"))
    .with(Target::over_time(rate("source", &names::ACCEPTED_ROWS)).named("{{source}} accepted"))
    .with(Target::over_time(rate("source", &names::DUPLICATE_ROWS)).named("{{source}} duplicate"))
}

pub(super) fn rows_not_taken() -> Panel {
    Panel::lines(
        "Rows not taken",
        "Rows shed for lack of room, and rows that can never be taken, by reason.",
        Unit::RowsPerSecond,
    )
    .stacked()
    .with_any(
        &rate("source, reason", &names::SHED_ROWS),
        "reason",
        "shed: {{source}} {{reason}}",
    )
    .with_any(
        &rate("source, reason", &names::REJECTED_ROWS),
        "reason",
        "rejected: {{source}} {{reason}}",
    )
}

pub(super) fn clients() -> Panel {
    Panel::lines(
        "What clients lost",
        "Rows a second that clients say they dropped before sending, and requests that they numbered but that never came.",
        Unit::Count,
    )
    .with(
        Target::over_time(rate("source", &names::CLIENT_DROPPED_ROWS))
            .named("{{source}} rows dropped a second"),
    )
    .with(
        Target::over_time(format!(
            "sum by (source) ({})",
            series_of(&names::CLIENT_MISSING_REQUESTS, CHOSEN)
        ))
        .named("{{source}} requests missing"),
    )
}

pub(super) fn calls() -> Panel {
    Panel::lines(
        "Calls seen",
        "Calls to models that were seen from outside, and those of them that were decoded or left out by sampling.",
        Unit::CallsPerSecond,
    )
    .with(Target::over_time(rate("source", &names::SEEN_CALLS)).named("{{source}} seen"))
    .with(Target::over_time(rate("source", &names::DECODED_CALLS)).named("{{source}} decoded"))
    .with(Target::over_time(rate("source", &names::UNSAMPLED_CALLS)).named("{{source}} unsampled"))
}

pub(super) fn calls_not_decoded() -> Panel {
    Panel::lines(
        "Calls not decoded",
        "Calls that were not looked at for lack of room, and calls that could not be decoded, by reason. They went \
         through all the same.",
        Unit::CallsPerSecond,
    )
    .stacked()
    .with_any(&rate("source, reason", &names::SHED_CALLS), "reason", "shed: {{source}} {{reason}}")
    .with_any(&rate("source, reason", &names::UNDECODABLE_CALLS), "reason", "undecodable: {{source}} {{reason}}")
}

pub(super) fn in_flight() -> Panel {
    Panel::lines(
        "Calls in flight",
        "Calls that have begun and not ended. A number that only grows is a model server that no longer answers.",
        Unit::Count,
    )
    .with(
        Target::over_time(format!(
            "sum by (instance, source) ({})",
            series_of(&names::REQUESTS_IN_FLIGHT, CHOSEN)
        ))
        .named("{{instance}} {{source}}"),
    )
}

pub(super) fn tensors() -> Panel {
    Panel::lines(
        "Unusable tensors",
        "Tensors of decoded calls whose values cannot be seen, by reason.",
        Unit::CallsPerSecond,
    )
    .stacked()
    .with_any(
        &rate("source, reason", &names::UNUSABLE_TENSORS),
        "reason",
        "{{source}} {{reason}}",
    )
}

pub(super) fn events() -> Panel {
    Panel::lines(
        "Unpaired events",
        "Events of requests or responses whose other half never came.",
        Unit::CallsPerSecond,
    )
    .stacked()
    .with_any(&rate("half", &names::UNPAIRED_EVENTS), "half", "{{half}}")
}

pub(super) fn untimely() -> Panel {
    Panel::lines(
        "Untimely rows",
        "Rows left out because of the time that they bear: too old for the longest window, or too far ahead.",
        Unit::RowsPerSecond,
    )
    .stacked()
    .with_any(&rate("model, reason", &names::UNTIMELY_ROWS), "reason", "{{model}} {{reason}}")
}
