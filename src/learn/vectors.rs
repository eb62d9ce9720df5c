//! A field of vectors: from rows to centroids with their rows, and a companion field of cosines.
//!
//! The rows that place the centroids are not counted. A centroid lies where chance has put the rows
//! that it is the mean of: counted, these would fall to it more often than any row that comes later,
//! and unchanged data would be drift, the sooner the more elements a vector has.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::centroids::{MAX_CENTROID_ELEMENTS, MAX_CENTROIDS, centroids, mean_direction};
use super::distinct::Distinct;
use super::embedding::embedding;
use super::field::{Counting, FEW_VALUES, Settled, blank};
use super::numbers::NumberLearner;
use super::numeric_cells::ROWS_PER_CELL;
use super::random::{mix, place_in_sample};
use crate::batch::{Column, Numbers, Role, Vectors, bounded_name};
use crate::profile::{Cells, CentroidCells, Kind, MAX_ELEMENTS, Missing, ReferenceCells};

/// One in so many vectors places the centroids, the others are counted.
const PLACING_SHARE: u64 = 4;
/// Vectors of which enough are counted for a judgement.
const FEW_ROWS: usize = 400;
const SAMPLE_SEED: u64 = 0x7665_6374_6f72_7321;
/// Rows that are read at once.
const RUN: usize = 64;

/// How many vectors of a field are kept in the first pass: at most so many rows, and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorSample {
    /// Rows.
    pub rows: usize,
    /// Bytes, 4 an element.
    pub bytes: usize,
    /// Bytes that 400 rows may have where these are more than [`VectorSample::bytes`]: of
    /// fewer vectors a reference could never be judged against.
    pub bytes_of_few: usize,
}

impl VectorSample {
    /// Rows that are kept of vectors of `width` elements.
    fn rows_of(&self, width: usize) -> usize {
        let row = (width * size_of::<f32>()).max(1);
        let few = FEW_ROWS.min(self.bytes_of_few / row);
        self.rows.min((self.bytes / row).max(few))
    }
}

impl Default for VectorSample {
    fn default() -> Self {
        Self {
            rows: 10_000,
            bytes: 16 << 20,
            bytes_of_few: 0,
        }
    }
}

/// The first pass over one field of vectors: a uniform sample of them.
pub struct VectorLearner {
    width: usize,
    most: usize,
    /// Rows without a usable vector.
    pub missing: Missing,
    /// Usable vectors.
    pub values: u64,
    sample: Vec<f32>,
    /// Number, from 0, of each vector of the sample.
    numbers: Vec<u64>,
    distinct: Distinct,
    read: Vectors,
}

impl VectorLearner {
    /// Nothing yet of vectors of `width` elements.
    pub fn new(width: usize, sample: VectorSample) -> Self {
        Self {
            width,
            most: if width > MAX_ELEMENTS {
                0
            } else {
                sample.rows_of(width)
            },
            missing: Missing::default(),
            values: 0,
            sample: Vec::new(),
            numbers: Vec::new(),
            distinct: Distinct::new(),
            read: Vectors::default(),
        }
    }

    /// Takes over rows of a column.
    pub fn observe(&mut self, column: &Column, rows: Range<usize>) {
        let mut read = std::mem::take(&mut self.read);
        for run in runs(rows) {
            column.read_vectors(run, self.width, &mut read);
            self.missing.null += read.null;
            self.missing.nan += read.nan;
            self.missing.inf += read.inf;
            self.missing.invalid += read.invalid;
            read.iter().for_each(|(_, vector)| self.add(vector));
        }
        self.read = read;
    }

