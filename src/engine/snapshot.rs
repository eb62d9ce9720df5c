//! What an evaluation found: immutable, complete, and all that `/metrics`, the pages and `compare`
//! ever read.

use std::collections::HashMap;
use std::sync::Arc;

use crate::batch::Role;
use crate::profile::{FeatureProfile, Missing, Profile, Variation};
use crate::statistic::Shape;
use crate::tally::Frequent;

/// Everything known at one evaluation.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Models and versions, in order of their names.
    pub models: Vec<ModelSnapshot>,
    /// Wall time of the evaluation, seconds since the Unix epoch; 0 before the first.
    pub evaluated_at: f64,
    /// How long it took, in seconds of wall time.
    pub evaluation_seconds: f64,
    /// Series of the models that the budget keeps out, by what was left out.
    pub dropped_series: DroppedSeries,
    /// Panics of the analysis since the start.
    pub panics: u64,
}

/// Series that `--web.max-series` keeps out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DroppedSeries {
    /// Cell counters of the fleet level.
    pub fleet: usize,
    /// What `standard` and `full` show beyond `lean`.
    pub detail: usize,
    /// Whole features.
    pub features: usize,
}

/// One model and version.
#[derive(Clone, Debug)]
pub struct ModelSnapshot {
    /// Name of the model.
    pub model: Arc<str>,
    /// Version; `default` when the source did not say.
    pub version: Arc<str>,
    /// Rows of calls that succeeded, scaled by the weight of their batches.
    pub predictions: f64,
    /// Labels told after their predictions, scaled likewise; `None` before the first.
    pub labels: Option<f64>,
    /// Calls, scaled likewise.
    pub requests: f64,
    /// Failed calls by code, scaled likewise; all known codes are there from the start.
    pub errors: Vec<(&'static str, f64)>,
    /// Latency of calls in seconds, over the upper bounds of [`super::DURATION_BUCKETS`]; `None`
    /// until a source reports latencies.
    pub duration: Option<HistogramSnapshot>,
    /// Rows per call, over [`super::REQUEST_ROWS_BUCKETS`].
    pub request_rows: HistogramSnapshot,
    /// Wall time at which the last row came, seconds since the Unix epoch; `None` before the first.
    pub last_row_at: Option<f64>,
    /// Where the windows end, seconds since the Unix epoch: now, or in event time the newest row;
    /// `None` before the first.
    pub now: Option<f64>,
    /// Rows that event time puts before the longest window.
    pub too_old_rows: u64,
    /// Rows that event time puts more than the longest window into the future.
    pub too_new_rows: u64,
    /// Fields that are not followed because the model has more than the limit.
    pub fields_beyond_limit: u64,
    /// Whether calls do not name the features, so that they have the profile's names by position.
    pub names_by_position: bool,
    /// Traffic by window, in the order of the settings.
    pub windows: Vec<TrafficWindow>,
    /// Drift of the model as a whole, by window and reference.
    pub drift: Vec<ModelDrift>,
    /// Number of drifted fields, by window and reference.
    pub drifted_fields: Vec<DriftedFields>,
    /// Rows that are unusual as a whole, by window; without those in which no row was judged.
    pub outliers: Vec<OutlierWindow>,
    /// References in force: one of a file, learned or re-baselined, and a learned one for outputs
    /// that a file lacks.
    pub references: Vec<ReferenceSnapshot>,
    /// Rows still wanted for a reference that is being learned; `None` when nothing is learned.
    pub learning: Option<LearningProgress>,
    /// How much of the burn-in is done, 0 … 1, where least is; `None` where no field has one.
    pub burn_in: Option<f64>,
    /// Fields, in the order of the profile, then as first seen.
    pub features: Vec<FeatureSnapshot>,
}

impl ModelSnapshot {
    /// The first reference in force, to be reviewed and shipped: with what the burn-in has found so
    /// far, so that wherever it is put in force nothing has to burn in. Its hash is another one then.
    pub fn profile(&self) -> Option<Arc<Profile>> {
        let reference = self.references.first()?;
        let found = self.features.iter().filter_map(|field| {
            let of = field.reference.as_ref()?;
            let is_found = of.burn_in.is_some() && of.variation.chunks > 0;
            (is_found && of.profile == reference.profile).then_some((&*field.name, of.variation))
        });
        let found: HashMap<&str, Variation> = found.collect();
        if found.is_empty() {
            return Some(reference.document.clone());
        }
        let mut profile = Profile::clone(&reference.document);
        for feature in &mut profile.features {
            if let Some(variation) = found.get(feature.name.as_str()) {
                feature.variation = *variation;
            }
        }
        Some(Arc::new(profile))
    }
}

/// Drift of a model as a whole: of one window, from one reference, seen one way.
#[derive(Clone, Debug)]
pub struct ModelDrift {
    /// Label value, such as `1h`.
    pub window: Arc<str>,
    /// Label value, such as `profile`.
    pub reference: Arc<str>,
    /// Label value `kind`: `worst_feature`, `dependence`, `mmd` or `embedding`.
    pub kind: &'static str,
    /// In units of its threshold: above 1 is drift.
    pub ratio: f64,
    /// The fields that it is about: the worst one, or the pair whose dependence changed most.
    pub fields: Vec<Arc<str>>,
}

/// Fields of a model that have drifted: in one window, from one reference.
#[derive(Clone, Debug)]
pub struct DriftedFields {
    /// Label value, such as `1h`.
    pub window: Arc<str>,
    /// Label value, such as `profile`.
    pub reference: Arc<str>,
    /// Fields with ratio above 1.
    pub drifted: usize,
    /// Fields with a ratio.
    pub judged: usize,
}

/// Rows of a window that are unusual as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlierWindow {
    /// Label value, such as `1h`.
    pub window: Arc<str>,
    /// Rows judged.
    pub rows: u64,
    /// Those with a conformal p-value of at most 1 %.
    pub outliers: u64,
    /// outliers / rows.
    pub ratio: f64,
    /// The same of the reference, at most 1 %.
    pub reference_ratio: f64,
    /// The ratio above which it is neither chance nor small; `None` with too few rows.
    pub threshold: Option<f64>,
    /// Whether the ratio is above the threshold.
    pub is_raised: bool,
    /// The features that were the most unusual ones of the most outliers, at most three, and of how
    /// many.
    pub features: Vec<(Arc<str>, u64)>,
}

