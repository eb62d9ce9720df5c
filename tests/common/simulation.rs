//! Three simulated weeks of traffic in which each field of a model drifts in its own way.
//!
//! One request a second, 60 % more by day and less by night, in steps of five minutes; each field is
//! normal, moved by so many standard deviations as its shape says.

use std::f64::consts::TAU;
use std::sync::Arc;

use driftgauge::batch::{Batch, Role, Values};
use driftgauge::engine::{Config, Engine, Snapshot};
use driftgauge::learn::{LearnOptions, Learner};
use driftgauge::profile::{Profile, Provenance};

use super::{Random, SECOND, batch};

/// How far the mean is moved, in standard deviations, so many days after the start.
pub type Shift = fn(f64) -> f64;

/// Days that are simulated.
pub const DAYS: f64 = 21.0;
/// When the changes begin, in days after the start: at eight in the morning, when there is as much
/// traffic as on average.
pub const ONSET: f64 = 10.0 + 8.0 / 24.0;
/// Microseconds of a step, after each of which everything is evaluated.
pub const STEP: i64 = 300 * SECOND;
/// A midnight.
const START: i64 = 1_699_920_000 * SECOND;
const DAY: i64 = 86_400 * SECOND;

/// The fields and how they drift.
pub const SHAPES: [(&str, Shift); 6] = [
    ("none", |_| 0.0),
    ("sudden", sudden),
    ("gradual", |day| 0.5 * ((day - ONSET) / 6.0).clamp(0.0, 1.0)),
    ("temporary", |day| {
        let minutes = (day - ONSET) * 1_440.0;
        if (0.0..30.0).contains(&minutes) {
            0.8
        } else {
            0.0
        }
    }),
    ("periodic", periodic),
    ("periodic and sudden", |day| periodic(day) + sudden(day)),
];

fn sudden(day: f64) -> f64 {
    if day >= ONSET { 0.3 } else { 0.0 }
}

/// Highest when traffic falls to its average, so that the mean over a day stays.
fn periodic(day: f64) -> f64 {
    -0.4 * ((day - ONSET) * TAU).cos()
}

/// Requests a second.
fn rate(day: f64) -> f64 {
    1.0 + 0.6 * ((day - ONSET) * TAU).sin()
}

/// Rows of these shapes; the fields are called like them.
fn rows(random: &mut Random, count: usize, shapes: &[(&'static str, Shift)], day: f64) -> Batch {
    let columns = shapes.iter().map(|&(name, shift)| {
        let shift = shift(day);
        let values = (0..count).map(|_| normal(random) + shift).collect();
        (name, Role::Feature, Values::Numbers(values))
    });
    batch(columns.collect())
}

/// A standard normal number.
pub fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
    radius * (TAU * random.uniform()).cos()
}

/// A profile of 50,000 rows in which nothing has drifted.
pub fn undrifted(random: &mut Random, shapes: &[(&'static str, Shift)]) -> Profile {
    let still: Vec<(&'static str, Shift)> = shapes
        .iter()
        .map(|&(name, _)| (name, SHAPES[0].1))
        .collect();
    let mut learner = Learner::new(LearnOptions::default());
    learner.observe(&rows(random, 50_000, &still, 0.0));
    learner.finish(Provenance::default())
}

/// Runs the three weeks through an engine; `seen` is told the day and what was found at each step.
pub fn simulate(
    random: &mut Random,
    config: Config,
    shapes: &[(&'static str, Shift)],
    mut seen: impl FnMut(f64, &Snapshot),
) {
    let mut engine = Engine::new(Arc::new(config));
    let mut owed = 0.0;
    for step in 1..=(DAYS * DAY as f64) as i64 / STEP {
        let day = (step * STEP) as f64 / DAY as f64;
        // The rows of the five minutes up to now.
        let middle = day - STEP as f64 / DAY as f64 / 2.0;
        owed += rate(middle) * STEP as f64 / SECOND as f64;
        let now = START + step * STEP;
        engine.apply(&rows(random, owed as usize, shapes, middle), now - 1);
        owed = owed.fract();
        seen(day, &engine.tick(now - 1));
    }
}
