//! Clustered rows and wandering distributions: measured from rows with times, and false alarms kept
//! at their rate by what was measured.

mod common;

use std::fs;
use std::sync::Arc;

use common::{SECOND, batch, config, feature, model};
use driftgauge::batch::{Batch, Role, Times, Values};
use driftgauge::cli::profile::{Args, run};
use driftgauge::engine::{
    BURN_IN_CHUNKS, BurntIn, Clock, Config, Engine, FeatureConfig, FeatureReference, Snapshot,
};
use driftgauge::learn::{CHUNK_SLICES, CHUNKS, LearnOptions, Learned, Learner};
use driftgauge::profile::{Profile, Provenance, Variation};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

const SEED: u64 = 29;
const START: i64 = 1_700_000_000 * SECOND;
/// One-sided 1 %.
const Z: f64 = 2.326_347_874_040_840_8;
const NAMES: [&str; 3] = ["normal", "whole", "category"];

fn dice(stream: u64) -> StdRng {
    println!("seed {SEED}, stream {stream}");
    StdRng::seed_from_u64(SEED * 1_000 + stream)
}

/// How rows come.
#[derive(Clone, Copy)]
struct World {
    /// Equal rows that come one after the other.
    copies: usize,
    /// By how much the mean moves from chunk to chunk, in standard deviations.
    wander: f64,
}

impl World {
    /// Rows with a normal and a whole number and a category, `span` microseconds from first to last.
    fn rows(self, dice: &mut StdRng, rows: usize, span: i64) -> Batch {
        let mut normals = Vec::with_capacity(rows);
        let mut times = Vec::with_capacity(rows);
        let (mut shift, mut chunk) = (0.0, usize::MAX);
        for row in 0..rows {
            if chunk != row * CHUNKS / rows {
                chunk = row * CHUNKS / rows;
                let moved: f64 = StandardNormal.sample(dice);
                shift = self.wander * moved;
            }
            let value: f64 = StandardNormal.sample(dice);
            let value = match normals.last() {
                Some(&same) if row % self.copies > 0 => same,
                _ => value + shift,
            };
            normals.push(value);
            times.push(START + span * row as i64 / rows as i64);
        }
        let wholes = normals.iter().map(|value| (value * 2.0).round()).collect();
        let categories = normals
            .iter()
            .map(|value| format!("c{:.0}", value.abs() * 3.0));
        let categories = categories.collect();
        Batch {
            times: Times::Each(times),
            ..batch(vec![
                ("normal", Role::Feature, Values::Numbers(normals)),
                ("whole", Role::Feature, Values::Numbers(wholes)),
                ("category", Role::Feature, Values::Text(categories)),
            ])
        }
    }
}

const DAY: i64 = 86_400 * SECOND;

fn learn(batch: &Batch) -> Learned {
    let mut learner = Learner::new(LearnOptions {
        measures_variation: true,
        ..LearnOptions::default()
    });
    learner.observe(batch);
    let mut recount = learner.into_recount();
    recount.observe(batch);
    recount.finish_with_report(Provenance::default())
}

fn variation(profile: &Profile, name: &str) -> Variation {
    let mut features = profile.features.iter();
    features.find(|f| f.name == name).unwrap().variation
}

#[test]
fn rows_in_clusters_of_five_have_a_design_effect_of_five() {
    let mut dice = dice(1);
    let clustered = World {
        copies: 5,
        wander: 0.0,
    };
    let learned = learn(&clustered.rows(&mut dice, 120_000, 4 * DAY));
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
        copies: 1,
        wander: 0.1,
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
        copies: 1,
        wander: 0.5,
    };
    let learned = learn(&far.rows(&mut dice, 60_000, 4 * DAY));
    let warnings = learned.report.warnings.join(" ");
    assert!(warnings.contains("wander by themselves"), "{warnings}");
}

