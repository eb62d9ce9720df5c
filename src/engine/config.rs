//! What the engine is told: plain data, made from the settings and the profiles they name.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::snapshot::Detail;
use crate::batch::Role;
use crate::learn::OUTLIER_FEATURES;
use crate::profile::{Kind, Profile, Variation};
use crate::statistic::DEPENDENCE_MARGIN;
use crate::tally::MOST_JOINT_FEATURES;
use crate::window::{HOUR_MICROS, HOURS, SLICES, hour_of};

/// Everything that the engine is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Windows, shortest first.
    pub windows: Vec<WindowConfig>,
    /// What time a row belongs to.
    pub clock: Clock,
    /// What windows are compared with, where a model does not say otherwise.
    pub references: References,
    /// When a learned reference is complete.
    pub learning: Learning,
    /// Length of the burn-in in microseconds, in which production learns how rows hang together where
    /// the profile does not say; 0: there is none.
    pub burn_in_micros: i64,
    /// Defaults of every feature.
    pub feature: FeatureConfig,
    /// How unusual rows are looked for.
    pub outliers: OutlierConfig,
    /// How features are looked at together.
    pub joint: JointConfig,
    /// Models that the settings name.
    pub models: HashMap<Arc<str>, ModelConfig>,
    /// Fields followed per model and version.
    pub max_fields: usize,
    /// Fields followed in all models and versions together, beside those that profile files name.
    pub max_total_fields: usize,
    /// Series of all models together.
    pub max_series: usize,
    /// Microseconds that the rows of all windows span, where rows of other times are folded at one
    /// moment; `None`: each window spans its length.
    pub rows_span: Option<i64>,
    /// Whether the most frequent new categories are named, which are row values.
    pub name_new_categories: bool,
    /// Whether calls may end with an HTTP status: then the usual ones are counted from the start,
    /// beside the gRPC codes.
    pub http_codes: bool,
}

/// A sliding window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowConfig {
    /// Label value, such as `1h`.
    pub label: Arc<str>,
    /// Length in microseconds, at least 12.
    pub micros: i64,
}

/// What time a row belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// The moment it arrives.
    #[default]
    Wall,
    /// Its own time; now is the newest row.
    Event,
}

/// What windows are compared with: several references at once, which never mix. All but the profile
/// need cells as well, which are those of the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    /// The profile, of a file or learned.
    pub profile: bool,
    /// The seven days before, at the hours that the window covers; of windows of at most a day.
    pub seasonal: bool,
    /// The window of the same length before.
    pub previous: bool,
    /// Other versions of the same model, in the same window, where their cells are the same.
    pub versions: OtherVersions,
}

/// Which other versions of a model a version is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OtherVersions {
    /// None.
    #[default]
    None,
    /// Every one there is.
    All,
    /// Those of these names, when they are there.
    Named(Vec<Arc<str>>),
}

impl OtherVersions {
    /// Whether `version` is one of them.
    pub fn contain(&self, version: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| **name == *version),
        }
    }
}

impl Default for References {
    /// The profile alone.
    fn default() -> Self {
        Self {
            profile: true,
            seasonal: false,
            previous: false,
            versions: OtherVersions::None,
        }
    }
}

/// When a learned reference is complete: at whichever bound comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learning {
    /// Rows.
    pub rows: u64,
    /// Bytes of memory held while learning.
    pub bytes: usize,
}

/// How unusual rows are looked for; either at 0 switches it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierConfig {
    /// Features that rows are judged by, at most.
    pub features: usize,
    /// One run of rows in so many is looked at.
    pub sample: u64,
}

impl Default for OutlierConfig {
    fn default() -> Self {
        Self {
            features: OUTLIER_FEATURES,
            sample: 1,
        }
    }
}

/// How features are looked at together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointConfig {
    /// Most features of a reference that is learned from traffic; 0 switches all of it off.
    pub features: usize,
    /// One row in so many is looked at.
    pub sample: usize,
    /// Change of the mean product of two normal scores that is still harmless.
    pub minimum_correlation: f64,
    /// Squared distance of two mean embeddings that is still harmless, in units of the variance of
    /// a row's embedding.
    pub minimum_discrepancy: f64,
}

impl Default for JointConfig {
    fn default() -> Self {
        Self {
            features: MOST_JOINT_FEATURES,
            sample: 1,
            minimum_correlation: DEPENDENCE_MARGIN,
            minimum_discrepancy: 0.0003,
        }
    }
}

/// What the settings say of one model.
#[derive(Clone, Debug, Default)]
pub struct ModelConfig {
    /// Reference of all versions without one of their own.
    pub profile: Option<Arc<Profile>>,
    /// Reference that was learned before and kept, used when there is no other.
    pub learned: Option<Arc<Profile>>,
    /// References that were re-baselined before and kept; each says what it stands for.
    pub rebaselined: Vec<Arc<Profile>>,
    /// References of single versions.
    pub versions: HashMap<Arc<str>, Arc<Profile>>,
    /// What burn-ins before have found and was kept, by version and feature.
    pub burnt_in: HashMap<Arc<str>, HashMap<Arc<str>, BurntIn>>,
    /// What its windows are compared with; `None`: as those of all models.
    pub references: Option<References>,
    /// What is said of all its features.
    pub feature: FeatureConfig,
    /// What is said of single features.
    pub features: HashMap<Arc<str>, FeatureConfig>,
}

/// What a burn-in has found for one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct BurntIn {
    /// First 8 hex digits of the hash of the profile in force.
    pub profile: Arc<str>,
    /// What it found.
    pub variation: Variation,
}

