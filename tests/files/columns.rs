//! What a column is taken for: its kind, its role, the time of its rows.

use driftgauge::batch::{Numbers, Role, Scalar, Times, Values};
use driftgauge::files::ReadOptions;
use driftgauge::profile::Kind;

use super::samples::{failure, file, folder, only_batch};

#[test]
fn a_known_kind_keeps_what_does_not_parse_as_invalid() {
    let folder = folder();
    let path = file(
        &folder,
        "a.csv",
        "x,zip\n1,02134\nabc,10001\n,NULL\ntrue,7\n",
    );
    let options = ReadOptions {
        kinds: [
            ("x".into(), Kind::Numeric),
            ("zip".into(), Kind::Categorical),
        ]
        .into(),
        ..ReadOptions::default()
    };
    let (_, batch) = only_batch(path, &options);
    let column = batch.columns[0].as_ref().unwrap();
    let mut numbers = Numbers::default();
    column.read_numbers(0..4, &mut numbers);
    assert_eq!(
        (numbers.finite, numbers.invalid, numbers.null),
        (vec![1.0, 1.0], 1, 1)
    );
    let Values::Mixed(scalars) = &column.values else {
        panic!("{column:?}");
    };
    assert_eq!(scalars[1], Scalar::Text("abc".into()));
    let Values::Dictionary { dictionary, .. } = &batch.columns[1].as_ref().unwrap().values else {
        panic!("zip is no text");
    };
    assert_eq!(dictionary[..], ["02134", "10001", "7"].map(String::from));
}

#[test]
fn names_suggest_roles_and_options_decide() {
    let folder = folder();
    let path = file(
        &folder,
        "a.csv",
        ",x,score,label,prediction,took\n0,1,.5,1,1,250\n",
    );
    let options = ReadOptions {
        roles: [("label".into(), Role::Ignore)].into(),
        latency: Some("took".into()),
        ..ReadOptions::default()
    };
    let (dataset, batch) = only_batch(path, &options);
    let fields = dataset.schema().fields.iter();
    let fields: Vec<_> = fields.map(|field| (&*field.name, field.role)).collect();
    assert_eq!(
        fields,
        [
            ("x", Role::Feature),
            ("score", Role::Score),
            ("prediction", Role::Prediction)
        ]
    );
    assert_eq!(batch.calls.latency_micros, [250]);
    assert!(
        dataset.notes()[0].contains("has no name"),
        "{:?}",
        dataset.notes()
    );
}

#[test]
fn the_only_column_of_times_is_the_time_of_the_rows() {
    let folder = folder();
    let micros = 1_709_208_000_000_000;
    let csv = file(
        &folder,
        "a.csv",
        "x,at\n1,2024-02-29T12:00:00Z\n2,2024-02-29 12:00:01\n",
    );
    let (dataset, batch) = only_batch(csv, &ReadOptions::default());
    assert_eq!(batch.times, Times::Each(vec![micros, micros + 1_000_000]));
    assert_eq!(dataset.columns()[1].role, Role::Time);
    assert!(dataset.has_times());

    let holes = file(&folder, "b.csv", "x,at\n1,2024-02-29T12:00:00Z\n2,\n");
    let (dataset, batch) = only_batch(holes.clone(), &ReadOptions::default());
    assert_eq!((batch.times, dataset.has_times()), (Times::Arrival, false));
    let options = ReadOptions {
        time: Some("at".into()),
        ..ReadOptions::default()
    };
    let error = failure(&[holes], &options);
    assert!(
        error.contains("b.csv, line 3: column \"at\" has no value"),
        "{error}"
    );

    let epoch = file(&folder, "c.jsonl", "{\"at\": 1709208000, \"x\": 1}\n");
    let (_, batch) = only_batch(epoch, &options);
    assert_eq!(batch.times, Times::Each(vec![micros]));

    let two = file(&folder, "d.csv", "from,to\n2024-02-29,2024-03-01\n");
    let (dataset, batch) = only_batch(two, &ReadOptions::default());
    assert_eq!(batch.times, Times::Arrival);
    assert!(dataset.notes()[0].contains("several columns are times (from, to)"));
}
