//! Each way to be wrong, by name: it is refused with a word, and costs nothing else.

use super::*;
use crate::batch::Times;
use wire::ValueType as Type;
use wire::column::Values::Fixed;

/// A batch of two rows whose field `good` is in order and whose field `bad` is to be spoilt.
fn two(kind: Type) -> wire::PredictionBatch {
    let mut sent = batch(2, vec![field("good", Type::Float32), field("bad", kind)]);
    sent.columns.push(column(0, Fixed(floats(&[1., 2.]))));
    sent
}

/// Sends it; `good` must arrive, `bad` must be invalid in all rows, and the word must be `wanted`.
fn only_bad_is_invalid(sent: wire::PredictionBatch, wanted: &str) {
    let (batch, told) = decode(sent);
    let batch = batch.expect("the rows are taken");
    assert_eq!(told, [wanted]);
    assert_eq!(numbers(&batch.columns[0], 2).finite, [1., 2.]);
    assert_eq!(invalid_null(&batch.columns[1], 2), (2, 0));
}

fn block(first: u32, count: u32, kind: Type, data: Bytes) -> wire::Block {
    wire::Block {
        first_field: first,
        field_count: count,
        r#type: kind as i32,
        data,
        validity: Bytes::new(),
    }
}

#[test]
fn a_block_that_is_too_short_or_too_long() {
    for length in [0, 7, 9, 400] {
        let mut sent = two(Type::Float32);
        let data = vec![0; length].into();
        sent.blocks.push(block(1, 1, Type::Float32, data));
        only_bad_is_invalid(sent, "LENGTH_MISMATCH bad 2");
    }
}

#[test]
fn a_block_of_more_fields_than_the_schema_has() {
    for count in [2, u32::MAX] {
        let mut sent = two(Type::Float32);
        sent.blocks
            .push(block(1, count, Type::Float32, floats(&[0.; 4])));
        only_bad_is_invalid(sent, "LENGTH_MISMATCH blocks[0] 2");
    }
    let mut sent = two(Type::Float32);
    sent.blocks
        .push(block(u32::MAX, u32::MAX, Type::Float32, Bytes::new()));
    let (batch, told) = decode(sent);
    assert_eq!(told, ["LENGTH_MISMATCH blocks[0] 2"]);
    assert!(batch.unwrap().columns[1].is_none());
}

#[test]
fn a_block_without_fields() {
    let mut sent = two(Type::Float32);
    sent.blocks.push(block(1, 0, Type::Float32, Bytes::new()));
    let (batch, told) = decode(sent);
    assert_eq!(told, ["LENGTH_MISMATCH blocks[0] 2"]);
    assert!(batch.unwrap().columns[1].is_none());
}

#[test]
fn a_block_whose_size_overflows() {
    let mut sent = two(Type::Float64);
    sent.schema.as_mut().unwrap().fields[1].width = u32::MAX;
    sent.blocks
        .push(block(1, 1, Type::Float64, Bytes::from_static(&[0; 16])));
    let (batch, told) = decode(sent);
    assert_eq!(told, ["BAD_SCHEMA bad 0", "LENGTH_MISMATCH bad 2"]);
    assert_eq!(invalid_null(&batch.unwrap().columns[1], 2), (2, 0));
}

#[test]
fn a_block_of_another_type_than_the_schema() {
    let mut sent = two(Type::Int32);
    sent.blocks
        .push(block(1, 1, Type::Float32, floats(&[1., 2.])));
    only_bad_is_invalid(sent, "TYPE_MISMATCH bad 2");
}

#[test]
fn a_block_of_another_type_costs_only_the_fields_that_differ() {
    let fields = vec![field("bad", Type::Int32), field("good", Type::Float32)];
    let mut sent = batch(2, fields);
    sent.blocks
        .push(block(0, 2, Type::Float32, floats(&[1., 2., 3., 4.])));
    let (batch, told) = decode(sent);
    assert_eq!(told, ["TYPE_MISMATCH bad 2"]);
    assert_eq!(numbers(&batch.unwrap().columns[1], 2).finite, [2., 4.]);
}

#[test]
fn a_block_of_strings_or_of_no_type() {
    for kind in [Type::String as i32, 0, 99] {
        let mut sent = two(Type::Float32);
        sent.blocks
            .push(block(1, 1, Type::Float32, floats(&[1., 2.])));
        sent.blocks[0].r#type = kind;
        only_bad_is_invalid(sent, "TYPE_MISMATCH bad 2");
    }
}

