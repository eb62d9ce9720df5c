//! What is said of one field: cells, contributions and a sentence, from rows through the engine.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, categorical, config, feature, model, numeric, profile};
use driftgauge::batch::{Role, Values};
use driftgauge::engine::{Config, Engine, Explanation, Learning, References, Snapshot};
use driftgauge::profile::FeatureProfile;

const NOW: i64 = 1_700_000_000 * SECOND;

fn engine(features: Vec<FeatureProfile>) -> Engine {
    Engine::new(Arc::new(config(profile(features))))
}

fn numbers(values: Vec<f64>) -> Values {
    Values::Numbers(values)
}

fn texts(counts: &[(&str, usize)]) -> Values {
    let texts = counts
        .iter()
        .flat_map(|(text, count)| vec![(*text).to_owned(); *count]);
    Values::Text(texts.collect())
}

fn seen(engine: &mut Engine, name: &str, values: Values) -> Snapshot {
    engine.apply(&batch(vec![(name, Role::Feature, values)]), NOW);
    engine.tick(NOW)
}

/// The first window of a field against its first reference.
fn explained<'s>(snapshot: &'s Snapshot, name: &str) -> Explanation<'s> {
    let m = model(snapshot, "m", "1");
    let field = feature(m, name);
    let window = &field.windows[0];
    Explanation::of(m, field, window, window.drift.first())
}

fn summary_of(feature: FeatureProfile, values: Values) -> String {
    let name = feature.name.clone();
    let snapshot = seen(&mut engine(vec![feature]), &name, values);
    explained(&snapshot, &name).summary
}

/// Uniform on 0 … 20 but for `moved` values at `place`.
fn around(moved: usize, place: f64) -> Vec<f64> {
    let mut values = Random(5).uniforms(2_000 - moved, 20.0);
    values.extend(vec![place; moved]);
    values
}

#[test]
fn contributions_add_up_to_the_drift_and_shares_to_one() {
    let mut random = Random(3);
    for (name, field, values) in [
        (
            "x",
            numeric("x", 20, 500),
            numbers(random.uniforms(3_000, 14.0)),
        ),
        (
            "c",
            categorical("c", &[("a", 700), ("b", 300), ("d", 2)]),
            texts(&[("a", 200), ("b", 700), ("?", 40)]),
        ),
    ] {
        let snapshot = seen(&mut engine(vec![field]), name, values);
        let explanation = explained(&snapshot, name);
        let drift = &feature(model(&snapshot, "m", "1"), name).windows[0].drift[0];
        let sum: f64 = explanation.bins.iter().map(|bin| bin.contribution).sum();
        assert!((sum - drift.psi).abs() < 1e-12, "{sum} {}", drift.psi);
        assert_eq!(explanation.ratio, drift.ratio);
        let shares = |of: fn(&driftgauge::engine::Bin) -> f64| -> f64 {
            explanation.bins.iter().map(of).sum()
        };
        assert!((shares(|bin| bin.reference_share) - 1.0).abs() < 1e-12);
        assert!((shares(|bin| bin.window_share) - 1.0).abs() < 1e-12);
        let rows: u64 = explanation.bins.iter().map(|bin| bin.window_rows).sum();
        assert_eq!(rows, explanation.rows);
        let contribution = |label: &String| {
            explanation
                .bins
                .iter()
                .find(|bin| bin.bin == *label)
                .unwrap()
                .contribution
        };
        assert!(
            explanation
                .top
                .iter()
                .map(contribution)
                .is_sorted_by(|a, b| a >= b)
        );
        assert_eq!(explanation.since, Some(1.7e9), "{}", explanation.summary);
    }
}

