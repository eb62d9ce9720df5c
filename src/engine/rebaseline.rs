//! Making a reference of a window of traffic, on demand: what is now becomes what is usual.
//!
//! Cells stay, so windows and thresholds go on; counts, moments and missing values become those of the
//! window, and so do the means of cells, where a field at detail `full` knows them. What only time or
//! a user can tell (φ, τ, importance) stays. How features hang together and
//! how unusual rows are is not in the sums of a window: it is left out, to be learned anew.

use std::sync::Arc;

use super::config::{Config, WindowConfig};
use super::discrepancy::MeanEmbedding;
use super::evaluate::covered_micros;
use super::installed::Installed;
use super::learning::rfc3339;
use super::model::Model;
use super::version::{Version, longest};
use crate::profile::{
    Cells, FeatureProfile, FourierReference, Moments, Profile, Provenance, ReferenceCells,
    Replacement,
};
use crate::statistic;
use crate::tally::{CellSumsTally, DistinctTally, FeatureTally, JointTally, Tally};
use crate::window::SLICES;

/// A wish for a new reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebaseline {
    /// Name of the model.
    pub model: String,
    /// Version whose window is taken and that alone gets the new reference; `None`: all versions
    /// without a profile of their own together.
    pub version: Option<String>,
    /// Label of the window, such as `1d`; `None`: the longest.
    pub window: Option<String>,
    /// Who asks, for the record.
    pub by: String,
}

/// A reference that was made of a window.
#[derive(Clone, Debug)]
pub struct Rebaselined {
    /// Name of the model.
    pub model: Arc<str>,
    /// The version that has it; `None`: all without a profile of their own.
    pub version: Option<Arc<str>>,
    /// Label of the window.
    pub window: Arc<str>,
    /// First 8 hex digits of its hash.
    pub hash: Arc<str>,
    /// The same of the profile that was in force until then.
    pub replaced: Arc<str>,
    /// The new profile.
    pub profile: Arc<Profile>,
}

/// Why there is no new reference, as a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no such model.
    #[error("There is no model {0:?}: neither settings nor traffic have named it.")]
    NoModel(String),
    /// The model has no such version.
    #[error("Model {model:?} has no version {version:?}; it has {known}.")]
    NoVersion {
        /// Name of the model.
        model: String,
        /// The version asked for.
        version: String,
        /// Those that it has.
        known: String,
    },
    /// No version is left for a reference of the whole model.
    #[error(
        "No version of model {0:?} shares its profile: each has one of its own. Name the version."
    )]
    NoneShares(String),
    /// There is no such window.
    #[error("There is no window {window:?}; there are {known}.")]
    NoWindow {
        /// The window asked for.
        window: String,
        /// Those that there are.
        known: String,
    },
    /// The reference is being learned.
    #[error(
        "Model {model:?} is still learning its reference: {rows} of {wanted} rows so far. Ask again \
         when it has one."
    )]
    Learning {
        /// Name of the model.
        model: String,
        /// Rows so far.
        rows: u64,
        /// Rows wanted.
        wanted: u64,
    },
    /// There is nothing to be replaced.
    #[error(
        "Model {0:?} has no reference whose cells a new one could have. Name a profile in the \
         settings, or let it learn one."
    )]
    NoReference(String),
    /// The window has not been filled yet.
    #[error(
        "Window {window} of model {model:?} covers {covered} s of {wanted} s: less would be a \
         reference of whatever hour it is. Wait, or name a shorter window."
    )]
    NotCovered {
        /// Name of the model.
        model: String,
        /// The window.
        window: Arc<str>,
        /// Seconds that it covers.
        covered: i64,
        /// Seconds that it must cover at least.
        wanted: i64,
    },
    /// No field has enough values.
    #[error(
        "No field of model {model:?} has enough values in window {window} since its windows began: \
         {rows} rows are in it, and a field needs at least 100 values and 5 a cell. Wait, or name a \
         longer window."
    )]
    TooFewRows {
        /// Name of the model.
        model: String,
        /// The window.
        window: Arc<str>,
        /// Rows in it.
        rows: u64,
    },
}

impl Refusal {
    /// Whether what was asked for does not exist; else it cannot be had now.
    pub const fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::NoModel(_) | Self::NoVersion { .. } | Self::NoWindow { .. }
        )
    }
}

