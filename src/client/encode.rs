//! Batches → messages of the push API.
//!
//! | values | on the wire |
//! |---|---|
//! | numbers of a file | FLOAT64; neighbouring fields in one block |
//! | fixed-width | as they are |
//! | strings, dictionaries | STRING, of a dictionary only the strings in use |
//! | mixed, of a field that is text | STRING, numbers in their text form |
//! | mixed, of a field that is boolean | BOOL |
//! | mixed, of any other field | FLOAT64, booleans as 0 and 1 |
//!
//! A value that is not of its field's type must stay distinguishable: it counts as invalid, not as
//! null and not as NaN. No typed column can hold it, so rows with and without such values go in
//! batches of their own, and there the column is sent as a type that the schema does not have.
//! Fields of role time and ignore are not sent; a field of role id goes into `prediction_ids`.

use bytes::Bytes;
use prost::Message;
use prost_types::Timestamp;

use crate::batch::{
    Batch, Column, Field, Outcome, Presence, Role, Scalar, Times, ValueType, Values,
};
use crate::proto::ingest as wire;
use wire::ValueType as WireType;
use wire::column::Values as WireValues;

/// The schema of a batch on the wire, and the batch, without its schema, in one message or several.
pub fn encode(batch: &Batch) -> (wire::Schema, Vec<wire::PredictionBatch>) {
    let fields = sent_fields(batch);
    let schema = wire::Schema {
        fields: fields.iter().map(Sent::to_wire).collect(),
    };
    // 0 would mean that the schema is not to be kept.
    let schema_id = xxhash_rust::xxh3::xxh3_64(&schema.encode_to_vec()).max(1);

    let mut batches = Vec::new();
    let mut start = 0;
    while start < batch.rows || (batches.is_empty() && batch.rows == 0) {
        let wrong = |row: usize, sent: &Sent<'_>| sent.is_wrong(batch, row);
        let same = |row: usize| {
            let mut fields = fields.iter();
            fields.all(|sent| wrong(row, sent) == wrong(start, sent))
        };
        let end = (start + 1..batch.rows)
            .find(|row| !same(*row))
            .unwrap_or(batch.rows);
        let bad: Vec<bool> = fields
            .iter()
            .map(|sent| start < batch.rows && wrong(start, sent))
            .collect();
        let encoded = if (start, end) == (0, batch.rows) {
            part(batch, &fields, &bad)
        } else {
            part(&batch.slice(start..end), &fields, &bad)
        };
        batches.push(wire::PredictionBatch {
            schema_id,
            ..encoded
        });
        start = end.max(start + 1);
    }
    (schema, batches)
}

/// A field that is sent.
struct Sent<'a> {
    /// Its place in the batch.
    index: usize,
    field: &'a Field,
    kind: WireType,
}

impl Sent<'_> {
    fn to_wire(&self) -> wire::Field {
        let role = match self.field.role {
            Role::Prediction => wire::Role::Prediction,
            Role::Score => wire::Role::Score,
            Role::Label => wire::Role::Label,
            Role::Segment => wire::Role::Segment,
            _ => wire::Role::Feature,
        };
        wire::Field {
            name: self.field.name.to_string(),
            role: role as i32,
            r#type: self.kind as i32,
            width: self.field.width,
        }
    }

    /// Whether the value in this row cannot be sent as the field's type.
    fn is_wrong(&self, batch: &Batch, row: usize) -> bool {
        let Some(column) = &batch.columns[self.index] else {
            return false;
        };
        let is_wrong = match (&column.values, self.kind) {
            (Values::Mixed(values), kind) => match (&values[row], kind) {
                (Scalar::Null | Scalar::Bool(_), _) => false,
                (Scalar::Number(value), WireType::String) => !value.is_finite(),
                (Scalar::Number(_), kind) => kind == WireType::Bool,
                (Scalar::Text(_), kind) => kind != WireType::String,
                (Scalar::Vector(_) | Scalar::Invalid, _) => true,
            },
            (Values::Numbers(values), WireType::String) => !values[row].is_finite(),
            _ => false,
        };
        is_wrong && column.presence.has(row)
    }
}

fn sent_fields(batch: &Batch) -> Vec<Sent<'_>> {
    let fields = batch.schema.fields.iter().enumerate();
    fields
        .filter(|(_, field)| !matches!(field.role, Role::Time | Role::Id | Role::Ignore))
        .map(|(index, field)| {
            let values = batch.columns[index].as_ref().map(|column| &column.values);
            let kind = match (field.value_type, values) {
                (ValueType::Text, _) => WireType::String,
                (_, Some(Values::Fixed { value_type, .. })) => to_wire(*value_type),
                (_, Some(Values::Numbers(_))) => WireType::Float64,
                (ValueType::Bool, Some(Values::Mixed(_))) => WireType::Bool,
                (_, Some(Values::Mixed(_))) => WireType::Float64,
                (value_type, _) => to_wire(value_type),
            };
            Sent { index, field, kind }
        })
        .collect()
}

