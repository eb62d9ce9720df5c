//! One field of one model and version: its reference, its sums, its windows.
//!
//! Rows come in by `fold`, into pending sums, and `time` takes those to the windows; which sums and
//! windows there are, `kept` decides from the reference and the settings.

mod distinct;
mod fold;
mod kept;
mod reference;
mod scratch;
mod time;

use std::sync::Arc;

use super::alarms::Alarms;
use super::budget::FeatureShape;
use super::burn_in::BurnIn;
use super::cell_sums::CellSums;
use super::config::{Config, FeatureConfig};
use super::embedding::Embedding;
use super::new_names::NewNames;
use super::snapshot::Detail;
use crate::batch::Role;
use crate::learn::MAX_CELLS;
use crate::profile::{Cells, Kind, Variation};
use crate::statistic::DISTANCE_NAMES;
use crate::tally::{FeatureTally, Tally};
use crate::window::{Ring, Seasonal};
use distinct::Distinct;
use kept::Past;
pub(super) use reference::Reference;
pub(super) use scratch::Scratch;

/// A field that is followed.
pub(super) struct Field {
    pub name: Arc<str>,
    pub role: Role,
    /// The role without what the settings say.
    pub own_role: Role,
    /// What the settings say of it, all levels together.
    pub config: FeatureConfig,
    pub reference: Option<Reference>,
    /// Rows since the windows were last fed.
    pub pending: FeatureTally,
    /// Rows since the start; its cells since the reference is in force.
    pub since_start: FeatureTally,
    /// One per window.
    pub windows: Vec<Ring<FeatureTally>>,
    /// What is kept of the past, beside the windows.
    past: Past,
    /// Counts by the hour; only with cells, and while windows are compared with them.
    pub seasonal: Option<Box<Seasonal>>,
    /// Means per cell; only of numbers at detail `full`.
    pub cell_sums: Option<Box<CellSums>>,
    /// Where its vectors lie; only where the reference says where its own do.
    pub embedding: Option<Box<Embedding>>,
    /// Place among the fields of the version of the one that holds the cosines of this one's vectors.
    pub companion: Option<usize>,
    /// Different values in the longest window; only at detail `full`.
    pub distinct: Option<Box<Distinct>>,
    /// Learns how rows hang together, where the profile does not say.
    pub burn_in: BurnIn,
    /// Names of new categories.
    pub new_names: NewNames,
    /// Since when it is in alarm.
    pub alarms: Alarms,
}

impl Field {
    pub fn new(
        name: Arc<str>,
        role: Role,
        reference: Option<Reference>,
        model: &str,
        config: &Config,
    ) -> Self {
        let derived_from = reference.as_ref().and_then(Reference::derived_from);
        let feature_config = config.derived_feature(model, &name, derived_from);
        let mut field = Self {
            name,
            role: feature_config.role.unwrap_or(role),
            own_role: role,
            config: feature_config,
            reference: None,
            pending: FeatureTally::default(),
            since_start: FeatureTally::default(),
            windows: vec![Ring::new(&FeatureTally::default()); config.windows.len()],
            past: Past::of(config.references(model)),
            seasonal: None,
            cell_sums: None,
            embedding: None,
            companion: None,
            distinct: None,
            burn_in: BurnIn::Off,
            new_names: NewNames::default(),
            alarms: Alarms::default(),
        };
        field.set_reference(reference);
        field.follow_names(config);
        field
    }

    fn detail(&self) -> Detail {
        self.config.detail.unwrap_or(Detail::Standard)
    }

    /// How much its sums vary, as the profile says or the burn-in has found so far.
    pub fn variation(&self) -> Variation {
        let said = self.reference.as_ref().map(|of| of.feature.variation);
        self.burn_in.variation().or(said).unwrap_or_default()
    }

    /// How much it matters to the model, if anyone says.
    pub fn importance(&self) -> Option<f64> {
        let reference = self.reference.as_ref();
        let said = reference.and_then(|reference| reference.feature.importance);
        self.config.importance.or(said)
    }

    /// Cells of the reference; 0 without.
    pub fn cells(&self) -> usize {
        self.since_start.cells.len()
    }

    /// Whether the profile names this field, so that rows without it are absent.
    pub fn is_expected(&self) -> bool {
        self.reference.is_some() && self.derived_from().is_none()
    }

    /// Name of the field whose cosines these are; such a field has no column of its own.
    pub fn derived_from(&self) -> Option<&str> {
        self.reference.as_ref().and_then(Reference::derived_from)
    }

    /// Whether its cells are the nearest of reference vectors.
    pub fn has_centroids(&self) -> bool {
        let cells = self
            .reference
            .as_ref()
            .and_then(|r| r.feature.cells.as_ref());
        cells.is_some_and(|reference| matches!(reference.cells, Cells::Centroids(_)))
    }

    /// What decides how many series it has; `references` are those that its windows are compared
    /// with.
    pub fn shape(
        &self,
        config: &Config,
        references: usize,
        is_learning: bool,
    ) -> FeatureShape<'static> {
        let feature = self.reference.as_ref().map(|r| &r.feature);
        let cells = feature.and_then(|feature| feature.cells.as_ref());
        let cells = cells.map_or(0, |reference| reference.cells.len());
        FeatureShape {
            kind: match feature {
                Some(feature) => Some(feature.kind),
                None if is_learning => Some(Kind::Numeric),
                None => None,
            },
            cells: if is_learning { MAX_CELLS } else { cells },
            detail: self.detail(),
            fleet: self.config.fleet.unwrap_or(true),
            windows: config.windows.len(),
            references,
            distances: DISTANCE_NAMES,
        }
    }

    /// Bytes of memory held, without the reference, which is shared.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.pending.bytes()
            + self.since_start.bytes()
            + self.burn_in.bytes()
            + self.windows.iter().map(Ring::bytes).sum::<usize>()
            + self.cell_sums.as_ref().map_or(0, |sums| sums.bytes())
            + self.embedding.as_ref().map_or(0, |sums| sums.bytes())
            + self.seasonal.as_ref().map_or(0, |hours| hours.bytes())
            + self
                .distinct
                .as_ref()
                .map_or(0, |distinct| distinct.bytes())
            + self.new_names.bytes()
            + self.alarms.bytes()
    }
}

#[cfg(test)]
mod tests;
