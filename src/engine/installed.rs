//! A profile in force: its short hash and its fields, shared by all versions of a model.

use std::sync::Arc;

use super::field::Reference;
use super::joint::MeasuredJoint;
use super::snapshot::ReferenceSnapshot;
use crate::profile::{FeatureProfile, OutlierReference, Profile, short};

/// A profile in force.
#[derive(Clone, Debug)]
pub(super) struct Installed {
    pub profile: Arc<Profile>,
    /// First 8 hex digits of its hash.
    pub hash: Arc<str>,
    pub learned: bool,
    /// How unusual its rows are: as it says, or as the first rows of production were.
    pub outliers: Option<Arc<OutlierReference>>,
    /// How its features hang together: as it says, or as they did in the first rows of production.
    pub joint: Option<Arc<MeasuredJoint>>,
    /// Its fields, shared by all versions.
    features: Vec<Arc<FeatureProfile>>,
}

impl Installed {
    pub fn new(profile: Arc<Profile>, learned: bool) -> Self {
        let hash = short(&profile.hash()).into();
        let features = profile.features.iter().cloned().map(Arc::new);
        Self {
            outliers: profile.outliers.clone().map(Arc::new),
            joint: profile.joint.as_ref().map(MeasuredJoint::of).map(Arc::new),
            features: features.collect(),
            profile,
            hash,
            learned,
        }
    }

    pub fn snapshot(&self) -> ReferenceSnapshot {
        let created = self.profile.provenance.created.parse::<jiff::Timestamp>();
        ReferenceSnapshot {
            profile: self.hash.clone(),
            source: if self.learned { "learned" } else { "file" },
            created_at: created.ok().map(|moment| moment.as_second() as f64),
            document: self.profile.clone(),
        }
    }

    pub fn references(&self) -> Vec<Reference> {
        let features = self.features.iter();
        features
            .map(|feature| Reference {
                feature: feature.clone(),
                profile: self.hash.clone(),
                learned: self.learned,
            })
            .collect()
    }
}
