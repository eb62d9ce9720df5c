//! Three weeks of traffic in which drift comes in different ways: what the engine calls it.
//!
//! One row a second, less at night, judged every five minutes in windows of 5 minutes, an hour and a
//! day. `cargo nextest run --test drift_shape_names --no-capture` prints what was said how often.

mod common;

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::sync::Arc;

use common::{Random, SECOND, batch, config, feature, model, numeric, profile};
use driftgauge::batch::{Role, Values};
use driftgauge::engine::{Engine, References, Shape, Snapshot};
use driftgauge::profile::{Cells, FeatureProfile, Moments, NumericCells};
use driftgauge::statistic::normal_tail_quantile;

const SEED: u64 = 0x5eed_5a9e;
const STEP: i64 = 300;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Monday, midnight UTC.
const START: i64 = 20_000 * DAY;

/// The standard normal distribution in 20 cells of the same mass.
fn normal() -> FeatureProfile {
    let mut feature = numeric("x", 20, 2_500);
    let cells = feature.cells.as_mut().unwrap();
    let edges = (1..20).map(|i| normal_tail_quantile(1.0 - f64::from(i) / 20.0));
    cells.cells = Cells::Numeric(NumericCells::new(edges.collect()).unwrap());
    feature.moments = Some(Moments {
        mean: 0.0,
        stddev: 1.0,
        min: -4.3,
        max: 4.3,
    });
    feature
}

/// What was said at each step: seconds since the start, windows in alarm, name.
type Said = Vec<(i64, Vec<bool>, Option<Shape>)>;

/// Lives through three weeks in which the mean is `shift` of the seconds since the start.
fn weeks(seasonal: bool, shift: impl Fn(i64) -> f64) -> Said {
    println!("seed {SEED:#x}");
    let mut settings = config(profile(vec![normal()]));
    // A burn-in would take the daily wave of the first week for usual.
    settings.burn_in_micros = 0;
    settings.references = References {
        seasonal,
        ..References::default()
    };
    let mut engine = Engine::new(Arc::new(settings));
    let mut random = Random(SEED);
    let mut said = Vec::new();
    for step in 1..=21 * DAY / STEP {
        let second = step * STEP;
        let traffic = 1.0 - 0.6 * (TAU * second as f64 / DAY as f64).cos();
        let mean = shift(second);
        let values: Vec<f64> = (0..(STEP as f64 * traffic) as usize)
            .map(|_| mean + gauss(&mut random))
            .collect();
        let now = (START + second) * SECOND;
        engine.apply(
            &batch(vec![("x", Role::Feature, Values::Numbers(values))]),
            now,
        );
        let snapshot = engine.tick(now);
        said.push((
            second,
            alarms(&snapshot),
            feature(model(&snapshot, "m", "1"), "x").shape,
        ));
    }
    said
}

fn gauss(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
    radius * (TAU * random.uniform()).cos()
}

fn alarms(snapshot: &Snapshot) -> Vec<bool> {
    let x = feature(model(snapshot, "m", "1"), "x");
    let is_on = |window: &driftgauge::engine::FeatureWindow| {
        window.drift.first().and_then(|drift| drift.ratio) > Some(1.0)
    };
    x.windows.iter().map(is_on).collect()
}

/// Share of the steps of a span that are called so; of those with an alarm, or of all.
fn share(said: &Said, from: i64, to: i64, only_alarms: bool, shape: Shape) -> f64 {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (second, alarms, name) in said {
        let counts_here = !only_alarms || alarms.contains(&true);
        if (from..to).contains(second) && counts_here {
            *counts.entry(name.map_or("-", Shape::as_str)).or_default() += 1;
        }
    }
    println!("{} h to {} h: {counts:?}", from / HOUR, to / HOUR);
    let all: usize = counts.values().sum();
    counts.get(shape.as_str()).copied().unwrap_or(0) as f64 / all.max(1) as f64
}

