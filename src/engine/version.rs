//! One version of a model: its fields, its traffic, its windows.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::burn_in;
use super::config::{BurntIn, Config, WindowConfig};
use super::field::{Field, Reference, Scratch};
use super::installed::Installed;
use super::room::{Room, Taken};
use super::row_sums::RowSums;
use super::{DURATION_BUCKETS, HistogramSnapshot, REQUEST_ROWS_BUCKETS};
use crate::batch::{Batch, Column, Outcome, Role, Schema};
use crate::tally::{Missed, RowCodes, Tally, TrafficTally};
use crate::window::{Ring, hour_of};

/// Schemas whose fields are remembered per version; a source that sends a new schema each time
/// only costs the look-ups by name.
const REMEMBERED_SCHEMAS: usize = 64;

/// Codes that exist at 0 from the start.
const GRPC_CODES: [&str; 9] = [
    "INVALID_ARGUMENT",
    "INTERNAL",
    "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "UNAVAILABLE",
    "UNKNOWN",
    "CANCELLED",
];

/// A version of a model.
pub(super) struct Version {
    /// Followed fields: those of the profile first, then as they come.
    pub fields: Vec<Field>,
    /// Room that the fields of traffic take.
    taken: Taken,
    index: HashMap<Arc<str>, usize>,
    /// What schemas resolve to, by their identity.
    resolved: HashMap<u64, Arc<Resolution>>,
    /// Fields of traffic that are not followed because there are too many.
    ignored: HashMap<Arc<str>, ()>,
    /// Traffic since the windows were last fed.
    pending: TrafficTally,
    /// Place of the longest window.
    longest: usize,
    /// Slice of each window that the pending sums belong to; empty before the first row.
    pending_slices: Vec<i64>,
    /// The same of the burn-in.
    pending_burn_in: i64,
    /// Hour that they belong to.
    pending_hour: i64,
    pub traffic: Vec<Ring<TrafficTally>>,
    /// What several fields say together.
    pub row_sums: RowSums,
    pub counters: Counters,
    /// Slice-clock time of the first row or tick, in microseconds.
    pub started_at: Option<i64>,
    /// Wall time of the last row, in microseconds.
    pub last_row_at: Option<i64>,
}

/// What the fields of a schema are to a version.
#[derive(Debug)]
pub(super) struct Resolution {
    /// Index in [`Version::fields`] of each field of the schema; `None` when it is not followed.
    named: Vec<Option<usize>>,
    /// Fields that the profile names and the schema does not: absent from every row.
    unnamed: Vec<usize>,
}

/// What is counted since the start.
#[derive(Debug)]
pub(super) struct Counters {
    pub predictions: f64,
    pub requests: f64,
    pub errors: Vec<(&'static str, f64)>,
    pub duration: Option<HistogramSnapshot>,
    pub request_rows: HistogramSnapshot,
    pub too_old_rows: u64,
    pub too_new_rows: u64,
}

impl Counters {
    fn new() -> Self {
        Self {
            predictions: 0.0,
            requests: 0.0,
            errors: GRPC_CODES.map(|code| (code, 0.0)).to_vec(),
            duration: None,
            request_rows: histogram(REQUEST_ROWS_BUCKETS.len()),
            too_old_rows: 0,
            too_new_rows: 0,
        }
    }
}

fn histogram(bounds: usize) -> HistogramSnapshot {
    HistogramSnapshot {
        counts: vec![0; bounds + 1],
        sum: 0.0,
    }
}

fn observe(histogram: &mut HistogramSnapshot, bounds: &[f64], value: f64) {
    histogram.counts[bounds.partition_point(|&bound| bound < value)] += 1;
    histogram.sum += value;
}

impl Version {
    pub fn new(windows: &[WindowConfig], room: &Room) -> Self {
        Self {
            longest: longest(windows),
            fields: Vec::new(),
            taken: room.part(),
            index: HashMap::new(),
            resolved: HashMap::new(),
            ignored: HashMap::new(),
            pending: TrafficTally::default(),
            pending_slices: Vec::new(),
            pending_burn_in: 0,
            pending_hour: 0,
            traffic: vec![Ring::new(&TrafficTally::default()); windows.len()],
            row_sums: RowSums::default(),
            counters: Counters::new(),
            started_at: None,
            last_row_at: None,
        }
    }

