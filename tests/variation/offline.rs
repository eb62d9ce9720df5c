//! What `driftgauge profile` measures: design effect and wander, from the times of rows, and in
//! words what keeps it from measuring them.

use std::fs;

use driftgauge::batch::{Batch, Role, Times, Values};
use driftgauge::cli::profile::{Args, run};
use driftgauge::profile::{Profile, Variation};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::common::batch;
use super::world::{CLUSTERED, DAY, INDEPENDENT, NAMES, START, World, dice, learn, variation};

#[test]
fn rows_in_clusters_of_five_have_a_design_effect_of_five() {
    let mut dice = dice(1);
    let learned = learn(&CLUSTERED.rows(&mut dice, 120_000, 4 * DAY));
    for name in NAMES {
        let found = variation(&learned.profile, name);
        println!("{name}: {found:?}");
        assert!((4.6..5.4).contains(&found.design_effect), "{found:?}");
        assert!(found.wander < 0.002, "{found:?}");
        assert_eq!(found.chunks, 96);
        let field = learned.report.fields.iter().find(|f| f.name == name);
        let remarks = field.unwrap().warnings.join("; ");
        assert!(remarks.contains("rows hang together: φ = "), "{remarks}");
    }
}

#[test]
fn a_mean_that_wanders_by_a_tenth_has_a_wander_of_a_hundredth() {
    let mut dice = dice(2);
    let wandering = World {
        wander: 0.1,
        ..INDEPENDENT
    };
    let draws = 5;
    let mut mean = 0.0;
    for _ in 0..draws {
        let learned = learn(&wandering.rows(&mut dice, 60_000, 4 * DAY));
        let found = variation(&learned.profile, "normal");
        println!("{found:?}");
        assert!((0.95..1.1).contains(&found.design_effect), "{found:?}");
        mean += found.wander / f64::from(draws);
    }
    assert!((0.008..0.012).contains(&mean), "{mean}");

    let far = World {
        wander: 0.5,
        ..INDEPENDENT
    };
    let learned = learn(&far.rows(&mut dice, 60_000, 4 * DAY));
    let warnings = learned.report.warnings.join(" ");
    assert!(warnings.contains("wander by themselves"), "{warnings}");
}

#[test]
fn the_order_of_rows_does_not_matter_but_their_times_do() {
    let mut dice = dice(3);
    let clustered = World {
        wander: 0.1,
        ..CLUSTERED
    };
    let rows = clustered.rows(&mut dice, 30_000, DAY);
    let mut order: Vec<usize> = (0..rows.rows).collect();
    order.shuffle(&mut dice);
    let Values::Numbers(values) = &rows.columns[0].as_ref().unwrap().values else {
        panic!("numbers");
    };
    let Times::Each(times) = &rows.times else {
        panic!("times");
    };
    let one = |values: Vec<f64>, times: Vec<i64>| Batch {
        times: Times::Each(times),
        ..batch(vec![("normal", Role::Feature, Values::Numbers(values))])
    };
    let in_order = learn(&one(values.clone(), times.clone()));
    let shuffled = learn(&one(
        order.iter().map(|&row| values[row]).collect(),
        order.iter().map(|&row| times[row]).collect(),
    ));
    assert_eq!(in_order.profile, shuffled.profile);
    let unrelated = learn(&one(
        order.iter().map(|&row| values[row]).collect(),
        times.clone(),
    ));
    let found = unrelated.profile.features[0].variation;
    assert!(
        found.design_effect < 1.1 && found.wander < 1e-3,
        "{found:?}"
    );
}

#[test]
fn without_times_or_with_too_few_nothing_is_measured_and_that_is_said() {
    let mut dice = dice(4);
    let rows = CLUSTERED.rows(&mut dice, 5_000, DAY);
    let without = Batch {
        times: Times::Arrival,
        ..rows.clone()
    };
    let learned = learn(&without);
    let warnings = learned.report.warnings.join(" ");
    assert!(warnings.contains("was not measured"), "{warnings}");
    assert_eq!(variation(&learned.profile, "normal"), Variation::default());

    // Forty days, all rows of a day at its first moment.
    let Times::Each(times) = &rows.times else {
        panic!("times");
    };
    let coarse = times
        .iter()
        .map(|at| (at - START) / (DAY / 40) * (DAY / 40));
    let coarse = Batch {
        times: Times::Each(coarse.collect()),
        ..rows.clone()
    };
    let learned = learn(&coarse);
    let warnings = learned.report.warnings.join(" ");
    assert!(warnings.contains("40 of 96 chunks"), "{warnings}");
    assert_eq!(variation(&learned.profile, "normal"), Variation::default());

    // A field with values in a few of them only.
    let Values::Numbers(values) = &rows.columns[0].as_ref().unwrap().values else {
        panic!("numbers");
    };
    let rare = values.iter().enumerate();
    let rare = rare.map(|(row, &value)| if row < 1_000 { value } else { f64::NAN });
    let mixed = Batch {
        times: rows.times.clone(),
        ..batch(vec![
            ("rare", Role::Feature, Values::Numbers(rare.collect())),
            ("usual", Role::Feature, Values::Numbers(values.clone())),
        ])
    };
    let learned = learn(&mixed);
    let warnings = learned.report.warnings.join(" ");
    assert!(
        warnings.contains("too few chunks of time have values of rare"),
        "{warnings}"
    );
    assert_eq!(variation(&learned.profile, "rare").chunks, 0);
    assert_eq!(variation(&learned.profile, "usual").chunks, 96);
}

#[test]
fn the_command_measures_it_and_takes_importances() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = dice(6);
    let mut csv = String::from("at,amount,prediction\n");
    for cluster in 0..4_000 {
        let amount: f64 = dice.random();
        for copy in 0..5 {
            let at = 1_700_000_000 + cluster * 60 + copy;
            csv.push_str(&format!("{at},{amount},{}\n", i32::from(amount > 0.7)));
        }
    }
    let data = folder.path().join("train.csv");
    fs::write(&data, csv).unwrap();
    let settings = folder.path().join("driftgauge.yml");
    let said = "models:\n  m:\n    features:\n      amount: {importance: 0.5}\n      prediction: {importance: 2}\n";
    fs::write(&settings, said).unwrap();
    let output = folder.path().join("m.profile.json");
    run(&Args {
        data: vec![data],
        output: Some(output.clone()),
        time: Some("at".into()),
        importance: vec![("amount".into(), 0.25)],
        config_file: Some(settings),
        ..Args::default()
    })
    .unwrap();
    let profile = Profile::load(&output).unwrap();
    let amount = &profile.features[0];
    assert!(
        (4.5..5.5).contains(&amount.variation.design_effect),
        "{:?}",
        amount.variation
    );
    assert_eq!(amount.variation.chunks, 96);
    assert_eq!(amount.importance, Some(0.25), "the flag decides");
    assert_eq!(profile.features[1].importance, Some(2.0));
}
