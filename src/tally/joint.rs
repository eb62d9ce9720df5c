//! What features do together: sums over rows of products of two scores and of Fourier features.
//!
//! Counts of single features cannot show that two of them no longer move together, or that a group
//! of rows appeared; these sums can, at a cost that does not grow with the rows.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::fourier::dot;
use super::{FourierMap, RUN, RowCodes, Tally};
use crate::profile::{JointFeature, JointReference};

/// Most features that are looked at together.
pub const MOST_JOINT_FEATURES: usize = 16;

/// Pairs of `features` features.
pub const fn pairs(features: usize) -> usize {
    features * features.saturating_sub(1) / 2
}

/// Sums over rows of functions of several features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JointTally {
    /// Rows.
    pub rows: u64,
    /// Σ of the products of each two scores, in the order of
    /// [`JointReference::products`].
    pub products: Box<[f64]>,
    /// Σφ of the Fourier features.
    pub fourier: Box<[f64]>,
}

impl JointTally {
    /// Sums of nothing.
    pub fn new(features: usize, fourier: usize) -> Self {
        Self {
            rows: 0,
            products: vec![0.0; pairs(features)].into(),
            fourier: vec![0.0; fourier].into(),
        }
    }

    fn sums(&mut self) -> impl Iterator<Item = &mut f64> {
        self.products.iter_mut().chain(&mut self.fourier)
    }

    fn add_sums(&mut self, other: &Self) {
        let others = other.products.iter().chain(&other.fourier);
        self.sums()
            .zip(others)
            .for_each(|(sum, other)| *sum += other);
    }
}

impl Tally for JointTally {
    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.add_sums(other);
    }

    fn subtract_counts(&mut self, other: &Self) {
        self.rows -= other.rows;
    }

    fn recombine(&mut self, parts: &[Self]) {
        self.sums().for_each(|sum| *sum = 0.0);
        parts.iter().for_each(|part| self.add_sums(part));
    }

    fn has_shape_of(&self, other: &Self) -> bool {
        (self.products.len(), self.fourier.len()) == (other.products.len(), other.fourier.len())
    }

    fn clear(&mut self) {
        self.rows = 0;
        self.sums().for_each(|sum| *sum = 0.0);
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.products) + size_of_val(&*self.fourier)
    }
}

/// Scores of up to [`RUN`] rows, feature after feature; 0 beyond the rows.
pub struct ScoredRun {
    columns: [[f64; RUN]; MOST_JOINT_FEATURES],
    features: usize,
    rows: usize,
}

impl ScoredRun {
    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Scores of each feature.
    pub fn columns(&self) -> &[[f64; RUN]] {
        &self.columns[..self.features]
    }

    /// Row `row` alone.
    pub fn row(&self, row: usize) -> Self {
        let mut single = Self {
            columns: [[0.0; RUN]; MOST_JOINT_FEATURES],
            features: self.features,
            rows: 1,
        };
        for (single, column) in single.columns.iter_mut().zip(self.columns()) {
            single[0] = column[row];
        }
        single
    }

    /// The squares of all scores.
    pub fn squared(mut self) -> Self {
        let values = self.columns[..self.features].as_flattened_mut();
        values.iter_mut().for_each(|value| *value *= *value);
        self
    }

    /// Adds the products of each two features.
    pub fn add_products(&self, sums: &mut [f64]) {
        let columns = self.columns();
        let mut sums = sums.iter_mut();
        for (at, first) in columns.iter().enumerate() {
            for (second, sum) in columns[at + 1..].iter().zip(&mut sums) {
                *sum += dot(first, second, self.rows);
            }
        }
    }
}

/// Turns cells into scores and scores into sums.
#[derive(Clone, Debug)]
pub struct JointScorer {
    /// Score of each code of each feature; a missing value scores 0.
    scores: Vec<[f64; 1 + RowCodes::MOST_CELLS]>,
    fourier: FourierMap,
}

impl JointScorer {
    /// For these features, at most [`MOST_JOINT_FEATURES`], and Fourier features of as many elements.
    pub fn new(features: &[JointFeature], fourier: FourierMap) -> Self {
        let table = |feature: &JointFeature| {
            let mut table = [0.0; 1 + RowCodes::MOST_CELLS];
            let scores = table[..RowCodes::MOST_CELLS].iter_mut();
            for (entry, &score) in scores.zip(&feature.scores) {
                *entry = score;
            }
            table
        };
        let features = features.iter().take(MOST_JOINT_FEATURES);
        Self {
            scores: features.map(table).collect(),
            fourier,
        }
    }

    /// As a reference was measured.
    pub fn of(reference: &JointReference) -> Self {
        Self::new(&reference.features, FourierMap::of(&reference.fourier))
    }

    /// Sums of nothing.
    pub fn tally(&self) -> JointTally {
        JointTally::new(self.scores.len(), self.fourier.features())
    }

    /// The scores of every `step`-th of these rows, a run at a time. `codes` are those of each
    /// feature, one a row; `None` if it is missing in all.
    pub fn runs<'a>(
        &'a self,
        codes: &'a [Option<&'a [u8]>],
        rows: Range<usize>,
        step: usize,
    ) -> impl Iterator<Item = ScoredRun> + 'a {
        let (step, end) = (step.max(1), rows.end);
        rows.step_by(RUN * step).map(move |first| {
            let mut run = ScoredRun {
                columns: [[0.0; RUN]; MOST_JOINT_FEATURES],
                features: self.scores.len(),
                rows: (end - first).div_ceil(step).min(RUN),
            };
            let features = self.scores.iter().zip(codes);
            for (column, (scores, codes)) in run.columns.iter_mut().zip(features) {
                let codes = codes.iter().flat_map(|codes| &codes[first..end]);
                for (value, &code) in column.iter_mut().zip(codes.step_by(step)) {
                    *value = scores[usize::from(code)];
                }
            }
            run
        })
    }

    /// Adds a run to the sums.
    pub fn add(&self, run: &ScoredRun, sums: &mut JointTally) {
        sums.rows += run.rows as u64;
        run.add_products(&mut sums.products);
        self.add_fourier(run, &mut sums.fourier);
    }

    /// Adds the Fourier features alone.
    pub fn add_fourier(&self, run: &ScoredRun, sums: &mut [f64]) {
        self.fourier.add(run.columns(), run.rows, sums);
    }

    /// Adds every `step`-th of these rows to the sums; `codes` as in [`JointScorer::runs`].
    pub fn fold(
        &self,
        codes: &[Option<&[u8]>],
        rows: Range<usize>,
        step: usize,
        sums: &mut JointTally,
    ) {
        self.runs(codes, rows, step)
            .for_each(|run| self.add(&run, sums));
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.scores) + self.fourier.bytes()
    }
}
