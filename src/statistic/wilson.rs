//! Wilson's lower bound of a rate: what a share of missing or unseen values is at least.

/// Lower end of Wilson's score interval for the rate `count` / `n`.
///
/// The smallest true rate that `count` of `n` rows do not contradict at z. Unlike the normal
/// approximation it holds for rare events and few rows: 1 in 10 at z = 4.75 is "at least 0.4 %".
///
/// With p = count/n and n' = n/φ:
/// lower = p² / (p + z²/2n' + z·√(p(1−p)/n' + z²/4n'²)),
/// which is Wilson's (p + z²/2n' − z·√(…)) / (1 + z²/n') without its cancellation.
///
/// **Range** 0 … p. More rows than `n` count as all of them.
///
/// **Zeros** 0 when count or n is 0.
///
/// **Source** E. B. Wilson 1927, *Probable inference, the law of succession, and statistical
/// inference*; φ as an effective sample size after L. Kish 1965.
///
/// ```
/// use driftgauge::statistic::wilson_lower;
///
/// assert_eq!(format!("{:.6}", wilson_lower(30, 1_000, 1.0, 4.75)), "0.012991");
/// assert_eq!(wilson_lower(0, 0, 1.0, 4.75), 0.0);
/// ```
pub fn wilson_lower(count: u64, n: u64, design_effect: f64, z: f64) -> f64 {
    if count == 0 || n == 0 {
        return 0.0;
    }
    let p = (count as f64 / n as f64).min(1.0);
    let rows = n as f64 / design_effect;
    let middle = z * z / (2.0 * rows);
    let width = z * (p * (1.0 - p) / rows + z * z / (4.0 * rows * rows)).sqrt();
    p * p / (p + middle + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `proportion_confint(count, n, alpha=2*norm.sf(z), method="wilson")[0]`, statsmodels 0.15,
    /// scipy 1.17.1.
    #[test]
    fn the_bound_is_that_of_statsmodels() {
        for (count, n, z, lower) in [
            (1, 10, 4.75, 0.004093460802851112),
            (30, 1_000, 4.75, 0.012991079083236164),
            (3, 100, 2.3263478740408408, 0.008563965166291806),
            (999, 1_000, 3.0, 0.9891897970278615),
            (10, 10, 4.75, 0.3071017274472168),
            (5, 1_000_000, 4.75, 7.86764284224957e-7),
        ] {
            let ours = wilson_lower(count, n, 1.0, z);
            assert!((ours / lower - 1.0).abs() < 1e-11, "{ours} != {lower}");
        }
    }

    #[test]
    fn clustered_rows_count_as_fewer() {
        assert_eq!(
            wilson_lower(60, 2_000, 2.0, 4.75),
            wilson_lower(30, 1_000, 1.0, 4.75)
        );
    }

    #[test]
    fn the_bound_is_a_rate_below_the_one_seen() {
        for n in [1, 2, 100, 1 << 40] {
            for count in [0, 1, n / 2, n, 3 * n] {
                let lower = wilson_lower(count, n, 1.0, 4.75);
                assert!((0.0..=1.0).contains(&lower));
                assert!(lower <= count as f64 / n as f64);
            }
            assert_eq!(wilson_lower(0, n, 1.0, 0.0), 0.0);
        }
        assert_eq!(wilson_lower(0, 0, 1.0, 4.75), 0.0);
    }
}
