//! The member `joint` of a profile document.

use serde::{Deserialize, Serialize};

use super::fourier_document::{FourierDocument, PLAUSIBLE};
use super::{FeatureProfile, JointFeature, JointReference, ProductReference, Variation};

/// Most features of the reference: what a reader has to hold.
const MOST_FEATURES: usize = 16;

#[derive(Serialize, Deserialize)]
pub(super) struct JointDocument {
    rows: u64,
    features: Vec<FeatureDocument>,
    products: ProductsDocument,
    fourier: FourierDocument,
}

#[derive(Serialize, Deserialize)]
struct FeatureDocument {
    name: String,
    scores: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
struct ProductsDocument {
    #[serde(flatten)]
    variation: Variation,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl From<&JointReference> for JointDocument {
    fn from(joint: &JointReference) -> Self {
        let features = joint.features.iter().map(|feature| FeatureDocument {
            name: feature.name.clone(),
            scores: feature.scores.clone(),
        });
        let products = joint.products.iter();
        Self {
            rows: joint.rows,
            features: features.collect(),
            products: ProductsDocument {
                variation: joint.variation,
                means: products.clone().map(|product| product.mean).collect(),
                variances: products.map(|product| product.variance).collect(),
            },
            fourier: FourierDocument::from(&joint.fourier),
        }
    }
}

impl JointDocument {
    /// The reference, which must fit the `features` of its profile.
    pub(super) fn read(self, features: &[FeatureProfile]) -> Result<JointReference, String> {
        let count = self.features.len();
        if !(2..=MOST_FEATURES).contains(&count) {
            return Err(format!(
                "it has {count} features, must be 2 to {MOST_FEATURES}"
            ));
        }
        for (at, feature) in self.features.iter().enumerate() {
            let name = &feature.name;
            if self.features[..at].iter().any(|other| other.name == *name) {
                return Err(format!("the feature {name:?} is there twice"));
            }
            let known = features.iter().find(|known| known.name == *name);
            let cells = known.and_then(|known| known.cells.as_ref());
            let cells = cells.map_or(0, |reference| reference.cells.len());
            if feature.scores.len() != cells {
                let found = feature.scores.len();
                return Err(format!("{name:?} has {found} scores for {cells} cells"));
            }
        }
        let pairs = count * (count - 1) / 2;
        let ProductsDocument {
            variation,
            means,
            variances,
        } = self.products;
        if means.len() != pairs || variances.len() != pairs {
            return Err(format!(
                "{count} features need {pairs} means and variances of products"
            ));
        }
        let fourier = self.fourier.read(count)?;
        if fourier.rows != self.rows {
            let (found, rows) = (fourier.rows, self.rows);
            return Err(format!("rows of fourier is {found}, must be {rows}"));
        }
        if fourier.variation.is_none() {
            return Err("fourier does not say how it varies".into());
        }
        variation.check(" of products")?;
        let features = self.features.into_iter().map(|feature| JointFeature {
            name: feature.name,
            scores: feature.scores,
        });
        let products = means.into_iter().zip(variances);
        let joint = JointReference {
            rows: self.rows,
            features: features.collect(),
            products: products
                .map(|(mean, variance)| ProductReference { mean, variance })
                .collect(),
            variation,
            fourier,
        };
        check_numbers(&joint)?;
        Ok(joint)
    }
}

fn check_numbers(joint: &JointReference) -> Result<(), String> {
    let variances = joint.products.iter().map(|product| product.variance);
    let scores = joint.features.iter().flat_map(|feature| &feature.scores);
    let means = joint.products.iter().map(|product| product.mean);
    let mut numbers = scores.copied().chain(means).chain(variances.clone());
    if !numbers.all(|number| number.abs() <= *PLAUSIBLE.end()) {
        return Err(format!("a number is beyond {:e}", PLAUSIBLE.end()));
    }
    if !variances
        .clone()
        .all(|variance| PLAUSIBLE.contains(&variance))
    {
        let (least, most) = (PLAUSIBLE.start(), PLAUSIBLE.end());
        return Err(format!("variances must be above 0: {least:e} to {most:e}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Role;
    use crate::profile::{
        Cells, FourierReference, Kind, Missing, Moments, NumericCells, Profile, ReferenceCells,
    };

    fn profile() -> Profile {
        let feature = |name: &str| FeatureProfile {
            name: name.into(),
            role: Role::Feature,
            kind: Kind::Numeric,
            missing: Missing::default(),
            cells: Some(ReferenceCells {
                cells: Cells::Numeric(NumericCells::new(vec![1.0]).unwrap()),
                rows: vec![4, 6],
                means: vec![0.5, 2.0],
            }),
            moments: Some(Moments {
                mean: 1.4,
                stddev: 0.7,
                min: 0.0,
                max: 3.0,
            }),
            distinct: 10,
            variation: Variation::default(),
            importance: None,
            derived_from: None,
            embedding: None,
        };
        let joint = |name: &str| JointFeature {
            name: name.into(),
            scores: vec![-0.8, 0.5],
        };
        let variation = Variation {
            design_effect: 1.5,
            wander: 1e-4,
            long_wander: 1e-5,
            chunk_seconds: 3_600.0,
            span_seconds: 8.0 * 3_600.0,
            chunks: 96,
        };
        Profile {
            rows: 10,
            features: vec![feature("a"), feature("b")],
            joint: Some(JointReference {
                rows: 10,
                features: vec![joint("a"), joint("b")],
                products: vec![ProductReference {
                    mean: 0.1,
                    variance: 0.2,
                }],
                variation,
                fourier: FourierReference {
                    rows: 10,
                    dimensions: 2,
                    seed: 7,
                    bandwidths: vec![0.5, 1.0],
                    means: vec![0.3, 0.2, 0.1, 0.0],
                    trace: 0.86,
                    trace_of_square: 0.2,
                    trace_of_cube: 0.06,
                    variation: Some(variation),
                },
            }),
            ..Profile::default()
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same_and_is_part_of_the_hash() {
        let profile = profile();
        assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
        let mut other = profile.clone();
        other.joint.as_mut().unwrap().products[0].mean += 0.1;
        assert_ne!(other.hash(), profile.hash());
        other.joint = None;
        assert_ne!(other.hash(), profile.hash());
    }

    #[test]
    fn a_reference_that_contradicts_itself_or_its_profile_is_refused_with_a_sentence() {
        type Change = fn(&mut JointReference);
        let wrong: [(&str, Change); 12] = [
            ("scores for 2 cells", |j| j.features[1].scores.push(0.0)),
            ("scores for 0 cells", |j| j.features[1].name = "c".into()),
            ("twice", |j| j.features[1].name = "a".into()),
            ("must be 2 to 16", |j| j.features.truncate(1)),
            ("need 1 means", |j| j.products.clear()),
            ("dimensions is 3", |j| j.fourier.dimensions = 3),
            ("even number", |j| j.fourier.means.truncate(3)),
            ("above 0", |j| j.fourier.bandwidths[0] = 0.0),
            ("above 0", |j| j.products[0].variance = 1e-300),
            ("1e-60 to 1e30", |j| j.fourier.trace = 1e300),
            ("beyond 1e30", |j| j.products[0].mean = -1e300),
            ("must be 0 to 1000000", |j| j.variation.wander = 1e7),
        ];
        for (sentence, change) in wrong {
            let mut profile = profile();
            change(profile.joint.as_mut().unwrap());
            let error = Profile::from_json(&profile.to_json())
                .unwrap_err()
                .to_string();
            assert!(error.contains(sentence), "{error:?} lacks {sentence:?}");
            assert!(error.contains("joint"), "{error:?}");
        }
    }
}
