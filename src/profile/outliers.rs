//! How unusual single rows of the reference are.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::FeatureProfile;

/// The reference of outlier scores.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlierReference {
    /// The features looked at, at most 64.
    pub features: Vec<OutlierFeature>,
    /// Rows by outlier score: bin `i` holds scores from i × `bin_width` on, the last one all beyond.
    pub rows: Vec<u64>,
    /// Width of a bin.
    pub bin_width: f64,
}

/// A feature and how unusual each of its cells is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutlierFeature {
    /// Name of the field.
    pub name: String,
    /// Tail score of each cell, −ln of a share of reference rows; a missing value scores 0.
    pub scores: Vec<f64>,
}

/// Most features of a profile file: bounds what a row costs.
const MOST_FEATURES: usize = 64;
/// Most bins of a profile file.
const MOST_BINS: usize = 10_000;

impl OutlierReference {
    /// Reference rows, m.
    pub fn total(&self) -> u64 {
        self.rows.iter().sum()
    }
}

/// The same in a profile file.
#[derive(Serialize, Deserialize)]
pub(super) struct OutlierDocument {
    features: Vec<OutlierFeature>,
    histogram: Histogram,
}

#[derive(Serialize, Deserialize)]
struct Histogram {
    bin_width: f64,
    rows: Vec<u64>,
}

impl From<&OutlierReference> for OutlierDocument {
    fn from(reference: &OutlierReference) -> Self {
        Self {
            features: reference.features.clone(),
            histogram: Histogram {
                bin_width: reference.bin_width,
                rows: reference.rows.clone(),
            },
        }
    }
}

impl OutlierDocument {
    /// The reference over the fields of its profile.
    ///
    /// # Errors
    /// A sentence when it contradicts itself or them.
    pub(super) fn read(self, fields: &[FeatureProfile]) -> Result<OutlierReference, String> {
        let Histogram { bin_width, rows } = self.histogram;
        if !(bin_width.is_finite() && bin_width > 0.0) {
            return Err(format!("bin_width is {bin_width}, must be above 0"));
        }
        if rows.is_empty() || rows.len() > MOST_BINS {
            return Err(format!("{} bins, must be 1 to {MOST_BINS}", rows.len()));
        }
        let total = rows
            .iter()
            .try_fold(0u64, |sum, &rows| sum.checked_add(rows));
        if total.is_none_or(|total| total == u64::MAX) {
            return Err("\"rows\" add up to more than can be counted".into());
        }
        if self.features.len() > MOST_FEATURES {
            let count = self.features.len();
            return Err(format!("{count} features are more than {MOST_FEATURES}"));
        }
        let mut names = HashSet::new();
        for OutlierFeature { name, scores } in &self.features {
            let field = fields.iter().find(|field| field.name == *name);
            let field = field.ok_or_else(|| format!("there is no field {name:?}"))?;
            let cells = field.cells.as_ref().map_or(0, |cells| cells.rows.len());
            if scores.len() != cells {
                let count = scores.len();
                return Err(format!("{count} scores for {cells} cells of {name:?}"));
            }
            if !scores
                .iter()
                .all(|score| score.is_finite() && *score >= 0.0)
            {
                return Err(format!("scores of {name:?} must be 0 or more"));
            }
            if !names.insert(name) {
                return Err(format!("the field {name:?} is there twice"));
            }
        }
        Ok(OutlierReference {
            features: self.features,
            rows,
            bin_width,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::profile::example::profile;

    #[test]
    fn outliers_that_contradict_the_fields_are_refused_with_a_sentence() {
        let refused = |change: fn(&mut OutlierReference), sentence: &str| {
            let mut profile = profile();
            change(profile.outliers.as_mut().unwrap());
            let error = Profile::from_json(&profile.to_json()).unwrap_err();
            assert!(error.to_string().contains(sentence), "{error}");
        };
        refused(|of| of.bin_width = 0.0, "bin_width is 0, must be above 0");
        refused(|of| of.rows.clear(), "0 bins");
        refused(|of| of.rows = vec![u64::MAX, 1], "add up to more");
        refused(
            |of| of.features[0].name = "x".into(),
            "there is no field \"x\"",
        );
        refused(|of| of.features[0].scores.push(1.0), "3 scores for 2 cells");
        refused(|of| of.features[0].scores[0] = -1.0, "must be 0 or more");
        refused(|of| of.features.push(of.features[0].clone()), "there twice");
        refused(
            |of| of.features = vec![of.features[0].clone(); 65],
            "65 features",
        );
    }
}
