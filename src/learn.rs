//! Rows → profile: what the reference of a model looks like, learned from files or from the first
//! rows of production.
//!
//! ```text
//! Batch ─observe─▶ Learner ─finish─▶ Profile                       one pass: live traffic
//!                     └─into_recount─▶ Recount ─observe─▶ finish   two: exact counts of many rows,
//!                                                                  and what needs fixed cells
//! ```
//! Knows no files, no clock and no threads. The same rows always give the same profile and the same
//! hash; up to 100,000 rows their order does not matter either, except for vectors, and of more than
//! 2,000 rows for how chance in features together is judged.

mod category_cells;
mod centroids;
mod chunks;
mod covariance;
mod distinct;
mod embedding;
mod field;
mod joint;
mod numbers;
mod numeric_cells;
mod numeric_sums;
mod outliers;
mod random;
mod recount;
mod report;
mod second_pass;
mod texts;
mod vectors;

pub use category_cells::{COVERED_SHARE, FEW_CATEGORIES, KEPT_ROWS, KEPT_SHARE, MAX_KEPT};
pub use centroids::{MAX_CENTROID_ELEMENTS, MAX_CENTROIDS};
pub use chunks::{
    CHUNK_SLICES, CHUNKS, LEAST_CHUNKS, WANDER_QUANTILE, tolerated_effect, variation,
};
pub use distinct::{Distinct, EXACT_DISTINCT};
pub use joint::{JointLearner, joint_features};
pub use numbers::SAMPLE_VALUES;
pub use numeric_cells::{
    EQUAL_MASS_CELLS, MAX_CELLS, ROWS_PER_CELL, TAIL_ROWS, TAIL_SHARES, numeric_edges,
};
pub use numeric_sums::FAR_STDDEVS;
pub use outliers::{OUTLIER_FEATURES, unmeasured_outliers};
pub use recount::Recount;
pub use report::{FieldReport, LearnReport};
pub use texts::MAX_CATEGORIES;
pub use vectors::VectorSample;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use field::{FieldLearner, Settled};

use crate::batch::{Batch, Numbers, Role, Times};
use crate::profile::{Kind, Profile, Provenance};
use crate::tally::RowCodes;

/// Most fields that are learned; those that come later are left out, and that is said.
pub const MAX_FIELDS: usize = 2_000;

/// What the operator says about a field, above what the data say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FieldOverride {
    /// Role, if not the one of the data.
    pub role: Option<Role>,
    /// Kind, if not the one inferred.
    pub kind: Option<Kind>,
    /// How much it matters to the model, finite and not negative.
    pub importance: Option<f64>,
}

/// What to learn.
#[derive(Clone, Debug, Default)]
pub struct LearnOptions {
    /// Name of the model, written into the profile.
    pub model: Option<String>,
    /// What the operator says about fields, by name.
    pub overrides: HashMap<String, FieldOverride>,
    /// Which fields to learn.
    pub scope: Scope,
    /// Whether the second pass measures, by the times of rows, how they hang together. That wander
    /// from then on counts as usual, so someone has to ask for it.
    pub measures_variation: bool,
    /// The column of times that was found without anybody asking, for the warning that names it.
    pub time_column: Option<String>,
    /// How many vectors of each field are kept.
    pub vectors: VectorSample,
}

/// A choice of fields; those of the roles `segment`, `time`, `id` and `ignore` are never learned.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only these roles; empty: all.
    pub roles: Vec<Role>,
    /// Only these names; `None`: all.
    pub only: Option<HashSet<String>>,
    /// Not these names, for instance those that a profile has already.
    pub except: HashSet<String>,
}

impl Scope {
    fn has(&self, name: &str, role: Role) -> bool {
        (self.roles.is_empty() || self.roles.contains(&role))
            && self.only.as_ref().is_none_or(|only| only.contains(name))
            && !self.except.contains(name)
    }
}

/// A profile and what was found while learning it.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// The profile.
    pub profile: Profile,
    /// What was found.
    pub report: LearnReport,
}

