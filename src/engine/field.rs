//! One field of one model and version: its reference, its sums, its windows.

use std::ops::Range;
use std::sync::Arc;

use super::budget::FeatureShape;
use super::burn_in::BurnIn;
use super::config::{BurntIn, Config, FeatureConfig, WindowConfig};
use super::snapshot::Detail;
use crate::batch::{Column, NoText, Numbers, Role, Values};
use crate::learn::MAX_CELLS;
use crate::profile::{CategoryCells, Cells, FeatureProfile, Kind, Variation, hash_cell};
use crate::statistic::DISTANCE_NAMES;
use crate::tally::{DistinctTally, FeatureTally, Missed, Tally};
use crate::window::Ring;

/// A field that is followed.
pub(super) struct Field {
    pub name: Arc<str>,
    pub role: Role,
    /// The role without what the settings say.
    pub own_role: Role,
    /// What the settings say of it, all levels together.
    pub config: FeatureConfig,
    pub reference: Option<Reference>,
    /// Rows since the windows were last fed.
    pub pending: FeatureTally,
    /// Rows since the start; its cells since the reference is in force.
    pub since_start: FeatureTally,
    /// One per window.
    pub windows: Vec<Ring<FeatureTally>>,
    /// Different values in the longest window; only at detail `full`, for it costs 14 kB.
    pub distinct: Option<Box<Distinct>>,
    /// Learns how rows hang together, where the profile does not say.
    pub burn_in: BurnIn,
}

/// Different values: since the windows were last fed, and in the longest window.
pub(super) struct Distinct {
    pending: DistinctTally,
    pub window: Ring<DistinctTally>,
}

/// The reference of a field.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub feature: Arc<FeatureProfile>,
    /// Short hash of the profile that it belongs to.
    pub profile: Arc<str>,
    pub learned: bool,
}

impl Reference {
    /// Whether windows counted against `other` can be read against this one.
    fn has_cells_of(&self, other: &Self) -> bool {
        let cells = |reference: &Self| reference.feature.cells.as_ref().map(|r| r.cells.clone());
        // Moments are kept in units of the reference, so those must agree as well.
        cells(self) == cells(other) && self.feature.moments == other.feature.moments
    }
}

/// Scratch memory of the folding loops.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    numbers: Numbers,
    cell_of_code: Vec<usize>,
}

impl Field {
    pub fn new(
        name: Arc<str>,
        role: Role,
        reference: Option<Reference>,
        model: &str,
        config: &Config,
    ) -> Self {
        let feature_config = config.feature(model, &name);
        let mut field = Self {
            name,
            role: feature_config.role.unwrap_or(role),
            own_role: role,
            config: feature_config,
            reference: None,
            pending: FeatureTally::default(),
            since_start: FeatureTally::default(),
            windows: vec![Ring::new(&FeatureTally::default()); config.windows.len()],
            distinct: None,
            burn_in: BurnIn::Off,
        };
        field.set_reference(reference);
        field.follow_detail();
        field
    }

    /// Starts or ends what only the detail asked for needs.
    pub fn follow_detail(&mut self) {
        if self.detail() < Detail::Full {
            self.distinct = None;
        } else if self.distinct.is_none() {
            self.distinct = Some(Box::new(Distinct {
                pending: DistinctTally::default(),
                window: Ring::new(&DistinctTally::default()),
            }));
        }
    }

    fn detail(&self) -> Detail {
        self.config.detail.unwrap_or(Detail::Standard)
    }

    /// Puts another reference in force. Windows begin anew unless the cells are the same; rows
    /// counted since the start stay, their cells begin at 0 under the new hash.
    pub fn set_reference(&mut self, reference: Option<Reference>) {
        let same_cells = match (&self.reference, &reference) {
            (None, None) => true,
            (Some(old), Some(new)) => new.has_cells_of(old),
            _ => false,
        };
        let same_profile =
            self.reference.as_ref().map(|r| &r.profile) == reference.as_ref().map(|r| &r.profile);
        let cells = reference
            .as_ref()
            .and_then(|r| r.feature.cells.as_ref())
            .map_or(0, |r| r.cells.len());
        if !same_cells {
            let empty = FeatureTally::new(cells);
            self.pending = empty.clone();
            self.windows.fill(Ring::new(&empty));
            self.burn_in = BurnIn::Off;
        }
        if !same_cells || !same_profile {
            self.since_start.cells = vec![0; cells].into();
        }
        self.reference = reference;
    }

