//! What is encoded here is decoded there as the same values.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::batch::{Calls, Numbers, Schema};
use crate::ingest::{Admission, Intake, Limits, push::take_for_test};
use crate::queue::Queue;

fn field(name: &str, value_type: ValueType) -> Field {
    Field {
        name: name.into(),
        role: Role::Feature,
        value_type,
        width: 1,
    }
}

fn batch(rows: usize, columns: Vec<(ValueType, Column)>) -> Batch {
    let fields = columns.iter().enumerate();
    let fields = fields.map(|(index, (kind, _))| field(&format!("f{index}"), *kind));
    Batch {
        model: "m".into(),
        version: "v".into(),
        schema: Arc::new(Schema::new(fields.collect())),
        rows,
        columns: columns
            .into_iter()
            .map(|(_, column)| Some(column))
            .collect(),
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: 0,
    }
}

/// Encodes, sends through the server's decoder, and returns what comes out; nothing may be rejected
/// but for wrong types.
fn through(batch: &Batch) -> Vec<Batch> {
    let (schema, mut batches) = encode(batch);
    for batch in &mut batches {
        batch.schema = Some(schema.clone());
    }
    let queue = Arc::new(Queue::new(1_000_000, 1 << 30));
    let intake = Arc::new(Intake::new("push", queue, Arc::new(Admission::default())));
    let request = wire::ObserveRequest {
        batches,
        ..wire::ObserveRequest::default()
    };
    let response = take_for_test(intake.clone(), Limits::default(), request);
    assert_eq!(response.accepted_rows, batch.rows as u64);
    for rejection in response.rejections {
        assert_eq!(
            rejection.code(),
            wire::RejectionCode::TypeMismatch,
            "{rejection:?}"
        );
    }
    let mut out = Vec::new();
    intake.queue().drain(&mut out);
    out
}

fn numbers(batches: &[Batch], column: usize) -> Numbers {
    let mut numbers = Numbers::default();
    for batch in batches {
        let column = batch.columns[column].as_ref().unwrap();
        column.read_numbers(0..batch.rows, &mut numbers);
    }
    numbers
}

/// Each row's text form, `null`, or why it has none.
fn texts(batches: &[Batch], column: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for batch in batches {
        let column = batch.columns[column].as_ref().unwrap();
        column.read_texts(0..batch.rows, |text| {
            texts.push(match text {
                Ok(text) => format!("{text:?}"),
                Err(reason) => format!("{reason:?}"),
            });
        });
    }
    texts
}

fn assert_same_numbers(sent: &Batch, got: &[Batch], column: usize) {
    let (sent, got) = (
        numbers(std::slice::from_ref(sent), column),
        numbers(got, column),
    );
    assert_eq!(sent.finite, got.finite);
    assert_eq!(
        (sent.null, sent.nan, sent.inf, sent.invalid),
        (got.null, got.nan, got.inf, got.invalid)
    );
}

fn presence(bits: Option<u64>) -> Presence {
    bits.map_or(Presence::All, |bits| Presence::Bits {
        bits: Bytes::copy_from_slice(&bits.to_le_bytes()),
        first: 0,
        stride: 1,
    })
}

fn any_presence() -> impl Strategy<Value = Presence> {
    proptest::option::of(any::<u64>()).prop_map(presence)
}

fn any_scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        3 => any::<f64>().prop_map(Scalar::Number),
        2 => "[a-c]{0,2}".prop_map(Scalar::Text),
        1 => any::<bool>().prop_map(Scalar::Bool),
        1 => Just(Scalar::Null),
        1 => Just(Scalar::Invalid),
    ]
}

proptest! {
    #[test]
    fn numbers_strings_and_dictionaries_arrive_as_they_were(
        first in vec(prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY)], 17),
        second in vec(any::<f64>(), 17),
        strings in vec(".{0,5}", 17),
        codes in vec(0_u32..4, 17),
        shows in vec(any_presence(), 4),
        cut in 0_usize..17,
    ) {
        let dictionary = ["a", "b", "unused", "c"].map(String::from).to_vec();
        let column = |values, index: usize| Column { values, presence: shows[index].clone() };
        let sent = batch(17, vec![
            (ValueType::Float64, column(Values::Numbers(first), 0)),
            (ValueType::Int64, column(Values::Numbers(second), 1)),
            (ValueType::Text, column(Values::Text(strings), 2)),
            (ValueType::Text, column(Values::Dictionary { dictionary, codes }, 3)),
        ]);
        for sent in [sent.slice(cut..17), sent] {
            let got = through(&sent);
            prop_assert_eq!(got.len(), 1);
            for column in 0..2 {
                assert_same_numbers(&sent, &got, column);
            }
            for column in 0..4 {
                prop_assert_eq!(texts(std::slice::from_ref(&sent), column), texts(&got, column));
            }
        }
    }

    #[test]
    fn wrong_types_of_mixed_values_stay_apart_from_null_and_nan(
        scalars in vec(any_scalar(), 12),
        shows in any_presence(),
        kind in prop_oneof![Just(ValueType::Float64), Just(ValueType::Int64), Just(ValueType::Text)],
    ) {
        let column = Column { values: Values::Mixed(scalars.clone()), presence: shows };
        let sent = batch(12, vec![
            (kind, column),
            (ValueType::Float64, Column::full(Values::Numbers((0..12).map(f64::from).collect()))),
        ]);
        let got = through(&sent);
        assert_same_numbers(&sent, &got, 1);
        if kind == ValueType::Text {
            // A number without a text form counts as invalid, whatever it is.
            let reasons = |texts: Vec<String>| -> Vec<String> {
                let one = |text: String| if matches!(&*text, "Nan" | "Inf") { "Invalid".into() } else { text };
                texts.into_iter().map(one).collect()
            };
            prop_assert_eq!(reasons(texts(&[sent], 0)), texts(&got, 0));
        } else {
            assert_same_numbers(&sent, &got, 0);
        }
    }
}

