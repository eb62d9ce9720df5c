//! What the windows of a version are compared with, in the order in which it is shown: the profile,
//! the same hours of the week before, the window before, other versions.
//!
//! All count by the cells of the profile, so each comparison is that of two lists of counts, and
//! none knows of the others.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::compare::compare;
use super::config::{Config, MOST_LEARNED_EFFECT, References, WindowConfig};
use super::evaluate;
use super::field::{Field, Reference};
use super::model::Model;
use super::snapshot::Drift;
use super::version::Version;
use crate::learn::WANDER_QUANTILE;
use crate::statistic::{self, Sensitivity, Sums};
use crate::tally::{CellSumsTally, FeatureTally};

/// Label value `reference` of the profile.
pub(super) const PROFILE: &str = "profile";
/// Label value `reference` of the same hours of the days before.
pub(super) const SEASONAL: &str = "seasonal";

/// What the windows of one version are compared with.
pub(super) struct Comparisons<'a> {
    chosen: &'a References,
    profile: Arc<str>,
    seasonal: Arc<str>,
    previous: Arc<str>,
    /// Other versions, by their labels.
    others: Vec<(Arc<str>, &'a Version)>,
    /// Hours that each window covers; `None` where it has no seasonal reference.
    hours: Vec<Option<RangeInclusive<i64>>>,
}

/// One side of a comparison.
struct Side<'a> {
    /// Rows in each cell.
    cells: Cow<'a, [u64]>,
    /// Mean of the values in each cell; empty if not known.
    means: Cow<'a, [f64]>,
    /// Mean and standard deviation of the values, if known.
    moments: Option<(f64, f64)>,
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
            Some(window.hours(now))
        };
        Self {
            chosen,
            profile: PROFILE.into(),
            seasonal: SEASONAL.into(),
            previous: "previous".into(),
            others: others.collect(),
            hours: config.windows.iter().map(hours).collect(),
        }
    }

    /// Label of the profile, if windows are compared with it.
    pub fn profile(&self) -> Option<&Arc<str>> {
        self.chosen.profile.then_some(&self.profile)
    }

    /// Label of the window before, if windows are compared with it.
    pub fn previous(&self) -> Option<&Arc<str>> {
        self.chosen.previous.then_some(&self.previous)
    }

    /// Other versions that this one is compared with, by their labels.
    pub fn others(&self) -> &[(Arc<str>, &'a Version)] {
        &self.others
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

    /// Drift of the window of a field at place `at` from each reference that has values. `sensitivity`
    /// is that against the profile, `usual` the part of it that wander brings.
    pub fn drifts(
        &self,
        field: &Field,
        at: usize,
        sensitivity: &Sensitivity,
        usual: f64,
    ) -> Vec<Drift> {
        let Some(cells) = field
            .reference
            .as_ref()
            .and_then(|of| of.feature.cells.as_ref())
        else {
            return Vec::new();
        };
        let window = Side::window(field, at);
        let against = |label: &Arc<str>, reference: &Side<'_>, sensitivity: &Sensitivity| {
            let sums = Sums {
                reference: &reference.cells,
                window: &window.cells,
                reference_means: &reference.means,
                window_means: &window.means,
                reference_moments: reference.moments,
                window_moments: window.moments,
            };
            compare(label, &cells.cells, &sums, sensitivity)
        };
        let profile = Side::profile(field).filter(|_| self.chosen.profile);
        let profile = profile.and_then(|side| against(&self.profile, &side, sensitivity));
        let seasonal = self.hours[at].as_ref();
        let seasonal = seasonal.and_then(|hours| Side::seasonal(field, hours));
        let seasonal = seasonal.map(|side| {
            let usual = seasonal_drift(field, self.hours[at].as_ref(), usual);
            (&self.seasonal, side, evaluate::sensitivity(field, usual))
        });
        let previous = Side::previous(field, at).map(|side| {
            // Both windows wander.
            (
                &self.previous,
                side,
                evaluate::sensitivity(field, 2.0 * usual),
            )
        });
        let others = self.others_of(field);
        let others = others.map(|(label, other)| (label, Side::window(other, at), *sensitivity));
        let live = seasonal.into_iter().chain(previous).chain(others);
        let live = live.filter_map(|(label, side, sensitivity)| {
            let drift = against(label, &side, &sensitivity)?;
            Some(Drift {
                reference_cells: Some(side.cells.into()),
                ..drift
            })
        });
        profile.into_iter().chain(live).collect()
    }
}

/// Drift that wander brings against the same hours of the week before: of what is left of it without the
/// rhythm of the day, as that week shows, for a window and for the mean of as many days. While too few
/// days are known, twice what is `usual`.
fn seasonal_drift(field: &Field, hours: Option<&RangeInclusive<i64>>, usual: f64) -> f64 {
    let groups = field.seasonal.as_ref().zip(hours);
    let groups = groups.map(|(seasonal, hours)| seasonal.groups_before(hours));
    let Some(groups) = groups else {
        return 2.0 * usual;
    };
    let days = groups.iter().map(Vec::len).max().unwrap_or(0).max(1) as f64;
    let wander = statistic::seasonal_wander(&groups, field.variation().design_effect);
    wander.map_or(2.0 * usual, |wander| {
        let usual = WANDER_QUANTILE * wander * (1.0 + 1.0 / days);
        usual.min(MOST_LEARNED_EFFECT)
    })
}

impl<'a> Side<'a> {
    /// The rows of the profile.
    fn profile(field: &'a Field) -> Option<Self> {
        let feature = &field.reference.as_ref()?.feature;
        let cells = feature.cells.as_ref()?;
        Some(Self {
            cells: Cow::Borrowed(&cells.rows),
            means: Cow::Borrowed(&cells.means),
            moments: feature.moments.as_ref().map(|of| (of.mean, of.stddev)),
        })
    }

    /// The rows of the week before at these hours: counts alone.
    fn seasonal(field: &Field, hours: &RangeInclusive<i64>) -> Option<Self> {
        Some(Self {
            cells: Cow::Owned(field.seasonal.as_ref()?.before(hours)?),
            means: Cow::default(),
            moments: None,
        })
    }

    /// The rows of the window at place `at`.
    fn window(field: &'a Field, at: usize) -> Self {
        let sums = field
            .cell_sums
            .as_ref()
            .map(|sums| sums.windows[at].total());
        Self::live(field, field.windows[at].total(), sums)
    }

    /// The rows of the window before, if it is kept.
    fn previous(field: &'a Field, at: usize) -> Option<Self> {
        let tally = field.windows[at].previous()?;
        let sums = field.cell_sums.as_ref();
        let sums = sums.and_then(|sums| sums.windows[at].previous());
        Some(Self::live(field, tally, sums))
    }

    /// Rows of traffic, with sums in units of the field's own reference.
    fn live(field: &Field, tally: &'a FeatureTally, sums: Option<&CellSumsTally>) -> Self {
        let numeric = field.reference.as_ref().and_then(Reference::numeric);
        let means = numeric
            .zip(sums)
            .map(|((cells, unit), sums)| sums.means(cells, unit));
        let unit = numeric.map(|(_, unit)| unit);
        Self {
            cells: Cow::Borrowed(&tally.cells),
            means: Cow::Owned(means.unwrap_or_default()),
            moments: unit.and_then(|of| Some((tally.mean(of)?, tally.stddev(of)?))),
        }
    }
}
