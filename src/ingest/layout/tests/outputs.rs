//! What outputs are, and what they are called.

use super::Role::{Prediction, Score};
use super::*;

fn of(outputs: Vec<Tensor>, mapping: Mapping) -> Batch {
    batch(call(vec![], outputs), mapping)
}

fn scores(name: &str, rows: &[&[f64]]) -> Tensor {
    let values = rows.iter().flat_map(|row| row.iter());
    Tensor {
        name: name.into(),
        shape: vec![rows.len(), rows[0].len()],
        elements: Elements::Fixed {
            value_type: ValueType::Float64,
            data: values.flat_map(|value| value.to_le_bytes()).collect(),
        },
    }
}

#[test]
fn words_truth_values_and_integers_are_predictions_and_fractions_scores() {
    let bools = Tensor {
        name: "b".into(),
        shape: vec![2],
        elements: Elements::Fixed {
            value_type: ValueType::Bool,
            data: Bytes::from_static(&[0, 1]),
        },
    };
    let outputs = vec![
        texts("t", &[2, 1], &["yes", "no"]),
        integers("i", &[2]),
        bools,
        floats("f", &[2, 1]),
    ];
    let laid = of(outputs, Mapping::default());
    let expected = [
        ("t", Prediction),
        ("i", Prediction),
        ("b", Prediction),
        ("f", Score),
    ];
    assert_eq!(fields(&laid), expected);
    let nameless = of(
        vec![integers("", &[2]), floats("", &[2])],
        Mapping::default(),
    );
    assert_eq!(
        fields(&nameless),
        [("prediction", Prediction), ("score", Score)]
    );
}

#[test]
fn of_two_classes_the_score_of_the_positive_one_is_followed() {
    let rows: [&[f64]; 2] = [&[0.9, 0.1], &[0.3, 0.7]];
    let with = |classes: &[&str], positive: Option<&str>| {
        let mapping = Mapping {
            classes: shared(classes),
            positive_class: positive.map(Arc::from),
            ..Mapping::default()
        };
        let laid = of(vec![scores("p", &rows)], mapping);
        let name = names(&laid)[1].to_owned();
        let read = numbers_of(&laid, &name);
        (name, read[0], texts_of(&laid, "prediction").join(" "))
    };
    assert_eq!(with(&[], None), ("score[1]".into(), 0.1, "0 1".into()));
    assert_eq!(with(&[], Some("0")), ("score[0]".into(), 0.9, "0 1".into()));
    let classes = &["good", "bad"];
    assert_eq!(
        with(classes, None),
        ("score[bad]".into(), 0.1, "good bad".into())
    );
    assert_eq!(
        with(classes, Some("good")),
        ("score[good]".into(), 0.9, "good bad".into())
    );
    assert_eq!(
        with(&["a", "b", "c"], None),
        ("score[1]".into(), 0.1, "0 1".into())
    );
}

#[test]
fn of_few_classes_each_score_is_followed_and_of_many_the_largest() {
    let few = of(
        vec![scores("p", &[&[0.1, 0.2, 0.7], &[0.5, 0.3, 0.2]])],
        Mapping {
            classes: shared(&["x", "y", "z"]),
            ..Mapping::default()
        },
    );
    assert_eq!(
        fields(&few),
        [
            ("prediction", Prediction),
            ("score[x]", Score),
            ("score[y]", Score),
            ("score[z]", Score)
        ]
    );
    assert_eq!(numbers_of(&few, "score[y]"), [0.2, 0.3]);
    assert_eq!(texts_of(&few, "prediction"), ["z", "x"]);
    let many = of(vec![floats("p", &[2, 11])], Mapping::default());
    assert_eq!(
        fields(&many),
        [("prediction", Prediction), ("score[max]", Score)]
    );
    assert_eq!(numbers_of(&many, "score[max]"), [10.5, 21.5]);
    assert_eq!(numbers_of(&many, "prediction"), [10.0, 10.0]);
    assert_eq!(
        names(&of(vec![floats("p", &[1, 10])], Mapping::default())).len(),
        11
    );
}

