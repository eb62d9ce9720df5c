//! Rows that hang together, or whose mean wanders, as much as a test wants, and what is learned of them.

use driftgauge::batch::{Batch, Role, Times, Values};
use driftgauge::learn::{CHUNKS, LearnOptions, Learned, Learner};
use driftgauge::profile::{Profile, Provenance, Variation};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, StandardNormal};

use super::common::{SECOND, batch};

const SEED: u64 = 29;
pub(super) const START: i64 = 1_700_000_000 * SECOND;
pub(super) const DAY: i64 = 86_400 * SECOND;
/// One-sided 1 %.
pub(super) const Z: f64 = 2.326_347_874_040_840_8;
pub(super) const NAMES: [&str; 3] = ["normal", "whole", "category"];

pub(super) fn dice(stream: u64) -> StdRng {
    println!("seed {SEED}, stream {stream}");
    StdRng::seed_from_u64(SEED * 1_000 + stream)
}

/// How rows come.
#[derive(Clone, Copy)]
pub(super) struct World {
    /// Equal rows that come one after the other.
    pub(super) copies: usize,
    /// By how much the mean moves from chunk to chunk, in standard deviations.
    pub(super) wander: f64,
}

pub(super) const INDEPENDENT: World = World {
    copies: 1,
    wander: 0.0,
};
pub(super) const CLUSTERED: World = World {
    copies: 5,
    wander: 0.0,
};

impl World {
    /// Rows with a normal and a whole number and a category, `span` microseconds from first to last.
    pub(super) fn rows(self, dice: &mut StdRng, rows: usize, span: i64) -> Batch {
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

pub(super) fn learn(batch: &Batch) -> Learned {
    let mut learner = Learner::new(LearnOptions {
        measures_variation: true,
        ..LearnOptions::default()
    });
    learner.observe(batch);
    let mut recount = learner.into_recount();
    recount.observe(batch);
    recount.finish_with_report(Provenance::default())
}

pub(super) fn variation(profile: &Profile, name: &str) -> Variation {
    let mut features = profile.features.iter();
    features.find(|f| f.name == name).unwrap().variation
}

/// The same profile, as if nothing had been measured.
pub(super) fn forget_variation(mut profile: Profile) -> Profile {
    for feature in &mut profile.features {
        feature.variation = Variation::default();
    }
    profile
}