    /// The field of this name, if it is followed.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.index.get(name).map(|&at| &self.fields[at])
    }

    /// Fields of traffic that are not followed because there are too many.
    pub fn ignored_fields(&self) -> u64 {
        self.ignored.len() as u64
    }

    /// Adds a field, unless it is there or there are too many.
    fn add_field(&mut self, field: Field, config: &Config) -> Option<usize> {
        if let Some(&at) = self.index.get(&field.name) {
            return Some(at);
        }
        let is_of_file = field.reference.as_ref().is_some_and(|of| !of.learned);
        let is_room = self.fields.len() < config.max_fields
            && (is_of_file || self.taken.take(config.max_total_fields));
        if !is_room {
            if self.ignored.len() < config.max_fields {
                self.ignored.insert(field.name, ());
            }
            return None;
        }
        let at = self.fields.len();
        self.index.insert(field.name.clone(), at);
        self.fields.push(field);
        Some(at)
    }

    /// Has the names of all schemas resolved anew.
    pub fn forget_schemas(&mut self) {
        self.resolved.clear();
    }

    /// Whether rows of this schema have come since the references are in force.
    pub fn has_resolved(&self, schema: &Schema) -> bool {
        self.resolved.contains_key(&schema.uid())
    }

    /// What the fields of `schema` are to this version; `make` makes those that are new, or `None`
    /// for fields without series of their own.
    pub fn resolve(
        &mut self,
        schema: &Schema,
        config: &Config,
        mut make: impl FnMut(&Arc<str>, Role) -> Option<Field>,
    ) -> Arc<Resolution> {
        if let Some(known) = self.resolved.get(&schema.uid()) {
            return known.clone();
        }
        let named: Vec<_> = schema
            .fields
            .iter()
            .map(|field| match self.index.get(&field.name) {
                // What is derived from a vector has that name; nothing else is taken for it.
                Some(&at) if self.fields[at].derived_from().is_some() => None,
                Some(&at) => Some(at),
                None => make(&field.name, field.role).and_then(|new| self.add_field(new, config)),
            })
            .collect();
        let mut is_named = vec![false; self.fields.len()];
        named.iter().flatten().for_each(|&at| is_named[at] = true);
        let is_absent = |&at: &usize| self.fields[at].is_expected() && !is_named[at];
        let unnamed = (0..self.fields.len()).filter(is_absent).collect();
        let resolved = Arc::new(Resolution { named, unnamed });
        if self.resolved.len() >= REMEMBERED_SCHEMAS {
            self.resolved.clear();
        }
        self.resolved.insert(schema.uid(), resolved.clone());
        resolved
    }

    /// Takes the pending sums to their slices and makes `at` the moment that the next rows belong
    /// to.
    pub fn begin(&mut self, at: i64, config: &Config) {
        let slices = config.windows.iter().map(|window| window.slice(at));
        let (hour, burn_in) = (hour_of(at), burn_in::slice(config.burn_in_micros, at));
        let is_same = slices.clone().eq(self.pending_slices.iter().copied());
        if !is_same || hour != self.pending_hour || burn_in != self.pending_burn_in {
            self.flush();
            self.pending_hour = hour;
            self.pending_burn_in = burn_in;
            self.pending_slices.clear();
            self.pending_slices.extend(slices);
            if let Some(&slice) = self.pending_slices.get(self.longest) {
                let fields = self.fields.iter_mut();
                fields.for_each(|field| field.new_names.advance_to(slice));
            }
        }
        let started_at = self.started_at.get_or_insert(at);
        *started_at = at.min(*started_at);
    }

