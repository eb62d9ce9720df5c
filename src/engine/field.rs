//! One field of one model and version: its reference, its sums, its windows.

use std::ops::Range;
use std::sync::Arc;

use super::alarms::Alarms;
use super::budget::FeatureShape;
use super::burn_in::BurnIn;
use super::cell_sums::CellSums;
use super::config::{BurntIn, Config, FeatureConfig, References, WindowConfig};
use super::embedding::Embedding;
use super::new_names::NewNames;
use super::snapshot::Detail;
use crate::batch::{Column, NoText, Numbers, Role, Values, Vectors};
use crate::learn::MAX_CELLS;
use crate::profile::{
    CategoryCells, Cells, CentroidCells, FeatureProfile, Kind, Moments, NumericCells, Variation,
    hash_cell,
};
use crate::statistic::DISTANCE_NAMES;
use crate::tally::{DistinctTally, EmbeddingMap, FeatureTally, Missed, Points, RowCodes, Tally};
use crate::window::{Ring, Seasonal, hour_of};

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
    /// What is kept of the past, beside the windows.
    past: Past,
    /// Counts by the hour; only with cells, and while windows are compared with them.
    pub seasonal: Option<Box<Seasonal>>,
    /// Means per cell; only of numbers at detail `full`.
    pub cell_sums: Option<Box<CellSums>>,
    /// Where its vectors lie; only where the reference says where its own do.
    pub embedding: Option<Box<Embedding>>,
    /// Place among the fields of the version of the one that holds the cosines of this one's vectors.
    pub companion: Option<usize>,
    /// Different values in the longest window; only at detail `full`, for it costs 14 kB.
    pub distinct: Option<Box<Distinct>>,
    /// Learns how rows hang together, where the profile does not say.
    pub burn_in: BurnIn,
    /// Names of new categories.
    pub new_names: NewNames,
    /// Since when it is in alarm.
    pub alarms: Alarms,
}

/// What is to be kept so that windows can be compared with what was before them.
#[derive(Clone, Copy)]
struct Past {
    previous: bool,
    seasonal: bool,
}

impl Past {
    fn of(references: &References) -> Self {
        Self {
            previous: references.previous,
            seasonal: references.seasonal,
        }
    }
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
    /// What sums its vectors.
    pub embedding: Option<Arc<EmbeddingMap>>,
    /// Short hash of the profile that it belongs to.
    pub profile: Arc<str>,
    pub learned: bool,
}

impl Reference {
    /// Name of the field whose cosines these are.
    pub fn derived_from(&self) -> Option<&str> {
        self.feature.derived_from.as_deref()
    }

    /// Cells on the number line, and the unit that sums are kept in.
    pub fn numeric(&self) -> Option<(&NumericCells, &Moments)> {
        match (&self.feature.cells.as_ref()?.cells, &self.feature.moments) {
            (Cells::Numeric(cells), Some(moments)) => Some((cells, moments)),
            _ => None,
        }
    }

    /// Whether values of both fall into the same cells.
    pub fn has_cells_of(&self, other: &Self) -> bool {
        fn cells(of: &Reference) -> Option<&Cells> {
            Some(&of.feature.cells.as_ref()?.cells)
        }
        Arc::ptr_eq(&self.feature, &other.feature) || cells(self) == cells(other)
    }

    /// Whether windows counted against `other` can be read against this one.
    fn has_sums_of(&self, other: &Self) -> bool {
        let has_moments = |reference: &Self| reference.feature.moments.is_some();
        self.has_cells_of(other) && has_moments(self) == has_moments(other)
    }
}

/// Scratch memory of the folding loops.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    numbers: Numbers,
    /// Numbers that know their rows.
    placed: Placed,
    cell_of_code: Vec<usize>,
    vectors: Vectors,
    points: Points,
    /// The cells of the values of a run of rows, for sums over several fields.
    pub codes: RowCodes,
}

