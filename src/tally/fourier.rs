//! Random Fourier features: a row of numbers becomes points on circles, whose mean over rows says
//! which distribution the rows came from. A sum over rows like all others, where a kernel would need
//! pairs of rows.

use std::f64::consts::{PI, TAU};

use crate::profile::FourierReference;

/// Rows that are worked on together, column by column.
pub const RUN: usize = 64;
/// Neighbouring rows that one machine instruction may work on.
const LANES: usize = 4;

/// φ(x) = (cos Wx, sin Wx) / √D with D frequencies W ~ N(0, 1/ℓ²), drawn from a seed.
///
/// **Range** ‖φ‖ = 1.
///
/// **Source** Rahimi and Recht 2007, *Random features for large-scale kernel machines*.
#[derive(Clone, Debug, PartialEq)]
pub struct FourierMap {
    dimensions: usize,
    /// Turns per unit, frequency after frequency.
    turns: Box<[f64]>,
}

impl FourierMap {
    /// `frequencies` of `dimensions` elements; they are dealt evenly to the bandwidths ℓ.
    ///
    /// Element f of frequency d is z / ℓ with z = √(−2 ln u)·cos(2πu′), where u and u′ are numbers
    /// 2i and 2i + 1 of the generator SplitMix64 that was started at `seed`, i = d × dimensions + f,
    /// each as (top 53 bits + ½) / 2⁵³.
    pub fn new(dimensions: usize, frequencies: usize, seed: u64, bandwidths: &[f64]) -> Self {
        let uniform = |index: u64| ((split_mix(seed, index) >> 11) as f64 + 0.5) / 2f64.powi(53);
        let normal = |index: u64| {
            let (radius, angle) = (uniform(2 * index), uniform(2 * index + 1));
            (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
        };
        let turn = |index: usize| {
            let frequency = index / dimensions.max(1);
            let bandwidth = bandwidths[frequency * bandwidths.len() / frequencies];
            normal(index as u64) / (bandwidth * TAU)
        };
        Self {
            dimensions,
            turns: (0..frequencies * dimensions).map(turn).collect(),
        }
    }

    /// The map that a reference was measured with.
    pub fn of(reference: &FourierReference) -> Self {
        let frequencies = reference.means.len() / 2;
        let bandwidths = &reference.bandwidths;
        Self::new(
            reference.dimensions,
            frequencies,
            reference.seed,
            bandwidths,
        )
    }

    /// D cosines and D sines.
    pub fn features(&self) -> usize {
        2 * self.frequencies()
    }

    fn frequencies(&self) -> usize {
        self.turns.len().checked_div(self.dimensions).unwrap_or(0)
    }

    /// Adds Σφ of the first `rows` rows of `columns`, one column an element, to `sums`: cosines,
    /// then sines. The rows of `columns` beyond `rows` must be 0.
    pub fn add(&self, columns: &[[f64; RUN]], rows: usize, sums: &mut [f64]) {
        let frequencies = self.frequencies();
        let scale = 1.0 / (frequencies as f64).sqrt();
        let blocks = rows.div_ceil(LANES);
        let (cosines, sines) = sums.split_at_mut(frequencies);
        let sums = cosines.iter_mut().zip(sines);
        for (turns, (cosine, sine)) in self.turns.chunks_exact(self.dimensions).zip(sums) {
            let (mut c, mut s) = ([0.0; LANES], [0.0; LANES]);
            for block in 0..blocks {
                let first = block * LANES;
                let mut phase = [0.0; LANES];
                for (&turns, column) in turns.iter().zip(columns) {
                    let values = &column[first..first + LANES];
                    for lane in 0..LANES {
                        phase[lane] += turns * values[lane];
                    }
                }
                for lane in 0..LANES {
                    let (sine, cosine) = sine_and_cosine(phase[lane]);
                    s[lane] += sine;
                    c[lane] += cosine;
                }
            }
            // A row of zeros lies at the point (1, 0).
            let padding = (blocks * LANES - rows) as f64;
            *cosine += (c.iter().sum::<f64>() - padding) * scale;
            *sine += s.iter().sum::<f64>() * scale;
        }
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.turns)
    }
}

