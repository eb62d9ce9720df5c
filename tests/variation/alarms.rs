//! False alarms on clustered rows: at their rate once the design effect is known, far above it before.

use std::sync::Arc;

use driftgauge::batch::Times;
use driftgauge::engine::{Config, Engine, FeatureConfig};
use rand::rngs::StdRng;

use super::common::{SECOND, config, feature, model};
use super::world::{CLUSTERED, DAY, NAMES, START, World, Z, dice, forget_variation, learn};

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
            profile = forget_variation(profile);
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
    let (mut raised, mut judged) = (0, 0);
    for n in [1_000, 4_000] {
        let (more, of) = alarms(&mut dice, CLUSTERED, n, 30, false);
        println!("n = {n}: {more} of {of}");
        raised += more;
        judged += of;
    }
    let rate = f64::from(raised) / f64::from(judged);
    assert!((0.001..0.016).contains(&rate), "{raised} of {judged}");
    // Taken for independent, the same rows would raise nearly always.
    let (raised, judged) = alarms(&mut dice, CLUSTERED, 1_000, 2, true);
    println!("φ = 1: {raised} of {judged}");
    assert!(raised * 2 > judged);
}