    /// Takes the pending sums to their slices.
    pub fn flush(&mut self) {
        if self.pending.rows + self.pending.calls > 0 {
            for (ring, &slice) in self.traffic.iter_mut().zip(&self.pending_slices) {
                ring.add(slice, &self.pending);
            }
            self.pending.clear();
        }
        for field in &mut self.fields {
            field.flush(
                &self.pending_slices,
                self.pending_hour,
                self.pending_burn_in,
                self.longest,
            );
        }
        self.row_sums.flush(&self.pending_slices);
    }

    /// The wall clock was set back to `at`.
    pub fn set_back(&mut self, at: i64, config: &Config) {
        let windows = &config.windows;
        let burn_in = burn_in::slice(config.burn_in_micros, at);
        self.flush();
        self.pending_slices.clear();
        for (ring, window) in self.traffic.iter_mut().zip(windows) {
            ring.set_back_to(window.slice(at));
        }
        for field in &mut self.fields {
            field.set_back(at, windows, burn_in, self.longest);
        }
        self.row_sums.set_back(at, windows);
        self.started_at = self.started_at.map(|started| started.min(at));
        self.last_row_at = self.last_row_at.map(|last| last.min(at));
    }

    /// Moves all windows on to `now`.
    pub fn advance(&mut self, now: i64, config: &Config) {
        self.flush();
        let burn_in = burn_in::slice(config.burn_in_micros, now);
        for field in &mut self.fields {
            field.burn_in.advance_to(burn_in);
        }
        for (at, window) in config.windows.iter().enumerate() {
            let slice = window.slice(now);
            self.traffic[at].advance_to(slice);
            self.row_sums.advance(at, slice);
            for field in &mut self.fields {
                field.advance(at, slice, at == self.longest);
            }
        }
    }

    /// Folds rows of a batch into the pending sums. `failed` are the row ranges of failed calls.
    pub fn fold_rows(
        &mut self,
        batch: &Batch,
        resolved: &Resolution,
        rows: Range<usize>,
        failed: &[Range<usize>],
        scratch: &mut Scratch,
    ) {
        let failed = within(failed, &rows);
        self.pending.rows += rows.len() as u64;
        self.pending.weighted_rows += rows.len() as f64 * batch.weight;
        for &at in &resolved.unnamed {
            for kept in rows_of(self.fields[at].role, &rows, failed) {
                self.miss_absent(at, kept.len());
            }
        }
        let mut codes = std::mem::take(&mut scratch.codes);
        for run in self.row_sums.runs(rows) {
            self.row_sums.begin(run.len(), &mut codes);
            self.fold_columns(batch, resolved, run, failed, scratch, &mut codes);
            self.row_sums.fold(&codes);
        }
        scratch.codes = codes;
    }

    /// Folds a run of rows column by column; `codes` gets the cells of their values for those fields
    /// that have a slot.
    fn fold_columns(
        &mut self,
        batch: &Batch,
        resolved: &Resolution,
        rows: Range<usize>,
        failed: &[Range<usize>],
        scratch: &mut Scratch,
        codes: &mut RowCodes,
    ) {
        let failed = within(failed, &rows);
        for (column, at) in batch.columns.iter().zip(&resolved.named) {
            let &Some(at) = at else {
                continue;
            };
            let role = self.fields[at].role;
            let mut fold = |kept: Range<usize>| {
                let first = kept.start - rows.start;
                self.fold_column(at, column.as_ref(), kept, scratch, first, codes);
            };
            if failed.is_empty() {
                fold(rows.clone());
            } else {
                rows_of(role, &rows, failed).for_each(fold);
            }
        }
    }

    /// Folds rows of a field, and of what is derived from it; without a column they are absent.
    /// `codes` gets the cells of their values, from row `first` on, if they have a slot there.
    fn fold_column(
        &mut self,
        at: usize,
        column: Option<&Column>,
        rows: Range<usize>,
        scratch: &mut Scratch,
        first: usize,
        codes: &mut RowCodes,
    ) {
        let places = first..first + rows.len();
        let Some(column) = column else {
            return self.miss_absent(at, rows.len());
        };
        let slot = self.row_sums.slot(at);
        let of_field = slot.map(|slot| codes.of_mut(slot, places.clone()));
        self.fields[at].fold(column, rows, scratch, of_field);
        if let Some(companion) = self.fields[at].companion {
            let slot = self.row_sums.slot(companion);
            let of_companion = slot.map(|slot| codes.of_mut(slot, places));
            self.fields[companion].fold_cosines(scratch, of_companion);
        }
    }