    fn add(&mut self, vector: &[f32]) {
        self.values += 1;
        self.distinct.insert(hash(vector));
        let Some(place) = place_in_sample(self.values, self.most, SAMPLE_SEED) else {
            return;
        };
        if place == self.numbers.len() {
            if self.sample.len() == self.sample.capacity() {
                // Twice as many, but never more than are kept: the bytes held are the bytes allowed.
                let wanted = (place * 2).clamp(1, self.most);
                self.sample.reserve_exact((wanted - place) * self.width);
            }
            self.sample.extend_from_slice(vector);
            self.numbers.push(self.values - 1);
        } else {
            self.sample[place * self.width..][..self.width].copy_from_slice(vector);
            self.numbers[place] = self.values - 1;
        }
    }

    /// Whether the sample holds all vectors that are looked at, so that no second pass is needed.
    pub fn is_complete(&self) -> bool {
        self.most == 0 || self.values as usize == self.numbers.len()
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.sample.capacity() * size_of::<f32>()
            + self.numbers.capacity() * size_of::<u64>()
            + self.distinct.bytes()
    }

    /// Ends the first pass; `recount` says that a second one follows. The companion, if there is one,
    /// stands in [`Settled::companion`].
    pub fn settle(self, name: &str, role: Role, recount: bool) -> Settled {
        let mut settled = blank(name, role, Kind::Vector);
        settled.report.why = format!("{} elements a row", self.width);
        settled.report.values = self.values;
        settled.feature.distinct = self.distinct.count();
        settled.feature.missing = self.missing;
        if self.width > MAX_ELEMENTS {
            settled.report.warnings.push(format!(
                "more than {MAX_ELEMENTS} elements a row: only missing values are watched"
            ));
            return settled;
        }
        let recount = recount && !self.is_complete();
        let (placing, counted) = self.parted(recount);
        let in_all = if recount {
            self.values - placing.len() as u64
        } else {
            counted.len() as u64
        };
        let vector = |&place: &usize| &self.sample[place * self.width..][..self.width];
        let placing_vectors: Vec<&[f32]> = placing.iter().map(vector).collect();
        let most = (MAX_CENTROID_ELEMENTS / self.width).min(MAX_CENTROIDS);
        let count = (in_all / ROWS_PER_CELL).clamp(2, most as u64) as usize;
        let centroids = centroids(&placing_vectors, self.width, count);
        let mean = mean_direction(&placing_vectors, self.width);
        let Ok(cells) = CentroidCells::new(mean, &centroids) else {
            return settled; // There is no vector.
        };
        // What is counted stands for the whole; so must the missing rows.
        settled.feature.missing = self.missing.part(in_all, self.values);
        let vectors = self.sample.chunks_exact(self.width);
        settled.feature.embedding = embedding(vectors, self.width);

        let mut sums = VectorSums::new(cells);
        let mut cosines = Numbers::default();
        let counted = counted.iter().map(vector);
        counted.for_each(|vector| sums.add(vector, &mut cosines));
        let missing = settled.feature.missing;
        let companion = companion(name, role, missing, cosines, recount);
        settled.companion = Some(Box::new(companion));
        if recount {
            settled.feature.cells = Some(sums.reference());
            let placing = placing.iter().map(|&place| self.numbers[place]);
            settled.recount = Some(Counting::Vectors(sums.anew(placing.collect())));
        } else {
            if !self.is_complete() {
                let warning = format!("counts are those of a sample of {in_all} vectors");
                settled.report.warnings.push(warning);
            }
            settled.count_vectors(&sums);
        }
        settled
    }

    /// Places in the sample of the vectors that place the centroids, and of those that are counted.
    /// Of so few that no drift is judged all do both.
    fn parted(&self, recount: bool) -> (Vec<usize>, Vec<usize>) {
        let sampled = self.numbers.len();
        let mut places: Vec<usize> = (0..sampled).collect();
        if self.values < FEW_VALUES {
            return (places.clone(), places);
        }
        places.sort_by_key(|&place| mix(!SAMPLE_SEED ^ self.numbers[place]));
        let of = if recount { self.values } else { sampled as u64 };
        // Half of the sample at least cuts the cells of the cosines.
        let placing = (of / PLACING_SHARE).min(sampled as u64 / 2) as usize;
        let counted = places.split_off(placing);
        (places, counted)
    }
}