/// What the settings say of a feature; what is `None` is left to the next wider level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FeatureConfig {
    /// Role, against what source and profile say.
    pub role: Option<Role>,
    /// Kind, when a reference is learned.
    pub kind: Option<Kind>,
    /// How much it matters to the model, against what the profile says.
    pub importance: Option<f64>,
    /// How much is exposed.
    pub detail: Option<Detail>,
    /// Whether the cell counters are exposed.
    pub fleet: Option<bool>,
    /// Smallest PSI worth an alarm, δ.
    pub minimum_effect: Option<f64>,
    /// One-sided significance in standard deviations, z.
    pub significance: Option<f64>,
}

/// Smallest PSI worth an alarm unless the settings say otherwise.
pub const MINIMUM_EFFECT: f64 = 0.02;
/// Significance in standard deviations unless the settings say otherwise: α = 1e-6.
pub const SIGNIFICANCE: f64 = 4.75;

/// Smallest PSI worth an alarm that a burn-in may set by itself: it cannot tell a world that wanders
/// from a first week in which something went wrong. A larger one is for people to say, in the
/// settings or by a profile that has it.
pub const MOST_LEARNED_EFFECT: f64 = 0.1;

impl FeatureConfig {
    /// This, and where it says nothing, `wider`.
    pub fn or(self, wider: Self) -> Self {
        Self {
            role: self.role.or(wider.role),
            kind: self.kind.or(wider.kind),
            importance: self.importance.or(wider.importance),
            detail: self.detail.or(wider.detail),
            fleet: self.fleet.or(wider.fleet),
            minimum_effect: self.minimum_effect.or(wider.minimum_effect),
            significance: self.significance.or(wider.significance),
        }
    }
}

impl Config {
    /// What is said of a feature at all levels together.
    pub fn feature(&self, model: &str, feature: &str) -> FeatureConfig {
        let Some(model) = self.models.get(model) else {
            return self.feature;
        };
        let own = model.features.get(feature).copied().unwrap_or_default();
        own.or(model.feature).or(self.feature)
    }

    /// Microseconds of traffic that a window stands for.
    pub fn stands_for(&self, window: &WindowConfig) -> i64 {
        self.rows_span.unwrap_or(window.micros)
    }

    /// What the windows of a model are compared with.
    pub fn references(&self, model: &str) -> &References {
        let said = self.models.get(model);
        said.and_then(|model| model.references.as_ref())
            .unwrap_or(&self.references)
    }

    /// How far back rows of a model are remembered, in microseconds.
    pub fn memory_micros(&self, model: &str) -> i64 {
        let references = self.references(model);
        let spans = 1 + i64::from(references.previous);
        let windows = self.longest_window_micros().saturating_mul(spans);
        if references.seasonal && self.windows.iter().any(WindowConfig::has_seasonal) {
            windows.max(HOURS as i64 * HOUR_MICROS)
        } else {
            windows
        }
    }

    /// What is said of all features of a model.
    pub fn model_feature(&self, model: &str) -> FeatureConfig {
        let said = self.models.get(model).map(|model| model.feature);
        said.unwrap_or_default().or(self.feature)
    }

    /// What is said of a feature that may be derived from another one: it follows that one's role.
    pub fn derived_feature(
        &self,
        model: &str,
        feature: &str,
        derived_from: Option<&str>,
    ) -> FeatureConfig {
        let own = self.feature(model, feature);
        let source = derived_from.map(|source| self.feature(model, source));
        FeatureConfig {
            role: own.role.or(source.and_then(|source| source.role)),
            ..own
        }
    }

    /// Length of the longest window in microseconds.
    pub fn longest_window_micros(&self) -> i64 {
        self.windows.iter().map(|w| w.micros).max().unwrap_or(0)
    }
}

impl WindowConfig {
    /// A window of `seconds` seconds.
    pub fn of_seconds(label: &str, seconds: i64) -> Self {
        Self {
            label: label.into(),
            micros: seconds * 1_000_000,
        }
    }

    /// Whether the window can be compared with the same hours of the days before: it covers each of
    /// them once.
    pub fn has_seasonal(&self) -> bool {
        self.micros <= 24 * HOUR_MICROS
    }

    /// The hours that the window touches at `now`, as [`hour_of`] numbers them.
    pub fn hours(&self, now: i64) -> RangeInclusive<i64> {
        hour_of(self.start(now))..=hour_of(now)
    }

    /// Where the window begins at `now`, in microseconds.
    pub fn start(&self, now: i64) -> i64 {
        // Sources may claim any time at all.
        let oldest = self.slice(now).saturating_sub(SLICES as i64 - 1);
        oldest.saturating_mul(self.slice_micros())
    }

    /// Number of the slice that a moment falls into.
    pub fn slice(&self, micros: i64) -> i64 {
        micros.div_euclid(self.slice_micros())
    }

    /// Length of a slice in microseconds.
    pub fn slice_micros(&self) -> i64 {
        (self.micros / SLICES as i64).max(1)
    }
}

impl Default for Config {
    /// What `driftgauge serve` does without settings.
    fn default() -> Self {
        Self {
            windows: vec![
                WindowConfig::of_seconds("5m", 300),
                WindowConfig::of_seconds("1h", 3_600),
                WindowConfig::of_seconds("1d", 86_400),
            ],
            clock: Clock::Wall,
            references: References::default(),
            learning: Learning {
                rows: 5_000,
                bytes: 8 << 20,
            },
            burn_in_micros: 7 * 86_400_000_000,
            feature: FeatureConfig::default(),
            outliers: OutlierConfig::default(),
            joint: JointConfig::default(),
            models: HashMap::new(),
            max_fields: 2_000,
            max_total_fields: 10_000,
            max_series: 20_000,
            rows_span: None,
            name_new_categories: true,
            http_codes: false,
        }
    }
}