#[test]
fn a_prediction_that_came_is_not_guessed_from_scores() {
    let outputs = vec![
        floats("predict_proba", &[2, 2]),
        integers("predict", &[2, 1]),
    ];
    let laid = of(outputs, Mapping::default());
    assert_eq!(
        fields(&laid),
        [("score[1]", Score), ("predict", Prediction)]
    );
}

#[test]
fn the_likeliest_of_scores_that_are_no_numbers_is_not_known() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let rows: [&[f64]; 5] = [
        &[0.1, nan, 0.2],
        &[inf, 1.0, -inf],
        &[0.2, 0.2, 0.1],
        &[-inf, -inf, -1.0],
        &[1.0, 2.0, 3.0],
    ];
    let laid = of(vec![scores("p", &rows)], Mapping::default());
    assert_eq!(texts_of(&laid, "prediction"), ["null", "0", "0", "2", "2"]);
    let text = Mapping {
        classes: shared(&["a", "b", "c"]),
        ..Mapping::default()
    };
    let laid = of(vec![scores("p", &rows)], text);
    assert_eq!(texts_of(&laid, "prediction"), ["null", "a", "a", "c", "c"]);
    let mut wide = vec![0.0; 11];
    wide[4] = nan;
    let laid = of(vec![scores("p", &[&wide, &[0.5; 11]])], Mapping::default());
    assert_eq!(texts_of(&laid, "score[max]"), ["null", "0.5"]);
}

#[test]
fn further_scores_of_classes_have_the_name_of_their_tensor() {
    let outputs = vec![
        floats("first", &[2, 2]),
        floats("second", &[2, 3]),
        floats("", &[2, 2]),
    ];
    let laid = of(outputs, Mapping::default());
    assert_eq!(
        names(&laid),
        [
            "prediction",
            "score[1]",
            "second[0]",
            "second[1]",
            "second[2]",
            "score[1]#2"
        ]
    );
}

#[test]
fn several_integers_a_row_are_as_many_predictions_or_a_vector() {
    let few = of(vec![integers("i", &[2, 3])], Mapping::default());
    assert_eq!(
        fields(&few),
        ["i[0]", "i[1]", "i[2]"].map(|name| (name, Prediction))
    );
    let many = of(vec![integers("i", &[2, 11])], Mapping::default());
    assert_eq!(fields(&many), [("i", Prediction)]);
    assert_eq!(many.schema.fields[0].width, 11);
    let mask = of(vec![floats("mask", &[2, 8, 8])], Mapping::default());
    assert_eq!(
        (fields(&mask), mask.schema.fields[0].width),
        (vec![("mask", Score)], 64)
    );
}

#[test]
fn the_only_prediction_and_the_only_score_have_the_names_of_the_profile() {
    let mapping = || Mapping {
        profile_predictions: shared(&["verdict"]),
        profile_scores: shared(&["probability"]),
        ..Mapping::default()
    };
    let laid = of(
        vec![integers("predict", &[2]), floats("p", &[2, 2])],
        mapping(),
    );
    assert_eq!(
        fields(&laid),
        [("verdict", Prediction), ("probability", Score)]
    );
    let guessed = of(vec![floats("p", &[2, 2])], mapping());
    assert_eq!(
        fields(&guessed),
        [("verdict", Prediction), ("probability", Score)]
    );
    let two = of(vec![integers("a", &[2]), integers("b", &[2])], mapping());
    assert_eq!(names(&two), ["a", "b"]);
    let mut named = mapping();
    named
        .outputs
        .insert("predict".into(), said(&["mine"], None));
    let laid = of(vec![integers("predict", &[2])], named);
    assert_eq!(names(&laid), ["mine"]);
}