#[test]
fn a_sentence_says_which_way_numbers_moved() {
    for (values, way, place) in [
        (
            around(600, 18.5),
            "x moved up: ",
            "are now between 18 and 19",
        ),
        (
            around(600, 19.5),
            "x moved up: ",
            "are now above 19 (was 5 %)",
        ),
        (
            around(600, 0.5),
            "x moved down: ",
            "are now at most 1 (was 5 %)",
        ),
        (
            around(600, 10.5),
            "x gathered: ",
            "are now between 10 and 11",
        ),
    ] {
        let summary = summary_of(numeric("x", 20, 500), numbers(values));
        assert!(summary.starts_with(way), "{summary}");
        assert!(summary.contains(place), "{summary}");
    }
    let ends = (0..2_000).map(|i| {
        if i % 2 == 0 {
            i as f64 % 4.0
        } else {
            16.0 + i as f64 % 4.0
        }
    });
    let summary = summary_of(numeric("x", 20, 500), numbers(ends.collect()));
    assert!(summary.starts_with("x spread out: "), "{summary}");
    let summary = summary_of(numeric("x", 20, 500), numbers(vec![3.5; 500]));
    assert_eq!(summary, "x is constant: always 3.5.");
}

#[test]
fn a_sentence_says_which_categories_came_and_went() {
    let field = || categorical("c", &[("a", 600), ("b", 400)]);
    let summary = summary_of(field(), texts(&[("a", 300), ("b", 600), ("zz", 100)]));
    assert!(summary.starts_with("c shifted: now "), "{summary}");
    assert!(summary.contains("a 30 % of rows (was 60 %)"), "{summary}");
    let new = "categories never seen before 10 % of rows (was 0.1 %)";
    assert!(summary.contains(new), "{summary}");
    let said = summary.matches("never seen before").count();
    assert_eq!(said, 1, "{summary}");
}

#[test]
fn a_sentence_says_why_there_is_nothing_to_judge() {
    let x = || numeric("x", 20, 500);
    for (field, values, said) in [
        (x(), around(0, 0.0), "x is within its threshold: drift "),
        (
            x(),
            vec![1.0; 57],
            "x has 57 values in 5m, too few to judge: it takes 100.",
        ),
        (
            numeric("x", 20, 4),
            around(0, 0.0),
            "The reference of x has 80 values, too few",
        ),
        (
            x(),
            vec![f64::NAN; 60],
            "x is absent: 60 rows in 5m, none with a usable value.",
        ),
    ] {
        let summary = summary_of(field, numbers(values));
        assert!(summary.starts_with(said), "{summary}");
    }
    let snapshot = seen(&mut engine(vec![x()]), "y", numbers(vec![1.0; 5]));
    let summary = explained(&snapshot, "y").summary;
    assert!(summary.starts_with("The reference lacks y"), "{summary}");
}

#[test]
fn raised_rates_are_told() {
    let mut values = Random(9).uniforms(5_000, 20.0);
    values[..500].fill(f64::NAN);
    values[500..800].fill(25.0);
    let snapshot = seen(
        &mut engine(vec![numeric("x", 20, 500)]),
        "x",
        numbers(values),
    );
    let explanation = explained(&snapshot, "x");
    assert!(explanation.rates.missing.unwrap().raised);
    assert!(explanation.rates.out_of_range.unwrap().raised);
    assert!(explanation.rates.new_category.is_none());
    let summary = &explanation.summary;
    assert!(
        summary.contains("10 % of rows have no usable value (was 0 %)."),
        "{summary}"
    );
    assert!(
        summary.contains("6.7 % are outside 0 to 20, all that the reference has."),
        "{summary}"
    );
}

#[test]
fn of_fewer_rows_than_drift_needs_no_rate_is_raised() {
    let raised = |rows: usize| {
        let mut values = Random(9).uniforms(rows, 20.0);
        values[..rows / 5].fill(f64::NAN);
        values[rows / 5..rows / 2].fill(25.0);
        let snapshot = seen(
            &mut engine(vec![numeric("x", 20, 500)]),
            "x",
            numbers(values),
        );
        let rates = explained(&snapshot, "x").rates;
        [rates.missing.unwrap(), rates.out_of_range.unwrap()].map(|rate| rate.raised)
    };
    assert_eq!(raised(10), [false, false]);
    assert_eq!(raised(98), [false, false]);
    assert_eq!(raised(200), [true, true]);
}

