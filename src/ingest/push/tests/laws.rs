//! Laws of the decoder, over arbitrary requests and arbitrary bytes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::ingest::push::scan::{Level, decoded_bytes};
use prost::encoding::WireType;

/// A request of small random parts, of which some agree by chance and most do not.
fn any_batch() -> impl Strategy<Value = wire::PredictionBatch> {
    let small = || 0_u32..6;
    let bytes = || vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let field = (
        "[ab]?",
        small(),
        0_i32..12,
        prop_oneof![0_u32..4, Just(u32::MAX)],
    );
    let fields = vec(field, 0..5).prop_map(|fields| wire::Schema {
        fields: fields
            .into_iter()
            .map(|(name, role, kind, width)| wire::Field {
                name,
                role: role as i32,
                r#type: kind,
                width,
            })
            .collect(),
    });
    let block = (small(), small(), 0_i32..12, bytes(), bytes()).prop_map(
        |(first_field, field_count, kind, data, validity)| wire::Block {
            first_field,
            field_count,
            r#type: kind,
            data,
            validity,
        },
    );
    let values = prop_oneof![
        bytes().prop_map(wire::column::Values::Fixed),
        vec(".{0,3}", 0..6)
            .prop_map(|values| { wire::column::Values::Strings(wire::StringValues { values }) }),
        (vec("[xyz]{0,6}", 0..4), vec(small(), 0..6)).prop_map(|(dictionary, codes)| {
            wire::column::Values::Dictionary(wire::DictionaryValues { dictionary, codes })
        }),
    ];
    let column =
        (small(), proptest::option::of(values), bytes()).prop_map(|(field, values, validity)| {
            wire::Column {
                field,
                values,
                validity,
            }
        });
    let parts = (
        proptest::option::of(fields),
        0_u64..3,
        0_u32..8,
        vec(block, 0..4),
        vec(column, 0..5),
    );
    let calls = (
        vec(small(), 0..5),
        vec(any::<u32>(), 0..5),
        vec(0_i32..8, 0..5),
        vec(any::<i64>(), 0..5),
        any::<f64>(),
        proptest::option::of((any::<i64>(), any::<i32>())),
        vec(bytes(), 0..3),
    );
    (parts, calls).prop_map(|(parts, calls)| {
        let (schema, schema_id, rows, blocks, columns) = parts;
        let (call_rows, latency_micros, outcomes, offsets, weight, base, trace_ids) = calls;
        wire::PredictionBatch {
            model: Some(wire::ModelRef {
                name: "m".into(),
                version: String::new(),
            }),
            schema_id,
            schema,
            rows,
            blocks,
            columns,
            base_time: base.map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos }),
            time_offset_micros: offsets,
            latency_micros,
            outcomes,
            weight,
            call_rows,
            trace_ids,
            ..wire::PredictionBatch::default()
        }
    })
}

fn any_request() -> impl Strategy<Value = wire::ObserveRequest> {
    vec(any_batch(), 0..4).prop_map(|batches| wire::ObserveRequest {
        client_id: "c".into(),
        batches,
        ..wire::ObserveRequest::default()
    })
}

/// Takes `message`, then reads every value of what comes out in every way.
fn take_and_read_everything(message: Vec<u8>) {
    let push = push(Limits {
        string_bytes: 4,
        ..Limits::default()
    });
    let answer = push.take(message.into());
    let mut out = Vec::new();
    push.intake.queue().drain(&mut out);
    let mut rows = 0;
    for batch in &out {
        rows += batch.rows as u64;
        assert_eq!(batch.columns.len(), batch.schema.fields.len());
        assert!(batch.weight.is_finite() && batch.weight >= 1.0);
        assert!(batch.bytes >= size_of::<Batch>());
        let calls = batch.call_count();
        let fits = |length: usize| length == 0 || length == calls;
        assert!(fits(batch.calls.latency_micros.len()) && fits(batch.calls.outcomes.len()));
        assert!(fits(batch.calls.trace_ids.len()));
        for range in batch.failed_rows() {
            assert!(range.end <= batch.rows);
        }
        for column in batch.columns.iter().filter(|column| column.is_some()) {
            let read = numbers(column, batch.rows);
            let seen = read.finite.len() as u64 + read.null + read.nan + read.inf + read.invalid;
            assert_eq!(seen, batch.rows as u64, "{column:?}");
            assert_eq!(texts(column, batch.rows).len(), batch.rows);
        }
    }
    let counts = push.intake.counts();
    let rejected: u64 = counts.rejected.iter().map(|one| one.1).sum();
    assert_eq!(counts.accepted, rows);
    assert_eq!(counts.received, rows + rejected);
    if let Ok(answer) = answer {
        assert_eq!(answer.response.accepted_rows, rows);
        assert_eq!(answer.response.rejected_rows, rejected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_request_is_taken_or_refused_and_never_read_beyond_its_end(request in any_request()) {
        take_and_read_everything(request.encode_to_vec());
    }

    #[test]
    fn a_request_with_bytes_changed_or_cut_off_never_panics(
        request in any_request(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut message = request.encode_to_vec();
        if !message.is_empty() {
            for (at, byte) in changes {
                let at = at.index(message.len());
                message[at] = byte;
            }
            if cut.index(4) == 0 {
                message.truncate(cut.index(message.len()));
            }
        }
        take_and_read_everything(message);
    }

    #[test]
    fn arbitrary_bytes_never_panic(message in vec(any::<u8>(), 0..300)) {
        take_and_read_everything(message);
    }

    /// Each array on the wire is counted with at least the memory that it takes decoded.
    #[test]
    fn the_scan_foresees_the_memory(request in any_request()) {
        let foreseen = decoded_bytes(&request.encode_to_vec(), Level::Request);
        let mut taken = 0;
        for batch in &request.batches {
            taken += size_of_val(batch)
                + size_of_val(&batch.blocks[..])
                + size_of_val(&batch.columns[..])
                + size_of_val(&batch.latency_micros[..])
                + size_of_val(&batch.call_rows[..])
                + size_of_val(&batch.time_offset_micros[..])
                + size_of_val(&batch.trace_ids[..]);
            taken += batch.schema.iter().map(|schema| size_of_val(&schema.fields[..])).sum::<usize>();
            for column in &batch.columns {
                taken += match &column.values {
                    Some(wire::column::Values::Strings(strings)) => size_of_val(&strings.values[..]),
                    Some(wire::column::Values::Dictionary(wire::DictionaryValues { dictionary, codes })) => {
                        size_of_val(&dictionary[..]) + size_of_val(&codes[..])
                    }
                    _ => 0,
                };
            }
        }
        let streamed = wire::ObserveStreamRequest { request: Some(request) };
        prop_assert_eq!(foreseen, decoded_bytes(&streamed.encode_to_vec(), Level::Streamed));
        prop_assert!(foreseen >= taken, "{foreseen} for {taken}");
    }

    /// A group, which no message of ours has, is passed over by the decoder and hides nothing.
    #[test]
    fn a_group_hides_nothing_from_the_scan(request in any_request(), tag in 100_u32..1_000) {
        let mut message = Vec::new();
        prost::encoding::encode_key(tag, WireType::StartGroup, &mut message);
        prost::encoding::encode_key(tag, WireType::EndGroup, &mut message);
        let foreseen = decoded_bytes(&request.encode_to_vec(), Level::Request);
        request.encode(&mut message).unwrap();
        prop_assert_eq!(wire::ObserveRequest::decode(&message[..]).unwrap(), request);
        prop_assert_eq!(decoded_bytes(&message, Level::Request), foreseen);
    }
}
