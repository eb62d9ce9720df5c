//! The one data type of a model call: rows × named columns, with what is known of the calls.
//!
//! Every way in (push, files, later proxy and events) decodes into a [`Batch`]; the engine knows
//! nothing else. Columns keep the bytes they came in and are read in place, so decoding copies
//! nothing but strings.

mod column;
mod schema;
mod slice;

pub use column::{Column, NoText, Numbers, Presence, Scalar, Values, text_form};
pub use schema::{Field, MAX_NAME_BYTES, Role, Schema, ValueType, bounded_name};

use std::ops::Range;
use std::sync::Arc;

/// Rows of one model and version, with the calls they belong to.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Name of the model; never empty, at most [`MAX_NAME_BYTES`] bytes.
    pub model: Arc<str>,
    /// Version of the model; empty when the source did not say.
    pub version: Arc<str>,
    /// Names, roles and types of the columns.
    pub schema: Arc<Schema>,
    /// Number of rows.
    pub rows: usize,
    /// One entry per field of the schema; `None` when this batch does not have the field (absent).
    pub columns: Vec<Option<Column>>,
    /// The calls that the rows belong to.
    pub calls: Calls,
    /// When the rows happened.
    pub times: Times,
    /// Rows of traffic that each row stands for when the client samples; finite and ≥ 1, usually 1.
    pub weight: f64,
    /// Bytes of memory that this batch holds on to, for the queue's budget.
    pub bytes: usize,
}

/// The calls of a batch: parallel arrays, each empty or with one entry a call.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Rows of each call, in row order; empty: each row is a call of its own.
    pub rows: Vec<u32>,
    /// Latency of each call in microseconds; empty: not known.
    pub latency_micros: Vec<u32>,
    /// Outcome of each call; empty: not known, counted as success.
    pub outcomes: Vec<Outcome>,
    /// W3C trace id of each call, for exemplars; empty: none.
    pub trace_ids: Vec<Option<[u8; 16]>>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered, or not known.
    Ok,
    /// Failed, with the code shown in the `code` label (`INVALID_ARGUMENT`, `INTERNAL`, …).
    Failed(&'static str),
}

/// When the rows of a batch happened, in microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Times {
    /// At the moment the batch arrives.
    Arrival,
    /// All at once.
    At(i64),
    /// Each row at its own time.
    Each(Vec<i64>),
}

impl Batch {
    /// Number of calls.
    pub fn call_count(&self) -> usize {
        if self.calls.rows.is_empty() {
            self.rows
        } else {
            self.calls.rows.len()
        }
    }

    /// The rows of a range as a batch of their own. A call that is cut belongs to the part with its
    /// first row, which then has fewer rows; the later part has none of that call's outcome and
    /// latency.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let times = match &self.times {
            Times::Each(times) => Times::Each(times[rows.clone()].to_vec()),
            times => times.clone(),
        };
        let column = |column: &Option<Column>| column.as_ref().map(|c| c.slice(rows.clone()));
        Self {
            model: self.model.clone(),
            version: self.version.clone(),
            schema: self.schema.clone(),
            rows: rows.len(),
            columns: self.columns.iter().map(column).collect(),
            calls: self.calls.slice(rows.clone()),
            times,
            weight: self.weight,
            bytes: self.bytes * rows.len() / self.rows.max(1),
        }
    }

    /// Row ranges of the calls whose outcome is failure: their outputs are not tallied.
    pub fn failed_rows(&self) -> Vec<Range<usize>> {
        let mut failed = Vec::new();
        let mut start = 0;
        for (call, outcome) in self.calls.outcomes.iter().enumerate() {
            let rows = self.calls.rows.get(call).map_or(1, |&rows| rows as usize);
            if *outcome != Outcome::Ok {
                failed.push(start..start + rows);
            }
            start += rows;
        }
        failed
    }
}

impl Calls {
    /// The calls of a range of rows; see [`Batch::slice`].
    fn slice(&self, rows: Range<usize>) -> Self {
        fn part<T: Clone>(all: &[T], range: Range<usize>) -> Vec<T> {
            all.get(range.start..range.end.min(all.len()))
                .unwrap_or_default()
                .to_vec()
        }
        if self.rows.is_empty() {
            return Self {
                rows: Vec::new(),
                latency_micros: part(&self.latency_micros, rows.clone()),
                outcomes: part(&self.outcomes, rows.clone()),
                trace_ids: part(&self.trace_ids, rows),
            };
        }
        let mut sliced = Self::default();
        let mut start = 0;
        for (call, &count) in self.rows.iter().enumerate() {
            let end = start + count as usize;
            let inside = end.min(rows.end).saturating_sub(start.max(rows.start));
            let begins_here = rows.contains(&start);
            if inside > 0 || begins_here {
                sliced.rows.push(inside as u32);
                if !self.latency_micros.is_empty() {
                    sliced.latency_micros.push(self.latency_micros[call]);
                }
                if !self.outcomes.is_empty() {
                    sliced.outcomes.push(self.outcomes[call]);
                }
                if !self.trace_ids.is_empty() {
                    sliced.trace_ids.push(self.trace_ids[call]);
                }
            }
            start = end;
        }
        sliced
    }
}
