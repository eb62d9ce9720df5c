//! The laws of learning, on batches made in memory.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::batch::{
    Calls, Column, Field, Outcome, Presence, Scalar, Schema, Times, ValueType, Values,
};
use crate::profile::{Cells, FeatureProfile};

fn batch(fields: Vec<(&str, Role, Option<Column>)>, rows: usize) -> Batch {
    let schema = fields.iter().map(|(name, role, column)| Field {
        name: (*name).into(),
        role: *role,
        value_type: ValueType::Float64,
        width: column.as_ref().map_or(1, Column::width) as u32,
    });
    Batch {
        model: "m".into(),
        version: "".into(),
        schema: Arc::new(Schema::new(schema.collect())),
        rows,
        columns: fields.into_iter().map(|(_, _, column)| column).collect(),
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: 0,
    }
}

fn numbers(values: &[f64]) -> Option<Column> {
    Some(Column::full(Values::Numbers(values.to_vec())))
}

fn texts(values: &[&str]) -> Option<Column> {
    let values = values.iter().map(|text| (*text).into()).collect();
    Some(Column::full(Values::Text(values)))
}

fn learn(batches: &[Batch], options: LearnOptions) -> Learned {
    let mut learner = Learner::new(options);
    batches.iter().for_each(|batch| learner.observe(batch));
    assert!(!learner.needs_second_pass());
    learner.finish_with_report(Provenance::default())
}

fn learn_column(column: Option<Column>, rows: usize) -> FeatureProfile {
    let batch = batch(vec![("x", Role::Feature, column)], rows);
    learn(&[batch], LearnOptions::default())
        .profile
        .features
        .remove(0)
}

#[test]
fn kinds_follow_from_types_and_values() {
    let bools = Values::Fixed {
        data: Bytes::from_static(&[0, 1, 1, 0]),
        value_type: ValueType::Bool,
        offset: 0,
        stride: 1,
        width: 1,
    };
    let vector = Values::Fixed {
        data: Bytes::from(vec![0; 32]),
        value_type: ValueType::Float32,
        offset: 0,
        stride: 8,
        width: 2,
    };
    let kind = |column| learn_column(column, 4).kind;
    assert_eq!(kind(Some(Column::full(bools))), Kind::Boolean);
    assert_eq!(kind(numbers(&[0.0, 1.0, 1.0, 0.0])), Kind::Integer);
    assert_eq!(kind(numbers(&[0.0, 1.0, 1e16, 0.0])), Kind::Numeric);
    assert_eq!(kind(numbers(&[0.0, 1.5, 1.0, f64::NAN])), Kind::Numeric);
    assert_eq!(kind(texts(&["a", "b", "a", "b"])), Kind::Categorical);
    assert_eq!(kind(texts(&["a", "b", "c", "a"])), Kind::HighCardinality);
    assert_eq!(kind(Some(Column::full(vector))), Kind::Vector);
}

#[test]
fn numbers_of_a_changing_type_stay_numbers_and_the_texts_are_invalid() {
    let mixed = vec![
        Scalar::Number(1.0),
        Scalar::Text("n/a".into()),
        Scalar::Number(2.0),
        Scalar::Null,
    ];
    let feature = learn_column(Some(Column::full(Values::Mixed(mixed))), 4);
    assert_eq!(feature.kind, Kind::Integer);
    assert_eq!((feature.missing.invalid, feature.missing.null), (1, 1));
    assert_eq!(feature.values(), 2);
    let mixed = vec![
        Scalar::Text("a".into()),
        Scalar::Text("a".into()),
        Scalar::Number(2.0),
    ];
    let feature = learn_column(Some(Column::full(Values::Mixed(mixed))), 3);
    assert_eq!((feature.kind, feature.distinct), (Kind::HighCardinality, 2));
}

