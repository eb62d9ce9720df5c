//! How much more sums vary from group to group than those of independent rows: the design effect φ
//! and the wander τ, by a nested analysis of variance.
//!
//! Rows that come in clusters (a household, a session, one user's retries) carry less than they
//! count: chance is larger by a factor, whatever the number of rows. A distribution that wanders from
//! hour to hour is something else: it does not shrink with the rows of a window, however many. Groups
//! of two sizes tell one from the other.

/// Standard errors that the wander must be above 0 to count as real.
///
/// Chance alone gives half of all features a τ above 0, and δ = 10.8·τ would blind them where the
/// reference is small. Simulated with 24 cells, 48 chunks of 10 slices and no wander, δ leaves its
/// default of 0.02 for 38 % of features of 5,000 rows and 19 % of 20,000 (one in a hundred reaches
/// 0.22 and 0.06); with two standard errors it does for 0.9 % and 1.7 %. Three would ignore a true
/// wander: with a mean that moves by 0.2 σ from chunk to chunk and 5,000 rows, windows of four chunks
/// alarm 3.1 % of the time at α = 0.1 %, with two 0.5 %, with none 0.2 %.
const SURE: f64 = 2.0;

/// Sums of time-ordered rows by groups of two sizes: short slices, and chunks of several of them.
///
/// A component j is a cell (what is summed over rows is 1 or 0), a product of two features, or a
/// Fourier feature. s_cj is its sum over the n_c rows of group c. Slices lie within chunks, and all
/// rows belong to both. Groups without rows do not count.
#[derive(Clone, Copy, Debug)]
pub struct Grouped<'a> {
    /// Σ_c s_cj² / n_c over the slices, of each component.
    pub slices: &'a [f64],
    /// Σ_c s_cj² / n_c over the chunks.
    pub chunks: &'a [f64],
    /// T_j, the sums over all rows.
    pub totals: &'a [f64],
    /// w_j, what the squares of a component are divided by: of cells the share q_j, of products the
    /// variance, of Fourier features 1. A component without weight is left out.
    pub weights: &'a [f64],
    /// N, all rows.
    pub rows: u64,
    /// C₁, slices with rows.
    pub slice_groups: u64,
    /// C₂, chunks with rows.
    pub chunk_groups: u64,
    /// Σ_c n_c² over the chunks.
    pub chunk_rows_squared: f64,
}

/// How much more sums vary than those of independent rows of one unchanging distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overdispersion {
    /// Design effect φ ≥ 1: variance of the sums of a slice in units of that of independent rows.
    pub design_effect: f64,
    /// Wander τ ≥ 0: Σ_j (variance of the mean of component j between chunks) / w_j, without chance.
    /// Of cells it is the χ² divergence of a long chunk from all rows, on average.
    pub wander: f64,
}