    /// Starts the burn-in, or ends it, as the reference in force and a length of `micros`
    /// microseconds ask; `before` are those that were kept.
    pub fn follow_burn_in(&mut self, micros: i64, before: Option<&BurntIn>) {
        let reference = self.reference.as_ref();
        let unmeasured = reference.filter(|r| micros > 0 && r.feature.variation.chunks == 0);
        let cells = unmeasured.and_then(|r| Some((r.feature.cells.as_ref()?, &r.profile)));
        let Some((cells, profile)) = cells else {
            self.burn_in = BurnIn::Off;
            return;
        };
        match before.filter(|before| before.profile == *profile) {
            Some(before) if !matches!(self.burn_in, BurnIn::Frozen(_)) => {
                self.burn_in = BurnIn::Frozen(before.variation);
            }
            _ => self.burn_in.go_on(micros, cells.cells.len()),
        }
    }

    /// How much its sums vary, as the profile says or the burn-in has found so far.
    pub fn variation(&self) -> Variation {
        let said = self.reference.as_ref().map(|of| of.feature.variation);
        self.burn_in.variation().or(said).unwrap_or_default()
    }

    /// How much it matters to the model, if anyone says.
    pub fn importance(&self) -> Option<f64> {
        let reference = self.reference.as_ref();
        let said = reference.and_then(|reference| reference.feature.importance);
        self.config.importance.or(said)
    }

    /// Whether the profile names this field, so that rows without it are absent.
    pub fn is_expected(&self) -> bool {
        self.reference.is_some()
    }

    /// What decides how many series it has.
    pub fn shape(&self, config: &Config, is_learning: bool) -> FeatureShape<'static> {
        let feature = self.reference.as_ref().map(|r| &r.feature);
        let cells = feature.and_then(|feature| feature.cells.as_ref());
        let cells = cells.map_or(0, |reference| reference.cells.len());
        FeatureShape {
            kind: match feature {
                Some(feature) => Some(feature.kind),
                None if is_learning => Some(Kind::Numeric),
                None => None,
            },
            cells: if is_learning { MAX_CELLS } else { cells },
            detail: self.detail(),
            fleet: self.config.fleet.unwrap_or(true),
            windows: config.windows.len(),
            references: 1,
            distances: DISTANCE_NAMES,
        }
    }

    /// Folds rows of a column into the pending sums.
    pub fn fold(&mut self, column: &Column, rows: Range<usize>, scratch: &mut Scratch) {
        if let Some(distinct) = &mut self.distinct
            && column.width() <= 1
        {
            fold_distinct(&mut distinct.pending, column, rows.clone(), scratch);
        }
        let pending = &mut self.pending;
        let reference = self.reference.as_ref().map(|r| &*r.feature);
        let cells = reference.and_then(|r| r.cells.as_ref()).map(|r| &r.cells);
        let moments = reference.and_then(|r| r.moments.as_ref());
        if cells.is_some() && column.width() > 1 {
            // A vector where the reference has scalars: nothing fits.
            let present = rows.clone().filter(|&row| column.presence.has(row)).count();
            pending.miss(Missed::Invalid, present as u64);
            pending.miss(Missed::Null, (rows.len() - present) as u64);
            return;
        }
        match (cells, moments) {
            (Some(Cells::Numeric(cells)), Some(moments)) => {
                scratch.numbers.clear();
                column.read_numbers(rows, &mut scratch.numbers);
                pending.add_numbers(&scratch.numbers, cells, moments);
            }
            (Some(Cells::Categorical(cells)), _) => {
                fold_categories(pending, cells, column, rows, scratch);
            }
            (Some(Cells::Hashed), _) => {
                fold_texts(pending, column, rows, hash_cell);
            }
            (_, None) if column.is_text() => {
                for row in rows {
                    if column.presence.has(row) {
                        pending.values += 1;
                    } else {
                        pending.miss(Missed::Null, 1);
                    }
                }
            }
            // Nothing is known of the field: numbers and texts are both values.
            (None, None) if matches!(column.values, Values::Mixed(_)) => {
                column.read_texts(rows, |text| match text {
                    Ok(Some(_)) => pending.values += 1,
                    missed => pending.miss(reason(missed), 1),
                });
            }
            // No cells; the file format allows cells on the number line only with moments.
            _ => {
                scratch.numbers.clear();
                column.read_numbers(rows, &mut scratch.numbers);
                pending.add_unplaced(&scratch.numbers);
            }
        }
    }

    /// Feeds the pending sums to the windows, each at its slice, and to the burn-in; forgets them.
    /// `longest` is the place of the longest window.
    pub fn flush(&mut self, slices: &[i64], burn_in_slice: i64, longest: usize) {
        if let Some(distinct) = &mut self.distinct
            && !distinct.pending.is_empty()
            && let Some(&slice) = slices.get(longest)
        {
            distinct.window.add(slice, &distinct.pending);
            distinct.pending.clear();
        }
        if self.pending.is_empty() {
            return;
        }
        for (ring, &slice) in self.windows.iter_mut().zip(slices) {
            ring.add(slice, &self.pending);
        }
        self.burn_in.add(burn_in_slice, &self.pending);
        self.since_start.add(&self.pending);
        self.pending.clear();
    }

    /// The wall clock was set back to `at`, slice `burn_in_slice` of the burn-in; nothing is pending.
    pub fn set_back(
        &mut self,
        at: i64,
        windows: &[WindowConfig],
        burn_in_slice: i64,
        longest: usize,
    ) {
        self.burn_in.set_back(burn_in_slice);
        for (ring, window) in self.windows.iter_mut().zip(windows) {
            ring.set_back_to(window.slice(at));
        }
        if let (Some(distinct), Some(window)) = (&mut self.distinct, windows.get(longest)) {
            distinct.window.set_back_to(window.slice(at));
        }
    }

    /// Bytes of memory held, without the reference, which is shared.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.pending.bytes()
            + self.since_start.bytes()
            + self.burn_in.bytes()
            + self.windows.iter().map(Ring::bytes).sum::<usize>()
            + self.distinct.as_ref().map_or(0, |distinct| {
                distinct.pending.bytes() + distinct.window.bytes()
            })
    }
}