#[test]
fn nothing_is_named_where_nothing_drifts() {
    let said = weeks(false, |_| 0.0);
    assert!(
        said.iter()
            .all(|(_, alarms, name)| !alarms.contains(&true) && name.is_none())
    );
}

#[test]
fn a_step_is_sudden_and_after_a_week_permanent() {
    let onset = 8 * DAY + 10 * HOUR;
    for seasonal in [false, true] {
        let said = weeks(seasonal, |second| if second > onset { 0.3 } else { 0.0 });
        let sudden = share(
            &said,
            onset + 4 * HOUR,
            onset + 7 * DAY,
            true,
            Shape::Sudden,
        );
        assert!(sudden > 0.95, "{sudden}");
        let begun = share(&said, onset, onset + 2 * HOUR, true, Shape::Temporary);
        assert!(begun > 0.9, "{begun}: it cannot be known yet");
        let old = share(
            &said,
            onset + 8 * DAY + HOUR,
            21 * DAY,
            true,
            Shape::Permanent,
        );
        assert!(old > 0.95, "{old}");
    }
}

#[test]
fn a_slope_is_gradual() {
    let onset = 7 * DAY;
    let slope = |second: i64| 0.5 * ((second - onset) as f64 / (6 * DAY) as f64).clamp(0.0, 1.0);
    let said = weeks(false, slope);
    share(&said, onset, onset + 3 * DAY, true, Shape::Gradual);
    let gradual = share(
        &said,
        onset + 3 * DAY,
        onset + 9 * DAY,
        true,
        Shape::Gradual,
    );
    assert!(gradual > 0.95, "{gradual}");
}

#[test]
fn what_has_only_just_been_seen_is_not_called_gradual() {
    let onset = 7 * DAY;
    let slope = |second: i64| 0.5 * ((second - onset) as f64 / (6 * DAY) as f64).clamp(0.0, 1.0);
    let said = weeks(false, slope);
    let mut began: Option<i64> = None;
    for (second, alarms, name) in said {
        began = match alarms.contains(&true) {
            true => began.or(Some(second)),
            false => None,
        };
        let is_new = began.is_some_and(|began| second - began < 600);
        assert!(!is_new || name != Some(Shape::Gradual), "{second} s");
    }
}

#[test]
fn half_an_hour_is_temporary() {
    let onset = 10 * DAY + 12 * HOUR;
    let blip = |second| {
        if (onset..onset + HOUR / 2).contains(&second) {
            0.8
        } else {
            0.0
        }
    };
    let said = weeks(false, blip);
    let temporary = share(&said, onset, onset + DAY, true, Shape::Temporary);
    assert!(temporary > 0.95, "{temporary}");
    assert!(
        said.iter()
            .all(|(second, _, name)| name.is_none() || *second >= onset)
    );
}

#[test]
fn a_daily_wave_is_periodic_from_the_third_day_on() {
    for seasonal in [false, true] {
        let said = weeks(seasonal, |second| {
            0.4 * (TAU * second as f64 / DAY as f64).sin()
        });
        let periodic = share(&said, 3 * DAY, 21 * DAY, false, Shape::Periodic);
        assert!(periodic > 0.95, "{periodic}");
    }
}

/// The wave alone moves the day window, so whether a step or a slope came on top cannot be told; that
/// it is more than the wave can.
#[test]
fn a_step_on_top_of_a_daily_wave_is_no_longer_periodic_where_the_days_before_are_known() {
    let onset = 12 * DAY + 10 * HOUR;
    let said = weeks(true, |second| {
        let step = if second > onset { 0.3 } else { 0.0 };
        step + 0.4 * (TAU * second as f64 / DAY as f64).sin()
    });
    let before = share(&said, 4 * DAY, onset, false, Shape::Periodic);
    assert!(before > 0.95, "{before}");
    let after = (onset + 4 * HOUR, onset + 2 * DAY);
    let periodic = share(&said, after.0, after.1, false, Shape::Periodic);
    assert!(periodic < 0.05, "{periodic}");
}
