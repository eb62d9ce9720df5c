//! Calls of a version: how many there were, how long they took, how they ended.
//!
//! A call is counted once, however many rows it has, and also without any.

use std::ops::Range;

use super::Version;
use crate::batch::{Batch, Outcome};
use crate::engine::{DURATION_BUCKETS, HistogramSnapshot, REQUEST_ROWS_BUCKETS};

/// Codes that exist at 0 from the start.
const GRPC_CODES: [&str; 9] = [
    "INVALID_ARGUMENT",
    "INTERNAL",
    "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "UNAVAILABLE",
    "UNKNOWN",
    "CANCELLED",
];

/// What is counted since the start.
#[derive(Debug)]
pub(in crate::engine) struct Counters {
    pub predictions: f64,
    pub requests: f64,
    pub errors: Vec<(&'static str, f64)>,
    pub duration: Option<HistogramSnapshot>,
    pub request_rows: HistogramSnapshot,
    pub too_old_rows: u64,
    pub too_new_rows: u64,
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            predictions: 0.0,
            requests: 0.0,
            errors: GRPC_CODES.map(|code| (code, 0.0)).to_vec(),
            duration: None,
            request_rows: histogram(REQUEST_ROWS_BUCKETS.len()),
            too_old_rows: 0,
            too_new_rows: 0,
        }
    }
}

impl Version {
    /// Counts the calls whose first row is in `rows`, and with the last row those without rows
    /// behind it. `starts` are the first rows of the calls, if not each row is a call of its own.
    pub fn fold_calls(&mut self, batch: &Batch, starts: &[usize], rows: Range<usize>) {
        let counters = &mut self.counters;
        let before = |row: usize| starts.partition_point(|&start| start < row);
        let calls = if starts.is_empty() {
            rows
        } else if rows.end == batch.rows {
            before(rows.start)..starts.len()
        } else {
            before(rows.start)..before(rows.end)
        };
        for call in calls {
            let call_rows = batch.calls.rows.get(call).map_or(1, |&rows| rows as usize);
            self.pending.calls += 1;
            counters.requests += batch.weight;
            observe(
                &mut counters.request_rows,
                &REQUEST_ROWS_BUCKETS,
                call_rows as f64,
            );
            match batch.calls.outcomes.get(call) {
                Some(Outcome::Failed(code)) => {
                    self.pending.failed_calls += 1;
                    match counters.errors.iter_mut().find(|(known, _)| known == code) {
                        Some((_, count)) => *count += batch.weight,
                        None => counters.errors.push((code, batch.weight)),
                    }
                }
                Some(Outcome::Ok) | None => {
                    counters.predictions += call_rows as f64 * batch.weight;
                }
            }
            if let Some(&micros) = batch.calls.latency_micros.get(call) {
                self.pending.observe_latency(micros);
                let duration = counters
                    .duration
                    .get_or_insert_with(|| histogram(DURATION_BUCKETS.len()));
                observe(duration, &DURATION_BUCKETS, f64::from(micros) * 1e-6);
            }
        }
    }
}

fn histogram(bounds: usize) -> HistogramSnapshot {
    HistogramSnapshot {
        counts: vec![0; bounds + 1],
        sum: 0.0,
    }
}

fn observe(histogram: &mut HistogramSnapshot, bounds: &[f64], value: f64) {
    histogram.counts[bounds.partition_point(|&bound| bound < value)] += 1;
    histogram.sum += value;
}