/// Σ x·y of the first `rows` rows; those beyond must be 0.
pub(super) fn dot(x: &[f64; RUN], y: &[f64; RUN], rows: usize) -> f64 {
    let end = rows.next_multiple_of(2 * LANES);
    let mut sums = [0.0; 2 * LANES];
    let x = x[..end].chunks_exact(2 * LANES);
    for (x, y) in x.zip(y[..end].chunks_exact(2 * LANES)) {
        for lane in 0..2 * LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum()
}

/// Number `index` of the generator SplitMix64 that starts at `seed`.
pub(super) fn split_mix(seed: u64, index: u64) -> u64 {
    let steps = index.wrapping_add(1);
    let mut state = seed.wrapping_add(steps.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// Sine and cosine of an angle in turns, to 2e-8, without a branch so that rows can be worked on
/// side by side.
///
/// Taylor series of half the angle, which is at most a quarter turn, and then the double angle.
#[inline(always)]
fn sine_and_cosine(turns: f64) -> (f64, f64) {
    // Adding it leaves no digit behind the point: rounds to the nearest whole number.
    const ROUND: f64 = 1.5 * (1u64 << 52) as f64;
    let half = (turns - ((turns + ROUND) - ROUND)) * PI;
    let x = half * half;
    let sine = half
        * (1.0
            + x * (-1.0 / 6.0
                + x * (1.0 / 120.0
                    + x * (-1.0 / 5_040.0
                        + x * (1.0 / 362_880.0
                            + x * (-1.0 / 39_916_800.0 + x * (1.0 / 6_227_020_800.0)))))));
    let cosine = 1.0
        + x * (-1.0 / 2.0
            + x * (1.0 / 24.0
                + x * (-1.0 / 720.0
                    + x * (1.0 / 40_320.0
                        + x * (-1.0 / 3_628_800.0 + x * (1.0 / 479_001_600.0))))));
    (2.0 * sine * cosine, 1.0 - 2.0 * sine * sine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_cosine_are_those_of_the_standard_library_to_2e_8() {
        for step in -200_000..200_000 {
            let turns = f64::from(step) * 1.234_567e-4;
            let (sine, cosine) = sine_and_cosine(turns);
            let (s, c) = (TAU * turns).sin_cos();
            assert!((sine - s).abs() < 2e-8, "sine of {turns}: {sine} {s}");
            assert!((cosine - c).abs() < 2e-8, "cosine of {turns}: {cosine} {c}");
        }
        assert_eq!(sine_and_cosine(0.0), (0.0, 1.0));
    }

    #[test]
    fn frequencies_are_normal_and_as_wide_as_their_bandwidth_says() {
        let map = FourierMap::new(16, 2_000, 7, &[0.5, 2.0]);
        for (half, bandwidth) in map.turns.chunks(16_000).zip([0.5, 2.0]) {
            let z: Vec<f64> = half.iter().map(|turns| turns * TAU * bandwidth).collect();
            let moment = |power| z.iter().map(|z| z.powi(power)).sum::<f64>() / 16_000.0;
            assert!(moment(1).abs() < 0.03, "{}", moment(1));
            assert!((moment(2) - 1.0).abs() < 0.04, "{}", moment(2));
            assert!((moment(4) - 3.0).abs() < 0.3, "{}", moment(4));
        }
    }

    /// What a reader in another language must get: `SplitMix64(0)` begins so.
    #[test]
    fn the_generator_is_split_mix() {
        assert_eq!(
            [0, 1, 2].map(|index| split_mix(0, index)),
            [
                0xe220_a839_7b1d_cdaf,
                0x6e78_9e6a_a1b9_65f4,
                0x06c4_5d18_8009_454f
            ]
        );
    }

    #[test]
    fn sums_are_those_of_the_rows_one_by_one() {
        let map = FourierMap::new(3, 5, 1, &[1.0]);
        let value = |column: usize, row: usize| ((column * 31 + row * 17) % 23) as f64 / 7.0 - 1.5;
        for rows in [1, 3, 4, 63, RUN] {
            let mut columns = [[0.0; RUN]; 3];
            for (at, column) in columns.iter_mut().enumerate() {
                (0..rows).for_each(|row| column[row] = value(at, row));
            }
            let mut sums = vec![0.0; map.features()];
            map.add(&columns, rows, &mut sums);
            for frequency in 0..5 {
                let phase = |row: usize| -> f64 {
                    let of = |at: usize| TAU * map.turns[frequency * 3 + at] * value(at, row);
                    (0..3).map(of).sum()
                };
                let scale = 5f64.sqrt();
                let cosine: f64 = (0..rows).map(|row| phase(row).cos() / scale).sum();
                let sine: f64 = (0..rows).map(|row| phase(row).sin() / scale).sum();
                assert!((sums[frequency] - cosine).abs() < 2e-8 * rows as f64);
                assert!((sums[5 + frequency] - sine).abs() < 2e-8 * rows as f64);
            }
            let squares: f64 = (0..rows).map(|row| value(0, row) * value(2, row)).sum();
            assert!((dot(&columns[0], &columns[2], rows) - squares).abs() < 1e-12);
        }
    }
}