/// The cosines of the vectors of `source` to their mean, as a field of numbers of its own. It misses
/// what its source misses, and those without a direction.
fn companion(
    source: &str,
    role: Role,
    missing: Missing,
    cosines: Numbers,
    recount: bool,
) -> Settled {
    let name = bounded_name(&format!("{source}[cosine]"));
    let mut settled = blank(&name, role, Kind::Numeric);
    settled.report.why = format!("cosine of {source} to its mean");
    settled.report.values = cosines.finite.len() as u64;
    settled.feature.derived_from = Some(source.into());
    settled.feature.missing = missing;
    let mut learner = NumberLearner::default();
    learner.observe(&cosines);
    if !recount {
        settled.feature.missing.nan += learner.missing.nan;
    }
    let Some((mut sums, sorted, distinct)) = learner.into_sums(false) else {
        return settled;
    };
    settled.feature.distinct = distinct;
    let empty = sums.clone();
    sorted.iter().for_each(|&cosine| sums.add(cosine));
    if recount {
        let (cells, moments) = sums.finish();
        settled.feature.cells = Some(cells);
        settled.feature.moments = Some(moments);
        settled.recount = Some(Counting::Numbers(empty));
    } else {
        settled.count(sums);
    }
    settled
}

/// Vectors by their nearest centroid.
pub struct VectorSums {
    cells: CentroidCells,
    rows: Vec<u64>,
    /// Vectors too far from all centroids.
    far: u64,
    /// Numbers of the vectors that are not counted, rising.
    placing: Vec<u64>,
    /// Vectors seen so far.
    seen: u64,
    read: Vectors,
}

impl VectorSums {
    fn new(cells: CentroidCells) -> Self {
        let rows = vec![0; cells.centroids().len()];
        Self {
            cells,
            rows,
            far: 0,
            placing: Vec::new(),
            seen: 0,
            read: Vectors::default(),
        }
    }

    /// The same cells without any row; vectors of these numbers are not counted.
    fn anew(self, mut placing: Vec<u64>) -> Self {
        placing.sort_unstable();
        Self {
            placing,
            ..Self::new(self.cells)
        }
    }

    /// Counts rows of a column, and adds the cosines to `cosines`; one without a direction is NaN.
    pub fn observe(&mut self, column: &Column, rows: Range<usize>, cosines: &mut Numbers) {
        let mut read = std::mem::take(&mut self.read);
        for run in runs(rows) {
            column.read_vectors(run, self.cells.width(), &mut read);
            for (_, vector) in read.iter() {
                let is_placing = self.placing.binary_search(&self.seen).is_ok();
                self.seen += 1;
                if !is_placing {
                    self.add(vector, cosines);
                }
            }
        }
        self.read = read;
    }

    fn add(&mut self, vector: &[f32], cosines: &mut Numbers) {
        match self.cells.nearest(vector) {
            Some(cell) => {
                self.rows[cell] += 1;
                cosines.push(self.cells.cosine(vector).unwrap_or(f64::NAN), 0);
            }
            None => self.far += 1,
        }
    }

    /// Vectors too far from all centroids for their distance to be a number: infinite, in effect.
    pub fn far(&self) -> u64 {
        self.far
    }

    /// The cells with their rows.
    pub fn reference(&self) -> ReferenceCells {
        ReferenceCells {
            cells: Cells::Centroids(self.cells.clone()),
            rows: self.rows.clone(),
            means: Vec::new(),
        }
    }
}

/// Rows, some at a time, so that what is read of them stays small.
fn runs(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(RUN)
        .map(move |start| start..end.min(start + RUN))
}

fn hash(vector: &[f32]) -> u64 {
    let mut hasher = Xxh3::new();
    for element in vector {
        // −0 and 0 are one value.
        hasher.update(&(element + 0.0).to_le_bytes());
    }
    hasher.digest()
}
