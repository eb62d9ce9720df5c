//! Rows that are unusual as a whole: against the rows of the reference, or where it lacks that,
//! against the first rows of production.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::config::{Config, SIGNIFICANCE};
use super::installed::Installed;
use super::row_sums::{CodedFields, RowFold, RowSums};
use super::snapshot::OutlierWindow;
use crate::learn;
use crate::profile::{OutlierReference, Profile};
use crate::statistic::{are_outliers_raised, first_outlier_bin, outlier_threshold};
use crate::tally::{OutlierScores, OutlierTally, score_bin};

/// Fewer rows, in units of independent ones, are not judged.
const FEWEST_ROWS: f64 = 100.0;
/// Features that are named.
const NAMED: usize = 3;

/// Counts the rows that are too unusual.
pub(super) struct Outliers {
    /// Hash of the profile whose cells the scores are of.
    profile: Arc<str>,
    /// The features with the scores of their cells; its histogram grows while it is learned.
    reference: Arc<OutlierReference>,
    /// Whether its histogram is learned here, from the rows of production.
    learns: bool,
    /// Rows still wanted for the histogram.
    wanted: u64,
    scores: OutlierScores,
    /// The bin of the score from which on a row is an outlier.
    first_bin: usize,
    /// One run of rows in so many is looked at.
    sample: u64,
    /// Runs of rows seen.
    runs: u64,
    /// How much more the share of outliers varies than that of independent rows.
    design_effect: f64,
    /// How sure it must be that there are more than in the reference, in standard deviations.
    significance: f64,
}

impl Outliers {
    /// Outliers against a profile; `None` when that is switched off, or nothing of it has cells.
    pub fn of(installed: &Installed, model: &str, config: &Config) -> Option<Self> {
        let said = config.outliers;
        if said.features == 0 || said.sample == 0 {
            return None;
        }
        let profile = &installed.profile;
        let measured = installed.outliers.clone();
        let measured = measured.filter(|of| of.features.len() <= said.features);
        let (reference, wanted) = match measured {
            Some(reference) => (reference, 0),
            None if config.learning.rows == 0 => return None,
            None => {
                let unmeasured = learn::unmeasured_outliers(profile, said.features, |feature| {
                    let said = config.feature(model, &feature.name);
                    said.importance.or(feature.importance)
                })?;
                (Arc::new(unmeasured), config.learning.rows)
            }
        };
        let tables = reference.features.iter().map(|of| &*of.scores);
        let feature = config.model_feature(model);
        Some(Self {
            profile: installed.hash.clone(),
            scores: OutlierScores::new(tables),
            first_bin: first_outlier_bin(&reference.rows),
            learns: wanted > 0,
            wanted,
            sample: said.sample,
            runs: 0,
            design_effect: design_effect(profile, &reference),
            significance: feature.significance.unwrap_or(SIGNIFICANCE),
            reference,
        })
    }

    /// Whether the reference has rows enough to tell an outlier.
    fn can_judge(&self) -> bool {
        !self.learns && self.first_bin < self.reference.rows.len()
    }

    fn judge(&self, window: &Arc<str>, sums: &OutlierTally) -> OutlierWindow {
        let (rows, outliers) = (sums.rows, sums.outliers);
        let reference_rows = self.reference.total() as f64;
        let beyond: u64 = self.reference.rows[self.first_bin..].iter().sum();
        let reference_ratio = beyond as f64 / reference_rows;
        // The share of the reference is by chance what it is, too: v = φ(1/n + 1/m).
        let design_effect = self.design_effect * (1.0 + rows as f64 / reference_rows);
        let fewest = FEWEST_ROWS * self.design_effect;
        let is_enough = rows as f64 >= fewest && reference_rows >= fewest;
        let z = self.significance;
        let mut named: Vec<(usize, u64)> = sums.named.iter().copied().enumerate().collect();
        named.retain(|(_, count)| *count > 0);
        named.sort_by_key(|&(feature, count)| (std::cmp::Reverse(count), feature));
        let name = |(feature, count): (usize, u64)| {
            let feature = &self.reference.features[feature];
            (Arc::from(feature.name.as_str()), count)
        };
        OutlierWindow {
            window: window.clone(),
            rows,
            outliers,
            ratio: outliers as f64 / rows as f64,
            reference_ratio,
            threshold: is_enough
                .then(|| outlier_threshold(rows, reference_ratio, design_effect, z)),
            is_raised: is_enough
                && are_outliers_raised(outliers, rows, reference_ratio, design_effect, z),
            features: named.into_iter().take(NAMED).map(name).collect(),
        }
    }

