//! How many rows a call has, and what else is known of it.

use super::*;

#[test]
fn the_first_dimension_of_the_inputs_is_the_rows() {
    let laid = batch(
        call(vec![floats("x", &[4, 3])], vec![integers("y", &[4])]),
        Mapping::default(),
    );
    assert_eq!((laid.rows, &laid.calls.rows[..]), (4, &[4][..]));
    let one = batch(
        call(vec![floats("x", &[])], vec![integers("y", &[1])]),
        Mapping::default(),
    );
    assert_eq!(one.rows, 1);
}

#[test]
fn tensors_of_one_dimension_that_disagree_are_one_row() {
    let flat = || call(vec![floats("x", &[4])], vec![integers("y", &[1])]);
    let of = |batch_dimension| {
        lay(
            flat(),
            Mapping {
                batch_dimension,
                ..Mapping::default()
            },
        )
    };
    let auto = of(BatchDimension::Auto).batch.unwrap();
    assert_eq!(
        (auto.rows, names(&auto)),
        (1, vec!["x[0]", "x[1]", "x[2]", "x[3]", "y"])
    );
    let first = of(BatchDimension::First);
    assert_eq!(first.unusable, [Unusable::Length]);
    let first = first.batch.unwrap();
    assert_eq!((first.rows, names(&first)), (4, vec!["x"]));
    // A data frame has rows, whatever the lengths.
    let mut frame = flat();
    frame.inference.inputs_are_columns = true;
    assert_eq!(batch(frame, Mapping::default()).rows, 4);
}

#[test]
fn a_failed_call_is_cut_as_the_calls_before_were() {
    let mut layouts = Layouts::default();
    let mappings = mappings(Mapping::default());
    let mut rows = |call| {
        let laid = layouts.batch(call, &mappings, &Limits::default());
        laid.batch.unwrap().rows
    };
    let inputs = || vec![floats("x", &[4])];
    assert_eq!(
        rows(failed(call(inputs(), vec![]), "INTERNAL")),
        4,
        "nothing tells"
    );
    assert_eq!(rows(call(inputs(), vec![integers("y", &[1])])), 1);
    assert_eq!(rows(failed(call(inputs(), vec![]), "INTERNAL")), 1);
    assert_eq!(rows(call(inputs(), vec![integers("y", &[4])])), 4);
    assert_eq!(rows(failed(call(inputs(), vec![]), "INTERNAL")), 4);
}

#[test]
fn without_a_batch_dimension_a_tensor_is_one_row() {
    let none = || Mapping {
        batch_dimension: BatchDimension::None,
        ..Mapping::default()
    };
    let laid = batch(
        call(vec![floats("x", &[3])], vec![floats("p", &[1, 4])]),
        none(),
    );
    assert_eq!(laid.rows, 1);
    assert_eq!(
        names(&laid),
        [
            "x[0]",
            "x[1]",
            "x[2]",
            "prediction",
            "score[0]",
            "score[1]",
            "score[2]",
            "score[3]"
        ]
    );
    let picture = batch(call(vec![floats("x", &[2, 3])], vec![]), none());
    assert_eq!(
        (names(&picture), picture.schema.fields[0].width),
        (vec!["x"], 6)
    );
}

#[test]
fn an_input_beside_the_rows_is_counted_and_left_out() {
    let inputs = vec![floats("threshold", &[1]), floats("x", &[5, 2])];
    let laid = lay(
        call(inputs, vec![integers("y", &[5, 1])]),
        Mapping::default(),
    );
    assert_eq!(laid.unusable, [Unusable::Length]);
    let laid = laid.batch.unwrap();
    assert_eq!((laid.rows, names(&laid)), (5, vec!["x[0]", "x[1]", "y"]));
}

#[test]
fn outputs_with_another_number_of_rows_are_counted_and_left_out() {
    let outputs = vec![integers("y", &[3]), floats("p", &[2])];
    let laid = lay(
        call(vec![floats("x", &[2, 2])], outputs),
        Mapping::default(),
    );
    assert_eq!(laid.unusable, [Unusable::Length]);
    assert_eq!(names(&laid.batch.unwrap()), ["x[0]", "x[1]", "p"]);
}

#[test]
fn when_no_input_can_be_seen_the_outputs_have_the_rows() {
    let inputs = vec![unusable("x", &[9, 2], Unusable::SharedMemory)];
    let laid = lay(call(inputs, vec![integers("y", &[3])]), Mapping::default());
    assert_eq!(laid.unusable, [Unusable::SharedMemory]);
    let laid = laid.batch.unwrap();
    assert_eq!(
        (laid.rows, fields(&laid)),
        (3, vec![("y", Role::Prediction)])
    );
}

