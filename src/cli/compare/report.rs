//! A comparison as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::engine::{
    Explanation, FeatureSnapshot, ModelDrift, ModelSnapshot, OutlierWindow, State,
};
use crate::profile::{Missing, Moments, Profile, short};
use crate::statistic::normal_tail;

/// What `driftgauge compare` found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    model: String,
    version: String,
    /// Short hash of the profile.
    profile: String,
    /// Rows of the profile.
    reference_rows: u64,
    /// Rows of the data.
    rows: u64,
    /// Fields with ratio above 1.
    drifted_features: usize,
    /// Drift of the model as a whole.
    model_drift: Vec<Whole>,
    /// Rows that are unusual as a whole; null when the profile does not say what rows are like.
    outliers: Option<Outliers>,
    /// Worst first.
    features: Vec<Row>,
}

/// Drift of the model as a whole, seen one way.
#[derive(Debug, Serialize)]
struct Whole {
    window: String,
    reference: String,
    kind: &'static str,
    ratio: f64,
    /// The worst field, or the pair whose dependence changed most.
    fields: Vec<String>,
}

/// Rows that are unusual as a whole.
#[derive(Debug, Serialize)]
struct Outliers {
    rows: u64,
    outliers: u64,
    ratio: f64,
    reference_ratio: f64,
    /// What the ratio must exceed to mean something; null with too few rows.
    threshold: Option<f64>,
    is_raised: bool,
    /// The features that were the most unusual ones of the most outliers.
    features: Vec<Named>,
}

/// A feature, and of how many outliers it was the most unusual one.
#[derive(Debug, Serialize)]
struct Named {
    feature: String,
    outliers: u64,
}

/// A field; members that cannot be computed are null.
#[derive(Debug, Serialize)]
struct Row {
    feature: String,
    role: &'static str,
    importance: Option<f64>,
    kind: Option<&'static str>,
    state: &'static str,
    /// What moved from where to where, in words.
    /// How drift came about, of rows that have times: `sudden`, `gradual`, …
    shape: Option<&'static str>,
    summary: String,
    /// Usable values.
    rows: u64,
    missing: Missing,
    null_ratio: Option<f64>,
    drift: Option<f64>,
    drift_threshold: Option<f64>,
    drift_ratio: Option<f64>,
    drift_excess: Option<f64>,
    /// Standard deviations beyond the tolerated change.
    z: Option<f64>,
    /// Chance of a drift as large while the true change is tolerated.
    p_value: Option<f64>,
    moved_most: Option<MovedMost>,
    distance: BTreeMap<&'static str, f64>,
    out_of_range_ratio: Option<f64>,
    new_category_ratio: Option<f64>,
    mean: Option<f64>,
    stddev: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    distinct: Option<f64>,
    /// Values per cell of the profile.
    cells: Vec<u64>,
    reference: Option<Reference>,
}

/// The cell whose share of the values changed most.
#[derive(Debug, Serialize)]
struct MovedMost {
    /// Label of the cell, as in metrics.
    bin: String,
    /// What it holds, for people.
    range: String,
    /// By how much, live − profile.
    change: f64,
}

/// The same of the profile.
#[derive(Debug, Serialize)]
struct Reference {
    rows: u64,
    null_ratio: Option<f64>,
    new_category_ratio: Option<f64>,
    moments: Option<Moments>,
    cells: Vec<u64>,
}

