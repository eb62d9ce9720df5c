//! A field of a profile document, and whether it makes sense.
//!
//! What a field does not have is left out, so profiles made before a member existed are read the same way
//! as those of today, and keep their hash.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::cells_document::CellsDocument;
use super::fourier_document::FourierDocument;
use super::variation::Sparse;
use super::{Cells, EMBEDDING_DIMENSIONS, FeatureProfile, Kind, Missing, Moments, Variation};
use crate::batch::Role;

#[derive(Serialize, Deserialize)]
pub(super) struct FeatureDocument {
    pub(super) name: String,
    role: Role,
    kind: Kind,
    values: u64,
    missing: Missing,
    distinct: u64,
    #[serde(flatten, with = "Sparse")]
    variation: Variation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    importance: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    derived_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<FourierDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moments: Option<Moments>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cells: Option<CellsDocument>,
}

impl From<&FeatureProfile> for FeatureDocument {
    fn from(feature: &FeatureProfile) -> Self {
        Self {
            name: feature.name.clone(),
            role: feature.role,
            kind: feature.kind,
            values: feature.values(),
            missing: feature.missing,
            distinct: feature.distinct,
            variation: feature.variation,
            importance: feature.importance,
            derived_from: feature.derived_from.clone(),
            embedding: feature.embedding.as_ref().map(FourierDocument::from),
            moments: feature.moments,
            cells: feature.cells.as_ref().map(CellsDocument::from),
        }
    }
}

impl TryFrom<FeatureDocument> for FeatureProfile {
    type Error = String;

    fn try_from(document: FeatureDocument) -> Result<Self, String> {
        let cells = document
            .cells
            .map(|cells| cells.read(document.kind))
            .transpose()?;
        document.variation.check("")?;
        if document
            .importance
            .is_some_and(|i| !(i.is_finite() && i >= 0.0))
        {
            return Err("importance must be 0 or more".into());
        }
        document.moments.map_or(Ok(()), check_moments)?;
        if document.kind.is_numeric() && cells.is_some() && document.moments.is_none() {
            return Err("a numeric field has no \"moments\"".into());
        }
        let embedding = match (document.embedding, cells.as_ref().map(|of| &of.cells)) {
            (None, _) => None,
            (Some(embedding), Some(Cells::Centroids(cells))) => {
                let read = embedding.read(EMBEDDING_DIMENSIONS.min(cells.width()));
                Some(read.map_err(|message| format!("embedding: {message}"))?)
            }
            (Some(_), _) => return Err("an embedding of what has no centroids".into()),
        };
        Ok(Self {
            name: document.name,
            role: document.role,
            kind: document.kind,
            missing: document.missing,
            cells,
            moments: document.moments,
            distinct: document.distinct,
            variation: document.variation,
            importance: document.importance,
            derived_from: document.derived_from,
            embedding,
        })
    }
}

fn check_moments(moments: Moments) -> Result<(), String> {
    let Moments {
        mean,
        stddev,
        min,
        max,
    } = moments;
    if ![mean, stddev, min, max].iter().all(|it| it.is_finite()) {
        return Err("a number of \"moments\" is not finite".into());
    }
    if stddev < 0.0 {
        return Err(format!("stddev is {stddev}, must be 0 or more"));
    }
    if min > max {
        return Err(format!("min is {min}, above max, {max}"));
    }
    Ok(())
}

/// What is derived, is so from a vector of the same profile, which gives one such field.
pub(super) fn check_derived(features: &[FeatureDocument]) -> Result<(), String> {
    let mut used = HashSet::new();
    for feature in features {
        let (name, Some(from)) = (&feature.name, &feature.derived_from) else {
            continue;
        };
        let is_vector = |of: &FeatureDocument| of.name == *from && of.kind == Kind::Vector;
        if name == from || !features.iter().any(is_vector) {
            return Err(format!(
                "field {name:?}: derived_from is {from:?}, must be another field of kind vector"
            ));
        }
        if !used.insert(from) {
            return Err(format!(
                "field {name:?}: derived_from is {from:?}, from which another field is derived; a \
                 vector gives one"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::profile::example::profile;

    #[test]
    fn what_contradicts_itself_is_refused_with_a_sentence() {
        let refused = |change: fn(&mut Profile), sentence: &str| {
            let mut profile = profile();
            change(&mut profile);
            let error = Profile::from_json(&profile.to_json()).unwrap_err();
            assert!(error.to_string().contains(sentence), "{error}");
        };
        fn moments(profile: &mut Profile) -> &mut Moments {
            profile.features[0].moments.as_mut().unwrap()
        }
        refused(|of| moments(of).stddev = -1.0, "stddev is -1");
        refused(|of| moments(of).min = 6.0, "min is 6, above max, 5");
        let wander = |of: &mut Profile| of.features[0].variation.wander = 2e6;
        refused(wander, "wander is 2000000, must be 0 to 1000000");
        let derived = "must be another field of kind vector";
        refused(
            |of| of.features[0].derived_from = Some("amount".into()),
            derived,
        );
        refused(
            |of| of.features[0].derived_from = Some("origin".into()),
            derived,
        );
        refused(
            |of| of.features[0].derived_from = Some("gone".into()),
            derived,
        );
        let twice = |of: &mut Profile| {
            let vector = FeatureProfile {
                name: "emb".into(),
                kind: Kind::Vector,
                cells: None,
                ..of.features[1].clone()
            };
            of.features.push(vector);
            for feature in &mut of.features[..2] {
                feature.derived_from = Some("emb".into());
            }
        };
        refused(twice, "a vector gives one");
    }
}