/// The first pass over the rows; the only one where no field has more than [`SAMPLE_VALUES`] values.
///
/// A field's role and way of reading are those of the first batch that has it. Memory: at most
/// 1.1 MB for a field of numbers, and for one of strings 1,000 of them and some 100 kB.
pub struct Learner {
    options: LearnOptions,
    rows: u64,
    succeeded_rows: u64,
    fields: Vec<FieldLearner>,
    /// Names for the report: what is learned and what has no series anyway, in order.
    names: Vec<(Arc<str>, Role)>,
    /// Every name that was seen, with its place in `fields` if it is learned.
    field_of: HashMap<Arc<str>, Option<usize>>,
    beyond_limit: u64,
    resolved: Option<(u64, Vec<Option<usize>>)>,
    scratch: Numbers,
    /// First and last time of a row, if rows have times of their own.
    times: Option<(i64, i64)>,
}

impl Learner {
    /// A learner that has seen nothing.
    pub fn new(options: LearnOptions) -> Self {
        Self {
            options,
            rows: 0,
            succeeded_rows: 0,
            fields: Vec::new(),
            names: Vec::new(),
            field_of: HashMap::new(),
            beyond_limit: 0,
            resolved: None,
            scratch: Numbers::default(),
            times: None,
        }
    }

    /// Learns from the rows of a batch; outputs (prediction, score) only from calls that did not
    /// fail.
    pub fn observe(&mut self, batch: &Batch) {
        let uid = batch.schema.uid();
        if self
            .resolved
            .as_ref()
            .is_none_or(|(known, _)| *known != uid)
        {
            let fields = batch.schema.fields.iter();
            let indexes = fields.map(|field| self.resolve(field)).collect();
            self.resolved = Some((uid, indexes));
        }
        let Some((_, indexes)) = &self.resolved else {
            return;
        };
        if let Times::Each(times) = &batch.times {
            for &time in times {
                let (first, last) = self.times.unwrap_or((time, time));
                self.times = Some((first.min(time), last.max(time)));
            }
        }
        let succeeded = succeeded_rows(batch);
        self.rows += batch.rows as u64;
        self.succeeded_rows += succeeded.iter().map(ExactSizeIterator::len).sum::<usize>() as u64;
        for (index, column) in indexes.iter().zip(&batch.columns) {
            let (Some(index), Some(column)) = (index, column) else {
                continue;
            };
            let field = &mut self.fields[*index];
            for rows in rows_of(field.role, batch.rows, &succeeded) {
                field.observe(column, rows, &mut self.scratch);
            }
        }
    }

    /// Place of a field in `fields`, made if it is new and to be learned.
    fn resolve(&mut self, field: &crate::batch::Field) -> Option<usize> {
        if let Some(known) = self.field_of.get(&field.name) {
            return *known;
        }
        if self.field_of.len() >= MAX_FIELDS {
            self.beyond_limit += 1;
            return None;
        }
        let overridden = self.options.overrides.get(&*field.name);
        let role = overridden
            .and_then(|field| field.role)
            .unwrap_or(field.role);
        let learned = role.is_watched() && self.options.scope.has(&field.name, role);
        if learned || !role.is_watched() {
            self.names.push((field.name.clone(), role));
        }
        let index = learned.then(|| {
            let vectors = self.options.vectors;
            self.fields
                .push(FieldLearner::new(field, role, overridden, vectors));
            self.fields.len() - 1
        });
        self.field_of.insert(field.name.clone(), index);
        index
    }