#[test]
fn every_reason_for_a_missing_value_is_counted_apart() {
    let column = Column {
        values: Values::Numbers(vec![1.0, f64::NAN, f64::INFINITY, 0.0, 5.0]),
        presence: Presence::Bits {
            bits: Bytes::from_static(&[0b1_0111]),
            first: 0,
            stride: 1,
        },
    };
    let batches = [
        batch(vec![("x", Role::Feature, Some(column))], 5),
        batch(vec![("x", Role::Feature, None)], 2),
        batch(vec![("y", Role::Feature, numbers(&[0.0]))], 1),
        batch(
            vec![("x", Role::Feature, Some(Column::full(Values::Invalid)))],
            4,
        ),
    ];
    let profile = learn(&batches, LearnOptions::default()).profile;
    let missing = profile.features[0].missing;
    assert_eq!((missing.nan, missing.inf, missing.null), (1, 1, 1));
    assert_eq!((missing.absent, missing.invalid), (3, 4));
    // A field that comes late was absent before.
    assert_eq!(profile.features[1].missing.absent, 11);
    assert_eq!(profile.rows, 12);
}

#[test]
fn a_label_is_never_absent() {
    let batches = [
        batch(vec![("y", Role::Label, numbers(&[1.0]))], 1),
        batch(vec![("x", Role::Feature, numbers(&[1.0]))], 1),
    ];
    let profile = learn(&batches, LearnOptions::default()).profile;
    assert_eq!(profile.features[0].missing.total(), 0);
    assert_eq!(profile.features[1].missing.absent, 1);
}

#[test]
fn outputs_of_failed_calls_are_not_learned_but_their_inputs_are() {
    let mut failing = batch(
        vec![
            ("x", Role::Feature, numbers(&[1.0, 2.0, 3.0, 4.0])),
            ("p", Role::Prediction, numbers(&[0.0, 0.0, 0.0, 1.0])),
        ],
        4,
    );
    failing.calls = Calls {
        rows: vec![1, 2, 1],
        outcomes: vec![Outcome::Ok, Outcome::Failed("INTERNAL"), Outcome::Ok],
        ..Calls::default()
    };
    let profile = learn(&[failing], LearnOptions::default()).profile;
    assert_eq!(profile.features[0].values(), 4);
    assert_eq!(profile.features[1].values(), 2);
    assert_eq!(profile.features[1].missing.total(), 0);
}

#[test]
fn overrides_decide_role_and_kind_and_unwatched_roles_have_no_profile() {
    let overrides = [
        ("zip", None, Some(Kind::Categorical)),
        ("who", Some(Role::Id), None),
        ("out", Some(Role::Prediction), None),
        ("half", None, Some(Kind::Integer)),
    ];
    let options = LearnOptions {
        overrides: overrides
            .map(|(name, role, kind)| {
                (
                    name.into(),
                    FieldOverride {
                        role,
                        kind,
                        importance: None,
                    },
                )
            })
            .into(),
        ..LearnOptions::default()
    };
    let batch = batch(
        vec![
            ("zip", Role::Feature, numbers(&[10.0, 20.0, 10.0])),
            ("who", Role::Feature, numbers(&[1.0, 2.0, 3.0])),
            ("out", Role::Feature, numbers(&[1.0, 2.0, 3.0])),
            ("half", Role::Feature, numbers(&[0.5, 2.0, 3.0])),
        ],
        3,
    );
    let learned = learn(&[batch], options);
    let names: Vec<_> = learned.profile.features.iter().map(|f| &*f.name).collect();
    assert_eq!(names, ["zip", "out", "half"]);
    let Some(Cells::Categorical(cells)) =
        learned.profile.features[0].cells.as_ref().map(|r| &r.cells)
    else {
        panic!("zip is not categorical");
    };
    assert_eq!(cells.kept(), ["10", "20"]);
    assert_eq!(learned.profile.features[1].role, Role::Prediction);
    assert_eq!(learned.profile.features[2].kind, Kind::Numeric);
    assert!(learned.report.fields[3].warnings[0].contains("no whole numbers"));
    assert_eq!(
        (learned.report.fields[1].role, learned.report.fields[1].kind),
        (Role::Id, None)
    );
    assert!(
        learned.report.warnings.is_empty(),
        "{:?}",
        learned.report.warnings
    );
}

