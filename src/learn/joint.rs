//! How features hang together: learned from rows whose cells are known, without keeping any.
//!
//! The same sums that a window has, over the reference, and beside them what chance is judged by:
//! variances of products, and of some rows the covariance of their Fourier features.

use std::ops::Range;
use std::sync::Arc;

use super::LearnReport;
use super::chunks::{CHUNK_SLICES, CHUNKS, LEAST_CHUNKS, LEAST_SLICES, SLICE_ROWS};
use super::covariance::{Covariance, rounded};
use super::second_pass::{CodedRows, SecondPass};
use crate::batch::{Role, Times};
use crate::profile::{
    Cells, FeatureProfile, FourierReference, JointFeature, JointReference, Kind, ProductReference,
    Profile, ReferenceCells, Variation,
};
use crate::statistic::{self, Groups};
use crate::tally::{
    FourierMap, JointScorer, JointTally, MOST_JOINT_FEATURES, RowCodes, SPAN_CHUNKS, Tally, pairs,
};

/// Frequencies of the Fourier features, D: half of them for each bandwidth.
pub(super) const FREQUENCIES: usize = 64;
/// Bandwidths in units of the distance of two rows: the narrow one sees dependence that does not
/// show in products, the wide one shifts of a mean.
pub(super) const BANDWIDTHS: [f64; 2] = [0.5, 1.0];
/// From which frequencies are drawn: the same in all profiles, so that sums can be compared.
pub(super) const SEED: u64 = 0;

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
            covariance: Covariance::new(rows),
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
            self.covariance.observe(run.rows() as u64, |row, phi| {
                self.scorer.add_fourier(&run.row(row), phi);
            });
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
            + self.covariance.bytes()
            + slices.map(Tally::bytes).sum::<usize>()
    }

    /// What was learned; `None` of fewer than 20 rows, or if all were alike.
    pub fn finish(self) -> Option<JointReference> {
        let rows = self.sums.rows;
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
        let [trace, trace_of_square, trace_of_cube] = self.covariance.traces(&means)?;
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
                variation: Some(of_fourier),
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

impl Level {
    fn groups<'a>(&'a self, weights: &'a [f64]) -> Groups<'a> {
        Groups {
            squares: &self.squares,
            totals: &self.totals,
            weights,
            rows: self.rows as f64,
            groups: self.groups,
            rows_squared: self.rows_squared,
        }
    }
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
        let (slices, chunks) = (slices.groups(weights), chunks.groups(weights));
        let found = statistic::overdispersion(&slices, &chunks, trace, freedom);
        let spans = level(self.chunk * SPAN_CHUNKS as usize);
        let spans = spans.groups(weights);
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