    /// A batch does not have a field, hence nothing that is derived from it.
    fn miss_absent(&mut self, at: usize, rows: usize) {
        let companion = self.fields[at].companion;
        for at in std::iter::once(at).chain(companion) {
            let field = &mut self.fields[at];
            if matches!(field.role, Role::Feature | Role::Prediction | Role::Score) {
                field.pending.miss(Missed::Absent, rows as u64);
            }
        }
    }

    /// Tells the fields of vectors where their cosines go.
    fn link_companions(&mut self) {
        for field in &mut self.fields {
            field.companion = None;
        }
        for at in 0..self.fields.len() {
            let source = self.fields[at].derived_from();
            if let Some(&source) = source.and_then(|source| self.index.get(source))
                && self.fields[source].has_centroids()
            {
                self.fields[source].companion = Some(at);
            }
        }
    }

    /// Counts the calls whose first row is in `rows`, and with the last row those without rows
    /// behind it. `starts` are the first rows of the calls, if not each row is a call of its own.
    pub fn fold_calls(&mut self, batch: &Batch, starts: &[usize], rows: Range<usize>) {
        let counters = &mut self.counters;
        let before = |row: usize| starts.partition_point(|&start| start < row);
        let calls = if starts.is_empty() {
            rows
        } else if rows.end == batch.rows {
            before(rows.start)..starts.len()
        } else {
            before(rows.start)..before(rows.end)
        };
        for call in calls {
            let call_rows = batch.calls.rows.get(call).map_or(1, |&rows| rows as usize);
            self.pending.calls += 1;
            counters.requests += batch.weight;
            observe(
                &mut counters.request_rows,
                &REQUEST_ROWS_BUCKETS,
                call_rows as f64,
            );
            match batch.calls.outcomes.get(call) {
                Some(Outcome::Failed(code)) => {
                    self.pending.failed_calls += 1;
                    match counters.errors.iter_mut().find(|(known, _)| known == code) {
                        Some((_, count)) => *count += batch.weight,
                        None => counters.errors.push((code, batch.weight)),
                    }
                }
                Some(Outcome::Ok) | None => {
                    counters.predictions += call_rows as f64 * batch.weight;
                }
            }
            if let Some(&micros) = batch.calls.latency_micros.get(call) {
                self.pending.observe_latency(micros);
                let duration = counters
                    .duration
                    .get_or_insert_with(|| histogram(DURATION_BUCKETS.len()));
                observe(duration, &DURATION_BUCKETS, f64::from(micros) * 1e-6);
            }
        }
    }

    /// Puts these references in force, and no others: fields of traffic that they lack lose
    /// theirs, fields that they name and traffic has not brought yet are there from now on. `inputs`
    /// is the profile that the features are compared with.
    pub fn install(
        &mut self,
        references: Vec<Reference>,
        inputs: Option<&Installed>,
        model: &str,
        config: &Config,
    ) {
        self.flush();
        let mut has_reference = vec![false; self.fields.len()];
        for reference in references {
            let name: Arc<str> = reference.feature.name.as_str().into();
            match self.index.get(&name) {
                Some(&at) => {
                    let field = &mut self.fields[at];
                    field.role = field.config.role.unwrap_or(reference.feature.role);
                    field.set_reference(Some(reference));
                    field.follow_names(config);
                    has_reference[at] = true;
                }
                None => {
                    let role = reference.feature.role;
                    let field = Field::new(name, role, Some(reference), model, config);
                    if field.role.is_watched() {
                        self.add_field(field, config);
                        has_reference.push(true);
                    }
                }
            }
        }
        for (field, has_reference) in self.fields.iter_mut().zip(has_reference) {
            if !has_reference {
                field.set_reference(None);
                field.follow_names(config);
            }
        }
        self.link_companions();
        self.row_sums
            .install(inputs, &self.fields, &self.index, model, config);
        self.resolved.clear();
    }