#[test]
fn fixed_width_values_of_every_type_and_width_arrive_as_they_were() {
    for (kind, width) in [
        (ValueType::Bool, 1),
        (ValueType::UInt8, 1),
        (ValueType::Int32, 1),
        (ValueType::Int64, 1),
        (ValueType::UInt64, 1),
        (ValueType::Float16, 1),
        (ValueType::BFloat16, 1),
        (ValueType::Float32, 3),
        (ValueType::Float64, 2),
    ] {
        let (offset, stride) = (3, kind.size() * width + 5);
        let data: Vec<u8> = (0..offset + 4 * stride)
            .map(|byte| byte as u8 % 60)
            .collect();
        let mut sent = batch(
            4,
            vec![(
                kind,
                Column {
                    values: Values::Fixed {
                        data: data.into(),
                        value_type: kind,
                        offset,
                        stride,
                        width,
                    },
                    presence: presence(Some(0b1011)),
                },
            )],
        );
        let mut schema = sent.schema.fields.clone();
        schema[0].width = width as u32;
        sent.schema = Arc::new(Schema::new(schema));
        let got = through(&sent);
        assert_same_numbers(&sent, &got, 0);
        assert_eq!(texts(&[sent], 0), texts(&got, 0));
        assert_eq!(got[0].columns[0].as_ref().unwrap().width(), width);
    }
}

#[test]
fn booleans_stay_booleans_and_what_is_invalid_stays_invalid() {
    let sent = batch(
        3,
        vec![
            (
                ValueType::Bool,
                Column::full(Values::Mixed(vec![
                    Scalar::Bool(true),
                    Scalar::Bool(false),
                    Scalar::Number(1.0),
                ])),
            ),
            (
                ValueType::Float64,
                Column {
                    values: Values::Invalid,
                    presence: presence(Some(0b110)),
                },
            ),
            (ValueType::Text, Column::full(Values::Invalid)),
        ],
    );
    let got = through(&sent);
    assert_eq!(
        texts(&got, 0),
        ["Some(\"true\")", "Some(\"false\")", "Invalid"]
    );
    assert_eq!(texts(&got, 1), ["None", "Invalid", "Invalid"]);
    assert_eq!(texts(&got, 2), ["Invalid"; 3]);
}

#[test]
fn calls_times_and_roles_arrive_and_what_is_not_for_the_sidecar_is_not_sent() {
    let strings = || Column::full(Values::Text(vec!["x".into(), "y".into()]));
    let mut sent = batch(2, vec![(ValueType::Text, strings()); 4]);
    let mut fields = sent.schema.fields.clone();
    for (field, role) in fields
        .iter_mut()
        .zip([Role::Score, Role::Ignore, Role::Id, Role::Time])
    {
        field.role = role;
    }
    sent.schema = Arc::new(Schema::new(fields));
    sent.times = Times::Each(vec![-1_500_000, 7]);
    sent.weight = 3.0;
    sent.calls = Calls {
        rows: vec![1, 1],
        latency_micros: vec![5, 6],
        outcomes: vec![Outcome::Ok, Outcome::Failed("INTERNAL")],
        trace_ids: vec![None, Some([3; 16])],
        are_labels: false,
    };
    let (schema, wire) = encode(&sent);
    assert_eq!(schema.fields.len(), 1);
    assert_eq!(wire[0].prediction_ids, ["x", "y"]);
    let got = through(&sent).remove(0);
    assert_eq!(got.schema.fields[0].role, Role::Score);
    assert_eq!((got.times, got.weight), (sent.times, 3.0));
    assert_eq!(got.calls.rows, sent.calls.rows);
    assert_eq!(got.calls.latency_micros, sent.calls.latency_micros);
    assert_eq!(got.calls.outcomes, sent.calls.outcomes);
    assert_eq!(got.calls.trace_ids, sent.calls.trace_ids);
}
