//! The one table of all metrics: every name, type, unit, help text and label key on `/metrics`.
//!
//! They are an API: extend, do not rename. The reference in the README is made from this table.

use super::family::Family;
use super::family::Level::{Always, Fleet, Full, Lean, Standard};
use super::family::Scope::{Feature, Model, Sidecar};
use super::family::Section;
use super::family::Type::{Counter, Gauge, Histogram, Info};

macro_rules! families {
    ($( $section:ident { $( $id:ident = $name:literal, $kind:ident, $unit:literal, $scope:ident, [$($label:literal),*], $level:ident, $help:literal; )* } )*) => {
        $($(
            #[doc = $help]
            pub static $id: Family = Family {
                name: $name, kind: $kind, unit: $unit, help: $help, scope: $scope,
                labels: &[$($label),*], level: $level, section: Section::$section,
            };
        )*)*
        /// All families, chapter by chapter.
        pub static FAMILIES: &[&Family] = &[$($( &$id, )*)*];
    };
}

#[rustfmt::skip]
families! {
Traffic {
    PREDICTIONS = "driftgauge_predictions", Counter, "", Model, [], Always, "Rows of calls that succeeded or whose outcome is unknown, scaled by the sampling weight.";
    LABELS = "driftgauge_labels", Counter, "", Model, [], Always, "Labels told after their predictions, scaled by the sampling weight; absent before the first.";
    REQUESTS = "driftgauge_requests", Counter, "", Model, [], Always, "Calls seen, scaled by the sampling weight.";
    REQUEST_ERRORS = "driftgauge_request_errors", Counter, "", Model, ["code"], Always, "Failed calls by gRPC code name or HTTP status.";
    REQUEST_DURATION = "driftgauge_request_duration_seconds", Histogram, "seconds", Model, [], Always, "Latency of calls; the newest traced call of each bucket is its exemplar.";
    REQUEST_ROWS = "driftgauge_request_rows", Histogram, "rows", Model, [], Always, "Rows per call.";
    LATENCY = "driftgauge_latency_seconds", Gauge, "seconds", Model, ["window", "q"], Always, "Latency quantile q of the calls in the window.";
    THROUGHPUT = "driftgauge_throughput_rows_per_second", Gauge, "", Model, ["window"], Always, "Rows in the window divided by the seconds that it covers by now.";
    ERROR_RATIO = "driftgauge_error_ratio", Gauge, "ratio", Model, ["window"], Always, "Failed calls in the window divided by all calls in it.";
    WINDOW_ROWS = "driftgauge_window_rows", Gauge, "rows", Model, ["window"], Always, "Rows observed in the window.";
    LAST_ROW_TIMESTAMP = "driftgauge_last_row_timestamp_seconds", Gauge, "seconds", Model, [], Always, "Unix time at which the last row came.";
    UNTIMELY_ROWS = "driftgauge_untimely_rows", Counter, "rows", Model, ["reason"], Always, "Rows left out because of their event time: too_old lies before the longest window, too_new lies more than that ahead.";
    FIELDS_IGNORED = "driftgauge_fields_ignored", Gauge, "", Model, [], Always, "Fields that are not followed because the model, or all together, have more than the limit.";
    NAMES_BY_POSITION = "driftgauge_names_by_position", Gauge, "", Model, [], Always, "1 where calls do not name the features, so that they have the names of the profile by position (check that the order is right); absent elsewhere.";
}
Features {
    FEATURE_VALUES = "driftgauge_feature_values", Counter, "", Feature, [], Lean, "Usable values.";
    FEATURE_MISSING = "driftgauge_feature_missing", Counter, "", Feature, ["reason"], Lean, "Rows without a usable value: null, not a number, infinite, absent from the batch, or of the wrong type.";
    FEATURE_BIN = "driftgauge_feature_bin", Counter, "", Feature, ["bin", "profile"], Fleet, "Usable values per cell of the reference; sums over pods give the distribution of the fleet.";
    FEATURE_WINDOW_ROWS = "driftgauge_feature_window_rows", Gauge, "rows", Feature, ["window"], Standard, "Usable values behind the figures of the window.";
    FEATURE_OUT_OF_RANGE = "driftgauge_feature_out_of_range", Counter, "", Feature, ["side"], Standard, "Values below the smallest or above the largest value of the reference.";
    FEATURE_FAR_VALUES = "driftgauge_feature_far_values", Counter, "", Feature, [], Full, "Finite values more than 1e9 reference standard deviations away from the reference mean, left out of mean and standard deviation.";
    FEATURE_NULL_RATIO = "driftgauge_feature_null_ratio", Gauge, "ratio", Feature, ["window"], Lean, "Rows without a usable value divided by all rows of the field in the window.";
    FEATURE_OUT_OF_RANGE_RATIO = "driftgauge_feature_out_of_range_ratio", Gauge, "ratio", Feature, ["window"], Standard, "Values outside the range of the reference divided by all values in the window.";
    FEATURE_NEW_CATEGORY_RATIO = "driftgauge_feature_new_category_ratio", Gauge, "ratio", Feature, ["window"], Standard, "Values never seen in the reference divided by all values in the window.";
    FEATURE_MEAN = "driftgauge_feature_mean", Gauge, "", Feature, ["window"], Standard, "Mean of the usable values in the window.";
    FEATURE_STDDEV = "driftgauge_feature_stddev", Gauge, "", Feature, ["window"], Standard, "Population standard deviation of the usable values in the window.";
    FEATURE_MIN = "driftgauge_feature_min", Gauge, "", Feature, ["window"], Full, "Smallest usable value in the window.";
    FEATURE_MAX = "driftgauge_feature_max", Gauge, "", Feature, ["window"], Full, "Largest usable value in the window.";
    FEATURE_DISTINCT = "driftgauge_feature_distinct", Gauge, "", Feature, ["window"], Full, "Estimated number of distinct values in the longest window.";
    FEATURE_STATE = "driftgauge_feature_state", Gauge, "", Feature, ["window", "state"], Lean, "Always 1: the state in force, one of ok, learning, unknown, no_data, absent, too_few_rows, constant.";
}
Drift {
    FEATURE_DRIFT = "driftgauge_feature_drift", Gauge, "", Feature, ["window", "reference"], Standard, "Population stability index (PSI) of the window against the reference, natural logarithm.";
    FEATURE_DRIFT_THRESHOLD = "driftgauge_feature_drift_threshold", Gauge, "", Feature, ["window", "reference"], Standard, "What the drift must exceed to mean something, given the rows on both sides.";
    FEATURE_DRIFT_RATIO = "driftgauge_feature_drift_ratio", Gauge, "ratio", Feature, ["window", "reference"], Lean, "Drift divided by its threshold: above 1 is drift, for every feature alike; absent with too few rows.";
    FEATURE_DRIFT_EXCESS = "driftgauge_feature_drift_excess", Gauge, "", Feature, ["window", "reference"], Standard, "Drift beyond what sampling noise alone brings on average, never below 0.";
    FEATURE_DISTANCE = "driftgauge_feature_distance", Gauge, "", Feature, ["window", "reference", "statistic"], Standard, "Other views of the same change: js, and at level full also ks (of numbers) and hellinger.";
    MODEL_DRIFT_RATIO = "driftgauge_model_drift_ratio", Gauge, "ratio", Model, ["window", "reference", "kind"], Always, "Drift of the model as a whole in units of its threshold, above 1 is drift: of the worst field, of the dependence between features, of all features together (mmd) or of a vector (embedding).";
    MODEL_DRIFTED_FEATURES = "driftgauge_model_drifted_features", Gauge, "", Model, ["window", "reference"], Always, "Fields whose drift ratio is above 1.";
    OUTLIER_RATIO = "driftgauge_outlier_ratio", Gauge, "ratio", Model, ["window"], Always, "Rows of the window that are unusual as a whole, as at most one row in a hundred of the reference is, divided by all rows that were judged; absent until it is known what rows of the reference are like.";
    OUTLIER_RATIO_THRESHOLD = "driftgauge_outlier_ratio_threshold", Gauge, "", Model, ["window"], Always, "What the outlier ratio must exceed to mean something, given the rows on both sides; absent with too few rows.";
}
Reference {
    REFERENCE = "driftgauge_reference", Info, "", Model, ["profile", "source"], Always, "The references in force: first digits of the hash, and whether it came from a file, was learned or was rebaselined.";
    REFERENCE_CREATED = "driftgauge_reference_created_timestamp_seconds", Gauge, "seconds", Model, ["profile"], Always, "Unix time at which the reference was made.";
    LEARNING_ROWS = "driftgauge_learning_rows", Gauge, "rows", Model, [], Always, "Rows of a reference that is being learned so far.";
    LEARNING_ROWS_WANTED = "driftgauge_learning_rows_wanted", Gauge, "", Model, [], Always, "Rows at which the reference that is being learned comes into force.";
    BURN_IN_RATIO = "driftgauge_burn_in_ratio", Gauge, "ratio", Model, [], Always, "How much of the burn-in is done, in which production learns the design effect and wander that a profile does not have; at 1 they are frozen.";
    REFERENCE_BIN_ROWS = "driftgauge_reference_bin_rows", Gauge, "rows", Feature, ["bin", "profile", "range"], Fleet, "Reference rows per cell; range says what the cell holds, except for categories learned from traffic.";
    REFERENCE_DESIGN_EFFECT = "driftgauge_reference_design_effect", Gauge, "", Feature, ["profile"], Fleet, "How much more the counts of the cells vary than those of independent rows.";
    REFERENCE_MINIMUM_EFFECT = "driftgauge_reference_minimum_effect", Gauge, "", Feature, ["profile", "window"], Fleet, "Smallest drift worth an alarm.";
    REFERENCE_SIGNIFICANCE = "driftgauge_reference_significance", Gauge, "", Feature, ["profile"], Fleet, "One-sided significance of the threshold in standard deviations.";
    REFERENCE_TWO_SIDED_SIGNIFICANCE = "driftgauge_reference_two_sided_significance", Gauge, "", Feature, ["profile"], Fleet, "The same where both sides count, of fields with two cells: takes its place in the threshold when every drift is worth an alarm.";
    REFERENCE_MEAN = "driftgauge_reference_mean", Gauge, "", Feature, [], Standard, "Mean of the usable reference values.";
    REFERENCE_STDDEV = "driftgauge_reference_stddev", Gauge, "", Feature, [], Standard, "Population standard deviation of the usable reference values.";
    REFERENCE_NULL_RATIO = "driftgauge_reference_null_ratio", Gauge, "ratio", Feature, [], Standard, "Reference rows without a usable value divided by all reference rows.";
    REFERENCE_NEW_CATEGORY_RATIO = "driftgauge_reference_new_category_ratio", Gauge, "ratio", Feature, [], Standard, "Share of values never seen before that unchanged data would bring.";
    REFERENCE_OUT_OF_RANGE_RATIO = "driftgauge_reference_out_of_range_ratio", Gauge, "ratio", Feature, [], Full, "Share of reference values outside the range of the reference, 0 by definition.";
}
Sidecar {
    BUILD = "driftgauge_build", Info, "", Sidecar, ["version", "revision"], Always, "Version and source revision of the running program.";
    RECEIVED_ROWS = "driftgauge_received_rows", Counter, "rows", Sidecar, ["source"], Always, "Rows that came in: accepted, shed, rejected and duplicate together.";
    ACCEPTED_ROWS = "driftgauge_accepted_rows", Counter, "rows", Sidecar, ["source"], Always, "Rows taken over for analysis.";
    DUPLICATE_ROWS = "driftgauge_duplicate_rows", Counter, "rows", Sidecar, ["source"], Always, "Rows of retries of a request that was accepted before.";
    SHED_ROWS = "driftgauge_shed_rows", Counter, "rows", Sidecar, ["source", "reason"], Always, "Rows refused for lack of room.";
    REJECTED_ROWS = "driftgauge_rejected_rows", Counter, "rows", Sidecar, ["source", "reason"], Always, "Rows that can never be taken.";
    UNDECODABLE_CALLS = "driftgauge_undecodable_calls", Counter, "", Sidecar, ["source", "reason"], Always, "Calls that could not be decoded, so that their rows are not known.";
    SEEN_CALLS = "driftgauge_seen_calls", Counter, "", Sidecar, ["source"], Always, "Calls to models that were seen from outside: decoded, undecodable, shed and unsampled together, and those that still wait.";
    DECODED_CALLS = "driftgauge_decoded_calls", Counter, "", Sidecar, ["source"], Always, "Calls seen that were decoded.";
    SHED_CALLS = "driftgauge_shed_calls", Counter, "", Sidecar, ["source", "reason"], Always, "Calls seen that were not looked at for lack of room; they went through all the same.";
    UNSAMPLED_CALLS = "driftgauge_unsampled_calls", Counter, "", Sidecar, ["source"], Always, "Calls seen that sampling left out.";
    REQUESTS_IN_FLIGHT = "driftgauge_requests_in_flight", Gauge, "", Sidecar, ["source"], Always, "Calls that have begun and not ended; to which model is not known before they are decoded.";
    UNUSABLE_TENSORS = "driftgauge_unusable_tensors", Counter, "", Sidecar, ["source", "reason"], Always, "Tensors of decoded calls whose values cannot be seen.";
    UNPAIRED_EVENTS = "driftgauge_unpaired_events", Counter, "", Sidecar, ["half"], Always, "Events of requests or responses whose other half never came.";
    OBSERVER_BYTES = "driftgauge_observer_bytes", Gauge, "bytes", Sidecar, [], Always, "Bytes of calls that are put aside until they are decoded.";
    OBSERVER_CAPACITY = "driftgauge_observer_capacity_bytes", Gauge, "bytes", Sidecar, [], Always, "Bytes above which calls are no longer put aside.";
    CLIENT_DROPPED_ROWS = "driftgauge_client_dropped_rows", Counter, "rows", Sidecar, ["source"], Always, "Rows that clients say they dropped before sending.";
    CLIENT_MISSING_REQUESTS = "driftgauge_client_missing_requests", Gauge, "", Sidecar, ["source"], Always, "Requests that clients have numbered but that have not come.";
    QUEUE_ROWS = "driftgauge_queue_rows", Gauge, "rows", Sidecar, [], Always, "Rows that wait for analysis.";
    QUEUE_BYTES = "driftgauge_queue_bytes", Gauge, "bytes", Sidecar, [], Always, "Bytes of the rows that wait for analysis.";
    QUEUE_CAPACITY = "driftgauge_queue_capacity_bytes", Gauge, "bytes", Sidecar, [], Always, "Bytes above which rows are shed.";
    LAST_EVALUATION = "driftgauge_last_evaluation_timestamp_seconds", Gauge, "seconds", Sidecar, [], Always, "Unix time of the evaluation that this page shows.";
    EVALUATION_DURATION = "driftgauge_evaluation_duration_seconds", Gauge, "seconds", Sidecar, [], Always, "How long that evaluation took.";
    ANALYSIS_PANICS = "driftgauge_analysis_panics", Counter, "", Sidecar, [], Always, "Times that the analysis failed and a model started anew.";
    SNAPSHOT_LAST_SUCCESS = "driftgauge_snapshot_last_success_timestamp_seconds", Gauge, "seconds", Sidecar, [], Always, "Unix time at which the windows were last kept for a restart; only with a state directory.";
    SNAPSHOT_FAILURES = "driftgauge_snapshot_failures", Counter, "", Sidecar, [], Always, "Times that the windows could not be kept for a restart.";
    SNAPSHOT_IGNORED = "driftgauge_snapshot_ignored", Counter, "", Sidecar, ["reason"], Always, "Snapshots, or parts of one, that were not restored: the file could not be read (unreadable), is torn or not one (damaged), of another format (format), from the future (future), or has windows of other settings (settings) or profiles (profile).";
    CONFIG = "driftgauge_config", Info, "", Sidecar, ["hash"], Always, "Hash of the settings in force.";
    CONFIG_RELOAD_SUCCESSFUL = "driftgauge_config_last_reload_successful", Gauge, "", Sidecar, [], Always, "Whether the last attempt to load the settings succeeded.";
    CONFIG_RELOAD_TIMESTAMP = "driftgauge_config_last_reload_success_timestamp_seconds", Gauge, "seconds", Sidecar, [], Always, "Unix time at which settings were last loaded successfully.";
    SERIES_LIMIT = "driftgauge_series_limit", Gauge, "", Sidecar, [], Always, "Series that this page may have.";
    SERIES_DROPPED = "driftgauge_series_dropped", Gauge, "", Sidecar, ["reason"], Always, "Series left out to stay within the limit: cells (fleet), figures beyond lean (detail), whole features (feature).";
    SERIES = "driftgauge_series", Gauge, "", Sidecar, [], Always, "Samples on this page, this one included.";
}
Process {
    PROCESS_CPU = "process_cpu_seconds", Counter, "seconds", Sidecar, [], Always, "Processor time used, user and system.";
    PROCESS_RESIDENT_MEMORY = "process_resident_memory_bytes", Gauge, "bytes", Sidecar, [], Always, "Resident memory.";
    PROCESS_VIRTUAL_MEMORY = "process_virtual_memory_bytes", Gauge, "bytes", Sidecar, [], Always, "Virtual memory.";
    PROCESS_OPEN_FDS = "process_open_fds", Gauge, "", Sidecar, [], Always, "Open file descriptors.";
    PROCESS_MAX_FDS = "process_max_fds", Gauge, "", Sidecar, [], Always, "Limit on open file descriptors.";
    PROCESS_START_TIME = "process_start_time_seconds", Gauge, "seconds", Sidecar, [], Always, "Unix time at which the process started.";
    PROCESS_THREADS = "process_threads", Gauge, "", Sidecar, [], Always, "Threads.";
}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_plain_end_in_their_unit_and_never_in_a_suffix_that_the_type_brings() {
        for family in FAMILIES {
            let name = family.name;
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            assert!(
                family.unit.is_empty() || name.ends_with(&format!("_{}", family.unit)),
                "{name}"
            );
            for suffix in ["_total", "_info", "_count", "_sum", "_bucket", "_created"] {
                assert!(!name.ends_with(suffix), "{name}");
            }
        }
    }

    #[test]
    fn help_is_one_sentence_on_one_line() {
        for family in FAMILIES {
            let help = family.help;
            assert!(help.ends_with('.') && !help.contains(". "), "{help}");
            assert!(!help.contains(['\n', '\r', '\\', '"', '|']), "{help}");
        }
    }

    #[test]
    fn no_two_families_share_a_sample_name() {
        let mut seen = HashSet::new();
        for family in FAMILIES {
            let mut names = vec![family.name.to_owned(), family.series()];
            if family.kind == Histogram {
                names.extend(["bucket", "sum", "count"].map(|s| format!("{}_{s}", family.name)));
            }
            names.dedup();
            for name in names {
                assert!(seen.insert(name.clone()), "{name}");
            }
        }
    }

    #[test]
    fn labels_do_not_clash_with_those_of_the_scrape() {
        let reserved = [
            "instance",
            "job",
            "pod",
            "namespace",
            "node",
            "cluster",
            "service",
            "le",
            "quantile",
            "type",
            "env",
            "region",
            "zone",
        ];
        for family in FAMILIES {
            let keys: Vec<_> = family.scope.labels().iter().chain(family.labels).collect();
            assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
            assert!(!keys.iter().any(|key| reserved.contains(key)), "{keys:?}");
        }
    }
}
