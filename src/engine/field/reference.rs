//! The reference of a field: its part of a profile, and which profile that is.
//!
//! When another takes its place, it says what of the sums can stay.

use std::sync::Arc;

use crate::profile::{Cells, FeatureProfile, Moments, NumericCells};
use crate::tally::EmbeddingMap;

/// What a field is compared with.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Reference {
    pub feature: Arc<FeatureProfile>,
    /// What sums its vectors.
    pub embedding: Option<Arc<EmbeddingMap>>,
    /// Short hash of the profile that it belongs to.
    pub profile: Arc<str>,
    pub learned: bool,
}

impl Reference {
    /// Name of the field whose cosines these are.
    pub fn derived_from(&self) -> Option<&str> {
        self.feature.derived_from.as_deref()
    }

    /// Cells on the number line, and the unit that sums are kept in.
    pub fn numeric(&self) -> Option<(&NumericCells, &Moments)> {
        match (&self.feature.cells.as_ref()?.cells, &self.feature.moments) {
            (Cells::Numeric(cells), Some(moments)) => Some((cells, moments)),
            _ => None,
        }
    }

    /// Whether values of both fall into the same cells.
    pub fn has_cells_of(&self, other: &Self) -> bool {
        fn cells(of: &Reference) -> Option<&Cells> {
            Some(&of.feature.cells.as_ref()?.cells)
        }
        Arc::ptr_eq(&self.feature, &other.feature) || cells(self) == cells(other)
    }

    /// Whether windows counted against `other` can be read against this one.
    pub(super) fn has_sums_of(&self, other: &Self) -> bool {
        let has_moments = |reference: &Self| reference.feature.moments.is_some();
        self.has_cells_of(other) && has_moments(self) == has_moments(other)
    }
}
