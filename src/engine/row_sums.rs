//! Sums over rows of what several fields say together: what no field can show alone.
//!
//! While fields are folded, the cell of each value is written down, row by row, for the fields that
//! such a sum asks for; then the sum folds the cells of all of them. To add one: a type that is a
//! [`RowFold`], a member of [`RowSums`], and a line in `each`, `each_mut` and `install`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::config::{Config, WindowConfig};
use super::field::Field;
use super::installed::Installed;
use super::joint::{Joint, MeasuredJoint};
use super::outliers::Outliers;
use super::saved::{SavedSum, resume};
use super::version::rearranged;
use crate::profile::OutlierReference;
use crate::tally::{RowCodes, Tally};
use crate::window::Ring;

/// Rows whose cells are written down at a time: enough to pay for looking up each string of a
/// dictionary, few enough for the second-level cache (64 fields × 1 kB) and for the memory of a sidecar.
const RUN: usize = 1_024;

/// Rows of small batches that are kept until they can be summed together: what is done a few rows at a
/// time costs a single one as much as all of them.
const HELD: usize = 64;

/// How rows of several fields are summed.
pub(super) trait RowFold {
    /// What they are summed to.
    type Sums: Tally;

    /// Name of each field and the number of its cells: a field that has others counts as missing.
    fn fields(&self) -> Vec<(Arc<str>, usize)>;

    /// Sums of no rows.
    fn empty(&self) -> Self::Sums;

    /// Whether windows that `old` has summed can go on with this.
    fn continues(&self, old: &Self) -> bool;

    /// Whether it learns from these rows what later ones are compared with: they are not to wait, for
    /// those after the last of them are the first to be judged.
    fn is_learning(&self) -> bool;

    /// Adds all rows.
    fn fold(&mut self, rows: &CodedFields<'_>, sums: &mut Self::Sums);
}

/// The cells of a run of rows, of the fields of one [`RowFold`] in its order.
pub(super) struct CodedFields<'a> {
    codes: &'a RowCodes,
    slots: &'a [Option<usize>],
}

impl<'a> CodedFields<'a> {
    /// Rows.
    pub fn rows(&self) -> usize {
        self.codes.rows()
    }

    /// Codes of field `field`, one a row; `None` when the batch or the version does not have it, so
    /// that it is missing in all rows.
    pub fn of(&self, field: usize) -> Option<&'a [u8]> {
        let slot = self.slots[field].filter(|&slot| self.codes.has(slot))?;
        Some(self.codes.of(slot))
    }
}

/// One such sum with its windows.
pub(super) struct RowSum<F: RowFold> {
    pub fold: F,
    /// Where the codes of its fields are.
    slots: Vec<Option<usize>>,
    /// Rows since the windows were last fed.
    pending: F::Sums,
    /// Whether any row has been added since.
    is_pending: bool,
    /// One per window.
    pub windows: Vec<Ring<F::Sums>>,
}

impl<F: RowFold> RowSum<F> {
    /// Its windows, to be kept over a restart; `None` while it still learns what rows are judged by.
    pub fn save(&self) -> Option<SavedSum<'_, F::Sums>> {
        (!self.fold.is_learning()).then(|| SavedSum {
            fields: self.fold.fields(),
            windows: Cow::Borrowed(&self.windows),
        })
    }

    /// Goes on with windows that were kept, if they are sums of the same fields.
    pub fn resume(&mut self, saved: SavedSum<'_, F::Sums>, places: &[Option<usize>]) -> bool {
        !self.fold.is_learning()
            && saved.fields == self.fold.fields()
            && resume(&mut self.windows, saved.windows, places)
    }

    /// What is to be summed from now on; `old` goes on if it is the same.
    fn renew(old: Option<Self>, new: Option<F>, windows: usize) -> Option<Self> {
        let fold = new?;
        Some(match old {
            Some(old) if fold.continues(&old.fold) => old,
            _ => {
                let empty = fold.empty();
                Self {
                    slots: Vec::new(),
                    windows: vec![Ring::new(&empty); windows],
                    pending: empty,
                    is_pending: false,
                    fold,
                }
            }
        })
    }
}