#[test]
fn the_order_of_rows_does_not_matter_but_their_times_do() {
    let mut dice = dice(3);
    let clustered = World {
        copies: 5,
        wander: 0.1,
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
    let world = World {
        copies: 5,
        wander: 0.0,
    };
    let rows = world.rows(&mut dice, 5_000, DAY);
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

/// Ratios above 1 of all, over windows of `n` unchanged rows against so many references.
fn alarms(
    dice: &mut StdRng,
    world: World,
    n: usize,
    references: usize,
    forget: bool,
) -> (u32, u32) {
    let (mut raised, mut judged) = (0, 0);
    for _ in 0..references {
        let mut profile = learn(&world.rows(dice, 30_000, 4 * DAY)).profile;
        if forget {
            for feature in &mut profile.features {
                feature.variation = Variation::default();
            }
        }
        let strict = FeatureConfig {
            minimum_effect: Some(0.0),
            significance: Some(Z),
            ..FeatureConfig::default()
        };
        let mut engine = Engine::new(Arc::new(Config {
            feature: strict,
            ..config(profile)
        }));
        let mut now = START;
        for _ in 0..20 {
            now += 2 * 300 * SECOND;
            let mut window = world.rows(dice, n, 1);
            window.times = Times::Arrival;
            engine.apply(&window, now);
            let snapshot = engine.tick(now);
            for name in NAMES {
                let window = &feature(model(&snapshot, "m", "1"), name).windows[0];
                let ratio = window.drift[0].ratio.expect("enough rows");
                judged += 1;
                raised += u32::from(ratio > 1.0);
            }
        }
    }
    (raised, judged)
}

#[test]
fn clustered_rows_raise_one_alarm_in_a_hundred_once_their_design_effect_is_known() {
    let mut dice = dice(5);
    let world = World {
        copies: 5,
        wander: 0.0,
    };
    let (mut raised, mut judged) = (0, 0);
    for n in [1_000, 4_000] {
        let (more, of) = alarms(&mut dice, world, n, 30, false);
        println!("n = {n}: {more} of {of}");
        raised += more;
        judged += of;
    }
    let rate = f64::from(raised) / f64::from(judged);
    assert!((0.001..0.016).contains(&rate), "{raised} of {judged}");
    // Taken for independent, the same rows would raise nearly always.
    let (raised, judged) = alarms(&mut dice, world, 1_000, 2, true);
    println!("φ = 1: {raised} of {judged}");
    assert!(raised * 2 > judged);
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

/// Length of a slice of the burn-ins here, and of the whole.
const SLICE: i64 = 30 * SECOND;
const BURN_IN: i64 = BURN_IN_CHUNKS as i64 * CHUNK_SLICES as i64 * SLICE;
/// A moment at which a chunk begins.
const BEGIN: i64 = START - START % (CHUNK_SLICES as i64 * SLICE);

/// A profile of independent rows that says nothing of their variation.
fn unmeasured(dice: &mut StdRng) -> Profile {
    let world = World {
        copies: 1,
        wander: 0.0,
    };
    let mut profile = learn(&world.rows(dice, 20_000, DAY)).profile;
    for feature in &mut profile.features {
        feature.variation = Variation::default();
    }
    profile
}

fn burning_in(profile: Profile) -> Config {
    Config {
        burn_in_micros: BURN_IN,
        ..config(profile)
    }
}

fn reference<'a>(snapshot: &'a Snapshot, name: &str) -> &'a FeatureReference {
    let reference = &feature(model(snapshot, "m", "1"), name).reference;
    reference.as_ref().unwrap()
}

/// Rows of one slice of traffic: 50 in clusters of five whose mean is `shift`.
fn slice_of_traffic(dice: &mut StdRng, shift: f64) -> Vec<f64> {
    let mut values = Vec::new();
    for _ in 0..10 {
        let value: f64 = StandardNormal.sample(dice);
        values.extend([value + shift; 5]);
    }
    values
}

fn traffic(values: Vec<f64>) -> Batch {
    batch(vec![("normal", Role::Feature, Values::Numbers(values))])
}

/// Feeds chunks `chunks`, slice by slice, with a tick at the end of each, and gives the last snapshot.
/// The mean moves by `wander` from chunk to chunk around `mean`.
fn feed(
    engine: &mut Engine,
    dice: &mut StdRng,
    chunks: std::ops::Range<i64>,
    mean: f64,
    wander: f64,
) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for chunk in chunks {
        let moved: f64 = StandardNormal.sample(dice);
        let shift = mean + wander * moved;
        for slice in chunk * CHUNK_SLICES as i64..(chunk + 1) * CHUNK_SLICES as i64 {
            let at = BEGIN + slice * SLICE;
            engine.apply(&traffic(slice_of_traffic(dice, shift)), at);
        }
        snapshot = engine.tick(BEGIN + (chunk + 1) * CHUNK_SLICES as i64 * SLICE);
    }
    snapshot
}

