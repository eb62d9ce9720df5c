//! How features hang together: learned from rows whose cells are known, without keeping any.
//!
//! The same sums that a window has, over the reference, and beside them what chance is judged by:
//! variances of products, and of some rows the covariance of their Fourier features.

use std::ops::Range;
use std::sync::Arc;

use super::LearnReport;
use super::chunks::{CHUNK_SLICES, CHUNKS, LEAST_CHUNKS, LEAST_SLICES, SLICE_ROWS};
use super::second_pass::{CodedRows, SecondPass};
use crate::batch::{Role, Times};
use crate::profile::{
    Cells, FeatureProfile, FourierReference, JointFeature, JointReference, Kind, ProductReference,
    Profile, ReferenceCells, Variation,
};
use crate::statistic::{self, Grouped, Groups};
use crate::tally::{
    FourierMap, JointScorer, JointTally, MOST_JOINT_FEATURES, RowCodes, SPAN_CHUNKS, ScoredRun,
    Tally, pairs,
};

/// Frequencies of the Fourier features, D: half of them for each bandwidth.
const FREQUENCIES: usize = 64;
/// Bandwidths in units of the distance of two rows: the narrow one sees dependence that does not
/// show in products, the wide one shifts of a mean.
const BANDWIDTHS: [f64; 2] = [0.5, 1.0];
/// From which frequencies are drawn: the same in all profiles, so that sums can be compared.
const SEED: u64 = 0;
/// Rows that the covariance of Fourier features is measured over, about.
const COVARIANCE_ROWS: u64 = 2_000;
/// Fewest rows that a covariance can be measured over.
const LEAST_COVARIANCE_ROWS: u64 = 20;
/// The features to be looked at together, by their places: at most `most` of role feature, the most
/// important ones if importances are known, else the first.
pub fn joint_features(features: &[FeatureProfile], most: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..features.len())
        .filter(|&place| can_be_joint(&features[place]))
        .collect();
    let importance = |place: &usize| features[*place].importance.unwrap_or(0.0);
    places.sort_by(|a, b| importance(b).total_cmp(&importance(a)));
    places.truncate(most.min(MOST_JOINT_FEATURES));
    places.sort_unstable();
    places
}

/// Whether it has a cell a row, and not always the same. Vectors, and what is derived from them, have
/// a statistic of their own.
fn can_be_joint(feature: &FeatureProfile) -> bool {
    feature.role == Role::Feature
        && feature.kind != Kind::Vector
        && feature.derived_from.is_none()
        && feature.cells.as_ref().is_some_and(|reference| {
            let used = reference.rows.iter().filter(|&&rows| rows > 0).count();
            used >= 2 && reference.rows.len() <= RowCodes::MOST_CELLS
        })
}

/// Learns how features hang together.
#[derive(Clone, Debug)]
pub struct JointLearner {
    features: Vec<JointFeature>,
    bandwidths: Vec<f64>,
    scorer: Arc<JointScorer>,
    sums: JointTally,
    /// Σ of the squares of the products.
    squares: Box<[f64]>,
    covariance: Covariance,
    times: Option<TimeSlices>,
}