#[test]
fn a_call_of_which_nothing_can_be_seen_still_counts_as_a_call() {
    let tensor = || unusable("x", &[usize::MAX, 2], Unusable::Shape);
    let empty = floats("z", &[0, 3]);
    let laid = lay(
        call(vec![tensor(), empty], vec![tensor()]),
        Mapping::default(),
    );
    assert_eq!(laid.unusable, [Unusable::Shape; 2]);
    let laid = laid.batch.unwrap();
    assert_eq!(
        (laid.rows, laid.call_count(), laid.columns.len()),
        (0, 1, 0)
    );
    assert_eq!(laid.calls.latency_micros, [70]);
}

#[test]
fn a_failed_call_has_inputs_and_no_outputs() {
    let laid = batch(
        failed(
            call(vec![floats("x", &[2, 2])], vec![integers("y", &[2])]),
            "INTERNAL",
        ),
        Mapping::default(),
    );
    assert_eq!((laid.rows, names(&laid)), (2, vec!["x[0]", "x[1]"]));
    assert_eq!(laid.calls.outcomes, [Outcome::Failed("INTERNAL")]);
}

#[test]
fn what_is_known_of_the_call_is_in_the_batch() {
    let mut seen = call(vec![floats("x", &[2])], vec![]);
    let name = HeaderName::from_static("traceparent");
    let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
    seen.headers = Headers::of(&headers, &[]);
    let laid = batch(
        seen,
        Mapping {
            sample_rate: Some(0.25),
            ..Mapping::default()
        },
    );
    assert_eq!((&*laid.model, &*laid.version, laid.weight), ("m", "1", 4.0));
    assert_eq!(laid.times, Times::At(1_000_000));
    assert_eq!(laid.calls.trace_ids.len(), 1);
    assert_eq!(laid.calls.trace_ids[0].unwrap()[0], 0x4b);
    for (rate, expected) in [
        (0.0, 1.0),
        (f64::NAN, 1.0),
        (7.0, 1.0),
        (1e-300, MAX_WEIGHT),
    ] {
        assert_eq!(weight(rate), expected);
    }
}

#[test]
fn a_call_without_a_version_goes_to_the_last_one() {
    let mut layouts = Layouts::default();
    let mappings = mappings(Mapping::default());
    let mut version = |said: &str| {
        let mut call = call(vec![floats("x", &[2])], vec![]);
        call.inference.version = said.into();
        let laid = layouts.batch(call, &mappings, &Limits::default());
        laid.batch.unwrap().version
    };
    assert_eq!(&*version(""), "");
    assert_eq!(&*version("v2"), "v2");
    assert_eq!(&*version(""), "v2");
}

#[test]
fn a_call_that_found_nothing_belongs_to_what_has_answered_and_is_not_remembered() {
    let mut layouts = Layouts::default();
    let mappings = mappings(Mapping::default());
    let mut lay = |code: Option<&'static str>| {
        let mut call = call(vec![floats("x", &[3, 2])], vec![]);
        call.inference.model = "n".into();
        call.inference.version = "7".into();
        call.inference.outcome = code.map_or(Outcome::Ok, Outcome::Failed);
        let batch = layouts.batch(call, &mappings, &Limits::default()).batch;
        let batch = batch.unwrap();
        (batch.version, batch.schema.uid())
    };
    let (version, nowhere) = lay(Some("NOT_FOUND"));
    assert_eq!(&*version, "", "made up, as far as anybody knows");
    assert_ne!(lay(Some("NOT_FOUND")).1, nowhere);
    let (version, known) = lay(None);
    assert_eq!(&*version, "7");
    assert_eq!(lay(Some("NOT_FOUND")), (version, known));
}

#[test]
fn a_call_without_a_model_is_refused() {
    let mut nameless = call(vec![floats("x", &[3, 2])], vec![]);
    nameless.inference.model.clear();
    let refused = lay(nameless, Mapping::default()).batch.unwrap_err();
    assert_eq!((refused.reason, refused.rows), (Reject::NoModel, 3));
}

