//! What inputs are called, and when they are one field or many.

use super::*;

fn of(inputs: Vec<Tensor>, mapping: Mapping) -> Batch {
    batch(call(inputs, vec![]), mapping)
}

fn profile(features: &[&str]) -> Mapping {
    Mapping {
        profile_features: shared(features),
        ..Mapping::default()
    }
}

#[test]
fn one_value_a_row_is_a_feature_of_its_name() {
    let inputs = vec![
        floats("age", &[2]),
        integers("rooms", &[2, 1]),
        texts("city", &[2, 1], &["Rome", "Oslo"]),
        mixed("note", &[2], vec![Scalar::Null, Scalar::Text("x".into())]),
    ];
    let laid = of(inputs, Mapping::default());
    let expected = ["age", "rooms", "city", "note"].map(|name| (name, Role::Feature));
    assert_eq!(fields(&laid), expected);
    assert_eq!(numbers_of(&laid, "rooms"), [0.0, 1.0]);
    assert_eq!(texts_of(&laid, "city"), ["Rome", "Oslo"]);
    assert_eq!(texts_of(&laid, "note"), ["null", "x"]);
}

#[test]
fn several_values_a_row_are_columns_of_the_same_bytes() {
    let tensor = floats("x", &[2, 3]);
    let laid = of(vec![tensor], Mapping::default());
    assert_eq!(names(&laid), ["x[0]", "x[1]", "x[2]"]);
    assert_eq!(numbers_of(&laid, "x[1]"), [1.5, 4.5]);
    let words = texts("t", &[2, 2], &["a", "b", "c", "d"]);
    let laid = of(vec![words], Mapping::default());
    assert_eq!(texts_of(&laid, "t[0]"), ["a", "c"]);
    assert_eq!(texts_of(&laid, "t[1]"), ["b", "d"]);
    let values = vec![
        Scalar::Number(1.0),
        Scalar::Null,
        Scalar::Bool(true),
        Scalar::Text("x".into()),
    ];
    let laid = of(vec![mixed("v", &[2, 2], values)], Mapping::default());
    assert_eq!(texts_of(&laid, "v[0]"), ["1", "true"]);
    assert_eq!(texts_of(&laid, "v[1]"), ["null", "x"]);
}

#[test]
fn a_tensor_without_a_name_is_the_input() {
    assert_eq!(
        names(&of(vec![floats("", &[4])], Mapping::default())),
        ["input"]
    );
    assert_eq!(
        names(&of(vec![floats("", &[4, 2])], Mapping::default())),
        ["input[0]", "input[1]"]
    );
    let two = vec![floats("", &[4]), floats("", &[4]), floats("input", &[4])];
    assert_eq!(
        names(&of(two, Mapping::default())),
        ["input", "input#2", "input#3"]
    );
}

#[test]
fn names_of_the_profile_are_taken_by_position_only_if_there_are_as_many() {
    let named = of(vec![floats("x", &[2, 3])], profile(&["a", "b", "c"]));
    assert!(named.schema.names_by_position);
    assert_eq!(names(&named), ["a", "b", "c"]);
    assert_eq!(numbers_of(&named, "b"), [1.5, 4.5]);
    let other = of(vec![floats("x", &[2, 3])], profile(&["a", "b"]));
    assert!(!other.schema.names_by_position);
    assert_eq!(names(&other), ["x[0]", "x[1]", "x[2]"]);
    let alone = of(vec![floats("x", &[2])], profile(&["a"]));
    assert!(alone.schema.names_by_position && names(&alone) == ["a"]);
}

#[test]
fn names_that_are_there_are_never_taken_by_position() {
    let own = of(vec![floats("a", &[2])], profile(&["a"]));
    assert!(!own.schema.names_by_position && names(&own) == ["a"]);
    let mut frame = call(vec![floats("x", &[2])], vec![]);
    frame.inference.inputs_are_columns = true;
    let frame = batch(frame, profile(&["a"]));
    assert!(!frame.schema.names_by_position && names(&frame) == ["x"]);
    // Of two inputs nobody knows which comes first.
    let hidden = unusable("y", &[2, 1], Unusable::SharedMemory);
    let two = of(vec![floats("x", &[2, 2]), hidden], profile(&["a", "b"]));
    assert!(!two.schema.names_by_position);
    assert_eq!(names(&two), ["x[0]", "x[1]"]);
}

#[test]
fn an_input_that_is_no_feature_does_not_stand_in_the_way_of_positions() {
    let mut mapping = profile(&["a", "b"]);
    mapping
        .inputs
        .insert("tenant".into(), said(&[], Some(Role::Segment)));
    let inputs = vec![texts("tenant", &[2], &["u", "v"]), floats("x", &[2, 2])];
    let laid = of(inputs, mapping);
    assert_eq!(
        fields(&laid),
        [
            ("tenant", Role::Segment),
            ("a", Role::Feature),
            ("b", Role::Feature)
        ]
    );
}