    /// Rows seen, those of failed calls included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of memory held, as far as it grows with the data.
    pub fn bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|(name, _)| name.len() + 128).sum();
        let fields: usize = self.fields.iter().map(FieldLearner::bytes).sum();
        size_of::<Self>() + names + fields + self.scratch.finite.capacity() * size_of::<f64>()
    }

    /// Whether a field has more values than were kept, so that its counts need a second pass over
    /// the same rows ([`Learner::into_recount`]).
    pub fn needs_second_pass(&self) -> bool {
        self.fields.iter().any(FieldLearner::needs_second_pass)
    }

    /// Ends the first pass: cells are fixed, and the rows that follow are counted.
    pub fn into_recount(self) -> Recount {
        let times = self.times.filter(|_| self.options.measures_variation);
        let found = self.options.time_column.clone();
        self.settle(true).with_passes(times, found.as_deref())
    }

    /// The profile, with what was found. Where a second pass is needed but not made, the counts are
    /// those of the sample, and that is said.
    pub fn finish_with_report(self, provenance: Provenance) -> Learned {
        self.settle(false).finish_with_report(provenance)
    }

    /// The profile alone.
    pub fn finish(self, provenance: Provenance) -> Profile {
        self.finish_with_report(provenance).profile
    }

    fn settle(self, recount: bool) -> Recount {
        let mut report = LearnReport {
            rows: self.rows,
            fields: Vec::with_capacity(self.names.len()),
            warnings: Vec::new(),
        };
        let has = |role| self.fields.iter().any(|field| field.role == role);
        if self.options.scope.roles.is_empty() && !has(Role::Prediction) && !has(Role::Score) {
            report.warnings.push(
                "there is neither a prediction nor a score: the model's outputs will not be \
                 compared with this profile"
                    .into(),
            );
        }
        if self.beyond_limit > 0 {
            report.warnings.push(format!(
                "more than {MAX_FIELDS} fields: those beyond are left out"
            ));
        }
        for (name, role) in &self.names {
            report.fields.push(FieldReport {
                name: name.to_string(),
                role: *role,
                kind: None,
                why: "not watched".into(),
                cells: 0,
                values: 0,
                distinct: 0,
                null_ratio: None,
                warnings: Vec::new(),
            });
        }
        let (rows, succeeded_rows) = (self.rows, self.succeeded_rows);
        let fields = self.fields.into_iter().map(|field| {
            let expected = if field.role.is_output() {
                succeeded_rows
            } else {
                rows
            };
            field.settle(expected, recount)
        });
        let (fields, companion_of) = with_companions(fields.collect(), &self.field_of);
        let field_of = self.field_of.into_iter();
        Recount {
            model: self.options.model,
            rows,
            fields,
            companion_of,
            field_of: field_of
                .filter_map(|(name, index)| Some((name, index?)))
                .collect(),
            report,
            resolved: None,
            scratch: self.scratch,
            passes: Vec::new(),
            codes: RowCodes::default(),
        }
    }
}

/// The fields, then those that are derived from them, and the place of what is derived from each.
/// A name that the data have themselves is theirs.
fn with_companions(
    mut fields: Vec<Settled>,
    names: &HashMap<Arc<str>, Option<usize>>,
) -> (Vec<Settled>, Vec<Option<usize>>) {
    let own = fields.len();
    let mut companion_of = vec![None; own];
    let mut companions = Vec::new();
    for (field, place) in fields.iter_mut().zip(&mut companion_of) {
        let Some(mut companion) = field.companion.take() else {
            continue;
        };
        let name = &companion.report.name;
        if names.contains_key(&**name) {
            let warning = format!("its cosines are not watched: there is a column {name:?}");
            field.report.warnings.push(warning);
            continue;
        }
        companion.conclude();
        *place = Some(own + companions.len());
        companions.push(*companion);
    }
    fields.extend(companions);
    (fields, companion_of)
}

/// Row ranges of the calls that did not fail.
fn succeeded_rows(batch: &Batch) -> Vec<Range<usize>> {
    let mut succeeded = Vec::new();
    let mut start = 0;
    for failed in batch.failed_rows() {
        succeeded.push(start..failed.start.min(batch.rows));
        start = failed.end.min(batch.rows);
    }
    succeeded.push(start..batch.rows);
    succeeded.retain(|rows| !rows.is_empty());
    succeeded
}

/// Rows of a batch that count for a field of this role.
fn rows_of(
    role: Role,
    rows: usize,
    succeeded: &[Range<usize>],
) -> impl Iterator<Item = Range<usize>> + '_ {
    let all = (!role.is_output()).then_some(0..rows);
    let outputs = if role.is_output() { succeeded } else { &[] };
    all.into_iter().chain(outputs.iter().cloned())
}

#[cfg(test)]
mod tests;
