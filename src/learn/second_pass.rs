//! The seam of the second pass: what is measured once the cells of all fields are fixed.
//!
//! To add one: a file that implements [`SecondPass`] and a line in [`all`].

use super::chunks::Chunks;
use super::joint::JointPass;
use super::outliers::OutlierPass;
use crate::batch::{Batch, Column};
use crate::learn::LearnReport;
use crate::profile::Profile;
use crate::tally::RowCodes;

/// Rows of a batch, with the cell of each value.
pub(super) struct CodedRows<'a> {
    /// The rows, with their times.
    pub batch: &'a Batch,
    /// The column of each feature of the profile, in its order; `None` where the batch lacks it.
    pub columns: &'a [Option<&'a Column>],
    /// The cells, of each feature of the profile in its order. Outputs of failed calls are missing.
    pub codes: &'a RowCodes,
}

/// Something that is measured over all rows, once the cells are fixed.
pub(super) trait SecondPass {
    /// Takes over rows.
    fn observe(&mut self, rows: &CodedRows<'_>);

    /// Writes what was found into the profile, which has its final counts by now.
    fn finish(self: Box<Self>, profile: &mut Profile, report: &mut LearnReport);
}

/// Everything that is measured in the second pass over rows like those of `provisional`: its cells
/// are fixed, its counts may be those of a sample. `times` are the first and the last time of a row.
pub(super) fn all(provisional: &Profile, times: Option<(i64, i64)>) -> Vec<Box<dyn SecondPass>> {
    let mut passes: Vec<Box<dyn SecondPass>> = Vec::new();
    if let Some(times) = times {
        passes.push(Box::new(Chunks::new(provisional, times)));
    }
    if let Some(outliers) = OutlierPass::new(provisional) {
        passes.push(Box::new(outliers));
    }
    if let Some(joint) = JointPass::new(provisional, times) {
        passes.push(Box::new(joint));
    }
    passes
}