/// Design effect and wander of grouped sums.
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
/// use driftgauge::statistic::{Grouped, overdispersion};
///
/// // Two chunks of two slices of 50 rows; the first of two cells has 30, 20, 20 and 30 of them.
/// let squares = |counts: [f64; 4], rows: f64| counts.map(|c| c * c / rows).iter().sum::<f64>();
/// let sums = Grouped {
///     slices: &[squares([30.0, 20.0, 20.0, 30.0], 50.0); 2],
///     chunks: &[50.0; 2],
///     totals: &[100.0; 2],
///     weights: &[0.5; 2],
///     rows: 200,
///     slice_groups: 4,
///     chunk_groups: 2,
///     chunk_rows_squared: 20_000.0,
/// };
/// let found = overdispersion(&sums, 1.0, 1.0);
/// assert_eq!(format!("{:.3} {:.3}", found.design_effect, found.wander), "4.000 0.000");
/// ```
pub fn overdispersion(sums: &Grouped<'_>, trace: f64, freedom: f64) -> Overdispersion {
    let nothing = Overdispersion {
        design_effect: 1.0,
        wander: 0.0,
    };
    let (rows, slices) = (sums.rows as f64, sums.slice_groups as f64);
    let chunks = sums.chunk_groups as f64;
    let between_chunks = rows - sums.chunk_rows_squared / rows;
    if chunks < 2.0 || slices <= chunks || trace.min(freedom).min(between_chunks) <= 0.0 {
        return nothing;
    }
    let of_slices = sums.squares_between(sums.slices);
    let of_chunks = sums.squares_between(sums.chunks);
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

/// Sums of rows by the groups of one size.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    /// Σ_c s_cj² / n_c over the groups, of each component.
    pub squares: &'a [f64],
    /// T_j, the sums over all rows.
    pub totals: &'a [f64],
    /// w_j, as in [`Grouped`].
    pub weights: &'a [f64],
    /// N, all rows.
    pub rows: f64,
    /// C, groups with rows.
    pub groups: u64,
    /// Σ_c n_c² over the groups.
    pub rows_squared: f64,
}

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
    let between = groups.rows - groups.rows_squared / groups.rows;
    if groups.groups < LEAST_SPANS || trace.min(freedom).min(between) <= 0.0 {
        return None;
    }
    let degrees = (groups.groups - 1) as f64;
    let chance = design_effect * trace * degrees;
    let components = groups.squares.iter().zip(groups.totals).zip(groups.weights);
    let of_groups: f64 = components
        .filter(|&(_, &weight)| weight > 0.0)
        .map(|((squares, total), weight)| (squares - total * total / groups.rows) / weight)
        .sum();
    let error = chance * (2.0 / (freedom * degrees)).sqrt() / between;
    let wander = ((of_groups - chance) / between).max(SURE * error);
    wander.is_finite().then_some(wander)
}

/// Groups that [`long_wander`] needs.
const LEAST_SPANS: u64 = 6;

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

impl Grouped<'_> {
    /// W: the weighted squares of groups that have these sums of squares, around the overall mean.
    fn squares_between(&self, groups: &[f64]) -> f64 {
        let rows = self.rows as f64;
        let components = groups.iter().zip(self.totals).zip(self.weights);
        components
            .filter(|&(_, &weight)| weight > 0.0)
            .map(|((squares, total), weight)| (squares - total * total / rows) / weight)
            .sum()
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
        let mut chunk_rows_squared = 0.0;
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
                chunk.iter_mut().zip(slice).for_each(|(c, s)| *c += s);
            }
            add(&mut of_chunks, &chunk);
            chunk_rows_squared += (chunk.iter().sum::<u64>() as f64).powi(2);
            all.iter_mut().zip(chunk).for_each(|(a, c)| *a += c);
        }
        let rows: u64 = all.iter().sum();
        overdispersion(
            &Grouped {
                slices: &of_slices,
                chunks: &of_chunks,
                totals: &all.map(|count| count as f64),
                weights: &all.map(|count| count as f64 / rows as f64),
                rows,
                slice_groups: (CHUNKS * SLICES) as u64,
                chunk_groups: CHUNKS as u64,
                chunk_rows_squared,
            },
            9.0,
            9.0,
        )
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
        let sums = Grouped {
            slices: &[1.0],
            chunks: &[1.0],
            totals: &[1.0],
            weights: &[1.0],
            rows: 10,
            slice_groups: 4,
            chunk_groups: 2,
            chunk_rows_squared: 50.0,
        };
        let nothing = Overdispersion {
            design_effect: 1.0,
            wander: 0.0,
        };
        let judged = |sums: Grouped<'_>| overdispersion(&sums, 1.0, 1.0);
        assert_eq!(judged(Grouped { rows: 0, ..sums }), nothing);
        assert_eq!(
            judged(Grouped {
                chunk_groups: 1,
                ..sums
            }),
            nothing
        );
        assert_eq!(
            judged(Grouped {
                slice_groups: 2,
                ..sums
            }),
            nothing
        );
        assert_eq!(
            judged(Grouped {
                chunk_rows_squared: 100.0,
                ..sums
            }),
            nothing
        );
        assert_eq!(
            judged(Grouped {
                slices: &[f64::INFINITY],
                ..sums
            }),
            nothing
        );
        assert_eq!(
            judged(Grouped {
                slices: &[f64::NAN],
                ..sums
            }),
            nothing
        );
        assert_eq!(
            judged(Grouped {
                weights: &[0.0],
                ..sums
            }),
            nothing
        );
        assert_eq!(overdispersion(&sums, 0.0, 1.0), nothing);
    }
}
