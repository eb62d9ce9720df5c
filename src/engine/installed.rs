//! A profile in force: its hash and its fields, shared by all versions of a model.

use std::sync::Arc;

use super::embedding;
use super::field::Reference;
use super::joint::MeasuredJoint;
use super::snapshot::ReferenceSnapshot;
use crate::learn::Learned;
use crate::profile::{FeatureProfile, OutlierReference, Profile, short};
use crate::tally::EmbeddingMap;

/// A profile in force.
#[derive(Clone, Debug)]
pub(super) struct Installed {
    pub profile: Arc<Profile>,
    /// First 8 hex digits of its hash.
    pub hash: Arc<str>,
    /// All 64 digits.
    pub full_hash: Arc<str>,
    source: Source,
    /// What was found while it was learned, sentences for the operator.
    warnings: Arc<[String]>,
    /// How unusual its rows are: as it says, or as the first rows of production were.
    pub outliers: Option<Arc<OutlierReference>>,
    /// How its features hang together: as it says, or as they did in the first rows of production.
    pub joint: Option<Arc<MeasuredJoint>>,
    /// Its fields, and what sums the vectors of each; shared by all versions.
    features: Vec<(Arc<FeatureProfile>, Option<Arc<EmbeddingMap>>)>,
}

/// Where a profile in force came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The settings name its file.
    File,
    /// Learned from the first rows of traffic.
    Learned,
    /// Made from a window of traffic, on demand.
    Rebaselined,
}

impl Source {
    /// The label value.
    const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Learned => "learned",
            Self::Rebaselined => "rebaselined",
        }
    }
}

impl Installed {
    pub fn new(profile: Arc<Profile>, source: Source) -> Self {
        let hash = profile.hash();
        let features = profile.features.iter();
        let features = features.map(|of| (Arc::new(of.clone()), embedding::map_of(of)));
        Self {
            outliers: profile.outliers.clone().map(Arc::new),
            joint: profile.joint.as_ref().map(MeasuredJoint::of).map(Arc::new),
            features: features.collect(),
            profile,
            hash: short(&hash).into(),
            full_hash: hash.into(),
            source,
            warnings: Arc::default(),
        }
    }

    /// What was just learned.
    pub fn learned(learned: Learned) -> Self {
        let fields = learned.report.fields.into_iter().flat_map(|field| {
            let name = field.name;
            let warnings = field.warnings.into_iter();
            warnings.map(move |warning| format!("{name}: {warning}"))
        });
        let warnings = learned.report.warnings.into_iter().chain(fields);
        Self {
            warnings: warnings.collect(),
            ..Self::new(Arc::new(learned.profile), Source::Learned)
        }
    }

    pub fn snapshot(&self) -> ReferenceSnapshot {
        let created = self.profile.provenance.created.parse::<jiff::Timestamp>();
        ReferenceSnapshot {
            profile: self.hash.clone(),
            source: self.source.as_str(),
            created_at: created.ok().map(|moment| moment.as_second() as f64),
            document: self.profile.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// Its fields as references. `file` is what the settings give, in whose place a re-baselined
    /// profile stands: fields that it lacks were learned.
    pub fn references(&self, file: Option<&Self>) -> Vec<Reference> {
        let is_of_file = |name: &str| {
            let known = file.into_iter().flat_map(|file| &file.features);
            known.into_iter().any(|(feature, _)| feature.name == name)
        };
        let features = self.features.iter();
        features
            .map(|(feature, embedding)| Reference {
                feature: feature.clone(),
                embedding: embedding.clone(),
                profile: self.hash.clone(),
                learned: match self.source {
                    Source::File => false,
                    Source::Learned => true,
                    Source::Rebaselined => !is_of_file(&feature.name),
                },
            })
            .collect()
    }
}