impl JointLearner {
    /// A learner of these fields, which all have cells and at most [`RowCodes::MOST_CELLS`] of them,
    /// that expects about so many `rows`. `None` for fewer than two.
    pub fn new<'a>(
        features: impl IntoIterator<Item = &'a FeatureProfile>,
        rows: u64,
    ) -> Option<Self> {
        let mut spread = 0.0;
        let features = features.into_iter().filter_map(|feature| {
            let reference = feature.cells.as_ref()?;
            let counted = &reference.rows;
            let scores = scores(reference);
            let scores: Vec<_> = scores.into_iter().map(rounded).collect();
            spread += variance(&scores, counted, feature.missing.total());
            Some(JointFeature {
                name: feature.name.clone(),
                scores,
            })
        });
        let features: Vec<_> = features.collect();
        if features.len() < 2 || features.len() > MOST_JOINT_FEATURES {
            return None;
        }
        // Of two independent rows, as the root of the mean square.
        let distance = (2.0 * spread).sqrt();
        let bandwidths = BANDWIDTHS
            .map(|bandwidth| rounded(bandwidth * distance))
            .to_vec();
        let map = FourierMap::new(features.len(), FREQUENCIES, SEED, &bandwidths);
        let scorer = Arc::new(JointScorer::new(&features, map));
        Some(Self {
            bandwidths,
            sums: scorer.tally(),
            squares: vec![0.0; pairs(features.len())].into(),
            covariance: Covariance::new(rows.div_ceil(COVARIANCE_ROWS)),
            times: None,
            scorer,
            features,
        })
    }

    /// Has variation measured over the time between the first and the last of so many rows, in
    /// microseconds.
    pub fn over(mut self, times: (i64, i64), rows: u64) -> Self {
        self.times = Some(TimeSlices::new(times, rows));
        self
    }

    /// Learns from every `step`-th of these rows; `codes` as in [`JointScorer::runs`].
    pub fn observe(&mut self, codes: &[Option<&[u8]>], rows: Range<usize>, step: usize) {
        for run in self.scorer.runs(codes, rows, step) {
            self.covariance.observe(&self.scorer, &run);
            self.scorer.add(&run, &mut self.sums);
            run.squared().add_products(&mut self.squares);
        }
    }

    /// Learns from all of these rows, and from their times in microseconds.
    pub fn observe_timed(&mut self, codes: &[Option<&[u8]>], times: &[i64]) {
        self.observe(codes, 0..times.len(), 1);
        if let Some(slices) = &mut self.times {
            slices.observe(&self.scorer, codes, times);
        }
    }

    /// What turns cells into the sums learned here.
    pub fn scorer(&self) -> &Arc<JointScorer> {
        &self.scorer
    }

    /// The features, with the scores of their cells.
    pub fn features(&self) -> &[JointFeature] {
        &self.features
    }

    /// Rows learned from.
    pub fn rows(&self) -> u64 {
        self.sums.rows
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let slices = self.times.iter().flat_map(|times| &times.slices).flatten();
        size_of::<Self>()
            + self.scorer.bytes()
            + self.sums.bytes()
            + size_of_val(&*self.squares)
            + size_of_val(&*self.covariance.products)
            + slices.map(Tally::bytes).sum::<usize>()
    }

    /// What was learned; `None` of fewer than 20 rows, or if all were alike.
    pub fn finish(self) -> Option<JointReference> {
        let rows = self.sums.rows;
        if self.covariance.rows < LEAST_COVARIANCE_ROWS {
            return None;
        }
        let mean = |sum: &f64| sum / rows as f64;
        let products = self.sums.products.iter().zip(&self.squares);
        let products: Vec<_> = products
            .map(|(sum, squares)| ProductReference {
                mean: rounded(mean(sum)),
                // Two features that are always the same have a product without variance; one row
                // that differs is then no proof yet.
                variance: rounded((mean(squares) - mean(sum).powi(2)).max(1.0 / rows as f64)),
            })
            .collect();
        let means = self.sums.fourier.iter().map(|sum| rounded(mean(sum)));
        let means: Vec<_> = means.collect();
        let trace = rounded(1.0 - means.iter().map(|mean| mean * mean).sum::<f64>());
        let [trace_of_square, trace_of_cube] = self.covariance.traces_of_powers().map(rounded);
        let traces = [trace, trace_of_square, trace_of_cube];
        if !traces.iter().all(|trace| *trace > 0.0) {
            return None;
        }
        let times = self.times.as_ref();
        let weights: Vec<_> = products.iter().map(|product| product.variance).collect();
        let count = products.len() as f64;
        let of_products = times.map_or_else(Variation::default, |times| {
            times.variation(|sums| &sums.products, &weights, count, count)
        });
        let ones = vec![1.0; means.len()];
        let freedom = trace * trace / trace_of_square;
        let of_fourier = times.map_or_else(Variation::default, |times| {
            times.variation(|sums| &sums.fourier, &ones, trace, freedom)
        });
        Some(JointReference {
            rows,
            fourier: FourierReference {
                rows,
                dimensions: self.features.len(),
                seed: SEED,
                bandwidths: self.bandwidths,
                means,
                trace,
                trace_of_square,
                trace_of_cube,
                variation: of_fourier,
            },
            features: self.features,
            products,
            variation: of_products,
        })
    }
}

/// Normal scores of cells. `other` and `new` have one in common: reference rows of a category that came
/// once count as `new`, to say what unchanged data bring, but they are in `other` row by row.
fn scores(reference: &ReferenceCells) -> Vec<f64> {
    let mut rows = reference.rows.clone();
    let Cells::Categorical(categories) = &reference.cells else {
        return statistic::normal_scores(&rows);
    };
    if categories.has_other() {
        let new = rows.pop().unwrap_or(0);
        if let Some(other) = rows.last_mut() {
            *other += new;
        }
    }
    let mut scores = statistic::normal_scores(&rows);
    scores.resize(reference.rows.len(), scores.last().copied().unwrap_or(0.0));
    scores
}

/// The number to nine decimals, far finer than chance: beyond them it depends on the order of the rows,
/// the machine and its mathematical library, and the same data are to give the same profile.
fn rounded(number: f64) -> f64 {
    // Zero has no sign.
    (number * 1e9).round() / 1e9 + 0.0
}

