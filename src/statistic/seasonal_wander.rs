//! Wander among the same hours of different days: what is left when the rhythm of the day is taken out.

/// Standard errors that it must be above 0 to count, as for the wander of chunks.
const SURE: f64 = 2.0;
/// Fewest comparisons of groups of one class that say anything.
const LEAST_DEGREES: usize = 5;

/// Wander τ between groups of rows that belong to the same class, such as the same hour of different
/// days, beyond what chance brings.
///
/// `classes` are the groups of each class, a group being its rows in each cell; `design_effect` is φ.
/// With q the shares of all rows, κ the number of cells that have any less 1, and within each class
/// n the rows of a group, T and N the sums over its groups:
///
/// W = Σ_classes Σ_j (Σ_groups c_j²/n − T_j²/N) / q_j, E W = φκ·Σ(groups − 1) + τN', N' = Σ(N − Σn²/N),
///
/// so τ = (W − φκ·Σ(groups − 1)) / N', and 0 unless it is above two standard errors.
///
/// **Range** 0 … ∞. What the classes differ in does not count.
///
/// **Zeros** groups without rows do not count. `None` with fewer than 5 degrees of freedom.
///
/// **Source** as [`overdispersion`](super::overdispersion), within classes.
///
/// ```
/// use driftgauge::statistic::seasonal_wander;
///
/// // Mornings and evenings differ, but not from day to day.
/// let (mornings, evenings) = (vec![vec![90, 10]; 4], vec![vec![10, 90]; 4]);
/// assert_eq!(seasonal_wander(&[mornings, evenings], 1.0), Some(0.0));
/// ```
pub fn seasonal_wander(classes: &[Vec<Vec<u64>>], design_effect: f64) -> Option<f64> {
    let cells = classes.iter().flatten().map(Vec::len).next()?;
    let mut totals = vec![0.0; cells];
    for group in classes.iter().flatten() {
        let sums = totals.iter_mut().zip(group);
        sums.for_each(|(total, &rows)| *total += rows as f64);
    }
    let rows: f64 = totals.iter().sum();
    let (mut between, mut effective, mut degrees) = (0.0, 0.0, 0);
    for class in classes {
        let filled: Vec<_> = class
            .iter()
            .map(|group| (group, group.iter().sum::<u64>() as f64))
            .filter(|(_, rows)| *rows > 0.0)
            .collect();
        let of_class: f64 = filled.iter().map(|(_, rows)| rows).sum();
        if filled.len() < 2 {
            continue;
        }
        degrees += filled.len() - 1;
        effective += of_class - filled.iter().map(|(_, rows)| rows * rows).sum::<f64>() / of_class;
        for (cell, total) in totals.iter().enumerate().filter(|(_, total)| **total > 0.0) {
            let squares = filled
                .iter()
                .map(|(group, rows)| (group[cell] as f64).powi(2) / rows);
            let sum: f64 = filled.iter().map(|(group, _)| group[cell] as f64).sum();
            between += (squares.sum::<f64>() - sum * sum / of_class) * rows / total;
        }
    }
    let kappa = totals.iter().filter(|total| **total > 0.0).count() as f64 - 1.0;
    if degrees < LEAST_DEGREES || kappa < 1.0 || effective <= 0.0 {
        return None;
    }
    let chance = design_effect * kappa * degrees as f64;
    let error = chance * (2.0 / (kappa * degrees as f64)).sqrt() / effective;
    let wander = (between - chance) / effective;
    Some(if wander > SURE * error { wander } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::statistic::normal_tail_quantile;

    /// Ten cells of a normal distribution, 24 hours of 7 days with 2,000 rows each; the mean follows a
    /// wave of the day, and wanders.
    fn week(dice: &mut StdRng, wave: f64, wander: f64) -> Vec<Vec<Vec<u64>>> {
        let edges: Vec<f64> = (1..10)
            .map(|tenth| normal_tail_quantile(1.0 - f64::from(tenth) / 10.0))
            .collect();
        let hours = (0..24).map(|hour| {
            let season = wave * (f64::from(hour) / 24.0 * std::f64::consts::TAU).sin();
            let days = (0..7).map(|_| {
                let noise: f64 = StandardNormal.sample(dice);
                let mut cells = vec![0; 10];
                for _ in 0..2_000 {
                    let value: f64 = StandardNormal.sample(dice);
                    let value = value + season + wander * noise;
                    cells[edges.partition_point(|&edge| edge < value)] += 1;
                }
                cells
            });
            days.collect()
        });
        hours.collect()
    }

    #[test]
    fn a_daily_wave_is_no_wander_and_noise_from_hour_to_hour_is() {
        let mut dice = StdRng::seed_from_u64(61);
        let of = |wave, wander, dice: &mut StdRng| {
            seasonal_wander(&week(dice, wave, wander), 1.0).unwrap()
        };
        let (wave, noise, both) = (
            of(0.4, 0.0, &mut dice),
            of(0.0, 0.2, &mut dice),
            of(0.4, 0.2, &mut dice),
        );
        println!("seed 61: wave {wave}, noise {noise}, both {both}");
        assert!(wave < 1e-3, "{wave}");
        // The χ² divergence of ten cells is 0.95 of the squared shift, and six of seven days are free.
        assert!((0.03..0.05).contains(&noise), "{noise}");
        assert!((0.03..0.06).contains(&both), "{both}");
    }

    #[test]
    fn too_few_days_say_nothing() {
        let day = |days| vec![vec![vec![50, 50]; days]; 3];
        assert_eq!(seasonal_wander(&day(2), 1.0), None);
        assert_eq!(seasonal_wander(&day(3), 1.0), Some(0.0));
        assert_eq!(seasonal_wander(&[], 1.0), None);
        assert_eq!(seasonal_wander(&[vec![vec![0, 0]; 9]], 1.0), None);
    }
}