/// How far learning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearningProgress {
    /// Rows seen.
    pub rows: u64,
    /// Rows wanted.
    pub wanted: u64,
}

/// A histogram with its counts per bucket, not cumulative; the last one is beyond all bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramSnapshot {
    /// Observations per bucket; one more than there are bounds.
    pub counts: Vec<u64>,
    /// Sum of all observations.
    pub sum: f64,
    /// The newest traced observation of each bucket; empty when nothing was traced yet.
    pub exemplars: Vec<Option<Exemplar>>,
}

/// A single call that a bucket has counted, to look up among the traces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// W3C trace id.
    pub trace_id: [u8; 16],
    /// What was observed, in the unit of the histogram.
    pub value: f64,
    /// Wall time at which it came, seconds since the Unix epoch.
    pub at: f64,
}

/// A reference in force.
#[derive(Clone, Debug)]
pub struct ReferenceSnapshot {
    /// First 8 hex digits of its hash.
    pub profile: Arc<str>,
    /// `file`, `learned` or `rebaselined`.
    pub source: &'static str,
    /// When it was made, seconds since the Unix epoch, if known.
    pub created_at: Option<f64>,
    /// The profile itself.
    pub document: Arc<Profile>,
    /// What was found while it was learned, sentences for the operator; of a file none.
    pub warnings: Arc<[String]>,
}

/// Traffic of one window.
#[derive(Clone, Debug)]
pub struct TrafficWindow {
    /// Label value, such as `1h`.
    pub window: Arc<str>,
    /// Rows observed in the window.
    pub rows: u64,
    /// Seconds that the window covers by now.
    pub covered_seconds: f64,
    /// Rows (scaled by weight) per covered second.
    pub throughput: f64,
    /// Failed / all calls; `None` without calls.
    pub error_ratio: Option<f64>,
    /// Latency quantiles in seconds at [`super::LATENCY_QUANTILES`]; `None` without latencies.
    pub latency: Option<[f64; 3]>,
}

/// How much of a feature is exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing: the series budget is used up.
    Hidden,
    /// Drift ratio, null ratio, state, values and missing.
    Lean,
    /// What dashboards need.
    Standard,
    /// Everything.
    Full,
}

