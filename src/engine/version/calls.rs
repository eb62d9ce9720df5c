//! Calls of a version: how many there were, how long they took, how they ended.
//!
//! A call is counted once, however many rows it has, and also without any.

use std::ops::Range;

use super::Version;
use crate::batch::{Batch, Outcome};
use crate::engine::{Config, DURATION_BUCKETS, Exemplar, HistogramSnapshot, REQUEST_ROWS_BUCKETS};

/// gRPC codes that exist at 0 from the start.
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

/// HTTP statuses that do, where calls may end with one.
const HTTP_CODES: [&str; 8] = ["400", "404", "422", "429", "500", "502", "503", "504"];

/// What is counted since the start.
#[derive(Debug)]
pub(in crate::engine) struct Counters {
    pub predictions: f64,
    /// `None` until the first.
    pub labels: Option<f64>,
    pub requests: f64,
    pub errors: Vec<(&'static str, f64)>,
    pub duration: Option<HistogramSnapshot>,
    pub request_rows: HistogramSnapshot,
    pub too_old_rows: u64,
    pub too_new_rows: u64,
}

impl Counters {
    pub(super) fn new(config: &Config) -> Self {
        let mut counters = Self {
            predictions: 0.0,
            labels: None,
            requests: 0.0,
            errors: GRPC_CODES.map(|code| (code, 0.0)).to_vec(),
            duration: None,
            request_rows: histogram(REQUEST_ROWS_BUCKETS.len()),
            too_old_rows: 0,
            too_new_rows: 0,
        };
        counters.follow_codes(config);
        counters
    }

    /// Adds the codes that the settings ask for; none ever goes, for they are counters.
    pub(super) fn follow_codes(&mut self, config: &Config) {
        if config.http_codes {
            HTTP_CODES.iter().for_each(|code| {
                self.error(code);
            });
        }
    }

    /// The counter of a code.
    fn error(&mut self, code: &'static str) -> &mut f64 {
        let known = self.errors.iter().position(|(known, _)| *known == code);
        let at = known.unwrap_or_else(|| {
            self.errors.push((code, 0.0));
            self.errors.len() - 1
        });
        &mut self.errors[at].1
    }
}

impl Version {
    /// Counts the calls whose first row is in `rows`, and with the last row those without rows
    /// behind it. `starts` are the first rows of the calls, if not each row is a call of its own;
    /// `wall` is the wall time in microseconds.
    pub fn fold_calls(&mut self, batch: &Batch, starts: &[usize], rows: Range<usize>, wall: i64) {
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
                    *counters.error(code) += batch.weight;
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
                let value = f64::from(micros) / 1e6;
                let bucket = observe(duration, &DURATION_BUCKETS, value);
                if let Some(&Some(trace_id)) = batch.calls.trace_ids.get(call) {
                    duration.exemplars.resize(duration.counts.len(), None);
                    duration.exemplars[bucket] = Some(Exemplar {
                        trace_id,
                        value,
                        at: wall as f64 / 1e6,
                    });
                }
            }
        }
    }
}

fn histogram(bounds: usize) -> HistogramSnapshot {
    HistogramSnapshot {
        counts: vec![0; bounds + 1],
        sum: 0.0,
        exemplars: Vec::new(),
    }
}

/// Counts a value, and returns its bucket.
fn observe(histogram: &mut HistogramSnapshot, bounds: &[f64], value: f64) -> usize {
    let bucket = bounds.partition_point(|&bound| bound < value);
    histogram.counts[bucket] += 1;
    histogram.sum += value;
    bucket
}
