//! Names of the recorded series, `level:metric:operations`.
//!
//! The level says which labels are left beside those of the fleet (`namespace`, `job`, …):
//! `model` has `model` and `version`; `feature` also `feature`, `role` and, where it depends on the
//! reference, `profile`; `feature_bin` also `bin`. What is recorded for several windows has the label
//! `window` like the sidecar's own figures, so that one name serves all.

/// Reference rows of each cell.
pub const REFERENCE_CELLS: &str = "feature_bin:driftgauge_reference_bin_rows:max";
/// m: reference rows.
pub const REFERENCE_ROWS: &str = "feature:driftgauge_reference_bin_rows:sum";
/// B: cells.
pub const CELLS: &str = "feature:driftgauge_reference_bin_rows:count";
/// φ, 1 where it is not exported. Without `profile`.
pub const DESIGN_EFFECT: &str = "feature:driftgauge_reference_design_effect:max";
/// z, the default where it is not exported. Without `profile`.
pub const SIGNIFICANCE: &str = "feature:driftgauge_reference_significance:max";

/// c: values of each cell in a window, over all pods; `window`. Learned references are left out.
pub const WINDOW_CELLS: &str = "feature_bin:driftgauge_feature_bin:increase";
/// Part of each cell in the drift; `window`.
pub const DRIFT_TERMS: &str = "feature_bin:driftgauge_feature_drift:fleet";
/// n: usable values in a window; `window`.
pub const WINDOW_ROWS: &str = "feature:driftgauge_feature_window_rows:fleet";

/// PSI over all pods; `window`, `reference`.
pub const DRIFT: &str = "feature:driftgauge_feature_drift:fleet";
/// T(n); `window`, `reference`.
pub const THRESHOLD: &str = "feature:driftgauge_feature_drift_threshold:fleet";
/// Drift in units of its threshold, absent with too few rows; `window`, `reference`.
pub const RATIO: &str = "feature:driftgauge_feature_drift_ratio:fleet";
/// Drift beyond the noise of sampling; `window`, `reference`.
pub const EXCESS: &str = "feature:driftgauge_feature_drift_excess:fleet";
/// Other views of the same change; `window`, `reference`, `statistic` (`js`, `hellinger`, `l1`, `linf`).
pub const DISTANCE: &str = "feature:driftgauge_feature_distance:fleet";
/// Drift of each version from all other versions of the model together; `window`, reference `versions`.
pub const VERSION_RATIO: &str = "feature:driftgauge_feature_drift_ratio:versions";

/// Missing / all values over all pods; `window`.
pub const NULL_RATIO: &str = "feature:driftgauge_feature_null_ratio:fleet";
/// Values outside the range of the reference / values; `window`.
pub const OUT_OF_RANGE_RATIO: &str = "feature:driftgauge_feature_out_of_range_ratio:fleet";
/// Values never seen in the reference / values; `window`.
pub const NEW_CATEGORY_RATIO: &str = "feature:driftgauge_feature_new_category_ratio:fleet";
/// Wilson's lower bound of the first, less that of the reference: above 0.005 it is raised; `window`.
pub const NULL_RATIO_RAISE: &str = "feature:driftgauge_feature_null_ratio:raise";
/// The same of values out of range.
pub const OUT_OF_RANGE_RATIO_RAISE: &str = "feature:driftgauge_feature_out_of_range_ratio:raise";
/// The same of new categories.
pub const NEW_CATEGORY_RATIO_RAISE: &str = "feature:driftgauge_feature_new_category_ratio:raise";

/// Drift of the model as a whole: `kind="worst_feature"` over all pods, the others of the worst pod;
/// `window`, `reference`, `kind`.
pub const MODEL_RATIO: &str = "model:driftgauge_model_drift_ratio:fleet";
/// Fields whose ratio is above 1; `window`, `reference`.
pub const DRIFTED_FEATURES: &str = "model:driftgauge_model_drifted_features:fleet";
/// Fields with a ratio; `window`, `reference`.
pub const JUDGED_FEATURES: &str = "model:driftgauge_feature_drift_ratio:count";
/// Outlier ratio in units of its threshold, of the worst pod; `window`.
pub const OUTLIERS: &str = "model:driftgauge_outlier_ratio_per_threshold:max";

/// Rows a second over all pods, 5 minutes.
pub const THROUGHPUT: &str = "model:driftgauge_predictions:rate5m";
/// Calls a second, 5 minutes.
pub const CALLS: &str = "model:driftgauge_requests:rate5m";
/// Failed calls a second by `code`, 5 minutes.
pub const ERRORS: &str = "model_code:driftgauge_request_errors:rate5m";
/// Failed / all calls, 5 minutes.
pub const ERROR_RATIO: &str = "model:driftgauge_request_errors_per_requests:ratio_rate5m";
/// Latency over all pods, 5 minutes; `q` as the sidecar's own (`0.5`, `0.9`, `0.99`).
pub const LATENCY: &str = "model:driftgauge_request_duration_seconds:quantile_rate5m";
