//! A reference that is being learned from the first rows of a model.

use std::collections::HashSet;
use std::sync::Arc;

use super::config::Config;
use super::room::{Room, Taken};
use crate::batch::Role;
use crate::learn::{FieldOverride, LearnOptions, Learner, Scope, VectorSample};
use crate::profile::{Profile, Provenance};

/// Models that learn at once with all the memory that the settings give to one; more share it.
const FULL_LEARNERS: usize = 4;

/// The learner of a model without a reference, or without one of its outputs.
pub(super) struct Learning {
    pub learner: Learner,
    /// The version whose rows it learns from: the first one seen.
    pub version: Arc<str>,
    /// Its place among the models that learn.
    place: Taken,
}

impl Learning {
    /// Takes a place among the `learners`.
    pub fn new(learner: Learner, version: Arc<str>, learners: &Room) -> Self {
        let mut place = learners.part();
        place.take(usize::MAX);
        Self {
            learner,
            version,
            place,
        }
    }

    /// Whether there are enough rows, or no memory for more.
    pub fn is_complete(&self, config: &Config) -> bool {
        let learners = self.place.taken_by_all().max(FULL_LEARNERS);
        let share = config.learning.bytes / learners * FULL_LEARNERS;
        self.learner.rows() >= config.learning.rows || self.learner.bytes() >= share
    }

    /// The reference; `wall` is the wall time in microseconds.
    pub fn finish(self, wall: i64) -> Profile {
        self.learner.finish(Provenance {
            created: rfc3339(wall),
            source: "learned".into(),
            tool: concat!("driftgauge ", env!("CARGO_PKG_VERSION")).into(),
            ..Provenance::default()
        })
    }
}

/// A learner of the fields that have no reference: all of them, or the outputs that are not in
/// `known`.
pub(super) fn learner(
    model: &Arc<str>,
    config: &Config,
    outputs_only: bool,
    known: &HashSet<&str>,
) -> Learner {
    let said = config.models.get(model).map(|model| &model.features);
    let overrides = said.into_iter().flatten().map(|(name, feature)| {
        let overridden = FieldOverride {
            role: feature.role,
            kind: feature.kind,
            importance: feature.importance,
        };
        (name.to_string(), overridden)
    });
    let roles = if outputs_only {
        vec![Role::Prediction, Role::Score]
    } else {
        Vec::new()
    };
    Learner::new(LearnOptions {
        model: Some(model.to_string()),
        overrides: overrides.collect(),
        scope: Scope {
            roles,
            only: None,
            except: known.iter().map(ToString::to_string).collect(),
        },
        measures_variation: false,
        time_column: None,
        vectors: VectorSample {
            bytes: config.learning.bytes / 4,
            ..VectorSample::default()
        },
    })
}

/// RFC 3339 in UTC, to the second.
pub(super) fn rfc3339(micros: i64) -> String {
    jiff::Timestamp::from_second(micros.div_euclid(1_000_000))
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}