fn to_wire(value_type: ValueType) -> WireType {
    match value_type {
        ValueType::Bool => WireType::Bool,
        ValueType::Int8 => WireType::Int8,
        ValueType::UInt8 => WireType::Uint8,
        ValueType::Int16 => WireType::Int16,
        ValueType::UInt16 => WireType::Uint16,
        ValueType::Int32 => WireType::Int32,
        ValueType::UInt32 => WireType::Uint32,
        ValueType::Int64 => WireType::Int64,
        ValueType::UInt64 => WireType::Uint64,
        ValueType::Float16 => WireType::Float16,
        ValueType::BFloat16 => WireType::Bfloat16,
        ValueType::Float32 => WireType::Float32,
        ValueType::Float64 => WireType::Float64,
        ValueType::Text => WireType::String,
    }
}

/// One batch on the wire; `bad` says which fields have the wrong type in all rows.
fn part(batch: &Batch, fields: &[Sent<'_>], bad: &[bool]) -> wire::PredictionBatch {
    let mut blocks = Vec::new();
    let mut columns = Vec::new();
    let mut next = 0;
    while next < fields.len() {
        let run = fields[next..]
            .iter()
            .map_while(|sent| plain_numbers(batch, sent))
            .collect::<Vec<_>>();
        if run.len() > 1 {
            blocks.push(block(next, &run, batch.rows));
            next += run.len();
            continue;
        }
        if let Some(column) = &batch.columns[fields[next].index] {
            let values = if bad[next] {
                wrong_type(fields[next].kind)
            } else {
                values(fields[next].kind, column, batch.rows)
            };
            columns.push(wire::Column {
                field: next as u32,
                values: Some(values),
                validity: bits(batch.rows, |row| is_present(column, row)),
            });
        }
        next += 1;
    }
    let (base_time, time_offset_micros) = times(&batch.times);
    let traces = batch.calls.trace_ids.iter();
    wire::PredictionBatch {
        model: Some(wire::ModelRef {
            name: batch.model.to_string(),
            version: batch.version.to_string(),
        }),
        rows: batch.rows as u32,
        blocks,
        columns,
        prediction_ids: ids(batch),
        base_time,
        time_offset_micros,
        latency_micros: batch.calls.latency_micros.clone(),
        outcomes: batch.calls.outcomes.iter().map(outcome).collect(),
        weight: batch.weight,
        call_rows: batch.calls.rows.clone(),
        trace_ids: traces
            .map(|id| id.map_or_else(Bytes::new, |id| Bytes::copy_from_slice(&id)))
            .collect(),
        labels: batch.calls.are_labels,
        ..wire::PredictionBatch::default()
    }
}

/// The column, if it is numbers that go into a FLOAT64 block.
fn plain_numbers<'a>(batch: &'a Batch, sent: &Sent<'_>) -> Option<(&'a Column, &'a [f64])> {
    let column = batch.columns[sent.index].as_ref()?;
    match &column.values {
        Values::Numbers(values) if sent.kind == WireType::Float64 => Some((column, values)),
        _ => None,
    }
}

fn block(first: usize, fields: &[(&Column, &[f64])], rows: usize) -> wire::Block {
    let mut data = Vec::with_capacity(rows * fields.len() * 8);
    for row in 0..rows {
        for (_, values) in fields {
            data.extend_from_slice(&values[row].to_le_bytes());
        }
    }
    let count = fields.len();
    wire::Block {
        first_field: first as u32,
        field_count: count as u32,
        r#type: WireType::Float64 as i32,
        data: data.into(),
        validity: bits(rows * count, |bit| {
            fields[bit % count].0.presence.has(bit / count)
        }),
    }
}

/// One bit each; nothing when all are set.
fn bits(count: usize, is_set: impl Fn(usize) -> bool) -> Bytes {
    let mut bits = vec![0_u8; count.div_ceil(8)];
    let mut all = true;
    for bit in 0..count {
        if is_set(bit) {
            bits[bit / 8] |= 1 << (bit % 8);
        } else {
            all = false;
        }
    }
    if all { Bytes::new() } else { bits.into() }
}

