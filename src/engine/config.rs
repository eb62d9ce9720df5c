//! What the engine is told: plain data, made from the settings and the profiles they name.

use std::collections::HashMap;
use std::sync::Arc;

use super::snapshot::Detail;
use crate::batch::Role;
use crate::profile::{Kind, Profile, Variation};

/// Everything that the engine is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Windows, shortest first.
    pub windows: Vec<WindowConfig>,
    /// What time a row belongs to.
    pub clock: Clock,
    /// When a learned reference is complete.
    pub learning: Learning,
    /// Length of the burn-in in microseconds, in which production learns how rows hang together where
    /// the profile does not say; 0: there is none.
    pub burn_in_micros: i64,
    /// Defaults of every feature.
    pub feature: FeatureConfig,
    /// Models that the settings name.
    pub models: HashMap<Arc<str>, ModelConfig>,
    /// Fields followed per model and version.
    pub max_fields: usize,
    /// Fields followed in all models and versions together, beside those that profile files name.
    pub max_total_fields: usize,
    /// Series of all models together.
    pub max_series: usize,
}

/// A sliding window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowConfig {
    /// Label value, such as `1h`.
    pub label: Arc<str>,
    /// Length in microseconds, at least 12.
    pub micros: i64,
}

/// What time a row belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The moment it arrives.
    #[default]
    Wall,
    /// Its own time; now is the newest row.
    Event,
}

/// When a learned reference is complete: at whichever bound comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learning {
    /// Rows.
    pub rows: u64,
    /// Bytes of memory held while learning.
    pub bytes: usize,
}

/// What the settings say of one model.
#[derive(Clone, Debug, Default)]
pub struct ModelConfig {
    /// Reference of all versions without one of their own.
    pub profile: Option<Arc<Profile>>,
    /// Reference that was learned before and kept, used when there is no other.
    pub learned: Option<Arc<Profile>>,
    /// References of single versions.
    pub versions: HashMap<Arc<str>, Arc<Profile>>,
    /// What burn-ins before have found and was kept, by version and feature.
    pub burnt_in: HashMap<Arc<str>, HashMap<Arc<str>, BurntIn>>,
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

    /// Number of the slice that a moment falls into.
    pub fn slice(&self, micros: i64) -> i64 {
        micros.div_euclid(self.slice_micros())
    }

    /// Length of a slice in microseconds.
    pub fn slice_micros(&self) -> i64 {
        (self.micros / crate::window::SLICES as i64).max(1)
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
            learning: Learning {
                rows: 5_000,
                bytes: 8 << 20,
            },
            burn_in_micros: 7 * 86_400_000_000,
            feature: FeatureConfig::default(),
            models: HashMap::new(),
            max_fields: 2_000,
            max_total_fields: 10_000,
            max_series: 20_000,
        }
    }
}