#[test]
fn more_rows_or_fields_than_the_limit_are_refused_with_their_number() {
    let limits = Limits {
        batch_rows: 3,
        fields: 4,
        ..Limits::default()
    };
    let mut layouts = Layouts::default();
    let mut refused = |shape: &[usize]| {
        let call = call(
            vec![unusable("y", &[], Unusable::Text), floats("x", shape)],
            vec![],
        );
        let laid = layouts.batch(call, &mappings(Mapping::default()), &limits);
        assert_eq!(laid.unusable, [Unusable::Text], "counted all the same");
        laid.batch
            .err()
            .map(|refused| (refused.reason, refused.rows, refused.detail))
    };
    assert_eq!(refused(&[3, 4]), None);
    let (reason, rows, detail) = refused(&[4, 4]).unwrap();
    assert_eq!((reason, rows), (Reject::LimitRows, 4));
    assert!(detail.contains("limits.batch_rows"), "{detail}");
    for _ in 0..2 {
        let (reason, rows, detail) = refused(&[3, 5]).unwrap();
        assert_eq!((reason, rows), (Reject::LimitFields, 3));
        assert!(detail.contains("are 5 fields"), "{detail}");
    }
}

#[test]
fn lengths_that_do_not_agree_with_the_shape_are_never_read() {
    let mut short = floats("x", &[4, 3]);
    short.shape = vec![4, 4];
    let mut overflow = floats("z", &[4]);
    overflow.shape = vec![usize::MAX, usize::MAX];
    let few = texts("t", &[3], &["a"]);
    let laid = lay(call(vec![short, overflow, few], vec![]), Mapping::default());
    assert_eq!(
        laid.unusable,
        [Unusable::Length, Unusable::Shape, Unusable::Length]
    );
    assert_eq!(laid.batch.unwrap().rows, 0);
}

#[test]
fn calls_that_look_alike_share_a_schema_and_others_do_not() {
    let mut layouts = Layouts::default();
    let mut settings = mappings(Mapping::default());
    let limits = Limits::default();
    let mut uid = |inputs, mappings: &Mappings| {
        let laid = layouts.batch(call(inputs, vec![]), mappings, &limits);
        laid.batch.unwrap().schema.uid()
    };
    let first = uid(vec![floats("x", &[2, 3])], &settings);
    assert_eq!(
        first,
        uid(vec![floats("x", &[7, 3])], &settings),
        "more rows"
    );
    for other in [
        floats("y", &[2, 3]),
        floats("x", &[2, 4]),
        integers("x", &[2, 3]),
    ] {
        assert_ne!(first, uid(vec![other], &settings));
    }
    let again = mappings(Mapping::default());
    assert_eq!(
        first,
        uid(vec![floats("x", &[2, 3])], &again),
        "read again, and the same"
    );
    let inputs = HashMap::from([("x".into(), said(&["a", "b", "c"], None))]);
    settings = mappings(Mapping {
        inputs,
        ..Mapping::default()
    });
    assert_ne!(
        first,
        uid(vec![floats("x", &[2, 3])], &settings),
        "they have names now"
    );
}

#[test]
fn the_bytes_that_a_batch_holds_on_to_are_counted() {
    let bytes = |inputs| batch(call(inputs, vec![]), Mapping::default()).bytes;
    let (small, large) = (
        bytes(vec![floats("x", &[10])]),
        bytes(vec![floats("x", &[1_010])]),
    );
    assert_eq!(large - small, 4_000);
    let long = "a".repeat(1_000);
    let (short, long) = (
        bytes(vec![texts("x", &[1], &["a"])]),
        bytes(vec![texts("x", &[1], &[&long])]),
    );
    assert_eq!(long - short, 999);
}

#[test]
fn a_small_part_of_a_large_message_does_not_keep_it() {
    let inputs = HashMap::from([("picture".into(), said(&[], Some(Role::Ignore)))]);
    let ignoring = Mapping {
        inputs,
        ..Mapping::default()
    };
    let small = floats("x", &[2, 2]);
    let Elements::Fixed { data, .. } = &small.elements else {
        unreachable!()
    };
    let data = data.clone();
    let kept = |batch: &Batch| {
        let Values::Fixed { data, .. } = &column(batch, "x[0]").values else {
            unreachable!()
        };
        data.clone()
    };
    let large = || floats("picture", &[2, 10_000]);
    let copied = batch(call(vec![small.clone(), large()], vec![]), ignoring);
    assert!(copied.bytes < 1_000, "{}", copied.bytes);
    assert_ne!(kept(&copied).as_ptr(), data.as_ptr());
    let whole = batch(call(vec![small, large()], vec![]), Mapping::default());
    assert!(whole.bytes > 80_000, "{}", whole.bytes);
    assert_eq!(kept(&whole).as_ptr(), data.as_ptr(), "nothing is copied");
}