impl Report {
    pub fn of(model: &ModelSnapshot, profile: &Profile, name: &str) -> Self {
        let fields = model.features.iter();
        let mut features: Vec<_> = fields.filter_map(|field| Row::of(model, field)).collect();
        features.sort_by(|a, b| {
            let rank = |row: &Row| (row.drift_ratio.unwrap_or(-1.0), row.drift.unwrap_or(-1.0));
            let ((ratio_a, drift_a), (ratio_b, drift_b)) = (rank(a), rank(b));
            let worst_first = ratio_b
                .total_cmp(&ratio_a)
                .then(drift_b.total_cmp(&drift_a));
            worst_first.then_with(|| a.feature.cmp(&b.feature))
        });
        Self {
            model: name.into(),
            version: model.version.to_string(),
            profile: short(&profile.hash()).into(),
            reference_rows: profile.rows,
            rows: model.windows.first().map_or(0, |window| window.rows),
            drifted_features: features.iter().filter(|row| row.is_drifted()).count(),
            model_drift: model.drift.iter().map(Whole::of).collect(),
            outliers: model.outliers.first().map(Outliers::from),
            features,
        }
    }

    /// Whether a release gate should stay shut.
    pub fn has_drifted(&self) -> bool {
        let has_drifted = |whole: &Whole| whole.ratio > 1.0;
        self.drifted_features > 0
            || self.without_value() > 0
            || self.model_drift.iter().any(has_drifted)
    }

    /// Fields of the profile that have no value in the data.
    fn without_value(&self) -> usize {
        let is_absent = |row: &&Row| row.state == State::Absent.as_str();
        self.features.iter().filter(is_absent).count()
    }
}

impl Whole {
    fn of(drift: &ModelDrift) -> Self {
        Self {
            window: drift.window.to_string(),
            reference: drift.reference.to_string(),
            kind: drift.kind,
            ratio: drift.ratio,
            fields: drift.fields.iter().map(ToString::to_string).collect(),
        }
    }

    /// What drifted, of what no field shows alone.
    fn sentence(&self) -> Option<String> {
        let what = match self.kind {
            "dependence" => format!("how {} go together", self.fields.join(" and ")),
            "mmd" => "the distribution of rows as a whole".into(),
            "embedding" => format!("the cloud of vectors {}", self.fields.join(", ")),
            _ => return None,
        };
        let verdict = if self.ratio > 1.0 {
            "has drifted"
        } else {
            "has not drifted"
        };
        Some(format!(
            "{}: {what} {verdict}, ratio {:.2}.",
            self.kind, self.ratio
        ))
    }
}

impl From<&OutlierWindow> for Outliers {
    fn from(window: &OutlierWindow) -> Self {
        let named = window.features.iter().map(|(feature, outliers)| Named {
            feature: feature.to_string(),
            outliers: *outliers,
        });
        Self {
            rows: window.rows,
            outliers: window.outliers,
            ratio: window.ratio,
            reference_ratio: window.reference_ratio,
            threshold: window.threshold,
            is_raised: window.is_raised,
            features: named.collect(),
        }
    }
}

impl fmt::Display for Outliers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows ({}) are outliers, {} of the reference are",
            self.outliers,
            percent(Some(self.ratio)),
            percent(Some(self.reference_ratio))
        )?;
        match self.threshold {
            Some(limit) if self.is_raised => {
                write!(f, ": MORE than chance brings ({})", percent(Some(limit)))?;
            }
            Some(limit) => write!(f, ", chance may bring {}", percent(Some(limit)))?,
            None => f.write_str(", too few rows to judge")?,
        }
        let named = self.features.iter().filter(|_| self.is_raised);
        let named: Vec<_> = named
            .map(|of| format!("{} ({})", of.feature, of.outliers))
            .collect();
        if !named.is_empty() {
            write!(f, "; most unusual in them: {}", named.join(", "))?;
        }
        f.write_str(".")
    }
}