/// One field of one model and version.
#[derive(Clone, Debug)]
pub struct FeatureSnapshot {
    /// Name.
    pub name: Arc<str>,
    /// Role in force.
    pub role: Role,
    /// How much it matters to the model, as settings or profile say, on any scale.
    pub importance: Option<f64>,
    /// What is exposed, after the budget.
    pub detail: Detail,
    /// Whether the cell counters are exposed, after the budget.
    pub fleet: bool,
    /// Usable values since the start.
    pub values: u64,
    /// Rows without a usable value since the start.
    pub missing: Missing,
    /// Values below the reference minimum since the start.
    pub below: u64,
    /// Values above the reference maximum since the start.
    pub above: u64,
    /// Finite values too far away for the moments (|x − μ| > 1e9 σ) since the start.
    pub far: u64,
    /// Values per reference cell since the reference is in force; empty without cells.
    pub cells: Vec<u64>,
    /// The reference in force.
    pub reference: Option<FeatureReference>,
    /// Most frequent categories that the reference has never seen, of roughly the last longest
    /// window; row values, for people only. Empty for a learned reference and where settings say so.
    pub new_categories: Vec<Frequent>,
    /// Which way its drift came; `None` without drift, or when it cannot be told.
    pub shape: Option<Shape>,
    /// Figures by window, in the order of the settings.
    pub windows: Vec<FeatureWindow>,
}

/// The reference that a field is compared with, and how.
#[derive(Clone, Debug)]
pub struct FeatureReference {
    /// The field of the profile.
    pub feature: Arc<FeatureProfile>,
    /// First 8 hex digits of the hash of the profile it belongs to.
    pub profile: Arc<str>,
    /// Whether it was learned from traffic: then its categories are row values.
    pub learned: bool,
    /// How much its sums vary, as the profile says or the burn-in has found so far.
    pub variation: Variation,
    /// How much of the burn-in is done, 0 … 1; `None` when there is none. At 1 the variation is
    /// frozen.
    pub burn_in: Option<f64>,
    /// One-sided significance in standard deviations, z.
    pub significance: f64,
}

/// State of a feature in a window: the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The reference is being learned.
    Learning,
    /// The profile lacks the field.
    Unknown,
    /// No rows in the window, or none that should have had the field.
    NoData,
    /// Rows, but no value of this field.
    Absent,
    /// Fewer values than n_min, in the window or in the reference.
    TooFewRows,
    /// All values are the same, those of the reference are not.
    Constant,
    /// None of the above.
    Ok,
}

impl State {
    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Unknown => "unknown",
            Self::NoData => "no_data",
            Self::Absent => "absent",
            Self::TooFewRows => "too_few_rows",
            Self::Constant => "constant",
            Self::Ok => "ok",
        }
    }
}

/// A feature in a window.
#[derive(Clone, Debug)]
pub struct FeatureWindow {
    /// Label value, such as `1h`.
    pub window: Arc<str>,
    /// State.
    pub state: State,
    /// Usable values, n.
    pub values: u64,
    /// Rows without a usable value.
    pub missing: Missing,
    /// missing / (values + missing); `None` without rows.
    pub null_ratio: Option<f64>,
    /// Values outside the range of the reference / values; only of numeric fields with values.
    pub out_of_range_ratio: Option<f64>,
    /// Values never seen in the reference / values; only of categorical fields with values.
    pub new_category_ratio: Option<f64>,
    /// Mean of the values; only of numeric fields with values.
    pub mean: Option<f64>,
    /// Population standard deviation, likewise.
    pub stddev: Option<f64>,
    /// Smallest value, likewise.
    pub min: Option<f64>,
    /// Largest value, likewise.
    pub max: Option<f64>,
    /// Estimate of the number of distinct values; only in the longest window at detail `full`.
    pub distinct: Option<f64>,
    /// Smallest PSI worth an alarm in a window of this length, δ; `None` without a reference.
    pub minimum_effect: Option<f64>,
    /// Values per reference cell in the window; empty without cells.
    pub cells: Vec<u64>,
    /// Drift from the references, `profile` first; empty without values or without cells.
    pub drift: Vec<Drift>,
}

/// How far a window is from a reference.
#[derive(Clone, Debug)]
pub struct Drift {
    /// Label value, such as `profile`.
    pub reference: Arc<str>,
    /// PSI, natural logarithm, +½ on both sides.
    pub psi: f64,
    /// T(n): what PSI must exceed to mean something.
    pub threshold: f64,
    /// psi / threshold; `None` below n_min.
    pub ratio: Option<f64>,
    /// max(0, PSI − k·v).
    pub excess: f64,
    /// How far PSI lies beyond the tolerated change, in standard deviations: to rank fields, not to
    /// alarm; `None` below n_min.
    pub z: Option<f64>,
    /// Since when ratio is above 1 without a break, on the clock of the windows, in seconds since the
    /// Unix epoch; `None` while it is not.
    pub since: Option<f64>,
    /// The cell whose share changed most, and by how much (p − q).
    pub moved_most: Option<(usize, f64)>,
    /// Reference rows in each cell; `None` when they are those of the profile.
    pub reference_cells: Option<Box<[u64]>>,
    /// Other views of the same change, by the name of the statistic.
    pub distances: Vec<(&'static str, f64)>,
}
