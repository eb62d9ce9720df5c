//! How much more sums vary from group to group than those of independent rows: the design effect φ
//! and the wander τ, by a nested analysis of variance.
//!
//! Rows that come in clusters (a household, a session, one user's retries) carry less than they
//! count: chance is larger by a factor, whatever the number of rows. A distribution that wanders from
//! hour to hour is something else: it does not shrink with the rows of a window, however many. Groups
//! of two sizes tell one from the other.

use super::Groups;

/// Standard errors that the wander must be above 0 to count as real.
///
/// Chance alone gives half of all features a τ above 0, and δ = 10.8·τ would blind them where the
/// reference is small. Simulated with 24 cells, 48 chunks of 10 slices and no wander, δ leaves its
/// default of 0.02 for 38 % of features of 5,000 rows and 19 % of 20,000 (one in a hundred reaches
/// 0.22 and 0.06); with two standard errors it does for 0.9 % and 1.7 %. Three would ignore a true
/// wander: with a mean that moves by 0.2 σ from chunk to chunk and 5,000 rows, windows of four chunks
/// alarm 3.1 % of the time at α = 0.1 %, with two 0.5 %, with none 0.2 %.
pub(super) const SURE: f64 = 2.0;

/// How much more sums vary than those of independent rows of one unchanging distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overdispersion {
    /// Design effect φ ≥ 1: variance of the sums of a slice in units of that of independent rows.
    pub design_effect: f64,
    /// Wander τ ≥ 0: Σ_j (variance of the mean of component j between chunks) / w_j, without chance.
    /// Of cells it is the χ² divergence of a long chunk from all rows, on average.
    pub wander: f64,
}

