//! The one data type of a model call: rows × named columns, with what is known of the calls.
//!
//! Every way in (push, files, later proxy and events) decodes into a [`Batch`]; the engine knows
//! nothing else. Columns keep the bytes they came in and are read in place, so decoding copies
//! nothing but strings.

mod column;
mod schema;
mod slice;
mod vectors;

pub use column::{Column, NoText, Numbers, Presence, Scalar, Values, text_form};
pub use schema::{Field, MAX_NAME_BYTES, Role, Schema, ValueType, bounded_name, name_within};
pub use vectors::Vectors;

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
    /// There are none: the rows are labels of predictions made earlier.
    pub are_labels: bool,
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

impl Outcome {
    /// Whether the server said that there is no such model: the name, or the version, may be anything.
    pub fn is_not_found(self) -> bool {
        matches!(self, Self::Failed("NOT_FOUND" | "404"))
    }
}

impl Batch {
    /// Number of calls.
    pub fn call_count(&self) -> usize {
        if self.calls.are_labels {
            0
        } else if self.calls.rows.is_empty() {
            self.rows
        } else {
            self.calls.rows.len()
        }
    }

    /// First row of each call; empty when each row is a call of its own.
    pub fn call_starts(&self) -> Vec<usize> {
        let mut next = 0;
        let start_of = |&rows: &u32| {
            let start = next;
            next += rows as usize;
            start
        };
        self.calls.rows.iter().map(start_of).collect()
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
