//! How often an alarm is raised, and what "near α" means.

use driftgauge::statistic::Sensitivity;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::multinomial::draw;
use super::reference::Reference;

/// z of a false-alarm rate of 1 %.
const Z_ONE_PERCENT: f64 = 2.3263478740408408;
pub(super) const ALPHA: f64 = 0.01;

/// α = 1 % of a change of nothing at all: noise only.
pub(super) const STRICT: Sensitivity = Sensitivity {
    minimum_effect: 0.0,
    significance: Z_ONE_PERCENT,
    design_effect: 1.0,
};

pub(super) fn dice(stream: u64) -> StdRng {
    let seed = std::env::var("NULL_CALIBRATION_SEED").map_or(20_251, |text| text.parse().unwrap());
    println!("NULL_CALIBRATION_SEED={seed}, stream {stream}");
    StdRng::seed_from_u64(seed * 1_000 + stream)
}

/// Alarms among `draws` references, each with a window of `n` rows that follow `truth`, or the
/// reference's own truth.
pub(super) fn alarms(
    dice: &mut StdRng,
    draws: u32,
    n: u64,
    sensitivity: &Sensitivity,
    truth: Option<&[f64]>,
    reference: impl Fn(&mut StdRng) -> Reference,
) -> u32 {
    let mut alarms = 0;
    for _ in 0..draws {
        let reference = reference(dice);
        let window = draw(dice, n, truth.unwrap_or(&reference.truth));
        alarms += u32::from(reference.is_alarmed_by(&window, sensitivity));
    }
    alarms
}

/// Rate of alarms at α = 1 % on unchanged data, over all window lengths together.
pub(super) fn strict_rate(
    dice: &mut StdRng,
    draws: u32,
    windows: &[u64],
    reference: impl Fn(&mut StdRng) -> Reference,
) -> f64 {
    let mut all = 0;
    for &n in windows {
        let of_length = alarms(dice, draws, n, &STRICT, None, &reference);
        println!("n = {n}: {:.4}", f64::from(of_length) / f64::from(draws));
        all += of_length;
    }
    let rate = f64::from(all) / (f64::from(draws) * windows.len() as f64);
    println!("together: {rate:.4}");
    rate
}

#[track_caller]
pub(super) fn assert_near_alpha(rate: f64) {
    let nominal = 0.1 * ALPHA..=1.6 * ALPHA;
    assert!(nominal.contains(&rate), "{rate} is not near {ALPHA}");
}
