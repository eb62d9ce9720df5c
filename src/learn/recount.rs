//! The second pass over many rows: exact counts in cells that a sample has cut.

use std::collections::HashMap;
use std::sync::Arc;

use super::chunks::UNMEASURED;
use super::field::{Counting, Settled};
use super::numeric_sums::NumericSums;
use super::rows_of;
use super::second_pass::{self, CodedRows, SecondPass};
use super::{LearnReport, Learned};
use crate::batch::{Batch, Numbers};
use crate::profile::{Cells, Profile, Provenance};
use crate::tally::RowCodes;

/// Counts the rows of the first pass again, in the same order, and yields the profile.
pub struct Recount {
    pub(super) model: Option<String>,
    pub(super) rows: u64,
    pub(super) fields: Vec<Settled>,
    /// Place of what is derived from each field that the data bring.
    pub(super) companion_of: Vec<Option<usize>>,
    pub(super) field_of: HashMap<Arc<str>, usize>,
    pub(super) report: LearnReport,
    pub(super) resolved: Option<(u64, Vec<Option<usize>>)>,
    pub(super) scratch: Numbers,
    /// What else is measured; empty when there is no second pass.
    pub(super) passes: Vec<Box<dyn SecondPass>>,
    pub(super) codes: RowCodes,
}

impl Recount {
    /// Adds what is measured over rows of these times once the cells are fixed. Without times, a
    /// warning names the column `found` that may have them.
    pub(super) fn with_passes(mut self, times: Option<(i64, i64)>, found: Option<&str>) -> Self {
        let features = self.fields.iter().map(|settled| settled.feature.clone());
        let provisional = Profile {
            rows: self.rows,
            features: features.collect(),
            ..Profile::default()
        };
        self.passes = second_pass::all(&provisional, times);
        if times.is_none() {
            let remedy = match found {
                Some(column) => format!("add `--time-column {column}`"),
                None => "name the column of times with --time-column".into(),
            };
            self.report.warnings.push(format!(
                "how rows hang together in time was not measured: {UNMEASURED}; {remedy} to have it \
                 measured"
            ));
        }
        self
    }

    /// Counts the values of a batch.
    pub fn observe(&mut self, batch: &Batch) {
        let uid = batch.schema.uid();
        if self
            .resolved
            .as_ref()
            .is_none_or(|(known, _)| *known != uid)
        {
            let fields = batch.schema.fields.iter();
            let indexes = fields.map(|field| self.field_of.get(&field.name).copied());
            self.resolved = Some((uid, indexes.collect()));
        }
        let Some((_, indexes)) = &self.resolved else {
            return;
        };
        let succeeded = super::succeeded_rows(batch);
        for (index, column) in indexes.iter().zip(&batch.columns) {
            let (Some(index), Some(column)) = (index, column) else {
                continue;
            };
            let settled = &mut self.fields[*index];
            let role = settled.feature.role;
            match &mut settled.recount {
                Some(Counting::Numbers(sums)) if column.width() == 1 => {
                    for rows in rows_of(role, batch.rows, &succeeded) {
                        self.scratch.clear();
                        column.read_numbers(rows, &mut self.scratch);
                        count(&self.scratch, sums);
                    }
                }
                Some(Counting::Vectors(sums)) => {
                    self.scratch.clear();
                    for rows in rows_of(role, batch.rows, &succeeded) {
                        sums.observe(column, rows, &mut self.scratch);
                    }
                    if let Some(companion) = self.companion_of[*index] {
                        let companion = &mut self.fields[companion];
                        companion.feature.missing.nan += self.scratch.nan;
                        if let Some(Counting::Numbers(sums)) = &mut companion.recount {
                            count(&self.scratch, sums);
                        }
                    }
                }
                _ => {}
            }
        }
        if self.passes.is_empty() {
            return;
        }
        self.codes.begin(self.fields.len(), batch.rows);
        for (index, column) in indexes.iter().zip(&batch.columns) {
            let (Some(index), Some(column)) = (*index, column) else {
                continue;
            };
            let feature = &self.fields[index].feature;
            let companion = self.companion_of[index].map(|at| (at, &self.fields[at].feature));
            if let Some(reference) = &feature.cells {
                let cells = &reference.cells;
                for rows in rows_of(feature.role, batch.rows, &succeeded) {
                    let first = rows.start;
                    self.codes.read(index, first, column, rows.clone(), cells);
                    if let (Cells::Centroids(centroids), Some((at, companion))) = (cells, companion)
                        && let Some(Cells::Numeric(cells)) =
                            companion.cells.as_ref().map(|of| &of.cells)
                    {
                        self.codes
                            .read_cosines(at, first, column, rows, centroids, cells);
                    }
                }
            }
        }
        let coded = CodedRows {
            batch,
            codes: &self.codes,
        };
        self.passes.iter_mut().for_each(|pass| pass.observe(&coded));
    }

    /// The profile, with what was found.
    pub fn finish_with_report(mut self, provenance: Provenance) -> Learned {
        for settled in &mut self.fields {
            match settled.recount.take() {
                None => continue,
                Some(Counting::Numbers(sums)) => settled.count(sums),
                Some(Counting::Vectors(sums)) => settled.count_vectors(&sums),
            }
            settled.conclude();
        }
        let mut reports = HashMap::new();
        let mut features = Vec::with_capacity(self.fields.len());
        for settled in self.fields {
            if settled.feature.derived_from.is_some() {
                self.report.fields.push(settled.report);
                features.push(settled.feature);
                continue;
            }
            reports.insert(settled.report.name.clone(), settled.report);
            features.push(settled.feature);
        }
        for field in &mut self.report.fields {
            if let Some(report) = reports.remove(&field.name) {
                *field = report;
            }
        }
        let mut profile = Profile {
            model: self.model,
            rows: self.rows,
            features,
            joint: None,
            outliers: None,
            provenance,
        };
        for pass in self.passes {
            pass.finish(&mut profile, &mut self.report);
        }
        Learned {
            profile,
            report: self.report,
        }
    }

    /// The profile alone.
    pub fn finish(self, provenance: Provenance) -> Profile {
        self.finish_with_report(provenance).profile
    }
}

fn count(numbers: &Numbers, sums: &mut NumericSums) {
    for &value in &numbers.finite {
        // −0 and 0 are one value.
        sums.add(value + 0.0);
    }
}
