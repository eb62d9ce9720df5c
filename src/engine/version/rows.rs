//! Rows of a version: each goes to the fields that its schema names, and to what those say together.
//!
//! Fields that share rows are folded in runs, so that the cells of a run are at hand for all of them;
//! rows of failed calls have no outputs, and those fields pass over them.

use std::ops::Range;

use super::Version;
use super::schemas::Resolution;
use crate::batch::{Batch, Column, Role};
use crate::engine::field::Scratch;
use crate::tally::{Missed, RowCodes};

impl Version {
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
            let failed = within(failed, &run);
            for (column, at) in batch.columns.iter().zip(&resolved.named) {
                let &Some(at) = at else {
                    continue;
                };
                let role = self.fields[at].role;
                let mut fold = |kept: Range<usize>| {
                    let first = kept.start - run.start;
                    self.fold_column(at, column.as_ref(), kept, scratch, first, &mut codes);
                };
                if failed.is_empty() {
                    fold(run.clone());
                } else {
                    rows_of(role, &run, failed).for_each(fold);
                }
            }
            self.row_sums.fold(&codes);
        }
        scratch.codes = codes;
    }

    /// Folds rows that are labels: the fields of that role, and nothing of traffic.
    pub fn fold_labels(
        &mut self,
        batch: &Batch,
        resolved: &Resolution,
        rows: Range<usize>,
        scratch: &mut Scratch,
    ) {
        *self.counters.labels.get_or_insert(0.0) += rows.len() as f64 * batch.weight;
        for (column, at) in batch.columns.iter().zip(&resolved.named) {
            if let (Some(column), &Some(at)) = (column, at)
                && self.fields[at].role == Role::Label
            {
                self.fields[at].fold(column, rows.clone(), scratch, None);
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