/// Numbers that know which rows they come from, and their cells.
#[derive(Debug)]
struct Placed {
    numbers: Numbers,
    codes: Vec<u8>,
}

impl Default for Placed {
    fn default() -> Self {
        Self {
            numbers: Numbers {
                places: Some(Vec::new()),
                ..Numbers::default()
            },
            codes: Vec::new(),
        }
    }
}

impl Field {
    pub fn new(
        name: Arc<str>,
        role: Role,
        reference: Option<Reference>,
        model: &str,
        config: &Config,
    ) -> Self {
        let derived_from = reference.as_ref().and_then(Reference::derived_from);
        let feature_config = config.derived_feature(model, &name, derived_from);
        let mut field = Self {
            name,
            role: feature_config.role.unwrap_or(role),
            own_role: role,
            config: feature_config,
            reference: None,
            pending: FeatureTally::default(),
            since_start: FeatureTally::default(),
            windows: vec![Ring::new(&FeatureTally::default()); config.windows.len()],
            past: Past::of(config.references(model)),
            seasonal: None,
            cell_sums: None,
            embedding: None,
            companion: None,
            distinct: None,
            burn_in: BurnIn::Off,
            new_names: NewNames::default(),
            alarms: Alarms::default(),
        };
        field.set_reference(reference);
        field.follow_names(config);
        field
    }

    /// Starts or ends to name new categories: those of a learned reference stay unnamed, as its own
    /// do, because nobody has looked at that column.
    pub fn follow_names(&mut self, config: &Config) {
        let is_of_file = self.reference.as_ref().is_some_and(|of| !of.learned);
        let is_wanted = config.name_new_categories && is_of_file;
        self.new_names.follow(is_wanted);
    }

    /// Starts or ends what only the detail asked for needs.
    pub fn follow_detail(&mut self) {
        let is_vector = |reference: &Reference| reference.feature.kind == Kind::Vector;
        if self.detail() < Detail::Full || self.reference.as_ref().is_some_and(is_vector) {
            self.distinct = None;
        } else if self.distinct.is_none() {
            self.distinct = Some(Box::new(Distinct {
                pending: DistinctTally::default(),
                window: Ring::new(&DistinctTally::default()),
            }));
        }
        let numeric = self.reference.as_ref().and_then(Reference::numeric);
        if self.detail() < Detail::Full || numeric.is_none() {
            self.cell_sums = None;
        } else if self.cell_sums.is_none() {
            let cells = self.since_start.cells.len();
            let mut sums = CellSums::new(cells, self.windows.len());
            sums.keep_previous(self.past.previous);
            self.cell_sums = Some(Box::new(sums));
        }
    }

    /// Starts or ends keeping what these references need; the windows stay as they are.
    pub fn follow_references(&mut self, references: &References) {
        self.past = Past::of(references);
        self.keep_past();
    }

    fn keep_past(&mut self) {
        let cells = self.since_start.cells.len();
        let previous = self.past.previous && cells > 0;
        for ring in &mut self.windows {
            ring.keep_previous(previous);
        }
        if let Some(sums) = &mut self.cell_sums {
            sums.keep_previous(previous);
        }
        if let Some(sums) = &mut self.embedding {
            sums.keep_previous(previous);
        }
        if !self.past.seasonal || cells == 0 {
            self.seasonal = None;
        } else if self.seasonal.is_none() {
            self.seasonal = Some(Box::new(Seasonal::new(cells)));
        }
    }

    fn detail(&self) -> Detail {
        self.config.detail.unwrap_or(Detail::Standard)
    }