#[test]
fn traffic_burns_in_is_in_force_from_48_chunks_on_and_frozen_at_168() {
    let mut dice = dice(8);
    let profile = unmeasured(&mut dice);
    let hash = profile.hash();
    let mut engine = Engine::new(Arc::new(burning_in(profile)));

    let early = feed(&mut engine, &mut dice, 0..47, 0.3, 0.0);
    let normal = reference(&early, "normal");
    assert_eq!(normal.variation, Variation::default());
    let done = model(&early, "m", "1").burn_in.unwrap();
    assert!((done - 47.0 / 168.0).abs() < 1e-12, "{done}");

    let middle = feed(&mut engine, &mut dice, 47..48, 0.3, 0.0);
    let normal = reference(&middle, "normal");
    assert_eq!(normal.variation.chunks, 48);
    assert!((4.5..5.5).contains(&normal.variation.design_effect));

    let late = feed(&mut engine, &mut dice, 48..168, 0.3, 0.0);
    let normal = reference(&late, "normal").clone();
    println!("{:?}", normal.variation);
    assert_eq!((normal.burn_in, normal.variation.chunks), (Some(1.0), 168));
    assert!((4.7..5.3).contains(&normal.variation.design_effect));
    assert_eq!(
        normal.variation.wander, 0.0,
        "a constant shift is no wander"
    );
    assert_eq!(model(&late, "m", "1").burn_in, Some(1.0));

    let after = feed(&mut engine, &mut dice, 168..230, 0.3, 0.5);
    assert_eq!(reference(&after, "normal").variation, normal.variation);
    assert_eq!(reference(&after, "normal").profile, hash[..8].into());
    let hour = &feature(model(&after, "m", "1"), "normal").windows[1];
    assert!(hour.drift[0].ratio.is_some(), "it is judged");

    // What it found can be shipped, under a hash of its own, and then nothing burns in.
    let shipped = model(&after, "m", "1").profile().unwrap();
    assert_eq!(variation(&shipped, "normal"), normal.variation);
    assert_ne!(shipped.hash(), hash);
    let mut engine = Engine::new(Arc::new(burning_in(Profile::clone(&shipped))));
    let snapshot = feed(&mut engine, &mut dice, 0..60, 0.0, 0.5);
    let normal = reference(&snapshot, "normal");
    assert_eq!((normal.burn_in, normal.variation.chunks), (None, 168));
}

#[test]
fn what_burns_in_raises_the_smallest_effect_to_a_tenth_at_most() {
    let mut dice = dice(9);
    let profile = unmeasured(&mut dice);
    let mut engine = Engine::new(Arc::new(burning_in(profile)));
    let snapshot = feed(&mut engine, &mut dice, 0..168, 0.0, 0.5);
    let normal = reference(&snapshot, "normal");
    println!("{:?}", normal.variation);
    assert!((0.15..0.45).contains(&normal.variation.wander));
    assert!((4.7..5.3).contains(&normal.variation.design_effect));
    let usual = feature(model(&snapshot, "m", "1"), "normal").windows[0].minimum_effect;
    assert_eq!(usual, Some(0.1));
    // A person may say so.
    let shipped = model(&snapshot, "m", "1").profile().unwrap();
    let engine = Engine::new(Arc::new(burning_in(Profile::clone(&shipped)))).tick(START);
    let features = &engine.models[0].features;
    let normal = features.iter().find(|f| &*f.name == "normal").unwrap();
    assert!(normal.windows[0].minimum_effect.unwrap() > 1.0);
}

#[test]
fn clustered_traffic_raises_one_alarm_in_a_hundred_after_the_burn_in() {
    let mut dice = dice(10);
    let (mut raised, mut judged) = (0, 0);
    for _ in 0..12 {
        let mut settings = burning_in(unmeasured(&mut dice));
        settings.feature.minimum_effect = Some(0.0);
        settings.feature.significance = Some(Z);
        let mut engine = Engine::new(Arc::new(settings));
        feed(&mut engine, &mut dice, 0..168, 0.0, 0.0);
        let mut now = BEGIN + 2 * BURN_IN;
        for _ in 0..60 {
            now += 2 * 300 * SECOND;
            for _ in 0..20 {
                engine.apply(&traffic(slice_of_traffic(&mut dice, 0.0)), now);
            }
            let snapshot = engine.tick(now);
            let window = &feature(model(&snapshot, "m", "1"), "normal").windows[0];
            judged += 1;
            raised += u32::from(window.drift[0].ratio.expect("enough rows") > 1.0);
        }
    }
    println!("{raised} of {judged}");
    assert!((1..=judged / 60).contains(&raised), "{raised} of {judged}");
}

