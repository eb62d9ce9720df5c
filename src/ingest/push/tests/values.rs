//! Every type, in every layout, comes out as it went in.

use super::*;
use crate::batch::{Outcome, Role, Times};

use wire::ValueType as Type;
use wire::column::Values::Fixed;

#[test]
fn numbers_of_every_type_are_read_from_blocks_and_columns() {
    let cases: [(Type, Vec<u8>, [f64; 2]); 10] = [
        (Type::Bool, vec![0, 1], [0.0, 1.0]),
        (Type::Uint8, vec![7, 255], [7.0, 255.0]),
        (
            Type::Int32,
            [(-5_i32).to_le_bytes(), i32::MAX.to_le_bytes()].concat(),
            [-5.0, f64::from(i32::MAX)],
        ),
        (
            Type::Int64,
            [(-5_i64).to_le_bytes(), (1_i64 << 40).to_le_bytes()].concat(),
            [-5.0, 1_099_511_627_776.0],
        ),
        (
            Type::Uint64,
            [5_u64.to_le_bytes(), (1_u64 << 63).to_le_bytes()].concat(),
            [5.0, 9_223_372_036_854_775_808.0],
        ),
        (Type::Float16, vec![0x00, 0x3e, 0x00, 0xc0], [1.5, -2.0]),
        (Type::Bfloat16, vec![0xc0, 0x3f, 0x00, 0xc0], [1.5, -2.0]),
        (
            Type::Float32,
            [1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat(),
            [1.5, -2.0],
        ),
        (
            Type::Float64,
            [0.1_f64.to_le_bytes(), (-2.0_f64).to_le_bytes()].concat(),
            [0.1, -2.0],
        ),
        (
            Type::Float64,
            [1e300_f64.to_le_bytes(), 0.0_f64.to_le_bytes()].concat(),
            [1e300, 0.0],
        ),
    ];
    for (kind, data, wanted) in cases {
        let mut in_block = batch(2, vec![field("a", kind)]);
        in_block.blocks.push(wire::Block {
            field_count: 1,
            r#type: kind as i32,
            data: data.clone().into(),
            ..wire::Block::default()
        });
        let mut in_column = batch(2, vec![field("a", kind)]);
        in_column.columns.push(column(0, Fixed(data.into())));
        for sent in [in_block, in_column] {
            let (batch, told) = decode(sent);
            assert_eq!(told, [""; 0]);
            let read = numbers(&batch.unwrap().columns[0], 2);
            assert_eq!(read.finite, wanted, "{kind:?}");
        }
    }
}

#[test]
fn a_block_is_row_major_with_one_presence_bit_a_value_and_nan_is_data() {
    let names = ["a", "b", "c"];
    let fields = names.map(|name| field(name, Type::Float32));
    let mut sent = batch(3, fields.to_vec());
    sent.blocks.push(wire::Block {
        field_count: 3,
        r#type: Type::Float32 as i32,
        data: floats(&[1., 2., 3., 4., f32::NAN, 6., 7., f32::INFINITY, 9.]),
        // Row 1 has no `a`, row 2 no `c`.
        validity: Bytes::from_static(&[0b1111_0111, 0b0]),
        ..wire::Block::default()
    });
    let (batch, told) = decode(sent);
    assert_eq!(told, [""; 0]);
    let columns = batch.unwrap().columns;
    let a = numbers(&columns[0], 3);
    assert_eq!((a.finite, a.null), (vec![1., 7.], 1));
    let b = numbers(&columns[1], 3);
    assert_eq!((b.finite, b.nan, b.inf), (vec![2.], 1, 1));
    let c = numbers(&columns[2], 3);
    assert_eq!((c.finite, c.null), (vec![3., 6.], 1));
}

#[test]
fn a_block_may_hold_vectors_beside_scalars() {
    let mut fields = vec![
        field("a", Type::Float32),
        field("v", Type::Float32),
        field("b", Type::Float32),
    ];
    fields[1].width = 2;
    let mut sent = batch(2, fields);
    sent.blocks.push(wire::Block {
        field_count: 3,
        r#type: Type::Float32 as i32,
        data: floats(&[1., 10., 11., 2., 3., 30., f32::NAN, 4.]),
        ..wire::Block::default()
    });
    let batch = decode(sent).0.unwrap();
    assert_eq!(numbers(&batch.columns[0], 2).finite, [1., 3.]);
    assert_eq!(numbers(&batch.columns[2], 2).finite, [2., 4.]);
    let vectors = numbers(&batch.columns[1], 2);
    assert_eq!((vectors.finite.len(), vectors.nan), (1, 1));
    assert_eq!(batch.columns[1].as_ref().unwrap().width(), 2);
}

#[test]
fn strings_come_plain_and_by_dictionary_and_null() {
    let fields = vec![field("a", Type::String), field("b", Type::String)];
    let mut sent = batch(3, fields);
    sent.columns.push(column(0, strings(&["x", "", "é"])));
    sent.columns
        .push(column(1, dictionary(&["u", "v"], &[1, 99, 0])));
    sent.columns[1].validity = Bytes::from_static(&[0b101]);
    let (batch, told) = decode(sent);
    assert_eq!(told, [""; 0]);
    let columns = batch.unwrap().columns;
    assert_eq!(texts(&columns[0], 3), ["x", "", "é"]);
    assert_eq!(texts(&columns[1], 3), ["v", "null", "u"]);
}

#[test]
fn a_column_of_nulls_may_have_an_empty_dictionary() {
    let mut sent = batch(2, vec![field("a", Type::String)]);
    sent.columns.push(column(0, dictionary(&[], &[0, 0])));
    sent.columns[0].validity = Bytes::from_static(&[0]);
    let (batch, told) = decode(sent);
    assert_eq!(told, [""; 0]);
    assert_eq!(texts(&batch.unwrap().columns[0], 2), ["null", "null"]);
}

#[test]
fn a_field_that_no_block_or_column_holds_is_absent() {
    let (batch, told) = decode(batch(2, vec![field("a", Type::Float32)]));
    assert_eq!(told, [""; 0]);
    assert!(batch.unwrap().columns[0].is_none());
}

#[test]
fn roles_names_and_versions_arrive() {
    let mut fields = vec![field("a", Type::Float32); 5];
    for (index, field) in fields.iter_mut().enumerate() {
        field.name = format!("f{index}");
        field.role = [0, 2, 3, 4, 6][index];
    }
    fields[4].name = "x".repeat(200);
    let batch = decode(batch(1, fields)).0.unwrap();
    let roles: Vec<Role> = batch.schema.fields.iter().map(|field| field.role).collect();
    assert_eq!(
        roles,
        [
            Role::Feature,
            Role::Prediction,
            Role::Score,
            Role::Label,
            Role::Segment
        ]
    );
    assert_eq!((&*batch.model, &*batch.version), ("m", "1"));
    assert_eq!(batch.schema.fields[4].name.len(), 128);
}

#[test]
fn calls_times_and_weight_arrive() {
    let mut sent = batch(3, Vec::new());
    sent.call_rows = vec![1, 0, 2];
    sent.latency_micros = vec![100, 200, 300];
    sent.outcomes = vec![0, 3, 2];
    sent.trace_ids = vec![
        Bytes::new(),
        Bytes::from_static(&[7; 16]),
        Bytes::from_static(&[0; 16]),
    ];
    sent.weight = 2.5;
    sent.base_time = Some(prost_types::Timestamp {
        seconds: 10,
        nanos: 5_999,
    });
    sent.time_offset_micros = vec![0, -6, 1_000_000];
    let (batch, told) = decode(sent);
    assert_eq!(told, [""; 0]);
    let batch = batch.unwrap();
    assert_eq!(batch.calls.rows, [1, 0, 2]);
    assert_eq!(batch.calls.latency_micros, [100, 200, 300]);
    assert_eq!(
        batch.calls.outcomes,
        [
            Outcome::Ok,
            Outcome::Failed("INTERNAL"),
            Outcome::Failed("INVALID_ARGUMENT")
        ]
    );
    assert_eq!(batch.calls.trace_ids, [None, Some([7; 16]), None]);
    assert_eq!(batch.weight, 2.5);
    assert_eq!(
        batch.times,
        Times::Each(vec![10_000_005, 9_999_999, 11_000_005])
    );
}

#[test]
fn every_outcome_has_its_code() {
    let mut sent = batch(6, Vec::new());
    sent.outcomes = vec![0, 1, 2, 3, 4, 5];
    let outcomes = decode(sent).0.unwrap().calls.outcomes;
    let codes: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Ok => "OK",
            Outcome::Failed(code) => code,
        })
        .collect();
    assert_eq!(
        codes,
        [
            "OK",
            "OK",
            "INVALID_ARGUMENT",
            "INTERNAL",
            "DEADLINE_EXCEEDED",
            "RESOURCE_EXHAUSTED"
        ]
    );
}