/// What every [`RowSum`] can do, whatever it sums.
trait Windowed {
    fn fields(&self) -> Vec<(Arc<str>, usize)>;
    fn is_learning(&self) -> bool;
    fn set_slots(&mut self, slots: Vec<Option<usize>>);
    fn fold(&mut self, codes: &RowCodes);
    fn flush(&mut self, slices: &[i64]);
    fn advance(&mut self, at: usize, slice: i64);
    fn set_back(&mut self, at: i64, windows: &[WindowConfig]);
    fn rearrange(&mut self, kept: &[Option<usize>]);
    fn bytes(&self) -> usize;
}

impl<F: RowFold> Windowed for RowSum<F> {
    fn fields(&self) -> Vec<(Arc<str>, usize)> {
        self.fold.fields()
    }

    fn is_learning(&self) -> bool {
        self.fold.is_learning()
    }

    fn set_slots(&mut self, slots: Vec<Option<usize>>) {
        self.slots = slots;
    }

    fn fold(&mut self, codes: &RowCodes) {
        let slots = &self.slots;
        self.fold
            .fold(&CodedFields { codes, slots }, &mut self.pending);
        self.is_pending = true;
    }

    fn flush(&mut self, slices: &[i64]) {
        if !std::mem::take(&mut self.is_pending) {
            return;
        }
        for (ring, &slice) in self.windows.iter_mut().zip(slices) {
            ring.add(slice, &self.pending);
        }
        self.pending.clear();
    }

    fn advance(&mut self, at: usize, slice: i64) {
        self.windows[at].advance_to(slice);
    }

    fn set_back(&mut self, at: i64, windows: &[WindowConfig]) {
        for (ring, window) in self.windows.iter_mut().zip(windows) {
            ring.set_back_to(window.slice(at));
        }
    }

    fn rearrange(&mut self, kept: &[Option<usize>]) {
        self.windows = rearranged(&self.windows, kept, &self.fold.empty());
    }

    fn bytes(&self) -> usize {
        self.pending.bytes() + self.windows.iter().map(Ring::bytes).sum::<usize>()
    }
}

/// The sums over several fields of one version.
#[derive(Default)]
pub(super) struct RowSums {
    /// Where the codes of each followed field go; a field beyond the end goes nowhere.
    slot_of_field: Vec<Option<usize>>,
    /// Fields that have a slot.
    slots: usize,
    /// The last rows, not summed yet.
    held: RowCodes,
    pub outliers: Option<RowSum<Outliers>>,
    pub joint: Option<RowSum<Joint>>,
}

impl RowSums {
    fn each(&self) -> impl Iterator<Item = &dyn Windowed> {
        let outliers = self.outliers.iter().map(|sum| sum as &dyn Windowed);
        outliers.chain(self.joint.iter().map(|sum| sum as &dyn Windowed))
    }

    fn each_mut(&mut self) -> impl Iterator<Item = &mut dyn Windowed> {
        let outliers = self.outliers.iter_mut().map(|sum| sum as &mut dyn Windowed);
        outliers.chain(self.joint.iter_mut().map(|sum| sum as &mut dyn Windowed))
    }

    /// Follows the profile in force and the fields as they are now. What is summed as before goes
    /// on; nothing is pending.
    pub fn install(
        &mut self,
        profile: Option<&Installed>,
        fields: &[Field],
        index: &HashMap<Arc<str>, usize>,
        model: &str,
        config: &Config,
    ) {
        let windows = config.windows.len();
        let outliers = profile.and_then(|profile| Outliers::of(profile, model, config));
        self.outliers = RowSum::renew(self.outliers.take(), outliers, windows);
        let joint = profile.and_then(|profile| Joint::of(profile, model, config));
        self.joint = RowSum::renew(self.joint.take(), joint, windows);
        let previous = config.references(model).previous;
        for ring in self.joint.iter_mut().flat_map(|sum| &mut sum.windows) {
            ring.keep_previous(previous);
        }
        self.place(fields, index);
    }