#[test]
fn event_time_burns_in_as_wall_time_does_whatever_the_batches() {
    let mut dice = dice(11);
    let profile = unmeasured(&mut dice);
    let slices = 60 * CHUNK_SLICES;
    let rows: Vec<Vec<f64>> = (0..slices)
        .map(|_| slice_of_traffic(&mut dice, 0.0))
        .collect();
    let mut wall = Engine::new(Arc::new(burning_in(profile.clone())));
    for (slice, values) in rows.iter().enumerate() {
        wall.apply(&traffic(values.clone()), BEGIN + slice as i64 * SLICE);
    }
    let end = BEGIN + slices as i64 * SLICE;
    let by_wall = wall.tick(end);
    let mut event = Engine::new(Arc::new(Config {
        clock: Clock::Event,
        ..burning_in(profile)
    }));
    let all: Vec<(i64, f64)> = rows
        .iter()
        .enumerate()
        .flat_map(|(slice, values)| {
            let at = BEGIN + slice as i64 * SLICE;
            values.iter().map(move |&value| (at, value))
        })
        .chain([(end, 0.0)])
        .collect();
    for part in all.chunks(777) {
        let values = part.iter().map(|(_, value)| *value).collect();
        let times = part.iter().map(|(at, _)| *at).collect();
        let part = Batch {
            times: Times::Each(times),
            ..traffic(values)
        };
        event.apply(&part, START);
    }
    let by_event = event.tick(START);
    let found = reference(&by_event, "normal").variation;
    assert_eq!(found.chunks, 60);
    assert_eq!(reference(&by_wall, "normal").variation, found);
}

#[test]
fn a_burn_in_that_was_kept_is_over_and_one_of_another_profile_begins_anew() {
    let mut dice = dice(12);
    let profile = unmeasured(&mut dice);
    let kept = Variation {
        design_effect: 3.0,
        wander: 0.001,
        long_wander: 0.001,
        chunk_seconds: 360.0,
        span_seconds: 24.0 * 360.0,
        chunks: 168,
    };
    let with = |hash: &str| {
        let mut settings = burning_in(profile.clone());
        let found = BurntIn {
            profile: hash.into(),
            variation: kept,
        };
        let model = settings.models.get_mut("m").unwrap();
        model.burnt_in = [("1".into(), [("normal".into(), found)].into())].into();
        settings
    };
    let hash = profile.hash();
    let mut engine = Engine::new(Arc::new(with(&hash[..8])));
    let snapshot = feed(&mut engine, &mut dice, 0..2, 0.0, 0.0);
    let normal = reference(&snapshot, "normal");
    assert_eq!((normal.variation, normal.burn_in), (kept, Some(1.0)));

    let mut engine = Engine::new(Arc::new(with("0badcafe")));
    let snapshot = feed(&mut engine, &mut dice, 0..2, 0.0, 0.0);
    let normal = reference(&snapshot, "normal");
    assert_eq!(normal.variation, Variation::default());
    assert!(normal.burn_in.unwrap() < 0.1);
}

#[test]
fn new_settings_leave_a_burn_in_alone_unless_cells_change_or_it_is_switched_off() {
    let mut dice = dice(13);
    let profile = unmeasured(&mut dice);
    let mut engine = Engine::new(Arc::new(burning_in(profile.clone())));
    let before = feed(&mut engine, &mut dice, 0..60, 0.0, 0.0);
    let before = reference(&before, "normal").variation;

    let mut settings = burning_in(profile.clone());
    settings.feature.minimum_effect = Some(0.05);
    engine.reconfigure(Arc::new(settings));
    let now = BEGIN + 60 * CHUNK_SLICES as i64 * SLICE;
    assert_eq!(reference(&engine.tick(now), "normal").variation, before);

    engine.reconfigure(Arc::new(burning_in(unmeasured(&mut dice))));
    let normal = engine.tick(now);
    let normal = reference(&normal, "normal");
    assert_eq!((normal.variation.chunks, normal.burn_in), (0, Some(0.0)));

    engine.reconfigure(Arc::new(Config {
        burn_in_micros: 0,
        ..burning_in(profile)
    }));
    assert_eq!(reference(&engine.tick(now), "normal").burn_in, None);
}
