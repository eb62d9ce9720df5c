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
