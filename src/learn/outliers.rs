//! How unusual the rows of the reference are: the scale on which live rows are judged.

use super::LearnReport;
use super::second_pass::{CodedRows, SecondPass};
use crate::batch::Role;
use crate::profile::{Cells, FeatureProfile, OutlierFeature, OutlierReference, Profile};
use crate::statistic::tail_scores;
use crate::tally::{OutlierScores, RowCodes, score_bin};

/// Features that rows are judged by, at most.
pub const OUTLIER_FEATURES: usize = 64;
/// Bins of the histogram of row scores: of 10⁹ reference rows no score is above ln(2·10⁹) = 21.4, and
/// the last bin begins at 24.9.
const BINS: usize = 250;
/// Width of a bin.
const BIN_WIDTH: f64 = 0.1;

/// The features of a profile that rows are judged by, with the scores of their cells and an empty
/// histogram: at most `most`, by falling `importance`, else in the order of the profile. `None` when
/// no feature has cells. Hashed strings are left out: a hash cell mixes common and rare ones, and the
/// emptiest is so by chance.
pub fn unmeasured_outliers(
    profile: &Profile,
    most: usize,
    importance: impl Fn(&FeatureProfile) -> Option<f64>,
) -> Option<OutlierReference> {
    let mut features: Vec<&FeatureProfile> = profile
        .features
        .iter()
        .filter(|feature| feature.role == Role::Feature)
        .filter(|feature| {
            feature.cells.as_ref().is_some_and(|reference| {
                let cells = &reference.cells;
                let is_usable = !matches!(cells, Cells::Hashed) && reference.total() > 0;
                is_usable && cells.len() <= RowCodes::MOST_CELLS
            })
        })
        .collect();
    let importance = |feature: &FeatureProfile| importance(feature).unwrap_or(0.0);
    features.sort_by(|a, b| importance(b).total_cmp(&importance(a)));
    features.truncate(most);
    let features: Vec<_> = features.into_iter().filter_map(scored).collect();
    (!features.is_empty()).then(|| OutlierReference {
        features,
        rows: vec![0; BINS],
        bin_width: BIN_WIDTH,
    })
}

fn scored(feature: &FeatureProfile) -> Option<OutlierFeature> {
    let reference = feature.cells.as_ref()?;
    Some(OutlierFeature {
        name: feature.name.clone(),
        scores: tail_scores(&reference.rows, reference.cells.is_ordered()),
    })
}

/// Measures how unusual the rows of the reference are.
pub(super) struct OutlierPass {
    reference: OutlierReference,
    /// Place of each of its features in the profile.
    places: Vec<usize>,
    scores: OutlierScores,
}

impl OutlierPass {
    /// Over rows like those of this profile; `None` when none of its features has cells.
    pub fn new(profile: &Profile) -> Option<Self> {
        let reference = unmeasured_outliers(profile, OUTLIER_FEATURES, |of| of.importance)?;
        let place = |of: &OutlierFeature| {
            let mut features = profile.features.iter();
            features.position(|feature| feature.name == of.name)
        };
        Some(Self {
            places: reference.features.iter().filter_map(place).collect(),
            scores: OutlierScores::new(reference.features.iter().map(|of| &*of.scores)),
            reference,
        })
    }
}

impl SecondPass for OutlierPass {
    fn observe(&mut self, rows: &CodedRows<'_>) {
        let places = &self.places;
        let codes = |feature: usize| {
            let place = places[feature];
            rows.codes.has(place).then(|| rows.codes.of(place))
        };
        let histogram = &mut self.reference.rows;
        let bins = histogram.len();
        for &score in self.scores.of(rows.codes.rows(), codes) {
            histogram[score_bin(score, self.reference.bin_width, bins)] += 1;
        }
    }

    fn finish(self: Box<Self>, profile: &mut Profile, _: &mut LearnReport) {
        profile.outliers = Some(self.reference);
    }
}