#[test]
fn validity_of_the_wrong_length() {
    let mut sent = two(Type::Float32);
    sent.blocks
        .push(block(1, 1, Type::Float32, floats(&[1., 2.])));
    sent.blocks[0].validity = Bytes::from_static(&[1, 1]);
    only_bad_is_invalid(sent, "LENGTH_MISMATCH bad 2");

    let mut sent = two(Type::Float32);
    sent.columns.push(column(1, Fixed(floats(&[1., 2.]))));
    sent.columns[1].validity = Bytes::from_static(&[1, 1]);
    only_bad_is_invalid(sent, "LENGTH_MISMATCH bad 2");
}

#[test]
fn nulls_of_a_column_that_is_wrong_stay_nulls() {
    let mut sent = two(Type::Float32);
    sent.columns.push(column(1, strings(&["1", "2"])));
    sent.columns[1].validity = Bytes::from_static(&[0b01]);
    let (batch, told) = decode(sent);
    assert_eq!(told, ["TYPE_MISMATCH bad 2"]);
    assert_eq!(invalid_null(&batch.unwrap().columns[1], 2), (1, 1));
}

#[test]
fn columns_of_the_wrong_length() {
    for (kind, values) in [
        (Type::Float32, Fixed(floats(&[1.]))),
        (Type::Float32, Fixed(floats(&[1., 2., 3.]))),
        (Type::Float32, Fixed(Bytes::new())),
        (Type::String, strings(&["a"])),
        (Type::String, strings(&["a"; 3])),
        (Type::String, dictionary(&["a"], &[0])),
        (Type::String, dictionary(&["a"], &[0; 3])),
    ] {
        let mut sent = two(kind);
        sent.columns.push(column(1, values));
        only_bad_is_invalid(sent, "LENGTH_MISMATCH bad 2");
    }
}

#[test]
fn columns_of_another_type_than_the_schema() {
    for (kind, values) in [
        (Type::Float32, strings(&["1", "2"])),
        (Type::Float32, dictionary(&["1"], &[0, 0])),
        (Type::String, Fixed(floats(&[1., 2.]))),
    ] {
        let mut sent = two(kind);
        sent.columns.push(column(1, values));
        only_bad_is_invalid(sent, "TYPE_MISMATCH bad 2");
    }
}

#[test]
fn a_column_without_values() {
    let mut sent = two(Type::Float32);
    sent.columns.push(column(1, strings(&[])));
    sent.columns[1].values = None;
    only_bad_is_invalid(sent, "LENGTH_MISMATCH bad 2");
}

#[test]
fn a_column_of_a_field_that_is_not_there() {
    let mut sent = two(Type::Float32);
    sent.columns.push(column(2, Fixed(floats(&[1., 2.]))));
    let (batch, told) = decode(sent);
    assert_eq!(told, ["LENGTH_MISMATCH columns[1] 2"]);
    assert!(batch.unwrap().columns[1].is_none());
}

#[test]
fn dictionary_codes_out_of_range() {
    for dictionary in [dictionary(&["a"], &[0, 1]), dictionary(&[], &[0, 0])] {
        let mut sent = two(Type::String);
        sent.columns.push(column(1, dictionary));
        only_bad_is_invalid(sent, "BAD_VALUE bad 2");
    }
}

#[test]
fn a_field_given_twice() {
    let mut sent = two(Type::Float32);
    sent.columns.push(column(1, Fixed(floats(&[1., 2.]))));
    sent.blocks
        .push(block(1, 1, Type::Float32, floats(&[1., 2.])));
    only_bad_is_invalid(sent, "LENGTH_MISMATCH bad 2");
}

#[test]
fn a_string_that_is_too_long_costs_only_its_row() {
    let long = "x".repeat(4_097);
    for values in [
        strings(&["fine", &long]),
        dictionary(&[&long, "fine"], &[1, 0]),
    ] {
        let mut sent = two(Type::String);
        sent.columns.push(column(1, values));
        let (batch, told) = decode(sent);
        assert_eq!(told, ["LIMIT bad 1"]);
        assert_eq!(texts(&batch.unwrap().columns[1], 2), ["fine", "invalid"]);
    }
}