#[test]
fn the_profile_knows_that_the_fraction_of_a_regression_is_the_prediction() {
    let mapping = Mapping {
        profile_predictions: shared(&["price"]),
        ..Mapping::default()
    };
    assert_eq!(
        fields(&of(vec![floats("y", &[2, 1])], mapping)),
        [("price", Prediction)]
    );
    let by_name = Mapping {
        profile_predictions: shared(&["price", "rent"]),
        profile_scores: shared(&["trust"]),
        ..Mapping::default()
    };
    let outputs = vec![
        floats("price", &[2]),
        integers("trust", &[2]),
        floats("rent", &[2]),
    ];
    let expected = [
        ("price", Prediction),
        ("trust", Score),
        ("rent", Prediction),
    ];
    assert_eq!(fields(&of(outputs, by_name)), expected);
}

#[test]
fn what_has_the_name_of_the_truth_is_not_the_truth() {
    let mapping = |predictions: &[&str]| Mapping {
        profile_labels: shared(&["churned"]),
        profile_predictions: shared(predictions),
        ..Mapping::default()
    };
    let answered = |predictions| of(vec![integers("churned", &[2])], mapping(predictions));
    assert_eq!(fields(&answered(&[])), [("prediction", Prediction)]);
    assert_eq!(fields(&answered(&["verdict"])), [("verdict", Prediction)]);
    let score = of(vec![floats("churned", &[2])], mapping(&[]));
    assert_eq!(fields(&score), [("score", Score)]);
}

#[test]
fn settings_win() {
    let outputs = HashMap::from([
        ("y".into(), said(&["price"], Some(Prediction))),
        ("p".into(), said(&["no", "yes"], None)),
        ("q".into(), said(&["risk"], None)),
        ("junk".into(), said(&[], Some(Role::Ignore))),
        ("truth".into(), said(&[], Some(Role::Label))),
        ("many".into(), said(&[], Some(Prediction))),
    ]);
    let mapping = Mapping {
        outputs,
        ..Mapping::default()
    };
    let laid = of(
        vec![
            floats("y", &[2]),
            floats("p", &[2, 2]),
            floats("q", &[2, 2]),
            floats("junk", &[2]),
            integers("truth", &[2]),
            floats("many", &[2, 2]),
        ],
        mapping,
    );
    assert_eq!(
        fields(&laid),
        [
            ("price", Prediction),
            ("no", Score),
            ("yes", Score),
            ("risk", Score),
            ("truth", Prediction),
            ("many[0]", Prediction),
            ("many[1]", Prediction)
        ]
    );
}

#[test]
fn values_of_changing_type_are_told_by_what_they_are() {
    let number = Scalar::Number;
    let of_values = |values: Vec<Scalar>| {
        let shape = [values.len()];
        fields(&of(vec![mixed("y", &shape, values)], Mapping::default()))[0].1
    };
    assert_eq!(of_values(vec![number(1.0), number(3.0)]), Prediction);
    assert_eq!(of_values(vec![number(1.5), number(3.0)]), Score);
    assert_eq!(
        of_values(vec![number(1.5), Scalar::Text("a".into())]),
        Prediction
    );
    assert_eq!(
        of_values(vec![Scalar::Bool(true), Scalar::Null]),
        Prediction
    );
    let values = vec![number(0.0), number(1.0), number(1.0), number(0.0)];
    let laid = of(vec![mixed("p", &[2, 2], values)], Mapping::default());
    assert_eq!(
        names(&laid),
        ["prediction", "score[1]"],
        "several whole numbers may be scores"
    );
    assert_eq!(texts_of(&laid, "prediction"), ["1", "0"]);
}

#[test]
fn an_output_that_had_fractions_stays_a_score() {
    let mut layouts = Layouts::default();
    let mappings = mappings(Mapping::default());
    let mut role = |value: f64| {
        let output = mixed("y", &[1], vec![Scalar::Number(value)]);
        let laid = layouts.batch(call(vec![], vec![output]), &mappings, &Limits::default());
        laid.batch.unwrap().schema.fields[0].role
    };
    assert_eq!(
        [role(1.0), role(0.5), role(1.0)],
        [Prediction, Score, Score]
    );
}
