//! The sidecar itself in the status: what came in, what became of it, and whether its settings hold.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::export::own;
use crate::ingest::{CallsSeen, SourceCounts};

/// Counts since the start; the names follow the metrics.
#[derive(Serialize)]
pub(super) struct Sidecar<'s> {
    sources: Vec<Source<'s>>,
    config_last_reload_successful: bool,
    series_limit: u64,
    dropped_series: usize,
}

/// One way in: what came and what became of it.
#[derive(Serialize)]
struct Source<'s> {
    source: &'s str,
    received_rows: u64,
    accepted_rows: u64,
    duplicate_rows: u64,
    shed_rows: BTreeMap<&'s str, u64>,
    rejected_rows: BTreeMap<&'s str, u64>,
    undecodable_calls: BTreeMap<&'s str, u64>,
    /// Of calls to others; null where calls are addressed to the sidecar.
    calls: Option<Calls<'s>>,
}

#[derive(Serialize)]
struct Calls<'s> {
    seen: u64,
    decoded: u64,
    shed: BTreeMap<&'s str, u64>,
    unsampled: u64,
}

impl<'s> From<&'s own::Sidecar> for Sidecar<'s> {
    fn from(sidecar: &'s own::Sidecar) -> Self {
        let dropped = sidecar.dropped_series;
        Self {
            sources: sidecar.sources.iter().map(Source::from).collect(),
            config_last_reload_successful: sidecar.config_last_reload_successful,
            series_limit: sidecar.series_limit,
            dropped_series: dropped.fleet + dropped.detail + dropped.features,
        }
    }
}

impl<'s> From<&'s SourceCounts> for Source<'s> {
    fn from(counts: &'s SourceCounts) -> Self {
        Self {
            source: counts.source,
            received_rows: counts.received,
            accepted_rows: counts.accepted,
            duplicate_rows: counts.duplicate,
            shed_rows: counts.shed.iter().copied().collect(),
            rejected_rows: counts.rejected.iter().copied().collect(),
            undecodable_calls: counts.undecodable.iter().copied().collect(),
            calls: counts.calls.as_ref().map(Calls::from),
        }
    }
}

impl<'s> From<&'s CallsSeen> for Calls<'s> {
    fn from(calls: &'s CallsSeen) -> Self {
        Self {
            seen: calls.seen,
            decoded: calls.decoded,
            shed: calls.shed.iter().copied().collect(),
            unsampled: calls.unsampled,
        }
    }
}
