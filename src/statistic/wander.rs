//! How wander fades over longer windows: rain comes and goes, and a month holds as much of it as the
//! next.

use super::Groups;
use super::overdispersion::SURE;

/// Groups that [`long_wander`] needs.
const LEAST_SPANS: u64 = 6;

/// Wander between groups that are longer than the chunks whose wander [`overdispersion`] finds, for
/// how fast it fades: rain comes and goes, and a month holds as much of it as the next.
///
/// τ = (W − φκ(C − 1)) / N', as there, but never below two standard errors: that something fades must
/// be seen, it is not taken from chance.
///
/// **Range** above 0. **Returns** `None` with fewer than [`LEAST_SPANS`] groups or where nothing can
/// be told.
pub fn long_wander(
    groups: &Groups<'_>,
    design_effect: f64,
    trace: f64,
    freedom: f64,
) -> Option<f64> {
    let between = groups.rows_between();
    if groups.groups < LEAST_SPANS || trace.min(freedom).min(between) <= 0.0 {
        return None;
    }
    let degrees = (groups.groups - 1) as f64;
    let chance = design_effect * trace * degrees;
    let error = chance * (2.0 / (freedom * degrees)).sqrt() / between;
    let wander = ((groups.squares_between() - chance) / between).max(SURE * error);
    wander.is_finite().then_some(wander)
}

/// Wander that windows of `seconds` have, of a distribution that wanders by `wander` between chunks of
/// `chunk_seconds` and by `long_wander` between spans of `span_seconds`.
///
/// τ(W) = τ up to the length of a chunk, then falling as a power of W through both lengths, and beyond
/// the span as that power, but no faster than 1/W: the means of independent stretches of time. The
/// variance of block means of a process that remembers falls as W^(2H − 2).
///
/// **Range** 0 … `wander`. A `long_wander` above `wander` counts as the same: it does not fade.
///
/// **Source** J. Beran 1994, *Statistics for long-memory processes*, on the variance of block means.
///
/// ```
/// use driftgauge::statistic::wander_of_window;
///
/// let (hour, day) = (3_600.0, 86_400.0);
/// let of = |seconds| wander_of_window(0.2, 0.05, hour, 8.0 * hour, seconds);
/// assert_eq!(of(300.0), 0.2, "what varies within an hour is in φ");
/// assert_eq!(format!("{:.3} {:.3}", of(8.0 * hour), of(day)), "0.050 0.024");
/// ```
pub fn wander_of_window(
    wander: f64,
    long_wander: f64,
    chunk_seconds: f64,
    span_seconds: f64,
    seconds: f64,
) -> f64 {
    let fades = long_wander > 0.0 && long_wander < wander && span_seconds > chunk_seconds;
    if !fades || seconds <= chunk_seconds {
        return wander;
    }
    let power = (wander / long_wander).ln() / (span_seconds / chunk_seconds).ln();
    if seconds <= span_seconds {
        wander * (chunk_seconds / seconds).powf(power)
    } else {
        long_wander * (span_seconds / seconds).powf(power.min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    /// Two cells of 1,000 rows in each of 96 chunks, whose share of the first one is ½ plus what `of`
    /// adds; the wander between chunks and between spans of eight. There is no chance in the counts.
    fn wanders(of: impl Fn(usize) -> f64) -> (f64, f64) {
        let counts: Vec<f64> = (0..96).map(|chunk| 1_000.0 * (0.5 + of(chunk))).collect();
        let rows = 96_000.0;
        let first: f64 = counts.iter().sum();
        let between = |length: usize| {
            let n = 1_000.0 * length as f64;
            let groups = counts.chunks(length).map(|group| group.iter().sum::<f64>());
            let squares =
                |of: fn(f64, f64) -> f64| groups.clone().map(|c| of(c, n).powi(2) / n).sum();
            let squares: [f64; 2] = [squares(|c, _| c), squares(|c, n| n - c)];
            let groups = Groups {
                squares: &squares,
                totals: &[first, rows - first],
                weights: &[first / rows, 1.0 - first / rows],
                rows,
                groups: (96 / length) as u64,
                rows_squared: rows * n,
            };
            groups.squares_between() / groups.rows_between()
        };
        (between(1), between(8))
    }

    #[test]
    fn noise_from_chunk_to_chunk_fades_and_what_lasts_does_not() {
        let mut dice = StdRng::seed_from_u64(71);
        let mut sums = (0.0, 0.0);
        for _ in 0..200 {
            let noise: [f64; 96] = std::array::from_fn(|_| StandardNormal.sample(&mut dice));
            let (short, long) = wanders(|chunk| 0.05 * noise[chunk]);
            sums = (sums.0 + short, sums.1 + long);
        }
        let fades = sums.1 / sums.0;
        println!("seed 71: fades to {fades} between spans of eight chunks");
        // Twelve spans leave 2/11 of a variance to chance, 200 draws a 14th of its root.
        assert!((0.11..0.14).contains(&fades), "{fades}");
        let (short, long) = wanders(|chunk| if chunk < 48 { 0.1 } else { -0.1 });
        assert!((long / short - 1.0).abs() < 0.1, "{}", long / short);
        let wave = |chunk: usize| 0.1 * (chunk as f64 / 8.0 * std::f64::consts::TAU).sin();
        let (short, long) = wanders(wave);
        assert!(
            long < 1e-9 * short,
            "a wave of the length of a span is none between spans"
        );
    }

    #[test]
    fn a_long_wander_is_never_below_what_chance_hides() {
        let groups = |groups, squares| Groups {
            squares,
            totals: &[500.0, 500.0],
            weights: &[0.5, 0.5],
            rows: 1_000.0,
            groups,
            rows_squared: 100_000.0,
        };
        // Groups that are all alike: W = 0.
        let alike = long_wander(&groups(10, &[250.0, 250.0]), 1.0, 1.0, 1.0).unwrap();
        // 2 · φκ(C − 1) · √(2/(f(C − 1))) / N' with φ = κ = f = 1, C = 10, N' = 900.
        assert!((alike - 2.0 * 9.0 * (2.0_f64 / 9.0).sqrt() / 900.0).abs() < 1e-12);
        let apart = long_wander(&groups(10, &[300.0, 300.0]), 1.0, 1.0, 1.0).unwrap();
        assert!((apart - (200.0 - 9.0) / 900.0).abs() < 1e-12, "{apart}");
        assert_eq!(
            long_wander(&groups(5, &[300.0, 300.0]), 1.0, 1.0, 1.0),
            None
        );
        assert_eq!(
            long_wander(&groups(10, &[300.0, 300.0]), 1.0, 0.0, 1.0),
            None
        );
    }

    #[test]
    fn wander_of_windows_falls_through_both_lengths_and_never_rises() {
        let (hour, day) = (3_600.0, 86_400.0);
        for long in [0.0, 1e-6, 0.01, 0.2, 0.3] {
            let of = |seconds: f64| wander_of_window(0.2, long, hour, 8.0 * hour, seconds);
            let seconds: Vec<f64> = (0..40).map(|step| 60.0 * 1.5_f64.powi(step)).collect();
            assert!(seconds.is_sorted_by(|&short, &long| of(short) >= of(long)));
            assert_eq!(of(hour), 0.2);
            if long > 0.0 && long < 0.2 {
                assert!((of(8.0 * hour) / long - 1.0).abs() < 1e-9);
                assert!(
                    of(16.0 * hour) >= long / 2.0 * (1.0 - 1e-9),
                    "no faster than 1/W"
                );
            } else {
                assert_eq!(of(30.0 * day), 0.2, "what is not known to fade does not");
            }
        }
    }
}
