//! How often unchanged vectors raise an alarm: as rarely as asked for, over new references each time,
//! because a single lucky one would hide the noise that it brings itself.

use driftgauge::engine::FeatureConfig;

use super::common::{Random, SECOND};
use super::watch::{START, batch, embedding, engine, learn, ratio};
use super::world::{World, usual};

/// One-sided 1 %.
const Z: f64 = 2.326_347_874_040_840_8;

/// α = 1 % of a change of nothing at all: noise only.
fn bare() -> FeatureConfig {
    FeatureConfig {
        minimum_effect: Some(0.0),
        significance: Some(Z),
        ..FeatureConfig::default()
    }
}

/// Alarms and comparisons of both fields over `draws` references with 20 windows each.
fn alarms(world: &World, sensitivity: FeatureConfig, seed: u64, draws: u64) -> ([u32; 2], u32) {
    let (mut raised, mut judged) = ([0; 2], 0);
    for draw in 0..draws {
        let mut random = Random(seed + draw);
        let reference = learn(&world.rows(&mut random, 1_500, usual));
        let mut engine = engine(reference, sensitivity);
        for window in 0..20 {
            let now = START + window * 600 * SECOND;
            engine.apply(&batch(&world.rows(&mut random, 1_000, usual)), now);
            let snapshot = engine.tick(now);
            judged += 1;
            for (count, name) in raised.iter_mut().zip(["emb", "emb[cosine]"]) {
                *count += u32::from(ratio(&snapshot, name) > 1.0);
            }
        }
    }
    (raised, judged)
}

#[test]
fn unchanged_vectors_alarm_as_rarely_as_asked_for() {
    const SEED: u64 = 310_000;
    const DRAWS: u64 = 8;
    println!("seed {SEED}");
    // Clusters, and a cloud without any: there chance alone places the centroids.
    for (what, world) in [
        ("clusters", World::new(24, 12, 0.7, 5)),
        ("cloud", World::new(512, 1, 1.0, 6)),
    ] {
        let (raised, judged) = alarms(&world, bare(), SEED, DRAWS);
        println!("{what}: {raised:?} of {judged} at delta = 0, alpha = 0.01");
        // 1.6 α and three standard deviations of the count.
        let most = 0.016 * f64::from(judged);
        let most = most + 3.0 * most.sqrt();
        assert!(
            raised.iter().all(|&raised| f64::from(raised) <= most),
            "{what}: {raised:?}"
        );
        let (raised, judged) = alarms(&world, FeatureConfig::default(), SEED + 1_000, 2);
        assert_eq!(raised, [0; 2], "{what}: at defaults, of {judged}");
    }
}

#[test]
fn unchanged_vectors_move_their_embedding_as_rarely_as_asked_for() {
    const SEED: u64 = 110_000;
    const REFERENCES: u64 = 40;
    println!("seed {SEED}");
    let (mut raised, mut judged) = (0, 0);
    for (what, world) in [
        ("clusters", World::new(24, 12, 0.7, 7)),
        ("cloud", World::new(96, 1, 1.0, 8)),
    ] {
        let mut of_world = 0;
        for draw in 0..REFERENCES {
            let mut random = Random(SEED + draw);
            let reference = learn(&world.rows(&mut random, 2_000, usual));
            let mut bare = engine(reference.clone(), bare());
            let mut by_default = engine(reference, FeatureConfig::default());
            for (window, rows) in (0..21).zip([200, 500, 1_000].iter().cycle()) {
                let now = START + window * 600 * SECOND;
                let live = batch(&world.rows(&mut random, *rows, usual));
                bare.apply(&live, now);
                by_default.apply(&live, now);
                judged += 1;
                of_world += u32::from(embedding(&bare.tick(now)).unwrap() > 1.0);
                let ratio = embedding(&by_default.tick(now)).unwrap();
                assert!(ratio < 1.0, "{what}: {ratio} at defaults");
            }
        }
        println!("{what}: {of_world}");
        raised += of_world;
    }
    println!("{raised} of {judged} at alpha = 0.01");
    let expected = 0.01 * f64::from(judged);
    let most = 1.6 * expected + 3.0 * expected.sqrt();
    assert!(
        (0.1 * expected..most).contains(&f64::from(raised)),
        "{raised} of {judged}"
    );
}