#[test]
fn a_field_of_no_type_no_role_or_an_impossible_width() {
    let mut spoilt = Vec::new();
    for (kind, role, width) in [
        (0, 1, 1),
        (99, 1, 1),
        (Type::Float32 as i32, 99, 1),
        (Type::Float32 as i32, 5, 1),
        (Type::Float32 as i32, 1, 65_537),
        (Type::String as i32, 1, 2),
    ] {
        let mut sent = two(Type::Float32);
        let bad = &mut sent.schema.as_mut().unwrap().fields[1];
        (bad.r#type, bad.role, bad.width) = (kind, role, width);
        spoilt.push(sent);
    }
    for mut sent in spoilt {
        sent.columns.push(column(1, Fixed(floats(&[1., 2.]))));
        // Once for the schema, once for the values.
        only_bad_is_invalid(sent, "BAD_SCHEMA bad 2");
    }
}

#[test]
fn a_name_given_twice_or_not_at_all() {
    for name in ["good", ""] {
        let mut sent = two(Type::Float32);
        sent.schema.as_mut().unwrap().fields[1].name = name.into();
        sent.columns.push(column(1, Fixed(floats(&[1., 2.]))));
        only_bad_is_invalid(sent, "BAD_SCHEMA field[1] 2");
    }
}

#[test]
fn arrays_of_calls_of_the_wrong_length_are_dropped_and_the_rows_stay() {
    type Spoil = fn(&mut wire::PredictionBatch);
    let spoil: [(&str, Spoil); 7] = [
        ("call_rows", |sent| sent.call_rows = vec![1, 2]),
        ("call_rows", |sent| sent.call_rows = vec![u32::MAX; 3]),
        ("latency_micros", |sent| sent.latency_micros = vec![1; 3]),
        ("outcomes", |sent| sent.outcomes = vec![3]),
        ("trace_ids", |sent| sent.trace_ids = vec![Bytes::new(); 3]),
        ("prediction_ids", |sent| {
            sent.prediction_ids = vec![String::new(); 3]
        }),
        ("latency_micros", |sent| {
            (sent.call_rows, sent.latency_micros) = (vec![2], vec![1; 2]);
        }),
    ];
    for (name, spoil) in spoil {
        let mut sent = two(Type::Float32);
        spoil(&mut sent);
        let (batch, told) = decode(sent);
        assert_eq!(told, [format!("LENGTH_MISMATCH {name} 2")]);
        let batch = batch.unwrap();
        assert_eq!(batch.rows, 2);
        assert!(batch.calls.latency_micros.is_empty() && batch.calls.outcomes.is_empty());
    }
}

#[test]
fn an_outcome_or_a_trace_id_that_cannot_be() {
    let mut sent = two(Type::Float32);
    sent.outcomes = vec![99, 3];
    sent.trace_ids = vec![Bytes::from_static(&[1; 15]), Bytes::from_static(&[1; 16])];
    let (batch, told) = decode(sent);
    assert_eq!(told, ["BAD_VALUE outcomes 1", "BAD_VALUE trace_ids 1"]);
    let calls = batch.unwrap().calls;
    assert_eq!(calls.outcomes.len(), 2);
    assert_eq!(calls.trace_ids, [None, Some([1; 16])]);
}

#[test]
fn times_that_cannot_be() {
    let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let cases = [
        (
            at(i64::MAX, 0),
            vec![],
            "BAD_VALUE base_time 2",
            Times::Arrival,
        ),
        (at(0, -1), vec![], "BAD_VALUE base_time 2", Times::Arrival),
        (
            at(0, 1_000_000_000),
            vec![],
            "BAD_VALUE base_time 2",
            Times::Arrival,
        ),
        (
            None,
            vec![1, 2],
            "BAD_VALUE time_offset_micros 2",
            Times::Arrival,
        ),
        (
            at(1, 0),
            vec![1],
            "LENGTH_MISMATCH time_offset_micros 2",
            Times::At(1_000_000),
        ),
        (
            at(1, 0),
            vec![1, i64::MAX],
            "BAD_VALUE time_offset_micros 2",
            Times::At(1_000_000),
        ),
    ];
    for (base, offsets, wanted, times) in cases {
        let mut sent = two(Type::Float32);
        (sent.base_time, sent.time_offset_micros) = (base, offsets);
        let (batch, told) = decode(sent);
        assert_eq!(
            (told, batch.unwrap().times),
            (vec![wanted.to_owned()], times)
        );
    }
}

#[test]
fn weights_that_cannot_be_are_one() {
    for weight in [f64::NAN, f64::INFINITY, 0.5, -1.0, 1e10] {
        let mut sent = two(Type::Float32);
        sent.weight = weight;
        let (batch, told) = decode(sent);
        assert_eq!(
            (told, batch.unwrap().weight),
            (vec!["BAD_VALUE weight 2".into()], 1.0)
        );
    }
}

/// Sends a batch that is wrong as a whole, alone and beside one in order.
fn whole_batch_is_refused(bad: wire::PredictionBatch, limits: Limits, reason: &str, rows: u64) {
    let push = push(limits);
    let alone = send(&push, vec![bad.clone()]).unwrap();
    assert_eq!(alone.response.rejected_rows, rows);
    let status = alone.into_unary().unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(!status.message().is_empty());

    let beside = send(&push, vec![bad, batch(1, Vec::new())]).unwrap();
    let response = beside.into_unary().unwrap();
    assert_eq!((response.accepted_rows, response.rejected_rows), (1, rows));
    assert!(!response.rejections.is_empty());
    let counts = push.intake.counts();
    let counted = counts.rejected.iter().find(|one| one.0 == reason).unwrap();
    assert_eq!(counted.1, 2 * rows);
    assert_eq!((counts.received, counts.accepted), (2 * rows + 1, 1));
}

#[test]
fn a_batch_without_model() {
    let mut sent = two(Type::Float32);
    sent.model.as_mut().unwrap().name.clear();
    whole_batch_is_refused(sent.clone(), Limits::default(), "no_model", 2);
    sent.model = None;
    whole_batch_is_refused(sent, Limits::default(), "no_model", 2);
}

#[test]
fn a_batch_of_too_many_rows_calls_or_fields() {
    let limits = Limits {
        batch_rows: 2,
        fields: 2,
        ..Limits::default()
    };
    let mut rows = two(Type::Float32);
    rows.rows = u32::MAX;
    whole_batch_is_refused(rows, limits.clone(), "limit_rows", u64::from(u32::MAX));
    let mut calls = two(Type::Float32);
    calls.call_rows = vec![1, 1, 0];
    whole_batch_is_refused(calls, limits.clone(), "limit_rows", 2);
    let mut fields = two(Type::Float32);
    fields
        .schema
        .as_mut()
        .unwrap()
        .fields
        .push(field("c", Type::Int32));
    whole_batch_is_refused(fields, limits, "limit_fields", 2);
}

#[test]
fn a_batch_with_values_but_no_rows() {
    let mut sent = two(Type::Float32);
    sent.rows = 0;
    let push = push(Limits::default());
    let answer = send(&push, vec![sent]).unwrap();
    assert_eq!(told(&answer), ["LENGTH_MISMATCH rows 0"]);
    let status = answer.into_unary().unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let counts = push.intake.counts();
    assert!(counts.undecodable.contains(&("no_rows", 1)));
}

#[test]
fn at_most_sixteen_rejections_added_up_by_code_and_field() {
    let fields: Vec<_> = (0..40)
        .map(|index| field(&format!("f{index}"), Type::Float32))
        .collect();
    let mut sent = batch(2, fields);
    for index in 0..40 {
        sent.columns.push(column(index, strings(&["a", "b"])));
    }
    let push = push(Limits::default());
    let answer = send(&push, vec![sent.clone(), sent]).unwrap();
    assert_eq!(answer.response.accepted_rows, 4);
    let told = told(&answer);
    assert_eq!(told.len(), 16);
    assert_eq!(told[0], "TYPE_MISMATCH f0 4");
}

#[test]
fn bytes_that_are_no_request_are_explained_by_field() {
    let push = push(Limits::default());
    // batches[0].rows as a string.
    let status = push
        .take(Bytes::from_static(&[0x22, 3, 0x22, 1, 0x61]))
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let text = status.message();
    assert!(text.contains("batches") && text.contains("rows"), "{text}");
    let status = push
        .take(Bytes::from_static(b"\xff\xff garbage"))
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    // A name that is no UTF-8.
    let status = push.take(Bytes::from_static(&[0x0a, 1, 0xff])).unwrap_err();
    assert!(
        status.message().contains("client_id"),
        "{}",
        status.message()
    );
    assert!(push.intake.counts().undecodable.contains(&("protobuf", 3)));
}

#[test]
fn two_bytes_that_ask_for_hundreds_are_refused_before_they_are_decoded() {
    let push = push(Limits::default());
    for (tag, path) in [(0x22, vec![]), (0x3a, vec![0x22]), (0x72, vec![0x22])] {
        let mut message: Vec<u8> = [tag, 0].repeat(4 << 20);
        for outer in path {
            let mut wrapped = vec![outer];
            prost::encoding::encode_varint(message.len() as u64, &mut wrapped);
            wrapped.extend(message);
            message = wrapped;
        }
        let status = push.take(message.into()).unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(status.message().contains("memory"), "{}", status.message());
    }
    assert!(
        push.intake
            .counts()
            .undecodable
            .contains(&("too_many_elements", 3))
    );
}

#[test]
fn labels_have_no_calls_and_no_other_fields() {
    let label = wire::Field {
        role: wire::Role::Label as i32,
        ..field("y", Type::Bool)
    };
    let mut sent = batch(2, vec![label, field("x", Type::Bool)]);
    sent.labels = true;
    sent.latency_micros = vec![1, 2];
    for at in 0..2 {
        sent.columns.push(column(at, Fixed(vec![0, 1].into())));
    }
    let (batch, told) = decode(sent);
    let batch = batch.unwrap();
    assert!(batch.calls.are_labels && batch.calls.latency_micros.is_empty());
    assert_eq!((batch.rows, batch.call_count()), (2, 0));
    assert_eq!(told, ["BAD_SCHEMA x 2", "BAD_VALUE latency_micros 2"]);
}
