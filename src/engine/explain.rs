//! One comparison in full: what moved from where to where, cell by cell.
//!
//! Made from a snapshot when somebody asks, so it costs nothing while nobody does. The status page
//! and the API show it; the contributions add up to the drift of the snapshot.

mod quantiles;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use super::snapshot::{Drift, FeatureReference, FeatureSnapshot, FeatureWindow, ModelSnapshot};
use crate::profile::{Cells, Moments};
use crate::statistic::{Shape, is_raised, minimum_rows, normal_tail, psi_terms};
use crate::tally::Frequent;
pub use quantiles::Quantile;
pub use words::number as number_for_people;
pub use words::percent as percent_for_people;

/// A field in a window, against a reference. What cannot be computed is `None`.
#[derive(Debug, Serialize)]
pub struct Explanation<'s> {
    /// Name of the model.
    pub model: &'s str,
    /// Its version.
    pub version: &'s str,
    /// Name of the field.
    pub feature: &'s str,
    /// What it is to the model.
    pub role: &'static str,
    /// How the reference looks at it.
    pub kind: Option<&'static str>,
    /// The window.
    pub window: &'s str,
    /// State of the field in it.
    pub state: &'static str,
    /// The above in a sentence or two, for people.
    pub summary: String,
    /// What the window is compared with.
    pub reference: Option<Against<'s>>,
    /// Usable values in the window.
    pub rows: u64,
    /// PSI.
    pub drift: Option<f64>,
    /// What it must exceed.
    pub threshold: Option<f64>,
    /// drift / threshold; above 1 is drift.
    pub ratio: Option<f64>,
    /// PSI without the noise of few rows.
    pub excess: Option<f64>,
    /// How far beyond the tolerated change, in standard deviations.
    pub z: Option<f64>,
    /// Chance of so much or more if the change were the tolerated one.
    pub p_value: Option<f64>,
    /// Other views of the same change.
    pub distances: BTreeMap<&'static str, f64>,
    /// Since when ratio is above 1 without a break, in seconds since the Unix epoch.
    pub since: Option<f64>,
    /// Which way the drift of the field came, by all its windows.
    pub shape: Option<&'static str>,
    /// Mean, standard deviation and range; only of numbers, those of the reference only of a profile.
    pub moments: Sides<Option<Moments>>,
    /// Quantiles interpolated within cells; only of numbers that are neither true nor false.
    pub quantiles: Vec<Quantile>,
    /// What is unusable or unheard of, against the profile.
    pub rates: Rates,
    /// Most frequent new categories, as far as they may be named.
    pub new_categories: Vec<NewCategory<'s>>,
    /// Every cell in order.
    pub bins: Vec<Bin>,
    /// Labels of the bins that contribute, most first.
    pub top: Vec<String>,
}

/// What a window is compared with.
#[derive(Debug, Serialize)]
pub struct Against<'s> {
    /// Label value, such as `profile`.
    pub source: &'s str,
    /// Short hash of the profile whose cells are used.
    pub profile: &'s str,
    /// Whether that was learned from traffic.
    pub learned: bool,
    /// Its usable values.
    pub rows: u64,
}

/// The same figure of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sides<T> {
    /// Of the reference.
    pub reference: T,
    /// Of the window.
    pub window: T,
}

/// Shares of rows that the profile says something of.
#[derive(Debug, Serialize)]
pub struct Rates {
    /// Rows without a usable value / rows.
    pub missing: Option<Rate>,
    /// Values outside the range of the profile / values; only of numbers.
    pub out_of_range: Option<Rate>,
    /// Values that the profile has never seen / values; only of categories.
    pub new_category: Option<Rate>,
}

/// A share of rows.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rate {
    /// In the profile.
    pub reference: f64,
    /// In the window.
    pub window: f64,
    /// Whether it is higher than in the profile, and not by chance; never below the rows that drift needs.
    pub raised: bool,
}

/// A cell.
#[derive(Debug, Serialize)]
pub struct Bin {
    /// Its label.
    pub bin: String,
    /// What it holds; `None` for categories learned from traffic, which are row values.
    pub range: Option<String>,
    /// Values of the reference.
    pub reference_rows: u64,
    /// The same as a share of all.
    pub reference_share: f64,
    /// Values of the window.
    pub window_rows: u64,
    /// The same as a share of all.
    pub window_share: f64,
    /// Its part of the drift.
    pub contribution: f64,
}

/// A new category.
#[derive(Debug, Serialize)]
pub struct NewCategory<'s> {
    /// The category.
    pub name: &'s str,
    /// It came at least so often.
    pub at_least: u64,
    /// And at most so often.
    pub at_most: u64,
}

impl<'s> From<&'s Frequent> for NewCategory<'s> {
    fn from(frequent: &'s Frequent) -> Self {
        Self {
            name: &frequent.text,
            at_least: frequent.at_least,
            at_most: frequent.at_most,
        }
    }
}

