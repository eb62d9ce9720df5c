//! How unusual rows are: the score of each row from the cells of its values, and sums of those that
//! are too unusual.
//!
//! The score is the mean of the three highest tail scores among the features: correlated features
//! cannot add up to an alarm, and the highest one names what is unusual. It uses cells that are known
//! already, so a value costs a look-up and five minima and maxima.

use serde::{Deserialize, Serialize};

use super::{RowCodes, Tally};

/// Tail scores that make the score of a row.
const HIGHEST: usize = 3;
/// Rows scored at a time: what is kept of them fits into the first-level cache.
const RUN: usize = 128;
/// So few are scored one by one: to set up a run would cost more.
const FEW: usize = 16;

/// Scores rows of some features.
#[derive(Clone, Debug)]
pub struct OutlierScores {
    /// Score of each code, of each feature; that of [`RowCodes::MISSING`] is 0.
    tables: Vec<[f32; RowCodes::MISSING as usize + 1]>,
    /// One over the number of tail scores that are averaged.
    scale: f32,
    scores: Vec<f32>,
}

impl OutlierScores {
    /// Scores by these tail scores of the cells of each feature.
    pub fn new<'a>(features: impl Iterator<Item = &'a [f64]>) -> Self {
        let tables: Vec<_> = features
            .map(|scores| {
                let mut table = [0.0; _];
                let cells = table[..RowCodes::MOST_CELLS].iter_mut();
                cells
                    .zip(scores)
                    .for_each(|(cell, &score)| *cell = score as f32);
                table
            })
            .collect();
        Self {
            scale: 1.0 / tables.len().clamp(1, HIGHEST) as f32,
            tables,
            scores: Vec::new(),
        }
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.tables.len()
    }

    /// Score of each of `rows` rows, whose codes of feature `i` are `codes(i)`; a feature without
    /// codes is missing in all rows. Empty when all are: labels that come later say nothing of rows.
    pub fn of<'c>(&mut self, rows: usize, codes: impl Fn(usize) -> Option<&'c [u8]>) -> &[f32] {
        self.scores.clear();
        let present = |(feature, table)| Some((codes(feature)?, table));
        let features: Vec<_> = self.tables.iter().enumerate().filter_map(present).collect();
        let rows = if features.is_empty() { 0 } else { rows };
        for start in (0..rows).step_by(RUN) {
            let length = RUN.min(rows - start);
            let mut highest = [[0.0; RUN]; HIGHEST];
            for (codes, table) in &features {
                insert(&codes[start..][..length], table, &mut highest);
            }
            let [first, second, third] = &highest;
            let sums = first.iter().zip(second).zip(third).take(length);
            let sums = sums.map(|((first, second), third)| (first + second + third) * self.scale);
            self.scores.extend(sums);
        }
        &self.scores
    }

    /// The feature with the highest tail score in row `row`; `None` when all are 0.
    pub fn most_unusual<'c>(
        &self,
        row: usize,
        codes: impl Fn(usize) -> Option<&'c [u8]>,
    ) -> Option<usize> {
        let mut best = (None, 0.0);
        for (feature, table) in self.tables.iter().enumerate() {
            let score = codes(feature).map_or(0.0, |codes| table[usize::from(codes[row])]);
            if score > best.1 {
                best = (Some(feature), score);
            }
        }
        best.0
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.tables) + self.scores.capacity() * size_of::<f32>()
    }
}

/// Puts the scores of one feature among the highest of each row, without a branch.
fn insert(codes: &[u8], table: &[f32; 256], highest: &mut [[f32; RUN]; HIGHEST]) {
    let [first, second, third] = highest;
    let highest = first.iter_mut().zip(second).zip(third);
    if codes.len() <= FEW {
        for (highest, &code) in highest.zip(codes) {
            insert_one(highest, table[usize::from(code)]);
        }
        return;
    }
    let mut scores = [0.0f32; RUN];
    for (score, &code) in scores.iter_mut().zip(codes) {
        *score = table[usize::from(code)];
    }
    for (highest, &score) in highest.zip(&scores[..codes.len()]) {
        insert_one(highest, score);
    }
}

#[inline]
fn insert_one(((first, second), third): ((&mut f32, &mut f32), &mut f32), score: f32) {
    let (high, rest) = sorted(*first, score);
    let (middle, rest) = sorted(*second, rest);
    (*first, *second) = (high, middle);
    *third = sorted(*third, rest).0;
}

/// The larger one first; neither is NaN.
#[inline]
fn sorted(a: f32, b: f32) -> (f32, f32) {
    (if a > b { a } else { b }, if a > b { b } else { a })
}

/// Bin of a histogram of row scores with `bins` bins of `width`; the last one holds all beyond.
pub fn score_bin(score: f32, width: f64, bins: usize) -> usize {
    ((f64::from(score) / width) as usize).min(bins.saturating_sub(1))
}

/// Rows that are judged, and those that are outliers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlierTally {
    /// Rows judged.
    pub rows: u64,
    /// Those that are outliers.
    pub outliers: u64,
    /// In how many of them each feature was the most unusual one.
    pub named: Box<[u64]>,
}

impl OutlierTally {
    /// Nothing yet, over this many features.
    pub fn new(features: usize) -> Self {
        Self {
            named: vec![0; features].into(),
            ..Self::default()
        }
    }

    fn each(&mut self, other: &Self, change: impl Fn(&mut u64, u64)) {
        change(&mut self.rows, other.rows);
        change(&mut self.outliers, other.outliers);
        let named = self.named.iter_mut().zip(&other.named);
        named.for_each(|(mine, theirs)| change(mine, *theirs));
    }
}

impl Tally for OutlierTally {
    fn add(&mut self, other: &Self) {
        self.each(other, |mine, theirs| *mine += theirs);
    }

    fn subtract_counts(&mut self, other: &Self) {
        self.each(other, |mine, theirs| *mine -= theirs);
    }

    fn recombine(&mut self, _: &[Self]) {}

    fn has_shape_of(&self, other: &Self) -> bool {
        self.named.len() == other.named.len()
    }

    fn clear(&mut self) {
        self.named.fill(0);
        (self.rows, self.outliers) = (0, 0);
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.named)
    }
}
