//! The limits that alerts are raised at and dashboards draw: written once.

pub use crate::statistic::RATE_MARGIN;

/// Ratio above which something has drifted, for every feature alike.
pub const DRIFT_RATIO: f64 = 1.0;
/// Excess above which drift is not only certain but large: it pages.
pub const CRITICAL_EXCESS: f64 = 0.1;
/// Share of the judged features that have drifted above which it is one cause, not many.
pub const MANY_FEATURES: f64 = 0.25;
/// Age of a reference in seconds above which somebody should ask whether it still holds.
pub const STALE_REFERENCE: f64 = 180.0 * 86_400.0;
/// Seconds without an evaluation above which the figures are no longer of now.
pub const STALLED_EVALUATION: f64 = 120.0;
/// Share of rows that are shed, or of calls that cannot be decoded, above which figures are no longer those of the traffic.
pub const LOST_SHARE: f64 = 0.01;
/// Standard deviations around its history within which a figure of a model usually stays.
pub const BAND_SIGMAS: f64 = 4.0;
/// A model is said to have many drifted features only from so many on.
pub const MANY_FEATURES_AT_LEAST: u32 = 3;
/// Rows below which an empty field is no news: the least that any judgement needs.
pub const JUDGED_ROWS: u32 = 100;
/// Independent rows that the reference would have otherwise, below which a field may be constant or absent
/// by chance: e⁻¹⁴ is one in a million.
pub const BY_CHANCE: u32 = 14;
/// Calls that must have gone wrong in the long window before a burn rate counts, so that two
/// failures in a quiet night are none.
pub const BURNT_CALLS: u32 = 10;
/// Calls that five minutes must usually have for their absence to be no chance: e⁻²⁰ is one in 500 million.
pub const STEADY_CALLS: u32 = 20;
/// Times more, or fewer, calls than in the same hours of last week that are unusual.
pub const TRAFFIC_FACTOR: f64 = 3.0;
/// How much the share of a version may grow or shrink in a window in which it is compared with others:
/// else they have seen different hours.
pub const STEADY_SHARE: f64 = 2.0;