impl<'s> Explanation<'s> {
    /// Explains `window` of `feature` of `model`; without `drift`, that there is none.
    pub fn of(
        model: &'s ModelSnapshot,
        feature: &'s FeatureSnapshot,
        window: &'s FeatureWindow,
        drift: Option<&'s Drift>,
    ) -> Self {
        let reference = feature.reference.as_ref();
        let profile = reference.map(|reference| &*reference.feature);
        let bins = match (reference, drift) {
            (Some(reference), Some(drift)) => bins(reference, window, drift),
            _ => Vec::new(),
        };
        let is_profile = drift.is_none_or(|drift| drift.reference_cells.is_none());
        let mut explanation = Self {
            model: &model.model,
            version: &model.version,
            feature: &feature.name,
            role: feature.role.as_str(),
            kind: profile.map(|profile| profile.kind.as_str()),
            window: &window.window,
            state: window.state.as_str(),
            summary: String::new(),
            reference: reference.zip(drift).map(|(reference, drift)| Against {
                source: &drift.reference,
                profile: &reference.profile,
                learned: reference.learned,
                rows: bins.iter().map(|bin| bin.reference_rows).sum(),
            }),
            rows: window.values,
            drift: drift.map(|drift| drift.psi),
            threshold: drift.map(|drift| drift.threshold),
            ratio: drift.and_then(|drift| drift.ratio),
            excess: drift.map(|drift| drift.excess),
            z: drift.and_then(|drift| drift.z),
            p_value: drift.and_then(|drift| drift.z).map(normal_tail),
            distances: drift.map_or_else(BTreeMap::new, |drift| {
                drift.distances.iter().copied().collect()
            }),
            since: drift.and_then(|drift| drift.since),
            shape: feature.shape.map(Shape::as_str),
            moments: Sides {
                reference: profile.and_then(|of| of.moments).filter(|_| is_profile),
                window: moments(window),
            },
            quantiles: match (reference, drift) {
                (Some(reference), Some(drift)) => quantiles::quantiles(reference, window, drift),
                _ => Vec::new(),
            },
            rates: Rates::of(reference, window),
            new_categories: feature
                .new_categories
                .iter()
                .map(NewCategory::from)
                .collect(),
            top: top(&bins),
            bins,
        };
        explanation.summary = words::summary(&explanation, feature, window);
        explanation
    }
}

fn moments(window: &FeatureWindow) -> Option<Moments> {
    Some(Moments {
        mean: window.mean?,
        stddev: window.stddev?,
        min: window.min?,
        max: window.max?,
    })
}

fn bins(reference: &FeatureReference, window: &FeatureWindow, drift: &Drift) -> Vec<Bin> {
    let Some(counted) = &reference.feature.cells else {
        return Vec::new();
    };
    let reference_rows = drift.reference_cells.as_deref().unwrap_or(&counted.rows);
    if reference_rows.len() != window.cells.len() {
        return Vec::new();
    }
    let Some(terms) = psi_terms(reference_rows, &window.cells) else {
        return Vec::new();
    };
    let hide = reference.hides_categories();
    let share = |rows: u64, all: &[u64]| rows as f64 / all.iter().sum::<u64>() as f64;
    let rows = reference_rows.iter().zip(&window.cells);
    let bins = rows
        .zip(terms)
        .enumerate()
        .map(|(cell, ((&r, &c), term))| Bin {
            bin: counted.cells.bin(cell),
            range: (!hide).then(|| counted.cells.range(cell)),
            reference_rows: r,
            reference_share: share(r, reference_rows),
            window_rows: c,
            window_share: share(c, &window.cells),
            contribution: term,
        });
    bins.collect()
}

fn top(bins: &[Bin]) -> Vec<String> {
    let mut top: Vec<_> = bins.iter().filter(|bin| bin.contribution > 0.0).collect();
    top.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
    top.into_iter().map(|bin| bin.bin.clone()).collect()
}

impl Rates {
    /// Those of a window against the profile of its field; without one there is none.
    pub fn of(reference: Option<&FeatureReference>, window: &FeatureWindow) -> Self {
        let Some(reference) = reference else {
            return Self {
                missing: None,
                out_of_range: None,
                new_category: None,
            };
        };
        let design_effect = reference.variation.design_effect;
        let z = reference.significance;
        let feature = &*reference.feature;
        let (values, missing) = (feature.values(), feature.missing.total());
        // Of a handful of rows, half may be anything.
        let independent = minimum_rows(window.cells.len().max(1), 1.0);
        let least = (independent as f64 * design_effect).ceil() as u64;
        let judge = |share: Option<f64>, rows: u64, was: Option<f64>, of: u64, expected: f64| {
            let (share, was) = share.zip(was)?;
            let count = (share * rows as f64).round() as u64;
            // The reference's rate is that of a sample, too.
            let design_effect = design_effect * (1.0 + rows as f64 / of.max(1) as f64);
            Some(Rate {
                reference: was,
                window: share,
                raised: rows >= least && is_raised(count, rows, was + expected, design_effect, z),
            })
        };
        Self {
            missing: judge(
                window.null_ratio,
                window.values + window.missing.total(),
                feature.null_ratio(),
                values + missing,
                0.0,
            ),
            out_of_range: judge(
                window.out_of_range_ratio,
                window.values,
                feature.moments.map(|_| 0.0),
                values,
                // One value in m + 1 is the smallest of all, and one the largest.
                2.0 / (values as f64 + 1.0),
            ),
            new_category: judge(
                window.new_category_ratio,
                window.values,
                feature.new_category_ratio(),
                values,
                0.0,
            ),
        }
    }
}

impl FeatureReference {
    /// What a cell holds, for people: `between 23 and 31`, `JFK`; its label where that is a value of
    /// rows.
    pub fn place(&self, cell: usize) -> String {
        match self.feature.cells.as_ref().map(|counted| &counted.cells) {
            Some(Cells::Numeric(cells)) => {
                words::place(cells, self.feature.kind, &(cell..cell + 1))
            }
            Some(cells) if !self.hides_categories() => cells.range(cell),
            Some(cells) => cells.bin(cell),
            None => String::new(),
        }
    }

    /// Whether its categories must not be named: those learned from traffic are row values.
    pub fn hides_categories(&self) -> bool {
        let cells = self.feature.cells.as_ref().map(|counted| &counted.cells);
        self.learned && matches!(cells, Some(Cells::Categorical(_)))
    }
}