/// Design effect and wander of sums by groups of two sizes: short slices, and chunks of several of them.
/// All rows belong to both.
///
/// `trace` is κ = Σ_j var_j / w_j of single rows: of cells the number of those with rows − 1, of
/// products their number, of Fourier features tr C. `freedom` is f = (tr C)² / tr C² of the same, the
/// independent directions among the components: of cells and of nearly independent products again κ.
///
/// With the mean of component j moving from chunk to chunk by a variance τ_j, τ = Σ τ_j / w_j, and
/// W = Σ_j (Σ_c s_cj²/n_c − T_j²/N) / w_j,
///
/// E W(slices) = φκ(C₁ − 1) + τN', E W(chunks) = φκ(C₂ − 1) + τN', N' = N − Σ n_c²/N over chunks,
///
/// since a slice has the mean of its chunk. Hence
///
/// φ = max(1, (W(slices) − W(chunks)) / (κ(C₁ − C₂))),
/// τ = (W(chunks) − φκ(C₂ − 1)) / N', and 0 unless it is above two standard errors,
/// φκ·√(2/f · (C₂ − 1)(C₁ − 1)/(C₁ − C₂)) / N'.
///
/// The standard error is that of τ = 0, two independent χ² with f(C₂ − 1) and f(C₁ − C₂) degrees of
/// freedom.
///
/// **Range** φ 1 … ∞, τ 0 … ∞. Dependence that reaches from slice to slice but not over a chunk is
/// partly in both.
///
/// **Zeros** φ = 1 and τ = 0 where nothing can be told: fewer than two chunks, no more slices than
/// chunks, all rows in one chunk, a trace of 0, or sums that are not finite.
///
/// **Source** one-way random effects, twice: S. R. Searle 1971, *Linear models*, chapters 10 and 11;
/// L. Kish 1965 for the design effect; J. N. K. Rao and A. J. Scott 1981 for χ² of clustered rows.
///
/// ```
/// use driftgauge::statistic::{Groups, overdispersion};
///
/// // Two chunks of two slices of 50 rows; the first of two cells has 30, 20, 20 and 30 of them.
/// let squares = |counts: [f64; 4], rows: f64| counts.map(|c| c * c / rows).iter().sum::<f64>();
/// let slices = Groups {
///     squares: &[squares([30.0, 20.0, 20.0, 30.0], 50.0); 2],
///     totals: &[100.0; 2],
///     weights: &[0.5; 2],
///     rows: 200.0,
///     groups: 4,
///     rows_squared: 10_000.0,
/// };
/// let chunks = Groups { squares: &[50.0; 2], groups: 2, rows_squared: 20_000.0, ..slices };
/// let found = overdispersion(&slices, &chunks, 1.0, 1.0);
/// assert_eq!(format!("{:.3} {:.3}", found.design_effect, found.wander), "4.000 0.000");
/// ```
pub fn overdispersion(
    slices: &Groups<'_>,
    chunks: &Groups<'_>,
    trace: f64,
    freedom: f64,
) -> Overdispersion {
    let nothing = Overdispersion {
        design_effect: 1.0,
        wander: 0.0,
    };
    let (of_slices, of_chunks) = (slices.squares_between(), chunks.squares_between());
    let between_chunks = chunks.rows_between();
    let (slices, chunks) = (slices.groups as f64, chunks.groups as f64);
    if chunks < 2.0 || slices <= chunks || trace.min(freedom).min(between_chunks) <= 0.0 {
        return nothing;
    }
    let design_effect = (of_slices - of_chunks) / (trace * (slices - chunks));
    let design_effect = design_effect.max(1.0);
    let wander = (of_chunks - design_effect * trace * (chunks - 1.0)) / between_chunks;
    let error = design_effect * trace / between_chunks
        * (2.0 / freedom * (chunks - 1.0) * (slices - 1.0) / (slices - chunks)).sqrt();
    if !design_effect.is_finite() || !wander.is_finite() {
        return nothing;
    }
    Overdispersion {
        design_effect,
        wander: if wander > SURE * error { wander } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::statistic::normal_tail_quantile;

    const CHUNKS: usize = 48;
    const SLICES: usize = 10;

    /// Ten cells of equal mass of a standard normal whose mean moves by `stddev` from chunk to chunk;
    /// each drawn value comes `copies` times.
    fn measured(dice: &mut StdRng, rows: usize, copies: u64, stddev: f64) -> Overdispersion {
        let edges: Vec<f64> = (1..10)
            .map(|tenth| normal_tail_quantile(1.0 - f64::from(tenth) / 10.0))
            .collect();
        let mut all = [0; 10];
        let (mut of_slices, mut of_chunks) = ([0.0; 10], [0.0; 10]);
        let (mut slice_rows_squared, mut chunk_rows_squared) = (0.0, 0.0);
        let add = |squares: &mut [f64; 10], counts: &[u64; 10]| {
            let n: u64 = counts.iter().sum();
            for (square, &count) in squares.iter_mut().zip(counts) {
                *square += (count * count) as f64 / n as f64;
            }
        };
        for _ in 0..CHUNKS {
            let wander: f64 = StandardNormal.sample(dice);
            let shift = stddev * wander;
            let mut chunk = [0; 10];
            for _ in 0..SLICES {
                let mut slice = [0; 10];
                for _ in 0..rows / (CHUNKS * SLICES) / copies as usize {
                    let value = shift + Distribution::<f64>::sample(&StandardNormal, dice);
                    slice[edges.partition_point(|&edge| edge < value)] += copies;
                }
                add(&mut of_slices, &slice);
                slice_rows_squared += (slice.iter().sum::<u64>() as f64).powi(2);
                chunk.iter_mut().zip(slice).for_each(|(c, s)| *c += s);
            }
            add(&mut of_chunks, &chunk);
            chunk_rows_squared += (chunk.iter().sum::<u64>() as f64).powi(2);
            all.iter_mut().zip(chunk).for_each(|(a, c)| *a += c);
        }
        let rows: u64 = all.iter().sum();
        let slices = Groups {
            squares: &of_slices,
            totals: &all.map(|count| count as f64),
            weights: &all.map(|count| count as f64 / rows as f64),
            rows: rows as f64,
            groups: (CHUNKS * SLICES) as u64,
            rows_squared: slice_rows_squared,
        };
        let chunks = Groups {
            squares: &of_chunks,
            groups: CHUNKS as u64,
            rows_squared: chunk_rows_squared,
            ..slices
        };
        overdispersion(&slices, &chunks, 9.0, 9.0)
    }

    fn mean_of(draws: u32, mut draw: impl FnMut() -> Overdispersion) -> (f64, f64) {
        let all: Vec<Overdispersion> = (0..draws).map(|_| draw()).collect();
        let mean =
            |of: fn(&Overdispersion) -> f64| all.iter().map(of).sum::<f64>() / f64::from(draws);
        (mean(|o| o.design_effect), mean(|o| o.wander))
    }

    #[test]
    fn rows_in_clusters_of_five_have_a_design_effect_of_five_and_do_not_wander() {
        let mut dice = StdRng::seed_from_u64(31);
        let (effect, wander) = mean_of(40, || measured(&mut dice, 24_000, 5, 0.0));
        println!("seed 31: φ {effect}, τ {wander}");
        assert!((4.9..5.1).contains(&effect), "{effect}");
        assert!(wander < 2e-3, "{wander}");
    }

    #[test]
    fn a_mean_that_wanders_is_told_from_clusters() {
        let mut dice = StdRng::seed_from_u64(32);
        for (stddev, copies) in [(0.1, 1), (0.2, 1), (0.2, 5)] {
            let (effect, wander) = mean_of(40, || measured(&mut dice, 48_000, copies, stddev));
            println!("seed 32: σ {stddev}, {copies} copies: φ {effect}, τ {wander}");
            let copies = copies as f64;
            assert!((effect / copies - 1.0).abs() < 0.03, "φ {effect}");
            // The χ² divergence of ten cells is 0.95 of the squared shift.
            assert!(
                (0.8..1.1).contains(&(wander / stddev.powi(2))),
                "τ {wander}"
            );
        }
    }

    #[test]
    fn independent_rows_have_no_design_effect_and_rarely_a_wander() {
        let mut dice = StdRng::seed_from_u64(33);
        let all: Vec<_> = (0..300)
            .map(|_| measured(&mut dice, 4_800, 1, 0.0))
            .collect();
        let wandering = all.iter().filter(|found| found.wander > 0.0).count();
        println!("seed 33: {wandering} of 300 seem to wander");
        assert!(wandering <= 20, "{wandering}");
        assert!(all.iter().all(|found| found.design_effect < 1.2));
    }

    #[test]
    fn where_nothing_can_be_told_rows_count_as_independent() {
        let slices = Groups {
            squares: &[1.0],
            totals: &[1.0],
            weights: &[1.0],
            rows: 10.0,
            groups: 4,
            rows_squared: 25.0,
        };
        let chunks = Groups {
            groups: 2,
            rows_squared: 50.0,
            ..slices
        };
        let nothing = Overdispersion {
            design_effect: 1.0,
            wander: 0.0,
        };
        let judged = |slices: Groups<'_>, chunks: Groups<'_>, trace| {
            overdispersion(&slices, &chunks, trace, 1.0)
        };
        let changed: [fn(&mut Groups<'_>); 6] = [
            |of| of.rows = 0.0,
            |of| of.groups = 1,
            |of| of.rows_squared = 100.0,
            |of| of.squares = &[f64::INFINITY],
            |of| of.squares = &[f64::NAN],
            |of| of.weights = &[0.0],
        ];
        for change in changed {
            let (mut of_slices, mut of_chunks) = (slices, chunks);
            change(&mut of_chunks);
            change(&mut of_slices);
            assert_eq!(judged(of_slices, of_chunks, 1.0), nothing);
        }
        let few = Groups {
            groups: 2,
            ..slices
        };
        assert_eq!(judged(few, chunks, 1.0), nothing);
        assert_eq!(judged(slices, chunks, 0.0), nothing);
    }
}