    /// Starts or ends the burn-ins of all fields, as their references ask; `before` are those that
    /// were kept.
    pub fn follow_burn_in(&mut self, micros: i64, before: Option<&HashMap<Arc<str>, BurntIn>>) {
        for field in &mut self.fields {
            let before = before.and_then(|before| before.get(&field.name));
            field.follow_burn_in(micros, before);
        }
    }

    /// New settings: what they say of the fields, and other windows. `kept` gives, for each window
    /// of the new settings, its place among the old ones.
    pub fn reconfigure(&mut self, model: &str, config: &Config, kept: &[Option<usize>]) {
        self.flush();
        self.pending_slices.clear();
        let longest_before = std::mem::replace(&mut self.longest, longest(&config.windows));
        self.traffic = rearranged(&self.traffic, kept, &TrafficTally::default());
        self.row_sums.rearrange(kept);
        let keeps_longest = kept.get(self.longest) == Some(&Some(longest_before));
        for field in &mut self.fields {
            field.reconfigure(model, config, kept, keeps_longest);
        }
        self.fields.retain(|field| field.role.is_watched());
        self.taken.keep(self.fields.len());
        let names = self.fields.iter().map(|field| field.name.clone());
        self.index = names.enumerate().map(|(at, name)| (name, at)).collect();
        self.link_companions();
        self.resolved.clear();
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.traffic.iter().map(Ring::bytes).sum::<usize>()
            + self.fields.iter().map(Field::bytes).sum::<usize>()
            + self.row_sums.bytes()
    }
}

/// Place of the longest window.
pub(super) fn longest(windows: &[WindowConfig]) -> usize {
    let places = windows.iter().enumerate();
    let longest = places.max_by_key(|(_, window)| window.micros);
    longest.map_or(0, |(place, _)| place)
}

/// The windows that stay, at their new places; new ones empty.
pub(super) fn rearranged<T: Tally>(
    old: &[Ring<T>],
    kept: &[Option<usize>],
    empty: &T,
) -> Vec<Ring<T>> {
    kept.iter()
        .map(|place| place.map_or_else(|| Ring::new(empty), |place| old[place].clone()))
        .collect()
}

/// Those of the rising ranges `gaps` that may share a row with `rows`.
fn within<'a>(gaps: &'a [Range<usize>], rows: &Range<usize>) -> &'a [Range<usize>] {
    let end = gaps.partition_point(|gap| gap.start < rows.end);
    let start = gaps.partition_point(|gap| gap.end <= rows.start);
    &gaps[start.min(end)..end]
}

/// The parts of `rows` that count for a field of this role: outputs of failed calls are neither
/// values nor missing.
fn rows_of<'a>(
    role: Role,
    rows: &Range<usize>,
    failed: &'a [Range<usize>],
) -> impl Iterator<Item = Range<usize>> + 'a {
    let failed = if role.is_output() { failed } else { &[] };
    let (start, end) = (rows.start, rows.end);
    let starts = std::iter::once(start).chain(failed.iter().map(|gap| gap.end));
    let ends = failed
        .iter()
        .map(|gap| gap.start)
        .chain(std::iter::once(end));
    starts
        .zip(ends)
        .map(move |(from, to)| from.clamp(start, end)..to.clamp(start, end))
        .filter(|kept| kept.start < kept.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_failed_calls_are_left_out_and_inputs_are_not() {
        let failed = [2..4, 7..8];
        let kept = |role, rows: Range<usize>| rows_of(role, &rows, &failed).collect::<Vec<_>>();
        assert_eq!(kept(Role::Score, 0..10), [0..2, 4..7, 8..10]);
        assert!(
            kept(Role::Score, 3..8)
                .into_iter()
                .eq(std::iter::once(4..7))
        );
        assert_eq!(kept(Role::Score, 2..4), Vec::<Range<usize>>::new());
        assert!(
            kept(Role::Feature, 0..10)
                .into_iter()
                .eq(std::iter::once(0..10))
        );
    }
}