#[test]
fn settings_give_names_and_roles() {
    let mut mapping = profile(&["a", "b"]);
    mapping.inputs = HashMap::from([
        ("x".into(), said(&["p", "q"], None)),
        ("one".into(), said(&["only"], Some(Role::Id))),
        ("junk".into(), said(&[], Some(Role::Ignore))),
        ("wrong".into(), said(&["r", "s", "t"], None)),
    ]);
    let inputs = vec![
        floats("x", &[2, 2]),
        floats("one", &[2]),
        unusable("junk", &[], Unusable::Datatype),
        floats("wrong", &[2, 2]),
    ];
    let laid = lay(call(inputs, vec![]), mapping);
    assert!(laid.unusable.is_empty(), "nobody looks at it");
    let laid = laid.batch.unwrap();
    let feature = |name| (name, Role::Feature);
    assert_eq!(
        fields(&laid),
        [
            feature("p"),
            feature("q"),
            ("only", Role::Id),
            feature("wrong[0]"),
            feature("wrong[1]")
        ]
    );
}

#[test]
fn what_cannot_be_columns_is_one_vector() {
    let width = |batch: &Batch| batch.schema.fields[0].width;
    let deep = of(vec![floats("x", &[2, 3, 4])], Mapping::default());
    assert_eq!((names(&deep), width(&deep)), (vec!["x"], 12));
    let wide = of(vec![floats("x", &[2, 257])], Mapping::default());
    assert_eq!((names(&wide), width(&wide)), (vec!["x"], 257));
    let named = Mapping {
        inputs: HashMap::from([("x".into(), said(&["embedding"], None))]),
        ..Mapping::default()
    };
    let named = of(vec![floats("x", &[2, 3])], named);
    assert_eq!((names(&named), width(&named)), (vec!["embedding"], 3));
    let of_profile = of(vec![floats("x", &[2, 3])], profile(&["y", "x"]));
    assert_eq!((names(&of_profile), width(&of_profile)), (vec!["x"], 3));
    let mut vectors = crate::batch::Vectors::default();
    column(&named, "embedding").read_vectors(0..2, 3, &mut vectors);
    let read: Vec<_> = vectors.iter().map(|(_, vector)| vector.to_vec()).collect();
    assert_eq!(read, [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]]);
}

#[test]
fn values_of_changing_type_are_numbers_where_vectors_are_wanted() {
    let values = vec![
        Scalar::Number(1.0),
        Scalar::Number(2.0),
        Scalar::Number(3.0),
        Scalar::Null,
    ];
    let laid = of(vec![mixed("x", &[2, 1, 2], values)], Mapping::default());
    let mut vectors = crate::batch::Vectors::default();
    column(&laid, "x").read_vectors(0..2, 2, &mut vectors);
    assert_eq!(vectors.iter().next(), Some((0, &[1.0, 2.0][..])));
    assert_eq!((vectors.iter().len(), vectors.nan), (1, 1));
}

#[test]
fn what_can_be_neither_columns_nor_a_vector_is_counted_and_left_out() {
    let limits = Limits {
        width: 300,
        ..Limits::default()
    };
    let many: Vec<&str> = vec!["a"; 257];
    for tensor in [floats("x", &[1, 301]), texts("x", &[1, 257], &many)] {
        let mut layouts = Layouts::default();
        for _ in 0..2 {
            let inputs = vec![floats("y", &[1]), tensor.clone()];
            let laid = layouts.batch(call(inputs, vec![]), &mappings(Mapping::default()), &limits);
            assert_eq!(laid.unusable, [Unusable::Shape]);
            assert_eq!(names(&laid.batch.unwrap()), ["y"]);
        }
    }
}

#[test]
fn strings_above_the_limit_are_invalid() {
    let long = "x".repeat(5_000);
    let inputs = vec![
        texts("t", &[2], &["a", &long]),
        mixed(
            "m",
            &[2],
            vec![Scalar::Text(long.clone()), Scalar::Number(1.0)],
        ),
    ];
    let laid = of(inputs, Mapping::default());
    assert_eq!(texts_of(&laid, "t"), ["a", "-"]);
    assert_eq!(texts_of(&laid, "m"), ["-", "1"]);
}

#[test]
fn long_names_are_cut_and_stay_distinct() {
    let limits = Limits {
        name_bytes: 32,
        ..Limits::default()
    };
    let long = |end: &str| format!("{}{end}", "x".repeat(100));
    let inputs = vec![
        floats(&long("a"), &[1]),
        floats(&long("b"), &[1]),
        floats(&long("a"), &[1]),
    ];
    let laid =
        Layouts::default().batch(call(inputs, vec![]), &mappings(Mapping::default()), &limits);
    let laid = laid.batch.unwrap();
    let names: std::collections::HashSet<&str> = names(&laid).into_iter().collect();
    assert_eq!(names.len(), 3);
    assert!(names.iter().all(|name| name.len() <= 32));
}
