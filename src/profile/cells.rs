//! Where a value belongs. Cells are fixed by the reference and never follow live data.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use search::Search;

mod centroids;
mod search;

pub use centroids::{CentroidCells, MAX_ELEMENTS, squared_distance, squared_length};

/// Number of hash cells of a high-cardinality field.
pub const HASH_CELLS: usize = 64;

/// The cells of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Intervals of the number line.
    Numeric(NumericCells),
    /// Named categories, then `other` if it has reference rows, then `new`.
    Categorical(CategoryCells),
    /// [`HASH_CELLS`] cells by xxh3-64 (seed 0) of the text form, modulo their number.
    Hashed,
    /// The nearest of some reference vectors.
    Centroids(CentroidCells),
}

/// Intervals of the number line with two open ends: cell `i` is (edge i−1, edge i].
#[derive(Clone, Debug, PartialEq)]
pub struct NumericCells {
    edges: Vec<f64>,
    /// The same in a form to be searched fast; only when there are at most 31, as in profiles.
    search: Option<Box<Search>>,
}

/// Categories that the reference keeps by name, those it has seen but not kept, and all others.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryCells {
    kept: Vec<String>,
    others: Vec<String>,
    has_other: bool,
    /// Cell of every category that the reference has seen.
    cell_of: HashMap<Box<str>, u16, BuildHasherDefault<TextHasher>>,
}

/// xxh3, because the standard hasher costs more than all else that is done with a category. It can be
/// made to collide, but only by the at most 1,000 categories of the reference, not by traffic.
#[derive(Clone, Debug, Default)]
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// The end of a text, of which there is one.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Cells {
    /// Number of cells, B.
    pub fn len(&self) -> usize {
        match self {
            Self::Numeric(cells) => cells.edges.len() + 1,
            Self::Categorical(cells) => cells.kept.len() + usize::from(cells.has_other) + 1,
            Self::Hashed => HASH_CELLS,
            Self::Centroids(cells) => cells.centroids().len(),
        }
    }

    /// Never true: there is at least one cell.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether neighbouring cells are neighbours in value, so that a cumulative statistic means
    /// something.
    pub fn is_ordered(&self) -> bool {
        matches!(self, Self::Numeric(_))
    }

    /// Whether values are numbers, not text.
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Numeric(_))
    }

    /// Label value `bin` of cell `cell`: three digits for the number line, hashes and centroids, `other` and
    /// `new` by name, categories by three digits in order of falling reference mass.
    pub fn bin(&self, cell: usize) -> String {
        match self {
            Self::Categorical(cells) if cell >= cells.kept.len() => {
                if cells.has_other && cell == cells.kept.len() {
                    "other".into()
                } else {
                    "new".into()
                }
            }
            _ => format!("{cell:03}"),
        }
    }

    /// What cell `cell` holds, for people: `(23, 31]`, `JFK`, `other`, `new`, `hash 7`,
    /// `centroid 3`.
    pub fn range(&self, cell: usize) -> String {
        match self {
            Self::Numeric(cells) => {
                let low = cell.checked_sub(1).and_then(|below| cells.edges.get(below));
                match (low, cells.edges.get(cell)) {
                    (None, None) => "(-inf, +inf)".into(),
                    (None, Some(high)) => format!("(-inf, {high}]"),
                    (Some(low), None) => format!("({low}, +inf)"),
                    (Some(low), Some(high)) => format!("({low}, {high}]"),
                }
            }
            Self::Categorical(cells) => match cells.kept.get(cell) {
                Some(category) => category.clone(),
                None => self.bin(cell),
            },
            Self::Hashed => format!("hash {cell}"),
            Self::Centroids(_) => format!("centroid {cell}"),
        }
    }
}

impl NumericCells {
    /// Cells cut at these edges.
    ///
    /// # Errors
    /// A sentence when the edges are not finite, not strictly rising, or too many for a cell
    /// number (at most 254).
    pub fn new(edges: Vec<f64>) -> Result<Self, String> {
        if edges.len() > 254 {
            return Err(format!("{} edges are more than 254", edges.len()));
        }
        if let Some(edge) = edges.iter().find(|edge| !edge.is_finite()) {
            return Err(format!("edge {edge} is not finite"));
        }
        if let Some(pair) = edges.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(format!("edges {} and {} do not rise", pair[0], pair[1]));
        }
        let search = Search::new(&edges).map(Box::new);
        Ok(Self { edges, search })
    }

    /// The edges, strictly rising.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Cell of a finite value: `value ≤ edge` goes left.
    pub fn locate(&self, value: f64) -> usize {
        self.edges.partition_point(|&edge| edge < value)
    }

    /// Adds the cells of finite values to `counts`, one entry per cell. The same cells as
    /// [`NumericCells::locate`].
    pub fn count_all(&self, values: &[f64], counts: &mut [u64]) {
        match &self.search {
            Some(search) => search.count_all(values, counts),
            None => values
                .iter()
                .for_each(|&value| counts[self.locate(value)] += 1),
        }
    }

    /// Writes the cells of finite values into `codes`, one each. The same cells as
    /// [`NumericCells::locate`].
    pub fn locate_all(&self, values: &[f64], codes: &mut [u8]) {
        match &self.search {
            Some(search) => search.locate_all(values, codes),
            None => {
                for (code, &value) in codes.iter_mut().zip(values) {
                    *code = self.locate(value) as u8;
                }
            }
        }
    }

    /// Both at once, with one search: the cells of finite values into `codes` and `counts`.
    pub fn locate_and_count_all(&self, values: &[f64], codes: &mut [u8], counts: &mut [u64]) {
        match &self.search {
            Some(search) => search.locate_and_count_all(values, codes, counts),
            None => {
                self.locate_all(values, codes);
                for &code in &codes[..values.len()] {
                    counts[usize::from(code)] += 1;
                }
            }
        }
    }
}

