//! The second pass over many rows: exact counts in cells that a sample has cut.

use std::collections::HashMap;
use std::sync::Arc;

use super::field::Settled;
use super::rows_of;
use super::{LearnReport, Learned};
use crate::batch::{Batch, Numbers};
use crate::profile::{Profile, Provenance};

/// Counts the rows of the first pass again, in the same order, and yields the profile.
pub struct Recount {
    pub(super) model: Option<String>,
    pub(super) rows: u64,
    pub(super) fields: Vec<Settled>,
    pub(super) field_of: HashMap<Arc<str>, usize>,
    pub(super) report: LearnReport,
    pub(super) resolved: Option<(u64, Vec<Option<usize>>)>,
    pub(super) scratch: Numbers,
}

impl Recount {
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
            let Some(sums) = &mut settled.recount else {
                continue;
            };
            if column.width() > 1 {
                continue;
            }
            for rows in rows_of(settled.feature.role, batch.rows, &succeeded) {
                self.scratch.clear();
                column.read_numbers(rows, &mut self.scratch);
                for &value in &self.scratch.finite {
                    sums.add(value + 0.0);
                }
            }
        }
    }

    /// The profile, with what was found.
    pub fn finish_with_report(mut self, provenance: Provenance) -> Learned {
        for settled in &mut self.fields {
            if let Some(sums) = settled.recount.take() {
                settled.count(sums);
                settled.conclude();
            }
        }
        let mut reports = HashMap::new();
        let mut features = Vec::with_capacity(self.fields.len());
        for settled in self.fields {
            reports.insert(settled.report.name.clone(), settled.report);
            features.push(settled.feature);
        }
        for field in &mut self.report.fields {
            if let Some(report) = reports.remove(&field.name) {
                *field = report;
            }
        }
        Learned {
            profile: Profile {
                model: self.model,
                rows: self.rows,
                features,
                provenance,
            },
            report: self.report,
        }
    }

    /// The profile alone.
    pub fn finish(self, provenance: Provenance) -> Profile {
        self.finish_with_report(provenance).profile
    }
}
