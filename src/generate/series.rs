//! Names of the recorded series, `level:metric:operations`: the one table of them.
//!
//! The level says which labels are left beside those of the fleet (`namespace`, `job`, …):
//! `model` has `model` and `version`; `feature` also `feature` and `role`; `feature_bin` also `bin`.
//! What is recorded for several windows has the label `window` like the sidecar's own figures, so
//! that one name serves all. `deploy/rules.md` is made from this table.

use std::fmt::Write;

/// What is recorded under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// Name.
    pub name: &'static str,
    /// Label keys beyond those of the level and of the fleet.
    pub labels: &'static [&'static str],
    /// One sentence, on one line.
    pub help: &'static str,
}

macro_rules! recorded {
    ($( $id:ident = $name:literal, [$($label:literal),*], $help:literal; )*) => {
        $(
            #[doc = $help]
            pub const $id: &str = $name;
        )*
        /// All of them, in the order in which they are recorded.
        pub const ALL: &[Series] = &[$( Series { name: $name, labels: &[$($label),*], help: $help }, )*];
    };
}

#[rustfmt::skip]
recorded! {
    REFERENCE_CELLS = "feature_bin:driftgauge_reference_bin_rows:max", ["profile"], "Reference rows of each cell.";
    REFERENCE_ROWS = "feature:driftgauge_reference_bin_rows:sum", ["profile"], "m: reference rows.";
    CELLS = "feature:driftgauge_reference_bin_rows:count", ["profile"], "B: cells.";
    MINIMUM_ROWS = "feature:driftgauge_feature_minimum_rows:max", ["profile"], "Rows that both sides need before drift is judged.";
    JUDGED_FROM = "feature:driftgauge_feature_judged_rows:max", [], "Rows from which the rates of a field are judged: φ times 5 for each cell and 100 at least; 100 where that is not known.";
    MINIMUM_EFFECT = "feature:driftgauge_reference_minimum_effect:max", ["profile", "window"], "δ: smallest drift worth an alarm.";
    DESIGN_EFFECT = "feature:driftgauge_reference_design_effect:max", [], "φ, 1 where it is not exported.";
    SIGNIFICANCE = "feature:driftgauge_reference_significance:max", [], "z, the default where it is not exported.";
    REFERENCE_NOISE = "feature:driftgauge_reference_noise:max", [], "φ/m: what chance on the side of the reference brings, 0 where it is not exported.";

    WINDOW_CELLS = "feature_bin:driftgauge_feature_bin:increase", ["profile", "window"], "c: values of each cell in a window; references that a pod has learned by itself are left out.";
    WINDOW_ROWS = "feature:driftgauge_feature_window_rows:fleet", ["profile", "window"], "n: usable values in a window.";

    DRIFT_TERMS = "feature_bin:driftgauge_feature_drift:fleet", ["profile", "window"], "Part of each cell in the drift; cells that are empty on both sides have none.";
    DRIFT = "feature:driftgauge_feature_drift:fleet", ["profile", "window", "reference"], "PSI.";
    NOISE = "feature:driftgauge_feature_drift_noise:fleet", ["profile", "window", "reference"], "v = φ(1/n + 1/m): what chance brings for each cell beyond the first.";
    TOLERATED = "feature:driftgauge_feature_drift_tolerated:fleet", ["profile", "window", "reference"], "(B − 1)v + δ: drift that the largest harmless change shows on average.";
    THRESHOLD = "feature:driftgauge_feature_drift_threshold:fleet", ["profile", "window", "reference"], "T: what the drift must exceed to mean something.";
    RATIO = "feature:driftgauge_feature_drift_ratio:fleet", ["profile", "window", "reference"], "Drift in units of its threshold, above 1 is drift; absent with too few rows.";
    EXCESS = "feature:driftgauge_feature_drift_excess:fleet", ["profile", "window", "reference"], "Drift beyond the noise of sampling.";
    DISTANCE = "feature:driftgauge_feature_distance:fleet", ["profile", "window", "reference", "statistic"], "Other views of the same change: js, hellinger, l1, linf.";

    VALUES = "feature:driftgauge_feature_values:increase", ["window"], "Usable values in a window, whatever the reference.";
    MISSING = "feature:driftgauge_feature_missing:increase", ["window"], "Rows without a usable value in a window.";
    OUT_OF_RANGE = "feature:driftgauge_feature_out_of_range:increase", ["window"], "Values outside the range of the reference in a window.";
    NULL_RATIO = "feature:driftgauge_feature_null_ratio:fleet", ["window"], "Missing / all rows.";
    OUT_OF_RANGE_RATIO = "feature:driftgauge_feature_out_of_range_ratio:fleet", ["window"], "Values outside the range of the reference / values.";
    NEW_CATEGORY_RATIO = "feature:driftgauge_feature_new_category_ratio:fleet", ["profile", "window"], "Values never seen in the reference / values.";
    NULL_RATIO_NOISE = "feature:driftgauge_feature_null_ratio:noise", ["window"], "z²φ(1/n + 1/m) of it: how far chance reaches; absent below the rows from which it is judged.";
    OUT_OF_RANGE_RATIO_NOISE = "feature:driftgauge_feature_out_of_range_ratio:noise", ["window"], "The same of values out of range.";
    NEW_CATEGORY_RATIO_NOISE = "feature:driftgauge_feature_new_category_ratio:noise", ["profile", "window"], "The same of new categories.";
    NULL_RATIO_RAISE = "feature:driftgauge_feature_null_ratio:raise", ["window"], "Lower bound of the missing ratio less that of the reference: above 0.005 it is raised.";
    OUT_OF_RANGE_RATIO_RAISE = "feature:driftgauge_feature_out_of_range_ratio:raise", ["window"], "The same of values out of range.";
    NEW_CATEGORY_RATIO_RAISE = "feature:driftgauge_feature_new_category_ratio:raise", ["profile", "window"], "The same of new categories.";

    OTHER_CELLS = "feature_bin:driftgauge_feature_bin:other_versions", ["profile", "window"], "Values of each cell in a window, of all other versions of the model together.";
    OTHER_ROWS = "feature:driftgauge_feature_window_rows:other_versions", ["profile", "window"], "Usable values of all other versions.";
    VERSION_DRIFT = "feature:driftgauge_feature_drift:versions", ["profile", "window", "reference"], "PSI of a version from all other versions of the model together, where they have the same profile.";
    VERSION_NOISE = "feature:driftgauge_feature_drift_noise:versions", ["profile", "window", "reference"], "What chance brings between them.";
    VERSION_TOLERATED = "feature:driftgauge_feature_drift_tolerated:versions", ["profile", "window", "reference"], "What the largest harmless difference shows on average.";
    VERSION_THRESHOLD = "feature:driftgauge_feature_drift_threshold:versions", ["profile", "window", "reference"], "What that drift must exceed to mean something.";
    VERSION_RATIO = "feature:driftgauge_feature_drift_ratio:versions", ["profile", "window", "reference"], "That drift in units of its threshold; absent with too few rows on either side.";

    MODEL_RATIO = "model:driftgauge_model_drift_ratio:fleet", ["window", "reference", "kind"], "Drift of the model as a whole: worst_feature over all pods, the other kinds of the worst pod.";
    DRIFTED_FEATURES = "model:driftgauge_model_drifted_features:fleet", ["window", "reference"], "Fields whose ratio is above 1, labels apart.";
    JUDGED_FEATURES = "model:driftgauge_feature_drift_ratio:count", ["window", "reference"], "Fields with a ratio, labels apart.";
    OUTLIERS = "model:driftgauge_outlier_ratio_per_threshold:max", ["window"], "Outlier ratio in units of its threshold, of the worst pod.";

    SERVED = "pod:driftgauge_predictions:served", [], "Always 1: a model that a sidecar serves, or served when it last answered; forgotten with its target.";
    THROUGHPUT = "model:driftgauge_predictions:rate5m", [], "Rows a second.";
    CALLS = "model:driftgauge_requests:rate5m", [], "Calls a second.";
    ERRORS = "model_code:driftgauge_request_errors:rate5m", ["code"], "Failed calls a second.";
    ERROR_RATIO = "model:driftgauge_request_errors_per_requests:ratio_rate5m", [], "Failed / all calls.";
    LATENCY = "model:driftgauge_request_duration_seconds:quantile_rate5m", ["q"], "Latency: the quantiles 0.5, 0.9 and 0.99.";

    MODEL_CALLS = "all_versions:driftgauge_requests:rate5m", [], "Calls a second of all versions together; without `version`.";
    VERSION_STEADINESS = "model:driftgauge_predictions:share_growth", ["window"], "The share that a version has of the rows of its model at the end of a window, divided by that at its beginning: 1 where versions run side by side.";
    SERVER_ERRORS = "model:driftgauge_server_errors:increase", ["window"], "Calls that failed and were not the caller's fault.";
    SERVER_ERROR_RATIO = "model:driftgauge_server_errors_per_requests:ratio", ["window"], "The same / all calls.";
    SLOW_CALLS = "model:driftgauge_slow_requests:increase", ["window"], "Calls that took longer than the bound of the objective.";
    SLOW_CALL_RATIO = "model:driftgauge_slow_requests_per_requests:ratio", ["window"], "The same / all calls whose latency is known.";

    FIGURE = "model:driftgauge_figure:recent", ["figure"], "A figure that is watched by its own history: throughput, error_ratio, p99, null_ratio.";
    FIGURE_MEAN = "model:driftgauge_figure:mean7d", ["figure"], "Its mean over 7 days, once there are 2 days of history.";
    FIGURE_SIGMA = "model:driftgauge_figure:sigma7d", ["figure"], "Its standard deviation over them, and a little more, as no history stays without any change.";
    FIGURE_DEVIATION = "model:driftgauge_figure:deviation7d", ["figure"], "How many of them it is from the mean.";
    FEATURE_FIGURE = "feature:driftgauge_figure:recent", ["figure"], "The same of each field (mean, null_ratio); these four only with `--feature-bands`.";
    FEATURE_FIGURE_MEAN = "feature:driftgauge_figure:mean7d", ["figure"], "Its mean over 7 days.";
    FEATURE_FIGURE_SIGMA = "feature:driftgauge_figure:sigma7d", ["figure"], "Its standard deviation.";
    FEATURE_FIGURE_DEVIATION = "feature:driftgauge_figure:deviation7d", ["figure"], "How many of them it is from the mean.";
}

