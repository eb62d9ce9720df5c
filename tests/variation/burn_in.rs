//! Traffic that burns in: what a profile without times could not say is measured before it is used,
//! then frozen, kept over restarts and by either clock the same.

use std::ops::Range;
use std::sync::Arc;

use driftgauge::batch::{Batch, Role, Times, Values};
use driftgauge::engine::{
    BURN_IN_CHUNKS, BurntIn, Clock, Config, Engine, FeatureReference, Snapshot,
};
use driftgauge::learn::CHUNK_SLICES;
use driftgauge::profile::{Profile, Variation};
use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};

use super::common::{SECOND, batch, config, feature, model};
use super::world::{DAY, INDEPENDENT, START, Z, dice, forget_variation, learn, variation};

/// Length of a slice of the burn-ins here, and of the whole.
const SLICE: i64 = 30 * SECOND;
const BURN_IN: i64 = BURN_IN_CHUNKS as i64 * CHUNK_SLICES as i64 * SLICE;
/// A moment at which a chunk begins.
const BEGIN: i64 = START - START % (CHUNK_SLICES as i64 * SLICE);

/// A profile of independent rows that says nothing of their variation.
fn unmeasured(dice: &mut StdRng) -> Profile {
    forget_variation(learn(&INDEPENDENT.rows(dice, 20_000, DAY)).profile)
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
    chunks: Range<i64>,
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