    /// The reference, once its histogram is complete, if it was learned here, and the hash of its profile.
    pub fn learned(&self) -> Option<(Arc<str>, Arc<OutlierReference>)> {
        let is_complete = self.learns && self.wanted == 0;
        is_complete.then(|| (self.profile.clone(), self.reference.clone()))
    }
}

/// Outliers of each window in which rows were judged.
pub(super) fn evaluate(sums: &RowSums, config: &Config) -> Vec<OutlierWindow> {
    let Some(sum) = sums.outliers.as_ref().filter(|sum| sum.fold.can_judge()) else {
        return Vec::new();
    };
    let windows = config.windows.iter().zip(&sum.windows);
    windows
        .filter(|(_, ring)| ring.total().rows > 0)
        .map(|(window, ring)| sum.fold.judge(&window.label, ring.total()))
        .collect()
}

/// The largest of the features: rows that come in clusters are outliers in clusters.
fn design_effect(profile: &Profile, reference: &OutlierReference) -> f64 {
    let is_one = |name: &str| reference.features.iter().any(|of| of.name == name);
    let features = profile.features.iter().filter(|of| is_one(&of.name));
    features
        .map(|of| of.variation.design_effect)
        .fold(1.0, f64::max)
}

impl RowFold for Outliers {
    type Sums = OutlierTally;

    fn fields(&self) -> Vec<(Arc<str>, usize)> {
        let features = self.reference.features.iter();
        features
            .map(|of| (of.name.as_str().into(), of.scores.len()))
            .collect()
    }

    fn empty(&self) -> OutlierTally {
        OutlierTally::new(self.reference.features.len())
    }

    fn continues(&self, old: &Self) -> bool {
        self.profile == old.profile
            && self.sample == old.sample
            && self.learns == old.learns
            && self.reference.features == old.reference.features
            && (self.learns || self.reference.rows == old.reference.rows)
    }

    fn is_learning(&self) -> bool {
        self.wanted > 0
    }

    fn fold(&mut self, rows: &CodedFields<'_>, sums: &mut OutlierTally) {
        let run = self.runs;
        self.runs += 1;
        // Not each so-manieth: sources may take turns.
        if self.sample > 1 && !xxh3_64(&run.to_le_bytes()).is_multiple_of(self.sample) {
            return;
        }
        let codes = |feature| rows.of(feature);
        let can_judge = self.can_judge();
        let (width, bins) = (self.reference.bin_width, self.reference.rows.len());
        let scores = self.scores.of(rows.rows(), codes);
        if self.wanted > 0 {
            let histogram = &mut Arc::make_mut(&mut self.reference).rows;
            let take = scores.len().min(self.wanted as usize);
            for &score in &scores[..take] {
                histogram[score_bin(score, width, bins)] += 1;
            }
            self.wanted -= take as u64;
            return;
        }
        if !can_judge {
            return;
        }
        let first_bin = self.first_bin;
        sums.rows += scores.len() as u64;
        let is_outlier = |score: f32| score_bin(score, width, bins) >= first_bin;
        let outliers = (0..scores.len()).filter(|&row| is_outlier(scores[row]));
        let outliers: Vec<usize> = outliers.collect();
        sums.outliers += outliers.len() as u64;
        for row in outliers {
            if let Some(feature) = self.scores.most_unusual(row, codes) {
                sums.named[feature] += 1;
            }
        }
    }
}