/// The table as a page of Markdown.
pub fn document() -> String {
    let mut page = String::from(
        "# Recorded series\n\n\
         Made by `driftgauge generate`: do not edit. What `prometheus/driftgauge-rules.yml` records; \
         [how to use it](../README.md#fleet).\n\n\
         All keep the labels of the fleet, such as `namespace`, `job` and `cluster`, and lose those of a pod. \
         `model:` also has `model` and `version`, `feature:` in addition `feature` and `role`, `feature_bin:` \
         in addition `bin`. `profile` is the hash of the reference, and keeps two of them apart.\n\n\
         | series | further labels | meaning |\n|---|---|---|\n",
    );
    for Series { name, labels, help } in ALL {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(page, "| `{name}` | {} | {help} |", labels.join(", "));
    }
    page
}

/// Names of what one band of history is made of; all have the label `figure`.
#[derive(Clone, Copy, Debug)]
pub struct Band {
    /// The figure.
    pub figure: &'static str,
    /// Its mean over 7 days of history.
    pub mean: &'static str,
    /// Its standard deviation over them, and a little more, as no history is without any change.
    pub sigma: &'static str,
    /// (figure − mean) / sigma, once there are 2 days of history.
    pub deviation: &'static str,
}

/// Of models: `throughput`, `error_ratio`, `p99`, `null_ratio`.
pub const MODEL_BAND: Band = Band {
    figure: FIGURE,
    mean: FIGURE_MEAN,
    sigma: FIGURE_SIGMA,
    deviation: FIGURE_DEVIATION,
};
/// Of features, on request: `mean`, `null_ratio`.
pub const FEATURE_BAND: Band = Band {
    figure: FEATURE_FIGURE,
    mean: FEATURE_FIGURE_MEAN,
    sigma: FEATURE_FIGURE_SIGMA,
    deviation: FEATURE_FIGURE_DEVIATION,
};