impl Model {
    /// Makes a reference of a window and puts it in force. `wall` is the wall time in microseconds.
    pub fn rebaseline(
        &mut self,
        asked: &Rebaseline,
        wall: i64,
        config: &Config,
    ) -> Result<Rebaselined, Refusal> {
        self.advance(wall, config);
        let (at, window) = window_of(asked, &config.windows)?;
        let names = self.versions_of(asked)?;
        if let Some(learning) = self.learning_progress(config) {
            return Err(Refusal::Learning {
                model: self.name.to_string(),
                rows: learning.rows,
                wanted: learning.wanted,
            });
        }
        let none = || Refusal::NoReference(self.name.to_string());
        // All of them have the same.
        let first = names.first().ok_or_else(none)?;
        let beneath = self.beneath(first).ok_or_else(none)?;
        let in_force: Vec<&Installed> = self.in_force(first).collect();
        let replaced = *in_force.first().ok_or_else(none)?;
        let versions: Vec<&Version> = names.iter().map(|name| &self.versions[name]).collect();

        let covered = versions
            .iter()
            .map(|version| covered_micros(window, version.started_at, self.now.unwrap_or(wall)));
        let covered = covered.max().unwrap_or(0);
        let wanted = window.slice_micros() * (SLICES as i64 - 1);
        if covered < wanted {
            return Err(Refusal::NotCovered {
                model: self.name.to_string(),
                window: window.label.clone(),
                covered: covered / 1_000_000,
                wanted: (wanted + 999_999) / 1_000_000,
            });
        }

        let rows = versions.iter().map(|v| v.traffic[at].total().rows).sum();
        let mut kept_fields = Vec::new();
        let mut features = Vec::new();
        let is_longest = at == longest(&config.windows);
        for old in in_force.iter().flat_map(|it| it.profile.features.iter()) {
            if features
                .iter()
                .any(|known: &FeatureProfile| known.name == old.name)
            {
                continue;
            }
            let new = Sums::of(old, &versions, at, is_longest).and_then(|sums| renewed(old, &sums));
            features.push(new.unwrap_or_else(|| {
                kept_fields.push(old.name.clone());
                old.clone()
            }));
        }
        if kept_fields.len() == features.len() {
            return Err(Refusal::TooFewRows {
                model: self.name.to_string(),
                window: window.label.clone(),
                rows,
            });
        }

        let version = asked.version.as_deref().map(Arc::<str>::from);
        let profile = Arc::new(Profile {
            model: Some(self.name.to_string()),
            rows,
            features,
            joint: None,
            outliers: None,
            provenance: Provenance {
                created: rfc3339(wall),
                source: "rebaselined".into(),
                inputs: replaced.profile.provenance.inputs.clone(),
                command: String::new(),
                tool: concat!("driftgauge ", env!("CARGO_PKG_VERSION")).into(),
                rebaseline: Some(Replacement {
                    replaces: replaced.full_hash.to_string(),
                    stands_for: beneath.full_hash.to_string(),
                    version: asked.version.clone(),
                    window: window.label.to_string(),
                    by: asked.by.clone(),
                    kept_fields,
                }),
            },
        });
        let replaced = replaced.hash.clone();
        let hash = self
            .stand_ins
            .put(version.clone(), profile.clone())
            .hash
            .clone();
        self.install_all(config);
        Ok(Rebaselined {
            model: self.name.clone(),
            version,
            window: window.label.clone(),
            hash,
            replaced,
            profile,
        })
    }

    /// The versions whose windows are taken: the one asked for, or all that share the reference of
    /// the model.
    fn versions_of(&self, asked: &Rebaseline) -> Result<Vec<Arc<str>>, Refusal> {
        let known = self.versions.keys();
        if let Some(version) = &asked.version {
            let found = known.clone().find(|name| ***name == **version).cloned();
            let names: Vec<_> = known.map(|name| format!("{name:?}")).collect();
            return found
                .map(|name| vec![name])
                .ok_or_else(|| Refusal::NoVersion {
                    model: self.name.to_string(),
                    version: version.clone(),
                    known: match names.len() {
                        0 => "none yet".into(),
                        _ => names.join(", "),
                    },
                });
        }
        let has_own = |name: &Arc<str>| {
            self.has_own_file(name)
                || self
                    .beneath(name)
                    .is_some_and(|beneath| self.stand_ins.has_own(name, beneath))
        };
        let sharing: Vec<_> = known.filter(|name| !has_own(name)).cloned().collect();
        if sharing.is_empty() && !self.versions.is_empty() {
            return Err(Refusal::NoneShares(self.name.to_string()));
        }
        Ok(sharing)
    }
}

/// The window asked for and its place.
fn window_of<'c>(
    asked: &Rebaseline,
    windows: &'c [WindowConfig],
) -> Result<(usize, &'c WindowConfig), Refusal> {
    let at = match &asked.window {
        None => Some(longest(windows)),
        Some(label) => windows.iter().position(|window| *window.label == **label),
    };
    let found = at.and_then(|at| Some((at, windows.get(at)?)));
    found.ok_or_else(|| {
        let known: Vec<&str> = windows.iter().map(|window| &*window.label).collect();
        Refusal::NoWindow {
            window: asked.window.clone().unwrap_or_default(),
            known: known.join(", "),
        }
    })
}

/// What a window knows of a field, over all versions.
struct Sums {
    tally: FeatureTally,
    distinct: Option<f64>,
    /// Means of cells; `None` where a version does not know them.
    cell_sums: Option<CellSumsTally>,
    /// Where vectors lie; `None` where it is not known.
    embedding: Option<JointTally>,
}