fn fold_distinct(
    pending: &mut DistinctTally,
    column: &Column,
    rows: Range<usize>,
    scratch: &mut Scratch,
) {
    if column.is_text() {
        return column.read_texts(rows, |text| {
            if let Ok(Some(text)) = text {
                pending.add_text(text);
            }
        });
    }
    scratch.numbers.clear();
    column.read_numbers(rows, &mut scratch.numbers);
    let numbers = scratch.numbers.finite.iter();
    numbers.for_each(|&value| pending.add_number(value));
}

fn fold_categories(
    pending: &mut FeatureTally,
    cells: &CategoryCells,
    column: &Column,
    rows: Range<usize>,
    scratch: &mut Scratch,
) {
    // One look-up per distinct string instead of one per row, where the source says which repeat.
    if let Values::Dictionary { dictionary, codes } = &column.values
        && dictionary.len() < rows.len()
    {
        scratch.cell_of_code.clear();
        let located = dictionary.iter().map(|category| cells.locate(category));
        scratch.cell_of_code.extend(located);
        for row in rows {
            if column.presence.has(row) {
                pending.count(scratch.cell_of_code[codes[row] as usize], 1);
            } else {
                pending.miss(Missed::Null, 1);
            }
        }
        return;
    }
    fold_texts(pending, column, rows, |category| cells.locate(category));
}

fn fold_texts(
    pending: &mut FeatureTally,
    column: &Column,
    rows: Range<usize>,
    cell_of: impl Fn(&str) -> usize,
) {
    column.read_texts(rows, |text| match text {
        Ok(Some(text)) => pending.count(cell_of(text), 1),
        missed => pending.miss(reason(missed), 1),
    });
}

/// Why a row has no text.
fn reason(missed: Result<Option<&str>, NoText>) -> Missed {
    match missed {
        Ok(_) => Missed::Null,
        Err(NoText::Nan) => Missed::Nan,
        Err(NoText::Inf) => Missed::Inf,
        Err(NoText::Invalid) => Missed::Invalid,
    }
}
