//! What the windows of a version are compared with, in the order in which it is shown: the profile,
//! the same hours of the week before, the window before, other versions.
//!
//! All count by the cells of the profile, so each comparison is that of two lists of counts, and
//! none knows of the others.

use std::borrow::Cow;
use std::sync::Arc;

use super::config::{Config, References, WindowConfig};
use super::field::Field;
use super::model::Model;
use super::version::Version;
use crate::profile::Moments;
use crate::tally::FeatureTally;
use crate::window::same_hours_before;

/// What the windows of one version are compared with.
pub(super) struct Comparisons<'a> {
    chosen: &'a References,
    profile: Arc<str>,
    seasonal: Arc<str>,
    previous: Arc<str>,
    /// Other versions, by their labels.
    others: Vec<(Arc<str>, &'a Version)>,
    /// Hours of the seasonal reference of each window; `None` where a window has none.
    hours: Vec<Option<Vec<i64>>>,
}

/// The other side of a comparison.
pub(super) struct Side<'a> {
    /// Label value `reference`.
    pub label: &'a Arc<str>,
    /// Rows in each cell.
    pub cells: Cow<'a, [u64]>,
    /// Whether these are the rows of the profile.
    pub is_profile: bool,
    /// Mean of the values in each cell, if known.
    pub means: &'a [f64],
    /// Mean and standard deviation, if known.
    pub moments: Option<(f64, f64)>,
}

impl<'a> Comparisons<'a> {
    /// Those of a version of a model.
    pub fn of(model: &'a Model, version: &str, chosen: &'a References, config: &Config) -> Self {
        let others = model.versions.iter();
        let others = others
            .filter(|(name, _)| ***name != *version && chosen.versions.contain(name))
            .map(|(name, other)| (format!("version:{name}").into(), other));
        let hours = |window: &WindowConfig| {
            let now = model
                .now
                .filter(|_| chosen.seasonal && window.has_seasonal())?;
            Some(same_hours_before(&window.hours(now)).collect())
        };
        Self {
            chosen,
            profile: "profile".into(),
            seasonal: "seasonal".into(),
            previous: "previous".into(),
            others: others.collect(),
            hours: config.windows.iter().map(hours).collect(),
        }
    }

    /// References of the version as a whole.
    pub fn count(&self) -> usize {
        self.own() + self.others.len()
    }

    /// References that the windows of a field are compared with.
    pub fn count_of(&self, field: &Field) -> usize {
        self.own() + self.others_of(field).count()
    }

    /// References that are not other versions.
    fn own(&self) -> usize {
        let chosen = self.chosen;
        [chosen.profile, chosen.seasonal, chosen.previous]
            .map(usize::from)
            .iter()
            .sum()
    }

    /// The same field of other versions, where it has the same cells.
    fn others_of<'f>(
        &'f self,
        field: &'f Field,
    ) -> impl Iterator<Item = (&'f Arc<str>, &'a Field)> {
        self.others.iter().filter_map(|(label, version)| {
            let other = version.field(&field.name)?;
            let is_same = other
                .reference
                .as_ref()?
                .has_cells_of(field.reference.as_ref()?);
            is_same.then_some((label, other))
        })
    }

    /// The other sides for the window of a field at place `at`.
    pub fn sides<'f>(&'f self, field: &'f Field, at: usize) -> Vec<Side<'f>> {
        let Some(reference) = &field.reference else {
            return Vec::new();
        };
        let moments = reference.feature.moments.as_ref();
        let mut sides = Vec::new();
        if let Some(cells) = reference
            .feature
            .cells
            .as_ref()
            .filter(|_| self.chosen.profile)
        {
            sides.push(Side {
                label: &self.profile,
                cells: Cow::Borrowed(&cells.rows),
                is_profile: true,
                means: &cells.means,
                moments: moments.map(|of| (of.mean, of.stddev)),
            });
        }
        if let (Some(seasonal), Some(hours)) = (&field.seasonal, &self.hours[at]) {
            sides.push(Side {
                label: &self.seasonal,
                cells: Cow::Owned(seasonal.pooled(hours.iter().copied())),
                is_profile: false,
                means: &[],
                moments: None,
            });
        }
        if let Some(previous) = field.windows[at].previous() {
            sides.push(live(&self.previous, previous, moments));
        }
        sides.extend(self.others_of(field).map(|(label, other)| {
            let own = other.reference.as_ref();
            let moments = own.and_then(|reference| reference.feature.moments.as_ref());
            live(label, other.windows[at].total(), moments)
        }));
        sides
    }
}

/// A side that was counted from traffic, with sums in units of `moments`.
fn live<'a>(label: &'a Arc<str>, tally: &'a FeatureTally, moments: Option<&Moments>) -> Side<'a> {
    Side {
        label,
        cells: Cow::Borrowed(&tally.cells),
        is_profile: false,
        means: &[],
        moments: moments.and_then(|of| Some((tally.mean(of)?, tally.stddev(of)?))),
    }
}
