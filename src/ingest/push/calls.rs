//! What a batch says of its calls and times. An array of the wrong length is dropped, and rejected by
//! its name; the rows stay.

use bytes::Bytes;
use prost_types::Timestamp;

use super::rejections::Rejections;
use crate::batch::{Calls, Outcome, Times};
use crate::proto::ingest as wire;
use crate::proto::ingest::RejectionCode::{BadValue, LengthMismatch};

/// Largest credible weight; a larger one would leave nothing of a counter's precision.
const MAX_WEIGHT: f64 = 1e9;

/// Calls of a batch of `rows` rows.
pub(super) fn calls(
    batch: &mut wire::PredictionBatch,
    rows: usize,
    rejections: &mut Rejections,
) -> Calls {
    if batch.labels {
        let of_calls = [
            ("call_rows", batch.call_rows.len()),
            ("latency_micros", batch.latency_micros.len()),
            ("outcomes", batch.outcomes.len()),
            ("trace_ids", batch.trace_ids.len()),
        ];
        for (name, length) in of_calls {
            if length > 0 {
                rejections.add(BadValue, name, rows as u64, || {
                    format!("{name} of labels: they are told after the calls")
                });
            }
        }
        return Calls {
            are_labels: true,
            ..Calls::default()
        };
    }
    let mut call_rows = std::mem::take(&mut batch.call_rows);
    let sum: u64 = call_rows.iter().map(|rows| u64::from(*rows)).sum();
    if !call_rows.is_empty() && sum != rows as u64 {
        rejections.add(LengthMismatch, "call_rows", rows as u64, || {
            format!("call_rows add up to {sum} for {rows} rows")
        });
        call_rows.clear();
    }
    let count = if call_rows.is_empty() {
        rows
    } else {
        call_rows.len()
    };
    let mut fits = |name: &str, length: usize| {
        let fits = length == 0 || length == count;
        if !fits {
            rejections.add(LengthMismatch, name, rows as u64, || {
                format!("{name} has {length} entries for {count} calls")
            });
        }
        fits
    };
    let latency_micros = std::mem::take(&mut batch.latency_micros);
    let latency_fits = fits("latency_micros", latency_micros.len());
    let outcomes_fit = fits("outcomes", batch.outcomes.len());
    let traces_fit = fits("trace_ids", batch.trace_ids.len());
    Calls {
        rows: call_rows,
        latency_micros: if latency_fits {
            latency_micros
        } else {
            Vec::new()
        },
        outcomes: if outcomes_fit {
            outcomes(&batch.outcomes, rejections)
        } else {
            Vec::new()
        },
        trace_ids: if traces_fit {
            trace_ids(&batch.trace_ids, rejections)
        } else {
            Vec::new()
        },
        are_labels: false,
    }
}

fn outcomes(wire: &[i32], rejections: &mut Rejections) -> Vec<Outcome> {
    let read = |outcome: &i32| match wire::Outcome::try_from(*outcome) {
        Ok(wire::Outcome::Unspecified | wire::Outcome::Ok) => Outcome::Ok,
        Ok(wire::Outcome::ClientError) => Outcome::Failed("INVALID_ARGUMENT"),
        Ok(wire::Outcome::ServerError) => Outcome::Failed("INTERNAL"),
        Ok(wire::Outcome::Timeout) => Outcome::Failed("DEADLINE_EXCEEDED"),
        Ok(wire::Outcome::Rejected) => Outcome::Failed("RESOURCE_EXHAUSTED"),
        Err(_) => {
            rejections.add(BadValue, "outcomes", 1, || {
                format!("there is no outcome {outcome}")
            });
            Outcome::Ok
        }
    };
    wire.iter().map(read).collect()
}

fn trace_ids(wire: &[Bytes], rejections: &mut Rejections) -> Vec<Option<[u8; 16]>> {
    let read = |id: &Bytes| {
        let read = <[u8; 16]>::try_from(&id[..]).ok();
        if read.is_none() && !id.is_empty() {
            rejections.add(BadValue, "trace_ids", 1, || {
                format!("a trace id has {} bytes, not 16", id.len())
            });
        }
        // All zero means "none" in W3C trace context.
        read.filter(|id| *id != [0; 16])
    };
    wire.iter().map(read).collect()
}

/// Times of a batch of `rows` rows.
pub(super) fn times(
    batch: &mut wire::PredictionBatch,
    rows: usize,
    rejections: &mut Rejections,
) -> Times {
    let offsets = std::mem::take(&mut batch.time_offset_micros);
    let Some(base) = &batch.base_time else {
        if !offsets.is_empty() {
            rejections.add(BadValue, "time_offset_micros", rows as u64, || {
                "time_offset_micros without a base_time".into()
            });
        }
        return Times::Arrival;
    };
    let Some(base) = micros(base) else {
        rejections.add(BadValue, "base_time", rows as u64, || {
            format!(
                "base_time {}s {}ns is out of range",
                base.seconds, base.nanos
            )
        });
        return Times::Arrival;
    };
    if offsets.is_empty() {
        return Times::At(base);
    }
    if offsets.len() != rows {
        rejections.add(LengthMismatch, "time_offset_micros", rows as u64, || {
            format!(
                "time_offset_micros has {} entries for {rows} rows",
                offsets.len()
            )
        });
        return Times::At(base);
    }
    let each = offsets.iter().map(|offset| base.checked_add(*offset));
    match each.collect() {
        Some(each) => Times::Each(each),
        None => {
            rejections.add(BadValue, "time_offset_micros", rows as u64, || {
                "base_time + offset is out of range".into()
            });
            Times::At(base)
        }
    }
}

fn micros(time: &Timestamp) -> Option<i64> {
    let nanos = u32::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    time.seconds
        .checked_mul(1_000_000)?
        .checked_add(i64::from(nanos / 1_000))
}

/// Rows that each row of a batch stands for.
pub(super) fn weight(wire: f64, rows: usize, rejections: &mut Rejections) -> f64 {
    if wire == 0.0 {
        return 1.0;
    }
    if (1.0..=MAX_WEIGHT).contains(&wire) {
        return wire;
    }
    rejections.add(BadValue, "weight", rows as u64, || {
        format!("weight {wire:?} is not between 1 and {MAX_WEIGHT}; 1 is assumed")
    });
    1.0
}
