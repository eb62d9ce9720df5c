//! Requests on the wire → batches, with a word on everything that had to be left out.

use std::sync::Arc;

use super::calls;
use super::columns::Columns;
use super::rejections::Rejections;
use super::schema;
use crate::batch::{Batch, Role, Schema, Times, name_within};
use crate::ingest::{HandOver, Intake, KnownSchema, Limits, Refused, Reject, Undecodable};
use crate::proto::ingest as wire;
use crate::proto::ingest::RejectionCode;

/// Smaller messages may be pinned whole by any slice of them.
const PIN_BELOW: usize = 4 << 10;

/// A decoded request.
pub(super) struct Decoded {
    /// What is to be handed over.
    pub(super) request: HandOver,
    /// What its sender is to be told.
    pub(super) rejections: Rejections,
    /// Batches on the wire that had something to say.
    pub(super) batches: usize,
}

/// Why a batch cannot be taken at all.
enum Fault {
    /// So many rows are refused.
    Refused(Refused),
    /// Not even their number is known.
    Undecodable(Undecodable, String),
}

/// Decodes a request of a message of `message_bytes`, which its slices pin.
pub(super) fn decode(
    request: wire::ObserveRequest,
    message_bytes: usize,
    intake: &Intake,
    limits: &Limits,
) -> Decoded {
    let kept: usize = request.batches.iter().map(slices).sum();
    // Small slices of a large message are copied, so that they do not keep it.
    let copy = message_bytes > PIN_BELOW && kept < message_bytes / 2;
    let mut decoded = Decoded {
        request: HandOver {
            client_id: name_within(&request.client_id, limits.name_bytes),
            sequence: request.sequence,
            dropped_rows: request.dropped_rows,
            ..HandOver::default()
        },
        rejections: Rejections::default(),
        batches: 0,
    };
    let client_id = decoded.request.client_id.clone();
    for batch in request.batches {
        if is_silent(&batch) {
            continue;
        }
        decoded.batches += 1;
        match one(
            batch,
            copy,
            &client_id,
            intake,
            limits,
            &mut decoded.rejections,
        ) {
            Ok(batch) => decoded.request.batches.push(batch),
            Err(Fault::Refused(refused)) => {
                let code = match refused.reason {
                    Reject::UnknownSchema => {
                        decoded.request.needs_schema = true;
                        RejectionCode::UnknownSchema
                    }
                    Reject::NoModel => RejectionCode::UnknownModel,
                    _ => RejectionCode::Limit,
                };
                decoded
                    .rejections
                    .add(code, "", refused.rows, || refused.detail.clone());
                decoded.request.refused.push(refused);
            }
            Err(Fault::Undecodable(reason, detail)) => {
                intake.undecodable(reason, &detail);
                decoded
                    .rejections
                    .add(RejectionCode::LengthMismatch, "rows", 0, || detail);
            }
        }
    }
    // The message goes when the last of its slices goes.
    if kept > 0
        && !copy
        && let Some(last) = decoded.request.batches.last_mut()
    {
        last.bytes += message_bytes;
    }
    decoded
}

fn one(
    mut batch: wire::PredictionBatch,
    copy: bool,
    client_id: &str,
    intake: &Intake,
    limits: &Limits,
    rejections: &mut Rejections,
) -> Result<Batch, Fault> {
    let rows = batch.rows as usize;
    let refuse = |reason, detail| {
        Err(Fault::Refused(Refused {
            reason,
            rows: rows as u64,
            detail,
        }))
    };
    let model = batch.model.take().unwrap_or_default();
    if model.name.is_empty() {
        return refuse(Reject::NoModel, "model.name is empty".into());
    }
    if rows.max(batch.call_rows.len()) > limits.batch_rows {
        let calls = match batch.call_rows.len() {
            0 => String::new(),
            calls => format!(" in {calls} calls"),
        };
        let detail = format!(
            "{rows} rows{calls}; the limit is {} (limits.batch_rows)",
            limits.batch_rows
        );
        return refuse(Reject::LimitRows, detail);
    }
    if rows == 0 && has_values(&batch) {
        let detail = "a batch has values but rows is 0".into();
        return Err(Fault::Undecodable(Undecodable::NoRows, detail));
    }
    let name = name_within(&model.name, limits.name_bytes);
    let known = match batch.schema.take() {
        Some(schema) if schema.fields.len() > limits.fields => {
            let detail = format!(
                "the schema has {} fields; the limit is {} (limits.fields)",
                schema.fields.len(),
                limits.fields
            );
            return refuse(Reject::LimitFields, detail);
        }
        Some(fields) => {
            let known = schema::decode(fields, limits, rejections);
            intake.remember_schema(client_id, &name, batch.schema_id, known)
        }
        // Rows of traffic alone.
        None if batch.schema_id == 0 && !has_values(&batch) => {
            let nothing = KnownSchema {
                schema: Arc::new(Schema::new(Vec::new())),
                usable: Vec::new(),
            };
            intake.remember_schema(client_id, &name, 0, nothing)
        }
        None => match intake.schema(client_id, &name, batch.schema_id) {
            Some(known) if batch.schema_id != 0 => known,
            _ => {
                let detail = match batch.schema_id {
                    0 => format!("the batch of model {name:?} has neither schema nor schema_id"),
                    id => format!("schema_id {id:#x} of model {name:?} is not known"),
                };
                return refuse(Reject::UnknownSchema, detail);
            }
        },
    };
    Ok(with_schema(
        batch,
        name,
        name_within(&model.version, limits.name_bytes),
        &known,
        copy,
        limits,
        rejections,
    ))
}