impl Sums {
    /// `None` when no version has had the field for the length of the window.
    fn of(
        reference: &FeatureProfile,
        versions: &[&Version],
        at: usize,
        is_longest: bool,
    ) -> Option<Self> {
        let cells = reference.cells.as_ref()?.cells.len();
        let fields = versions.iter().flat_map(|version| &version.fields);
        let fields: Vec<_> = fields
            .filter(|field| *field.name == *reference.name)
            .collect();
        if !fields.iter().any(|field| field.windows[at].is_full()) {
            return None;
        }
        let mut tally = FeatureTally::new(cells);
        let mut distinct = is_longest.then(DistinctTally::default);
        let mut cell_sums = Some(CellSumsTally::new(cells));
        let embeddings = fields.iter().filter_map(|field| field.embedding.as_ref());
        let is_full = embeddings
            .into_iter()
            .any(|sums| sums.windows[at].is_full());
        let features = reference.embedding.as_ref().map(|of| of.means.len());
        let mut embedding = features
            .filter(|_| is_full)
            .map(|features| JointTally::new(0, features));
        for field in fields {
            tally.add(field.windows[at].total());
            match (&mut cell_sums, &field.cell_sums) {
                (Some(all), Some(its)) => all.add(its.windows[at].total()),
                _ => cell_sums = None,
            }
            match (&mut embedding, &field.embedding) {
                (Some(all), Some(its)) => all.add(its.windows[at].total()),
                _ => embedding = None,
            }
            match (&mut distinct, &field.distinct) {
                (Some(all), Some(its)) => all.add(its.window.total()),
                _ => distinct = None,
            }
        }
        Some(Self {
            cell_sums,
            embedding,
            tally,
            distinct: distinct.map(|distinct| distinct.estimate()),
        })
    }
}

/// The reference of a field, made of the sums of a window; `None` when they are too few.
fn renewed(old: &FeatureProfile, sums: &Sums) -> Option<FeatureProfile> {
    let Sums {
        tally, distinct, ..
    } = sums;
    let cells = old.cells.as_ref()?;
    if tally.values < statistic::minimum_rows(cells.cells.len(), old.variation.design_effect) {
        return None;
    }
    let moments = match &old.moments {
        None => None,
        Some(old) => Some(Moments {
            mean: tally.mean(old)?,
            stddev: tally.stddev(old).filter(|it| it.is_finite())?,
            min: tally.moments.min,
            max: tally.moments.max,
        }),
    };
    let is_constant = match (&moments, &cells.cells) {
        (Some(moments), _) => moments.min == moments.max,
        (None, Cells::Categorical(kept)) => {
            tally.cells[..kept.kept().len()].contains(&tally.values)
        }
        (None, _) => false,
    };
    Some(FeatureProfile {
        name: old.name.clone(),
        role: old.role,
        kind: old.kind,
        missing: tally.missing,
        cells: Some(ReferenceCells {
            cells: cells.cells.clone(),
            rows: tally.cells.to_vec(),
            means: old
                .moments
                .as_ref()
                .map_or_else(Vec::new, |unit| means(cells, sums, unit)),
        }),
        moments,
        distinct: match distinct {
            _ if is_constant => 1,
            Some(estimate) => *estimate as u64,
            None => old.distinct,
        },
        variation: old.variation,
        importance: old.importance,
        derived_from: old.derived_from.clone(),
        embedding: old
            .embedding
            .as_ref()
            .zip(sums.embedding.as_ref())
            .and_then(|(old, sums)| embedding(old, sums)),
    })
}

/// The mean embedding of a window. The traces of powers of the covariance keep their proportion to its
/// own: how many directions share the variance is all that they say beyond it.
fn embedding(old: &FourierReference, sums: &JointTally) -> Option<FourierReference> {
    let MeanEmbedding { rows, means } = MeanEmbedding::of_window(sums)?;
    let trace = 1.0 - means.iter().map(|mean| mean * mean).sum::<f64>();
    let scale = trace / old.trace;
    let fourier = FourierReference {
        rows,
        means,
        trace,
        trace_of_square: old.trace_of_square * scale.powi(2),
        trace_of_cube: old.trace_of_cube * scale.powi(3),
        ..old.clone()
    };
    (fourier.trace_of_cube > 0.0).then_some(fourier)
}

/// Mean of each cell that has rows: as the window knows it, else as in the old reference; where that
/// had no rows, somewhere in the cell.
fn means(old: &ReferenceCells, window: &Sums, unit: &Moments) -> Vec<f64> {
    let Cells::Numeric(cells) = &old.cells else {
        return Vec::new();
    };
    let nothing = CellSumsTally::new(old.rows.len());
    let sums = window.cell_sums.as_ref();
    let known = sums.unwrap_or(&nothing).means(cells, unit);
    let mean = |(cell, mean): (usize, f64)| match (window.tally.cells[cell], old.rows[cell]) {
        (0, _) => 0.0,
        (_, 1..) if sums.is_none() => old.means[cell],
        _ => mean,
    };
    known.into_iter().enumerate().map(mean).collect()
}