#[test]
fn a_scope_learns_only_what_a_profile_lacks() {
    let options = LearnOptions {
        scope: Scope {
            roles: vec![Role::Prediction, Role::Score],
            except: ["known".to_owned()].into(),
            ..Scope::default()
        },
        ..LearnOptions::default()
    };
    let batch = batch(
        vec![
            ("x", Role::Feature, numbers(&[1.0])),
            ("known", Role::Score, numbers(&[1.0])),
            ("unknown", Role::Score, numbers(&[1.0])),
        ],
        1,
    );
    let profile = learn(&[batch], options).profile;
    assert_eq!(profile.features.len(), 1);
    assert_eq!(profile.features[0].name, "unknown");
}

#[test]
fn a_field_without_any_value_has_no_cells_and_is_reported() {
    let column = Column {
        values: Values::Numbers(vec![0.0; 3]),
        presence: Presence::Bits {
            bits: Bytes::new(),
            first: 0,
            stride: 1,
        },
    };
    let learned = learn(
        &[batch(vec![("x", Role::Feature, Some(column))], 3)],
        LearnOptions::default(),
    );
    let feature = &learned.profile.features[0];
    assert_eq!(
        (&feature.cells, feature.moments, feature.missing.null),
        (&None, None, 3)
    );
    assert!(learned.report.fields[0].warnings[0].contains("no usable value"));
    assert_eq!(learned.report.fields[0].null_ratio, Some(1.0));
    let json = learned.profile.to_json();
    assert_eq!(Profile::from_json(&json).unwrap(), learned.profile);
}

#[test]
fn what_is_odd_is_said() {
    let values: Vec<f64> = (0..200).map(f64::from).collect();
    let names: Vec<String> = (0..200).map(|row| format!("user {row}")).collect();
    let learned = learn(
        &[batch(
            vec![
                ("constant", Role::Feature, numbers(&[7.0; 200])),
                (
                    "user",
                    Role::Feature,
                    Some(Column::full(Values::Text(names))),
                ),
                ("fine", Role::Feature, numbers(&values)),
            ],
            200,
        )],
        LearnOptions::default(),
    );
    let warnings = |field: usize| learned.report.fields[field].warnings.join(" ");
    assert!(warnings(0).contains("constant"));
    assert!(warnings(1).contains("role id"));
    assert_eq!(warnings(2), "");
    assert!(learned.report.warnings[0].contains("neither a prediction nor a score"));
}

#[test]
fn one_absurd_value_leaves_the_moments_of_the_rest() {
    let mut values: Vec<f64> = (0..5_000).map(|v| f64::from(v) / 7.0).collect();
    let clean = learn_column(numbers(&values), 5_000).moments.unwrap();
    values.push(1e200);
    let batch = batch(vec![("x", Role::Feature, numbers(&values))], 5_001);
    let learned = learn(&[batch], LearnOptions::default());
    let feature = &learned.profile.features[0];
    let moments = feature.moments.unwrap();
    assert_eq!((moments.mean, moments.stddev), (clean.mean, clean.stddev));
    assert_eq!((moments.max, feature.values()), (1e200, 5_001));
    assert!(learned.report.fields[0].warnings[0].contains("far away"));
}

#[test]
fn a_second_pass_counts_every_row_exactly() {
    let rows = 8_000;
    let batches: Vec<_> = (0..20)
        .map(|part| {
            let values: Vec<f64> = (0..rows)
                .map(|row| f64::from((row * 7_919 + part * 104_729) % 50_021))
                .collect();
            let few: Vec<f64> = (0..rows).map(|row| f64::from(row % 3)).collect();
            let mut batch = batch(
                vec![
                    ("many", Role::Feature, numbers(&values)),
                    ("out", Role::Score, numbers(&few)),
                ],
                rows as usize,
            );
            batch.calls.outcomes = vec![Outcome::Ok; rows as usize];
            batch.calls.outcomes[5] = Outcome::Failed("INTERNAL");
            batch
        })
        .collect();
    let run = || {
        let mut learner = Learner::new(LearnOptions::default());
        batches.iter().for_each(|batch| learner.observe(batch));
        assert!(learner.needs_second_pass());
        assert!((1_600_000..2_200_000).contains(&learner.bytes()));
        let mut recount = learner.into_recount();
        batches.iter().for_each(|batch| recount.observe(batch));
        recount.finish_with_report(Provenance::default())
    };
    let learned = run();
    let [many, out] = &learned.profile.features[..] else {
        panic!("two fields");
    };
    assert_eq!((many.values(), out.values()), (160_000, 159_980));
    assert_eq!(out.cells.as_ref().unwrap().rows.len(), 3);
    let reference = many.cells.as_ref().unwrap();
    let Cells::Numeric(cells) = &reference.cells else {
        panic!("numeric");
    };
    let mut exact = vec![0; cells.edges().len() + 1];
    let mut sum = 0.0;
    for batch in &batches {
        let Some(Values::Numbers(values)) = batch.columns[0].as_ref().map(|c| &c.values) else {
            panic!("numbers");
        };
        for &value in values {
            exact[cells.locate(value)] += 1;
            sum += value;
        }
    }
    assert_eq!(reference.rows, exact);
    assert!((many.moments.unwrap().mean - sum / 160_000.0).abs() < 1e-6);
    assert_eq!(run().profile.hash(), learned.profile.hash());
    assert_eq!(learned.report.fields[0].cells, reference.rows.len());
    assert!(learned.report.fields[0].warnings.is_empty());
}

