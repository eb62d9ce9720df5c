//! Requests as they should be, and every way in which one can be wrong.

mod laws;
mod traps;
mod values;

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use tokio::sync::watch;
use tonic::Status;

use super::answer::Answer;
use super::service::Push;
use crate::batch::{Batch, Column, Numbers};
use crate::ingest::{Admission, Intake, Limits};
use crate::proto::ingest as wire;
use crate::queue::Queue;

pub(super) fn push(limits: Limits) -> Push {
    let queue = Arc::new(Queue::new(1_000_000, 1 << 30));
    Push {
        intake: Arc::new(Intake::new("push", queue, Arc::new(Admission::default()))),
        limits: Arc::new(limits),
        stop: watch::channel(false).1,
    }
}

pub(super) fn field(name: &str, kind: wire::ValueType) -> wire::Field {
    wire::Field {
        name: name.into(),
        role: wire::Role::Feature as i32,
        r#type: kind as i32,
        width: 0,
    }
}

pub(super) fn batch(rows: u32, fields: Vec<wire::Field>) -> wire::PredictionBatch {
    wire::PredictionBatch {
        model: Some(wire::ModelRef {
            name: "m".into(),
            version: "1".into(),
        }),
        schema: Some(wire::Schema { fields }),
        rows,
        ..wire::PredictionBatch::default()
    }
}

pub(super) fn column(field: u32, values: wire::column::Values) -> wire::Column {
    wire::Column {
        field,
        values: Some(values),
        validity: Bytes::new(),
    }
}

pub(super) fn strings(values: &[&str]) -> wire::column::Values {
    wire::column::Values::Strings(wire::StringValues {
        values: values.iter().map(|text| (*text).to_owned()).collect(),
    })
}

pub(super) fn dictionary(dictionary: &[&str], codes: &[u32]) -> wire::column::Values {
    wire::column::Values::Dictionary(wire::DictionaryValues {
        dictionary: dictionary.iter().map(|text| (*text).to_owned()).collect(),
        codes: codes.to_vec(),
    })
}

pub(super) fn floats(values: &[f32]) -> Bytes {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Sends one request with these batches.
pub(super) fn send(push: &Push, batches: Vec<wire::PredictionBatch>) -> Result<Answer, Status> {
    let request = wire::ObserveRequest {
        batches,
        ..wire::ObserveRequest::default()
    };
    push.take(request.encode_to_vec().into())
}

/// Sends one batch and returns what the engine gets, with the rejections as `CODE field rows`.
pub(super) fn decode(batch: wire::PredictionBatch) -> (Option<Batch>, Vec<String>) {
    let push = push(Limits::default());
    let answer = send(&push, vec![batch]).unwrap();
    let mut out = Vec::new();
    push.intake.queue().drain(&mut out);
    (out.pop(), told(&answer))
}

pub(super) fn told(answer: &Answer) -> Vec<String> {
    let rejections = answer.response.rejections.iter();
    rejections
        .map(|one| {
            let code = one.code().as_str_name();
            let code = code.trim_start_matches("REJECTION_CODE_");
            assert!(!one.detail.is_empty() && one.detail.len() < 500);
            format!("{code} {} {}", one.field, one.rows)
        })
        .collect()
}

pub(super) fn numbers(column: &Option<Column>, rows: usize) -> Numbers {
    let mut numbers = Numbers::default();
    column.as_ref().unwrap().read_numbers(0..rows, &mut numbers);
    numbers
}

/// Each row in its text form, `null`, or `invalid`.
pub(super) fn texts(column: &Option<Column>, rows: usize) -> Vec<String> {
    let mut texts = Vec::new();
    column.as_ref().unwrap().read_texts(0..rows, |text| {
        texts.push(match text {
            Ok(Some(text)) => text.to_owned(),
            Ok(None) => "null".to_owned(),
            Err(reason) => format!("{reason:?}").to_lowercase(),
        });
    });
    texts
}

/// How many rows of the column are invalid, null.
pub(super) fn invalid_null(column: &Option<Column>, rows: usize) -> (u64, u64) {
    let numbers = numbers(column, rows);
    (numbers.invalid, numbers.null)
}