#[test]
fn another_version_is_spoken_of_as_such() {
    let mut settings = config(profile(vec![numeric("x", 20, 500)]));
    settings.references = References {
        versions: driftgauge::engine::OtherVersions::All,
        ..References::default()
    };
    let mut engine = Engine::new(Arc::new(settings));
    let mut other = batch(vec![("x", Role::Feature, numbers(around(0, 0.0)))]);
    other.version = "2".into();
    engine.apply(&other, NOW);
    let snapshot = seen(&mut engine, "x", numbers(around(900, 19.5)));
    let m = model(&snapshot, "m", "1");
    let x = feature(m, "x");
    let drift = x.windows[0]
        .drift
        .iter()
        .find(|d| &*d.reference == "version:2")
        .unwrap();
    let explanation = Explanation::of(m, x, &x.windows[0], Some(drift));
    assert!(
        explanation.summary.contains("% in version 2)"),
        "{}",
        explanation.summary
    );
    assert_eq!(explanation.reference.as_ref().unwrap().rows, 2_000);
    assert!(
        explanation.moments.reference.is_none(),
        "those of the profile are not meant"
    );
    let sum: f64 = explanation.bins.iter().map(|bin| bin.contribution).sum();
    assert!((sum - drift.psi).abs() < 1e-12);
}

#[test]
fn new_categories_are_named_unless_the_settings_or_the_reference_forbid_it() {
    let named = |settings: Config| {
        let mut engine = Engine::new(Arc::new(settings));
        // The first rows may be learned from; the second bring what is new to any reference.
        seen(&mut engine, "c", texts(&[("a", 600), ("b", 400)]));
        let snapshot = seen(
            &mut engine,
            "c",
            texts(&[("a", 500), ("ghost", 30), ("new", 2)]),
        );
        let explanation = explained(&snapshot, "c");
        let names = explanation.new_categories.iter();
        let names: Vec<_> = names.map(|of| (of.name.to_owned(), of.at_least)).collect();
        (
            names,
            explanation.bins.iter().all(|bin| bin.range.is_some()),
            explanation.summary,
        )
    };
    let with_file = || config(profile(vec![categorical("c", &[("a", 600), ("b", 400)])]));
    let (names, _, _) = named(with_file());
    assert_eq!(names, [("ghost".into(), 30), ("new".into(), 2)]);
    let (names, has_ranges, _) = named(Config {
        name_new_categories: false,
        ..with_file()
    });
    assert!(names.is_empty() && has_ranges);
    let (names, has_ranges, summary) = named(Config {
        learning: Learning {
            rows: 1_000,
            bytes: 1 << 20,
        },
        ..Config::default()
    });
    assert!(
        names.is_empty() && !has_ranges,
        "learned categories are row values: {summary}"
    );
}

#[test]
fn since_is_the_moment_of_the_first_alarm_until_it_is_over() {
    let mut engine = engine(vec![numeric("x", 20, 500)]);
    let mut random = Random(17);
    let mut at = |seconds: i64, shift: f64| {
        let now = NOW + seconds * SECOND;
        let values = random.uniforms(1_000, 20.0).into_iter().map(|x| x + shift);
        engine.apply(
            &batch(vec![("x", Role::Feature, numbers(values.collect()))]),
            now,
        );
        let snapshot = engine.tick(now);
        feature(model(&snapshot, "m", "1"), "x").windows[0].drift[0].since
    };
    assert_eq!(at(0, 0.0), None);
    let began = Some(1_700_000_010.0);
    assert_eq!(at(10, 9.0), began);
    assert_eq!(at(200, 9.0), began);
    assert_eq!(at(400, 9.0), began);
    assert_eq!(at(800, 0.0), None);
    assert_eq!(at(810, 9.0), Some(1_700_000_810.0));
}