    /// Puts another reference in force; nothing is pending. Windows begin anew unless the cells are
    /// the same; rows counted since the start stay, their cells begin at 0 under the new hash.
    pub fn set_reference(&mut self, reference: Option<Reference>) {
        let same_cells = match (&self.reference, &reference) {
            (None, None) => true,
            (Some(old), Some(new)) => new.has_sums_of(old),
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
            self.seasonal = None;
            self.cell_sums = None;
        } else if let (Some(old), Some(new)) = (&self.reference, &reference)
            && let (Some(old), Some(new)) = (&old.feature.moments, &new.feature.moments)
            && old != new
        {
            // Moments are kept in units of the reference.
            for ring in &mut self.windows {
                ring.change(|sums| sums.change_units(old, new));
            }
            if let Some(sums) = &mut self.cell_sums {
                sums.change_units(old, new);
            }
        }
        if !same_cells || !same_profile {
            self.since_start.cells = vec![0; cells].into();
            self.alarms = Alarms::default();
            self.new_names.clear();
        }
        let map = reference.as_ref().and_then(|of| of.embedding.as_ref());
        self.embedding = Embedding::renewed(self.embedding.take(), map, self.windows.len());
        self.reference = reference;
        self.keep_past();
        self.follow_detail();
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

    /// Cells of the reference; 0 without.
    pub fn cells(&self) -> usize {
        self.since_start.cells.len()
    }

    /// Whether the profile names this field, so that rows without it are absent.
    pub fn is_expected(&self) -> bool {
        self.reference.is_some() && self.derived_from().is_none()
    }

    /// Name of the field whose cosines these are; such a field has no column of its own.
    pub fn derived_from(&self) -> Option<&str> {
        self.reference.as_ref().and_then(Reference::derived_from)
    }

    /// Whether its cells are the nearest of reference vectors.
    pub fn has_centroids(&self) -> bool {
        let cells = self
            .reference
            .as_ref()
            .and_then(|r| r.feature.cells.as_ref());
        cells.is_some_and(|reference| matches!(reference.cells, Cells::Centroids(_)))
    }

    /// What decides how many series it has; `references` are those that its windows are compared
    /// with.
    pub fn shape(
        &self,
        config: &Config,
        references: usize,
        is_learning: bool,
    ) -> FeatureShape<'static> {
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
            references,
            distances: DISTANCE_NAMES,
        }
    }

    /// Folds rows of a column into the pending sums. Who wants to know the cells of the values gives
    /// room for the `codes` of the rows; those of rows without a usable value stay as they are.
    pub fn fold(
        &mut self,
        column: &Column,
        rows: Range<usize>,
        scratch: &mut Scratch,
        codes: Option<&mut [u8]>,
    ) {
        if let Some(distinct) = &mut self.distinct
            && column.width() <= 1
        {
            fold_distinct(&mut distinct.pending, column, rows.clone(), scratch);
        }
        let pending = &mut self.pending;
        let reference = self.reference.as_ref().map(|r| &*r.feature);
        let cells = reference.and_then(|r| r.cells.as_ref()).map(|r| &r.cells);
        let moments = reference.and_then(|r| r.moments.as_ref());
        if let Some(Cells::Centroids(cells)) = cells {
            let embedding = self.embedding.as_deref_mut();
            return fold_vectors(pending, embedding, cells, column, rows, scratch, codes);
        }
        if cells.is_some() && column.width() > 1 {
            // A vector where the reference has scalars: nothing fits.
            let present = rows.clone().filter(|&row| column.presence.has(row)).count();
            pending.miss(Missed::Invalid, present as u64);
            pending.miss(Missed::Null, (rows.len() - present) as u64);
            return;
        }
        match (cells, moments) {
            (Some(Cells::Numeric(cells)), Some(moments)) => {
                let cell_sums = &mut self.cell_sums;
                let mut add = |numbers: &Numbers, codes: Option<&mut [u8]>| {
                    pending.add_numbers(numbers, cells, moments, codes);
                    if let Some(sums) = cell_sums {
                        sums.fold(&numbers.finite, cells, moments);
                    }
                };
                if let Some(codes) = codes {
                    let add = |numbers: &Numbers, codes: &mut [u8]| add(numbers, Some(codes));
                    scratch.placed.fold(column, rows, codes, add);
                } else {
                    scratch.numbers.clear();
                    column.read_numbers(rows, &mut scratch.numbers);
                    add(&scratch.numbers, None);
                }
            }
            (Some(Cells::Categorical(cells)), _) => {
                let new_before = pending.cells[cells.new_cell()];
                fold_categories(pending, cells, column, rows.clone(), scratch, codes);
                if pending.cells[cells.new_cell()] > new_before {
                    self.new_names.fold(cells, column, rows);
                }
            }
            (Some(Cells::Hashed), _) => {
                fold_texts(pending, column, rows, hash_cell, codes);
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

    /// Folds the cosines of the vectors that were folded last, of the field that this one is derived
    /// from; rows and codes as there.
    pub fn fold_cosines(&mut self, scratch: &mut Scratch, codes: Option<&mut [u8]>) {
        let cosines = &mut scratch.placed;
        if let Some(distinct) = &mut self.distinct {
            let cosines = cosines.numbers.finite.iter();
            cosines.for_each(|&cosine| distinct.pending.add_number(cosine));
        }
        let pending = &mut self.pending;
        let Some((cells, moments)) = self.reference.as_ref().and_then(Reference::numeric) else {
            return pending.add_unplaced(&cosines.numbers);
        };
        if let Some(sums) = &mut self.cell_sums {
            sums.fold(&cosines.numbers.finite, cells, moments);
        }
        match codes {
            None => pending.add_numbers(&cosines.numbers, cells, moments, None),
            Some(codes) => cosines.add(codes, |numbers, codes| {
                pending.add_numbers(numbers, cells, moments, Some(codes));
            }),
        }
    }

    /// Feeds the pending sums to the windows, each at its slice, to their hour and to the burn-in;
    /// forgets them. `longest` is the place of the longest window.
    pub fn flush(&mut self, slices: &[i64], hour: i64, burn_in_slice: i64, longest: usize) {
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
        if let Some(sums) = &mut self.cell_sums {
            sums.flush(slices);
        }
        if let Some(sums) = &mut self.embedding {
            sums.flush(slices);
        }
        if let Some(seasonal) = &mut self.seasonal {
            seasonal.add(hour, &self.pending.cells);
        }
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
        if let Some(sums) = &mut self.cell_sums {
            sums.set_back(at, windows);
        }
        if let Some(sums) = &mut self.embedding {
            sums.set_back(at, windows);
        }
        if let Some(seasonal) = &mut self.seasonal {
            seasonal.set_back_to(hour_of(at));
        }
        if let (Some(distinct), Some(window)) = (&mut self.distinct, windows.get(longest)) {
            distinct.window.set_back_to(window.slice(at));
        }
        self.new_names.set_back();
    }

    /// Bytes of memory held, without the reference, which is shared.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.pending.bytes()
            + self.since_start.bytes()
            + self.burn_in.bytes()
            + self.windows.iter().map(Ring::bytes).sum::<usize>()
            + self.cell_sums.as_ref().map_or(0, |sums| sums.bytes())
            + self.embedding.as_ref().map_or(0, |sums| sums.bytes())
            + self.seasonal.as_ref().map_or(0, |hours| hours.bytes())
            + self.distinct.as_ref().map_or(0, |distinct| {
                distinct.pending.bytes() + distinct.window.bytes()
            })
            + self.new_names.bytes()
            + self.alarms.bytes()
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

impl Placed {
    /// Reads rows of a column, has them added and puts the code of each usable value at its row.
    fn fold(
        &mut self,
        column: &Column,
        rows: Range<usize>,
        codes: &mut [u8],
        add: impl FnOnce(&Numbers, &mut [u8]),
    ) {
        self.numbers.clear();
        column.read_numbers(rows, &mut self.numbers);
        self.add(codes, add);
    }

    /// Has the numbers added and puts the code of each at its row.
    fn add(&mut self, codes: &mut [u8], add: impl FnOnce(&Numbers, &mut [u8])) {
        let Self {
            numbers,
            codes: packed,
        } = self;
        if numbers.finite.len() == codes.len() {
            return add(numbers, codes);
        }
        packed.resize(numbers.finite.len(), 0);
        add(numbers, packed);
        let places = numbers.places.iter().flatten();
        for (&place, &code) in places.zip(&*packed) {
            codes[place as usize] = code;
        }
    }
}

/// Nearest centroids, the embedding and, in `scratch.placed`, cosines.
fn fold_vectors(
    pending: &mut FeatureTally,
    mut embedding: Option<&mut Embedding>,
    cells: &CentroidCells,
    column: &Column,
    rows: Range<usize>,
    scratch: &mut Scratch,
    mut codes: Option<&mut [u8]>,
) {
    /// Rows that are read at once, so that what is read of them stays small.
    const RUN: usize = 64;
    let (vectors, cosines) = (&mut scratch.vectors, &mut scratch.placed.numbers);
    cosines.clear();
    let (mut null, mut nan, mut inf, mut invalid) = (0, 0, 0, 0);
    for start in rows.clone().step_by(RUN) {
        column.read_vectors(start..rows.end.min(start + RUN), cells.width(), vectors);
        null += vectors.null;
        nan += vectors.nan;
        inf += vectors.inf;
        invalid += vectors.invalid;
        if let Some(embedding) = &mut embedding {
            let vectors = vectors.iter().map(|(_, vector)| vector);
            embedding.fold(vectors, &mut scratch.points);
        }
        for (row, vector) in vectors.iter() {
            let row = start - rows.start + row;
            let Some(cell) = cells.nearest(vector) else {
                // So far away that its distance is infinite.
                inf += 1;
                continue;
            };
            pending.count(cell, 1);
            if let Some(codes) = &mut codes {
                codes[row] = cell as u8;
            }
            cosines.push(cells.cosine(vector).unwrap_or(f64::NAN), row);
        }
    }
    pending.miss(Missed::Null, null);
    pending.miss(Missed::Nan, nan);
    pending.miss(Missed::Inf, inf);
    pending.miss(Missed::Invalid, invalid);
    // What misses its vector misses its cosine.
    cosines.null += null;
    cosines.nan += nan;
    cosines.inf += inf;
    cosines.invalid += invalid;
}

fn fold_categories(
    pending: &mut FeatureTally,
    cells: &CategoryCells,
    column: &Column,
    rows: Range<usize>,
    scratch: &mut Scratch,
    mut codes: Option<&mut [u8]>,
) {
    // One look-up per distinct string instead of one per row, where the source says which repeat.
    if let Values::Dictionary {
        dictionary,
        codes: of_row,
    } = &column.values
        && dictionary.len() < rows.len()
    {
        scratch.cell_of_code.clear();
        let located = dictionary.iter().map(|category| cells.locate(category));
        scratch.cell_of_code.extend(located);
        for (at, row) in rows.enumerate() {
            if column.presence.has(row) {
                let cell = scratch.cell_of_code[of_row[row] as usize];
                pending.count(cell, 1);
                if let Some(codes) = &mut codes {
                    codes[at] = cell as u8;
                }
            } else {
                pending.miss(Missed::Null, 1);
            }
        }
        return;
    }
    let cell_of = |category: &str| cells.locate(category);
    fold_texts(pending, column, rows, cell_of, codes);
}

fn fold_texts(
    pending: &mut FeatureTally,
    column: &Column,
    rows: Range<usize>,
    cell_of: impl Fn(&str) -> usize,
    mut codes: Option<&mut [u8]>,
) {
    let mut at = 0;
    column.read_texts(rows, |text| {
        match text {
            Ok(Some(text)) => {
                let cell = cell_of(text);
                pending.count(cell, 1);
                if let Some(codes) = &mut codes {
                    codes[at] = cell as u8;
                }
            }
            missed => pending.miss(reason(missed), 1),
        }
        at += 1;
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

#[cfg(test)]
mod tests;