    /// Gives each field that is asked for a slot.
    fn place(&mut self, fields: &[Field], index: &HashMap<Arc<str>, usize>) {
        let mut slot_of_field = vec![None; fields.len()];
        let mut slots = 0;
        for sum in self.each_mut() {
            let mut slot_of = |name: &Arc<str>, cells: usize| {
                let at = *index.get(name)?;
                let is_coded = fields[at].cells() == cells && cells <= RowCodes::MOST_CELLS;
                is_coded.then(|| {
                    *slot_of_field[at].get_or_insert_with(|| {
                        slots += 1;
                        slots - 1
                    })
                })
            };
            let wanted = sum.fields();
            let found = wanted.iter().map(|(name, cells)| slot_of(name, *cells));
            sum.set_slots(found.collect());
        }
        self.hold_nothing(slot_of_field, slots);
    }

    fn hold_nothing(&mut self, slot_of_field: Vec<Option<usize>>, slots: usize) {
        (self.slot_of_field, self.slots) = (slot_of_field, slots);
        self.held.begin_empty(slots, HELD);
    }

    /// Cuts rows into runs that [`RowSums::begin`] and [`RowSums::fold`] are called for; one run
    /// where nothing is summed.
    pub fn runs(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let length = if self.slots == 0 {
            rows.len().max(1)
        } else {
            RUN
        };
        rows.clone()
            .step_by(length)
            .map(move |start| start..rows.end.min(start.saturating_add(length)))
    }

    /// Makes room for the codes of a run of rows, all missing.
    pub fn begin(&self, rows: usize, codes: &mut RowCodes) {
        if self.slots > 0 {
            codes.begin(self.slots, rows);
        }
    }

    /// Where the codes of field `field` go; `None` when nothing asks for them.
    pub fn slot(&self, field: usize) -> Option<usize> {
        self.slot_of_field.get(field).copied().flatten()
    }

    /// Folds a run of rows, a short one with those that follow.
    pub fn fold(&mut self, codes: &RowCodes) {
        if self.slots == 0 {
            return;
        }
        let may_wait = !self.each().any(Windowed::is_learning);
        if may_wait && self.held.append(codes) {
            return;
        }
        self.fold_held();
        if !(may_wait && self.held.append(codes)) {
            self.each_mut().for_each(|sum| sum.fold(codes));
        }
    }

    fn fold_held(&mut self) {
        if self.held.rows() == 0 {
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        self.each_mut().for_each(|sum| sum.fold(&held));
        held.begin_empty(self.slots, HELD);
        self.held = held;
    }

    /// How unusual rows are, once that has been learned here, and the hash of the profile whose cells
    /// that is said of.
    pub fn learned_outliers(&self) -> Option<(Arc<str>, Arc<OutlierReference>)> {
        self.outliers.as_ref()?.fold.learned()
    }

    /// How features hang together, once that has been learned here, and the hash of the profile whose
    /// cells that is said of.
    pub fn learned_joint(&self) -> Option<(Arc<str>, &Arc<MeasuredJoint>)> {
        self.joint.as_ref()?.fold.learned()
    }

    /// Takes what is pending to its slices.
    pub fn flush(&mut self, slices: &[i64]) {
        self.fold_held();
        self.each_mut().for_each(|sum| sum.flush(slices));
    }

    /// Moves window `at` on to slice `slice`.
    pub fn advance(&mut self, at: usize, slice: i64) {
        self.each_mut().for_each(|sum| sum.advance(at, slice));
    }

    /// The wall clock was set back to `at`; nothing is pending.
    pub fn set_back(&mut self, at: i64, windows: &[WindowConfig]) {
        self.each_mut().for_each(|sum| sum.set_back(at, windows));
    }

    /// Other windows: those of `kept` stay, at their new places. The fields stand elsewhere by now,
    /// so nothing is summed until [`RowSums::install`].
    pub fn rearrange(&mut self, kept: &[Option<usize>]) {
        self.each_mut().for_each(|sum| sum.rearrange(kept));
        self.hold_nothing(Vec::new(), 0);
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.held.bytes() + self.each().map(Windowed::bytes).sum::<usize>()
    }
}