/// Variance of the scores of rows so counted; `missing` more score 0.
fn variance(scores: &[f64], rows: &[u64], missing: u64) -> f64 {
    let all = (rows.iter().sum::<u64>() + missing).max(1) as f64;
    let moment = |power: i32| -> f64 {
        let parts = scores.iter().zip(rows);
        parts
            .map(|(s, &rows)| s.powi(power) * rows as f64)
            .sum::<f64>()
            / all
    };
    moment(2) - moment(1).powi(2)
}

/// Covariance of the Fourier features over evenly spaced rows.
#[derive(Clone, Debug)]
struct Covariance {
    /// One of so many rows is looked at.
    step: u64,
    /// Rows to pass before the next one.
    skip: u64,
    rows: u64,
    sums: Vec<f64>,
    /// Σφφᵀ, the lower triangle row by row.
    products: Vec<f64>,
}

impl Covariance {
    fn new(step: u64) -> Self {
        let features = 2 * FREQUENCIES;
        Self {
            step: step.max(1),
            skip: 0,
            rows: 0,
            sums: vec![0.0; features],
            products: vec![0.0; features * (features + 1) / 2],
        }
    }

    fn observe(&mut self, scorer: &JointScorer, run: &ScoredRun) {
        let rows = run.rows() as u64;
        while self.skip < rows {
            let mut phi = [0.0; 2 * FREQUENCIES];
            scorer.add_fourier(&run.row(self.skip as usize), &mut phi);
            let mut products = self.products.iter_mut();
            for (at, x) in phi.iter().enumerate() {
                self.sums[at] += x;
                let row = phi[..=at].iter().zip(&mut products);
                row.for_each(|(y, product)| *product += x * y);
            }
            self.rows += 1;
            self.skip += self.step;
        }
        self.skip -= rows;
    }

    /// tr C² and tr C³, without what chance adds to the powers of a sample covariance: for normal data
    /// the unbiased estimates (G. Letac and H. Massam 2004, *All invariant moments of the Wishart
    /// distribution*).
    fn traces_of_powers(&self) -> [f64; 2] {
        let n = self.rows as f64 - 1.0;
        let size = self.sums.len();
        let mut covariance = vec![0.0; size * size];
        let mut products = self.products.iter();
        for (i, x) in self.sums.iter().enumerate() {
            for (j, (y, product)) in self.sums[..=i].iter().zip(&mut products).enumerate() {
                let value = (product - x * y / self.rows as f64) / n;
                covariance[i * size + j] = value;
                covariance[j * size + i] = value;
            }
        }
        let rows = || covariance.chunks_exact(size);
        let (mut s1, mut s2, mut s3) = (0.0, 0.0, 0.0);
        for (i, x) in rows().enumerate() {
            s1 += x[i];
            for (j, y) in rows().enumerate() {
                let product: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                s2 += if i == j { product } else { 0.0 };
                s3 += product * x[j];
            }
        }
        let of_square = (s2 - s1 * s1 / n) * n * n / ((n - 1.0) * (n + 2.0));
        let of_cube = s3 - 3.0 / n * (1.0 + 1.0 / n) * s1 * of_square - s1.powi(3) / (n * n);
        let of_cube = of_cube / (1.0 + 3.0 / n + 4.0 / (n * n));
        // Whatever chance says: at least as if all directions were alike, at most as if there was one.
        let of_square = of_square.max(s1 * s1 / size as f64).min(s1 * s1);
        let of_cube = of_cube.max(of_square * of_square / s1);
        let of_cube = of_cube.min(of_square.powf(1.5));
        [of_square, of_cube]
    }
}

/// Sums over equal parts of the time between the first and the last row, whatever order rows come in:
/// slices of chunks of spans.
#[derive(Clone, Debug)]
struct TimeSlices {
    first: i64,
    /// Microseconds from the first row to just after the last one.
    span: i128,
    /// Slices of a chunk.
    chunk: usize,
    slices: Vec<Option<JointTally>>,
}

/// Sums of squares of groups, as [`Groups`] has them.
struct Level {
    squares: Vec<f64>,
    totals: Vec<f64>,
    rows: u64,
    groups: u64,
    rows_squared: f64,
}

impl TimeSlices {
    fn new((first, last): (i64, i64), rows: u64) -> Self {
        let mut chunk = CHUNK_SLICES;
        while chunk > LEAST_SLICES && rows < SLICE_ROWS * (CHUNKS * chunk) as u64 {
            chunk /= 2;
        }
        Self {
            first,
            span: (i128::from(last) - i128::from(first)).max(0) + 1,
            chunk,
            slices: vec![None; CHUNKS * chunk],
        }
    }