#[test]
fn without_the_second_pass_the_sample_stands_for_all_rows() {
    let values: Vec<f64> = (0..200_000).map(f64::from).collect();
    let half = Column {
        values: Values::Numbers(vec![0.0; 200_000]),
        presence: Presence::Bits {
            bits: Bytes::new(),
            first: 0,
            stride: 1,
        },
    };
    let mut learner = Learner::new(LearnOptions::default());
    learner.observe(&batch(
        vec![("x", Role::Feature, numbers(&values))],
        200_000,
    ));
    learner.observe(&batch(vec![("x", Role::Feature, Some(half))], 200_000));
    let learned = learner.finish_with_report(Provenance::default());
    let feature = &learned.profile.features[0];
    assert_eq!((feature.values(), feature.missing.null), (100_000, 100_000));
    assert!(learned.report.fields[0].warnings[0].contains("sample"));
}

fn any_column() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(any::<f64>(), 1..400),
        prop::collection::vec((-9_i32..9).prop_map(f64::from), 1..400),
        prop::collection::vec(prop_oneof![Just(0.1), Just(1e200), 0.0..1.0], 1..400),
    ]
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(
        (values, shuffled) in any_column().prop_flat_map(|values| {
            (Just(values.clone()), Just(values).prop_shuffle())
        }),
        cut in 0_usize..400,
    ) {
        let rows = values.len();
        let names = |values: &[f64]| {
            let texts = values.iter().map(|value| format!("{value}")).collect();
            Some(Column::full(Values::Text(texts)))
        };
        let one = learn(&[batch(
            vec![
                ("x", Role::Feature, numbers(&values)),
                ("name", Role::Feature, names(&values)),
            ],
            rows,
        )], LearnOptions::default());
        let (first, second) = shuffled.split_at(cut.min(rows));
        let parts: Vec<_> = [first, second].into_iter().map(|part| batch(
            vec![
                ("x", Role::Feature, numbers(part)),
                ("name", Role::Feature, names(part)),
            ],
            part.len(),
        )).collect();
        let two = learn(&parts, LearnOptions::default());
        prop_assert_eq!(one.profile.to_json(), two.profile.to_json());
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_profile_is_finite_counts_every_row_and_survives_its_file(values in any_column()) {
        let rows = values.len() as u64;
        let feature = learn_column(numbers(&values), values.len());
        prop_assert_eq!(feature.values() + feature.missing.total(), rows);
        if let (Some(reference), Some(moments)) = (&feature.cells, feature.moments) {
            prop_assert!(reference.means.iter().all(|mean| mean.is_finite()));
            prop_assert!(moments.mean.is_finite() && moments.stddev.is_finite());
            prop_assert!(moments.min <= moments.mean && moments.mean <= moments.max);
            let cells = reference.rows.len() as u64;
            prop_assert!(cells <= MAX_CELLS as u64);
            prop_assert!(cells <= 3 || reference.total() >= ROWS_PER_CELL * cells);
        }
        let profile = Profile {
            model: None,
            rows,
            features: vec![feature],
            joint: None,
            outliers: None,
            provenance: Provenance::default(),
        };
        prop_assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
    }
}