fn is_present(column: &Column, row: usize) -> bool {
    let null = matches!(&column.values, Values::Mixed(values) if values[row] == Scalar::Null);
    column.presence.has(row) && !null
}

/// Values of a type that the field does not have, so that every row counts as invalid.
fn wrong_type(kind: WireType) -> WireValues {
    if kind == WireType::String {
        WireValues::Fixed(Bytes::new())
    } else {
        WireValues::Strings(wire::StringValues::default())
    }
}

fn values(kind: WireType, column: &Column, rows: usize) -> WireValues {
    match (&column.values, kind) {
        (Values::Invalid, _) => wrong_type(kind),
        (Values::Dictionary { dictionary, codes }, WireType::String) => {
            used(dictionary, codes, &column.presence)
        }
        (_, WireType::String) => {
            let mut values = Vec::with_capacity(rows);
            column.read_texts(0..rows, |text| {
                values.push(text.ok().flatten().unwrap_or_default().to_owned());
            });
            WireValues::Strings(wire::StringValues { values })
        }
        (
            Values::Fixed {
                data,
                value_type,
                offset,
                stride,
                width,
            },
            _,
        ) => {
            let size = value_type.size() * width;
            let rows = (0..rows).map(|row| offset + row * stride);
            let rows = rows.flat_map(|at| data[at..at + size].iter().copied());
            WireValues::Fixed(rows.collect())
        }
        (Values::Numbers(values), _) => WireValues::Fixed(
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        ),
        (Values::Mixed(values), WireType::Bool) => {
            let one = |value: &Scalar| u8::from(*value == Scalar::Bool(true));
            WireValues::Fixed(values.iter().map(one).collect())
        }
        (Values::Mixed(values), _) => {
            let one = |value: &Scalar| match value {
                Scalar::Number(value) => *value,
                Scalar::Bool(value) => f64::from(u8::from(*value)),
                _ => 0.0,
            };
            let bytes = values.iter().flat_map(|value| one(value).to_le_bytes());
            WireValues::Fixed(bytes.collect())
        }
        (Values::Text(_) | Values::Dictionary { .. }, _) => wrong_type(kind),
    }
}

/// A dictionary of only those strings that the rows use.
fn used(dictionary: &[String], codes: &[u32], presence: &Presence) -> WireValues {
    let mut place = vec![None; dictionary.len()];
    let mut kept = Vec::new();
    let codes = codes.iter().enumerate().map(|(row, &code)| {
        if !presence.has(row) {
            return 0;
        }
        *place[code as usize].get_or_insert_with(|| {
            kept.push(dictionary[code as usize].clone());
            kept.len() as u32 - 1
        })
    });
    let codes = codes.collect();
    WireValues::Dictionary(wire::DictionaryValues {
        dictionary: kept,
        codes,
    })
}

/// The text form of the first field of role id; a row without one has an empty string.
fn ids(batch: &Batch) -> Vec<String> {
    let mut fields = batch.schema.fields.iter().zip(&batch.columns);
    let column =
        fields.find_map(|(field, column)| column.as_ref().filter(|_| field.role == Role::Id));
    let mut ids = Vec::new();
    if let Some(column) = column {
        column.read_texts(0..batch.rows, |text| {
            ids.push(text.ok().flatten().unwrap_or_default().to_owned());
        });
    }
    ids
}

fn times(times: &Times) -> (Option<Timestamp>, Vec<i64>) {
    let timestamp = |micros: i64| Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: (micros.rem_euclid(1_000_000) * 1_000) as i32,
    };
    match times {
        Times::Arrival => (None, Vec::new()),
        Times::At(at) => (Some(timestamp(*at)), Vec::new()),
        Times::Each(each) => {
            let base = each.first().copied().unwrap_or(0);
            let offsets = each.iter().map(|time| time.saturating_sub(base)).collect();
            (Some(timestamp(base)), offsets)
        }
    }
}

fn outcome(outcome: &Outcome) -> i32 {
    let outcome = match outcome {
        Outcome::Ok => wire::Outcome::Ok,
        Outcome::Failed("DEADLINE_EXCEEDED" | "504") => wire::Outcome::Timeout,
        Outcome::Failed("RESOURCE_EXHAUSTED" | "429") => wire::Outcome::Rejected,
        Outcome::Failed("INVALID_ARGUMENT" | "NOT_FOUND" | "FAILED_PRECONDITION") => {
            wire::Outcome::ClientError
        }
        Outcome::Failed(code) if code.starts_with('4') => wire::Outcome::ClientError,
        Outcome::Failed(_) => wire::Outcome::ServerError,
    };
    outcome as i32
}

#[cfg(test)]
mod tests;