/// Decodes a batch whose schema is known and whose rows are within the limit.
fn with_schema(
    mut batch: wire::PredictionBatch,
    model: Arc<str>,
    version: Arc<str>,
    known: &KnownSchema,
    copy: bool,
    limits: &Limits,
    rejections: &mut Rejections,
) -> Batch {
    let rows = batch.rows as usize;
    if batch.labels {
        only_labels(&known.schema, rows, rejections);
    }
    let calls = calls::calls(&mut batch, rows, rejections);
    let times = calls::times(&mut batch, rows, rejections);
    let weight = calls::weight(batch.weight, rows, rejections);
    let ids = batch.prediction_ids.len();
    if ids != 0 && ids != rows {
        rejections.add(
            RejectionCode::LengthMismatch,
            "prediction_ids",
            rows as u64,
            || format!("prediction_ids has {ids} entries for {rows} rows"),
        );
    }
    let mut columns = Columns::new(known, rows, copy, limits, rejections);
    for (number, block) in batch.blocks.iter().enumerate() {
        columns.block(number, block);
    }
    for (number, column) in batch.columns.into_iter().enumerate() {
        columns.column(number, column);
    }
    let (columns, column_bytes) = columns.finish();
    let time_bytes = match &times {
        Times::Each(each) => size_of_val(&each[..]),
        _ => 0,
    };
    let bytes = size_of::<Batch>()
        + column_bytes
        + time_bytes
        + size_of_val(&calls.rows[..])
        + size_of_val(&calls.latency_micros[..])
        + size_of_val(&calls.outcomes[..])
        + size_of_val(&calls.trace_ids[..]);
    Batch {
        model,
        version,
        schema: known.schema.clone(),
        rows,
        columns,
        calls,
        times,
        weight,
        bytes,
    }
}

/// Of labels no other field is read; says which those are.
fn only_labels(schema: &Schema, rows: usize, rejections: &mut Rejections) {
    for field in &schema.fields {
        if field.role != Role::Label {
            rejections.add(RejectionCode::BadSchema, &field.name, rows as u64, || {
                format!(
                    "{} is no field of role label, in a batch of labels",
                    field.name
                )
            });
        }
    }
}

/// Whether a batch says nothing at all: no rows, no calls, no values.
fn is_silent(batch: &wire::PredictionBatch) -> bool {
    batch.rows == 0 && batch.call_rows.is_empty() && !has_values(batch)
}

fn has_values(batch: &wire::PredictionBatch) -> bool {
    let of_calls = !batch.latency_micros.is_empty()
        || !batch.outcomes.is_empty()
        || !batch.trace_ids.is_empty();
    slices(batch) > 0
        || !batch.columns.is_empty()
        || !batch.prediction_ids.is_empty()
        || (batch.call_rows.is_empty() && of_calls)
}

/// Bytes of the message that the columns of this batch would keep.
fn slices(batch: &wire::PredictionBatch) -> usize {
    let blocks = batch.blocks.iter();
    let blocks = blocks.map(|block| block.data.len() + block.validity.len());
    let columns = batch.columns.iter().map(|column| {
        let fixed = match &column.values {
            Some(wire::column::Values::Fixed(data)) => data.len(),
            _ => 0,
        };
        fixed + column.validity.len()
    });
    blocks.chain(columns).sum()
}