impl Row {
    fn of(model: &ModelSnapshot, feature: &FeatureSnapshot) -> Option<Self> {
        let window = feature.windows.first()?;
        let drift = window.drift.first();
        let profile = feature.reference.as_ref().map(|r| &r.feature);
        let cells = profile.and_then(|profile| profile.cells.as_ref());
        Some(Self {
            feature: feature.name.to_string(),
            role: feature.role.as_str(),
            importance: feature.importance,
            kind: profile.map(|profile| profile.kind.as_str()),
            state: match window.state {
                State::Learning => State::Unknown.as_str(),
                state => state.as_str(),
            },
            shape: feature.shape.map(|shape| shape.as_str()),
            summary: Explanation::of(model, feature, window, drift).summary,
            rows: window.values,
            missing: window.missing,
            null_ratio: window.null_ratio,
            drift: drift.map(|drift| drift.psi),
            drift_threshold: drift.map(|drift| drift.threshold),
            drift_ratio: drift.and_then(|drift| drift.ratio),
            drift_excess: drift.map(|drift| drift.excess),
            z: drift.and_then(|drift| drift.z),
            p_value: drift.and_then(|drift| drift.z).map(normal_tail),
            moved_most: drift.and_then(|drift| drift.moved_most).zip(cells).map(
                |((cell, change), cells)| MovedMost {
                    bin: cells.cells.bin(cell),
                    range: cells.cells.range(cell),
                    change,
                },
            ),
            distance: drift
                .map(|drift| drift.distances.iter().copied().collect())
                .unwrap_or_default(),
            out_of_range_ratio: window.out_of_range_ratio,
            new_category_ratio: window.new_category_ratio,
            mean: window.mean,
            stddev: window.stddev,
            min: window.min,
            max: window.max,
            distinct: window.distinct,
            cells: window.cells.clone(),
            reference: profile.map(|profile| Reference {
                rows: profile.values(),
                null_ratio: profile.null_ratio(),
                new_category_ratio: profile.new_category_ratio(),
                moments: profile.moments,
                cells: cells.map_or_else(Vec::new, |cells| cells.rows.clone()),
            }),
        })
    }

    fn is_drifted(&self) -> bool {
        self.drift_ratio.is_some_and(|ratio| ratio > 1.0)
    }

    fn verdict(&self) -> &'static str {
        match self.state {
            _ if self.is_drifted() => "DRIFT",
            "absent" => "no value",
            "unknown" => "not in the profile",
            "too_few_rows" => "too few rows",
            "constant" => "constant",
            _ => "",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |name: &Row| name.feature.chars().count();
        let width = self
            .features
            .iter()
            .map(width)
            .max()
            .unwrap_or(0)
            .clamp(7, 40);
        writeln!(
            f,
            "{:width$}  {:10} {:>9} {:>9} {:>10} {:>9} {:>8} {:>8}  verdict",
            "feature", "role", "ratio", "drift", "threshold", "rows", "missing", "was"
        )?;
        for row in &self.features {
            let was = row
                .reference
                .as_ref()
                .and_then(|reference| reference.null_ratio);
            let line = format!(
                "{:width$}  {:10} {:>9} {:>9} {:>10} {:>9} {:>8} {:>8}  {}",
                row.feature,
                row.role,
                number(row.drift_ratio, 2),
                number(row.drift, 4),
                number(row.drift_threshold, 4),
                row.rows,
                percent(row.null_ratio),
                percent(was),
                row.verdict()
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(
            f,
            "\n{} rows against {} of profile {}: {} of {} fields drifted (ratio above 1){}.",
            self.rows,
            self.reference_rows,
            self.profile,
            self.drifted_features,
            self.features.len(),
            match self.without_value() {
                0 => String::new(),
                count => format!(", {count} without any value"),
            }
        )?;
        for row in self.features.iter().filter(|row| row.is_drifted()) {
            let shape = row
                .shape
                .map_or_else(String::new, |shape| format!(" ({shape})"));
            writeln!(f, "{}{shape}", row.summary)?;
        }
        for sentence in self.model_drift.iter().filter_map(Whole::sentence) {
            writeln!(f, "{sentence}")?;
        }
        match &self.outliers {
            Some(outliers) => writeln!(f, "{outliers}"),
            None => Ok(()),
        }
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".into(), |ratio| format!("{:.1}%", ratio * 100.0))
}