#[test]
fn a_batch_may_be_rows_of_traffic_or_failed_calls_without_rows() {
    let mut traffic = batch(5, Vec::new());
    traffic.schema = None;
    let batch_of_traffic = decode(traffic).0.unwrap();
    assert_eq!((batch_of_traffic.rows, batch_of_traffic.weight), (5, 1.0));
    assert_eq!(batch_of_traffic.times, Times::Arrival);

    let mut failed = batch(0, Vec::new());
    failed.call_rows = vec![0];
    failed.outcomes = vec![wire::Outcome::ClientError as i32];
    let failed = decode(failed).0.unwrap();
    assert_eq!((failed.rows, failed.call_count()), (0, 1));
}

#[test]
fn a_request_without_batches_tells_of_dropped_rows() {
    let push = push(Limits::default());
    let request = wire::ObserveRequest {
        client_id: "c".into(),
        dropped_rows: 7,
        ..wire::ObserveRequest::default()
    };
    let answer = push.take(request.encode_to_vec().into()).unwrap();
    assert_eq!(
        answer.into_unary().unwrap(),
        wire::ObserveResponse::default()
    );
    assert_eq!(push.intake.counts().client_dropped, 7);
}

#[test]
fn a_known_schema_keeps_its_identity_and_an_unknown_one_is_asked_for() {
    let push = push(Limits::default());
    let mut first = batch(1, vec![field("a", Type::Float32)]);
    first.schema_id = 9;
    let mut second = first.clone();
    second.schema = None;
    let asked = send(&push, vec![second.clone()]).unwrap();
    assert!(asked.response.need_schema);
    assert_eq!(told(&asked), ["UNKNOWN_SCHEMA  1"]);
    assert!(asked.into_unary().is_ok());
    for batch in [first.clone(), second, first] {
        let answer = send(&push, vec![batch]).unwrap();
        assert_eq!(answer.response.accepted_rows, 1);
    }
    let mut out = Vec::new();
    push.intake.queue().drain(&mut out);
    let uids: Vec<u64> = out.iter().map(|batch| batch.schema.uid()).collect();
    assert_eq!(uids, [uids[0]; 3]);
}

#[test]
fn memory_is_counted_once_and_small_slices_do_not_pin_large_messages() {
    let push = push(Limits::default());
    let big = || {
        let mut big = batch(1_000, vec![field("a", Type::Float32)]);
        big.columns.push(column(0, Fixed(vec![0; 4_000].into())));
        big
    };
    let answer = send(&push, (0..10).map(|_| big()).collect()).unwrap();
    assert_eq!(answer.response.accepted_rows, 10_000);
    let bytes = push.intake.queue().bytes();
    assert!((40_000..50_000).contains(&bytes), "{bytes}");

    while push.intake.queue().drain(&mut Vec::new()) > 0 {}
    let mut texts = batch(
        1_000,
        vec![field("s", Type::String), field("a", Type::Uint8)],
    );
    let text = "x".repeat(100);
    texts.columns.push(column(0, strings(&vec![&*text; 1_000])));
    texts.columns.push(column(1, Fixed(vec![0; 1_000].into())));
    send(&push, vec![texts]).unwrap();
    let bytes = push.intake.queue().bytes();
    // Strings and their headers, and the copied slice; not the message of 103 kB.
    assert!((125_000..135_000).contains(&bytes), "{bytes}");
}