impl CategoryCells {
    /// Cells of the categories `kept` (by falling reference mass), of those seen but not kept, and
    /// of new ones; `has_other` says whether `others` have a cell of their own.
    ///
    /// # Errors
    /// A sentence when a category is listed twice or there are more than 65,534.
    pub fn new(kept: Vec<String>, others: Vec<String>, has_other: bool) -> Result<Self, String> {
        if kept.len() >= usize::from(u16::MAX) {
            return Err(format!("{} categories are too many", kept.len()));
        }
        let mut cell_of = HashMap::with_capacity_and_hasher(
            kept.len() + others.len(),
            BuildHasherDefault::default(),
        );
        // Without a cell of their own, the few rows of the others count as new.
        let other_cell = kept.len() as u16;
        let listed = kept
            .iter()
            .enumerate()
            .map(|(cell, name)| (name, cell as u16));
        for (name, cell) in listed.chain(others.iter().map(|name| (name, other_cell))) {
            if cell_of.insert(name.as_str().into(), cell).is_some() {
                return Err(format!("category {name:?} is listed twice"));
            }
        }
        Ok(Self {
            kept,
            others,
            has_other,
            cell_of,
        })
    }

    /// Categories with a cell of their own, by falling reference mass.
    pub fn kept(&self) -> &[String] {
        &self.kept
    }

    /// Categories that the reference has seen but not kept.
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Whether there is a cell `other`.
    pub fn has_other(&self) -> bool {
        self.has_other
    }

    /// Cell of a category.
    pub fn locate(&self, category: &str) -> usize {
        match self.cell_of.get(category) {
            Some(&cell) => cell as usize,
            None => self.kept.len() + usize::from(self.has_other),
        }
    }

    /// The last cell: categories never seen in the reference.
    pub fn new_cell(&self) -> usize {
        self.kept.len() + usize::from(self.has_other)
    }
}

/// Hash cell of a text.
pub fn hash_cell(text: &str) -> usize {
    (xxh3_64(text.as_bytes()) % HASH_CELLS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_an_edge_goes_left() {
        let cells = NumericCells::new(vec![1.0, 2.0]).unwrap();
        assert_eq!(
            [0.5, 1.0, 1.5, 2.0, 2.5].map(|v| cells.locate(v)),
            [0, 0, 1, 1, 2]
        );
    }

    proptest::proptest! {
        #[test]
        fn counting_all_at_once_is_counting_one_by_one(
            mut edges in proptest::collection::vec(-1e3f64..1e3, 0..60),
            values in proptest::collection::vec(-2e3f64..2e3, 0..600),
        ) {
            edges.sort_by(f64::total_cmp);
            edges.dedup();
            let cells = NumericCells::new(edges.clone()).unwrap();
            let values: Vec<f64> = values.into_iter().chain(edges).collect();
            let mut expected = vec![0; cells.edges().len() + 1];
            values.iter().for_each(|&value| expected[cells.locate(value)] += 1);
            let mut found = vec![0; expected.len()];
            cells.count_all(&values, &mut found);
            proptest::prop_assert_eq!(&found, &expected);

            let one_by_one: Vec<u8> = values.iter().map(|&v| cells.locate(v) as u8).collect();
            let mut codes = vec![0; values.len()];
            cells.locate_all(&values, &mut codes);
            proptest::prop_assert_eq!(&codes, &one_by_one);
            codes.fill(0);
            found.fill(0);
            cells.locate_and_count_all(&values, &mut codes, &mut found);
            proptest::prop_assert_eq!(codes, one_by_one);
            proptest::prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn edges_that_do_not_rise_are_refused() {
        assert!(NumericCells::new(vec![1.0, 1.0]).is_err());
        assert!(NumericCells::new(vec![f64::NAN]).is_err());
    }

    #[test]
    fn seen_goes_to_other_and_unseen_to_new() {
        let cells = CategoryCells::new(vec!["a".into()], vec!["b".into()], true).unwrap();
        assert_eq!(["a", "b", "c"].map(|c| cells.locate(c)), [0, 1, 2]);
        let cells = CategoryCells::new(vec!["a".into()], vec!["b".into()], false).unwrap();
        assert_eq!(["a", "b", "c"].map(|c| cells.locate(c)), [0, 1, 1]);
    }
}
