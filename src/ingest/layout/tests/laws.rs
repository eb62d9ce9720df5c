//! Laws over arbitrary shapes, values and settings.

use std::collections::HashSet;

use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ab]",
        Just("input".into()),
        Just("score".into()),
        Just("prediction".into()),
        Just("x".repeat(60)),
    ]
}

fn any_names() -> impl Strategy<Value = Vec<Arc<str>>> {
    vec(any_name().prop_map(Arc::from), 0..5)
}

fn any_scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        Just(Scalar::Null),
        any::<bool>().prop_map(Scalar::Bool),
        any::<f64>().prop_map(Scalar::Number),
        "[ab]{0,40}".prop_map(Scalar::Text),
        Just(Scalar::Vector(Box::new([1.0]))),
        Just(Scalar::Invalid),
    ]
}

/// A tensor whose shape and values agree three times in four.
fn any_tensor() -> impl Strategy<Value = Tensor> {
    let shape = vec(
        prop_oneof![4 => 0_usize..5, 1 => Just(12), 1 => Just(usize::MAX)],
        0..4,
    );
    let kinds = prop::sample::select(vec![
        ValueType::Bool,
        ValueType::Int64,
        ValueType::UInt8,
        ValueType::Float16,
        ValueType::Float32,
        ValueType::Float64,
        ValueType::Text,
    ]);
    (
        any_name(),
        shape,
        0..4_u8,
        kinds,
        prop_oneof![3 => Just(0_usize), 1 => 0_usize..9],
    )
        .prop_flat_map(|(name, shape, form, value_type, more)| {
            let tensor = Tensor {
                name,
                shape,
                elements: Elements::Text(Vec::new()),
            };
            let count = tensor.len().unwrap_or(3).min(2_000) + more;
            let elements = match form {
                0 => vec(any::<u8>(), count * value_type.size())
                    .prop_map(move |data| Elements::Fixed {
                        value_type,
                        data: data.into(),
                    })
                    .boxed(),
                1 => vec("[ab]{0,40}", count).prop_map(Elements::Text).boxed(),
                2 => vec(any_scalar(), count).prop_map(Elements::Mixed).boxed(),
                _ => prop::sample::select(Unusable::ALL.to_vec())
                    .prop_map(Elements::Unusable)
                    .boxed(),
            };
            elements.prop_map(move |elements| Tensor {
                elements,
                ..tensor.clone()
            })
        })
}

fn any_mapping() -> impl Strategy<Value = Mapping> {
    let role = prop::sample::select(vec![
        Role::Feature,
        Role::Prediction,
        Role::Score,
        Role::Label,
        Role::Segment,
        Role::Ignore,
    ]);
    let tensor = (any_names(), option::of(role))
        .prop_map(|(names, role)| TensorMapping { names, role })
        .boxed();
    let tensors = || hash_map(any_name().prop_map(Arc::from), tensor.clone(), 0..3);
    let dimension = prop::sample::select(vec![
        BatchDimension::Auto,
        BatchDimension::First,
        BatchDimension::None,
    ]);
    let profile = (any_names(), any_names(), any_names(), any_names());
    let positive = option::of(any_name().prop_map(Arc::from));
    (
        tensors(),
        tensors(),
        dimension,
        any_names(),
        positive,
        profile,
    )
        .prop_map(
            |(inputs, outputs, batch_dimension, classes, positive_class, profile)| Mapping {
                sample_rate: None,
                id: Default::default(),
                batch_dimension,
                classes,
                positive_class,
                inputs,
                outputs,
                profile_features: profile.0,
                profile_predictions: profile.1,
                profile_scores: profile.2,
                profile_labels: profile.3,
            },
        )
}

fn any_call() -> impl Strategy<Value = Call> {
    let outcome = prop_oneof![Just(Outcome::Ok), Just(Outcome::Failed("NOT_FOUND"))];
    (
        vec(any_tensor(), 0..4),
        vec(any_tensor(), 0..4),
        outcome,
        any::<bool>(),
    )
        .prop_map(|(inputs, outputs, outcome, inputs_are_columns)| {
            let mut call = call(inputs, outputs);
            call.inference.outcome = outcome;
            call.inference.inputs_are_columns = inputs_are_columns;
            call
        })
}

proptest! {
    #[test]
    fn whatever_comes_each_column_has_a_value_or_a_reason_for_every_row(
        calls in vec(any_call(), 1..4),
        mapping in option::of(any_mapping()),
        tensor_columns in 1_usize..6,
    ) {
        let limits = Limits {
            batch_rows: 12,
            fields: 20,
            name_bytes: 32,
            string_bytes: 16,
            width: 30,
            ..Limits::default()
        };
        let mut mappings = mappings(mapping.clone().unwrap_or_default());
        mappings.tensor_columns = tensor_columns;
        if mapping.is_none() {
            mappings.models.clear();
        }
        let mut layouts = Layouts::default();
        for call in calls {
            let all = call.inference.inputs.len() + call.inference.outputs.len();
            let again = call.clone();
            let laid = layouts.batch(call, &mappings, &limits);
            prop_assert!(laid.unusable.len() <= all);
            let batch = match laid.batch {
                Ok(batch) => batch,
                Err(refused) => {
                    prop_assert!(!refused.detail.is_empty());
                    continue;
                }
            };
            prop_assert!(batch.rows <= limits.batch_rows);
            prop_assert_eq!(&batch.calls.rows[..], &[batch.rows as u32][..]);
            prop_assert_eq!(batch.columns.len(), batch.schema.fields.len());
            prop_assert!(batch.columns.len() <= limits.fields);
            let mut distinct = HashSet::new();
            let mut width = 0;
            for (field, column) in batch.schema.fields.iter().zip(&batch.columns) {
                prop_assert!(distinct.insert(field.name.clone()), "{} twice", field.name);
                prop_assert!(field.name.len() <= limits.name_bytes);
                prop_assert!(field.role != Role::Ignore);
                width += field.width as usize;
                let column = column.as_ref().unwrap();
                prop_assert_eq!(column.width(), field.width as usize);
                let mut numbers = Numbers::default();
                column.read_numbers(0..batch.rows, &mut numbers);
                let read = numbers.finite.len() as u64
                    + numbers.null + numbers.nan + numbers.inf + numbers.invalid;
                prop_assert_eq!(read, batch.rows as u64);
                let mut texts = 0;
                column.read_texts(0..batch.rows, |_| texts += 1);
                prop_assert_eq!(texts, batch.rows);
            }
            prop_assert!(width <= limits.fields * limits.width);
            prop_assert!(batch.bytes >= size_of::<Batch>());
            // The same call once more finds the same, by what is remembered.
            let twice = layouts.batch(again, &mappings, &limits);
            prop_assert_eq!(&twice.unusable, &laid.unusable);
            let twice = twice.batch.unwrap();
            prop_assert_eq!(twice.rows, batch.rows);
            prop_assert_eq!(&twice.schema.fields, &batch.schema.fields);
        }
    }
}