    fn slice_of(&self, time: i64) -> usize {
        let slices = self.slices.len();
        let since = i128::from(time) - i128::from(self.first);
        let slice = since * slices as i128 / self.span;
        slice.clamp(0, slices as i128 - 1) as usize
    }

    fn observe(&mut self, scorer: &JointScorer, codes: &[Option<&[u8]>], times: &[i64]) {
        let mut start = 0;
        while start < times.len() {
            let slice = self.slice_of(times[start]);
            let same = times[start..].iter();
            let length = same.take_while(|&&time| self.slice_of(time) == slice);
            let end = start + length.count();
            let sums = self.slices[slice].get_or_insert_with(|| scorer.tally());
            scorer.fold(codes, start..end, 1, sums);
            start = end;
        }
    }

    /// Groups of so many slices.
    fn level(&self, of: impl Fn(&JointTally) -> &[f64], components: usize, slices: usize) -> Level {
        let mut level = Level {
            squares: vec![0.0; components],
            totals: vec![0.0; components],
            rows: 0,
            groups: 0,
            rows_squared: 0.0,
        };
        for group in self.slices.chunks(slices) {
            let mut sums = vec![0.0; components];
            let mut rows = 0;
            for slice in group.iter().flatten() {
                rows += slice.rows;
                let parts = sums.iter_mut().zip(of(slice));
                parts.for_each(|(sum, part)| *sum += part);
            }
            if rows == 0 {
                continue;
            }
            level.groups += 1;
            level.rows += rows;
            level.rows_squared += (rows as f64).powi(2);
            let squares = level.squares.iter_mut().zip(&mut level.totals);
            for (sum, (square, total)) in sums.iter().zip(squares) {
                *square += sum * sum / rows as f64;
                *total += sum;
            }
        }
        level
    }

    /// Variation of the sums that `of` takes from a slice; see [`statistic::overdispersion`].
    fn variation(
        &self,
        of: impl Fn(&JointTally) -> &[f64],
        weights: &[f64],
        trace: f64,
        freedom: f64,
    ) -> Variation {
        let level = |slices| self.level(&of, weights.len(), slices);
        let (slices, chunks) = (level(1), level(self.chunk));
        if chunks.groups < LEAST_CHUNKS || slices.groups <= chunks.groups {
            return Variation::default();
        }
        let grouped = Grouped {
            slices: &slices.squares,
            chunks: &chunks.squares,
            totals: &chunks.totals,
            weights,
            rows: chunks.rows,
            slice_groups: slices.groups,
            chunk_groups: chunks.groups,
            chunk_rows_squared: chunks.rows_squared,
        };
        let found = statistic::overdispersion(&grouped, trace, freedom);
        let spans = level(self.chunk * SPAN_CHUNKS as usize);
        let spans = Groups {
            squares: &spans.squares,
            totals: &spans.totals,
            weights,
            rows: spans.rows as f64,
            groups: spans.groups,
            rows_squared: spans.rows_squared,
        };
        let long = statistic::long_wander(&spans, found.design_effect, trace, freedom);
        let wander = rounded(found.wander);
        Variation {
            design_effect: rounded(found.design_effect),
            wander,
            long_wander: long.map_or(wander, |long| rounded(long).min(wander)),
            chunk_seconds: self.span as f64 * 1e-6 / CHUNKS as f64,
            span_seconds: self.span as f64 * 1e-6 / CHUNKS as f64 * SPAN_CHUNKS as f64,
            chunks: u32::try_from(chunks.groups).unwrap_or(u32::MAX),
        }
    }
}

/// The second pass over files.
pub(super) struct JointPass {
    learner: JointLearner,
    /// Places of the features in the profile.
    places: Vec<usize>,
}

impl JointPass {
    /// `None` when there are fewer than two features to look at.
    pub(super) fn new(provisional: &Profile, times: Option<(i64, i64)>) -> Option<Self> {
        let places = joint_features(&provisional.features, MOST_JOINT_FEATURES);
        let features = places.iter().map(|&place| &provisional.features[place]);
        let learner = JointLearner::new(features, provisional.rows)?;
        Some(Self {
            learner: match times {
                Some(times) => learner.over(times, provisional.rows),
                None => learner,
            },
            places,
        })
    }
}

impl SecondPass for JointPass {
    fn observe(&mut self, rows: &CodedRows<'_>) {
        let places = self.places.iter();
        let codes: Vec<_> = places.map(|&place| Some(rows.codes.of(place))).collect();
        match &rows.batch.times {
            Times::Each(times) => self.learner.observe_timed(&codes, times),
            _ => self.learner.observe(&codes, 0..rows.codes.rows(), 1),
        }
    }

    fn finish(self: Box<Self>, profile: &mut Profile, _report: &mut LearnReport) {
        profile.joint = self.learner.finish();
    }
}
