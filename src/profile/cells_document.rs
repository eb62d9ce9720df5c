//! The cells of a field in a profile document.
//!
//! Which members there are depends on the kind of the field; a reader finds the rows of each cell under
//! the same name for all of them.

use serde::{Deserialize, Serialize};

use super::{CategoryCells, Cells, CentroidCells, HASH_CELLS, Kind, NumericCells, ReferenceCells};

/// How high-cardinality values are put into cells; fixed.
const HASH_NAME: &str = "xxh3-64 seed 0 modulo 64";

#[derive(Serialize, Deserialize)]
pub(super) struct CellsDocument {
    rows: Vec<u64>,
    probabilities: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    means: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_categories: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    has_other: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    centroids: Option<Vec<Vec<f64>>>,
}

impl From<&ReferenceCells> for CellsDocument {
    fn from(reference: &ReferenceCells) -> Self {
        let total = reference.total().max(1) as f64;
        let mut document = Self {
            rows: reference.rows.clone(),
            probabilities: reference.rows.iter().map(|&r| r as f64 / total).collect(),
            edges: None,
            means: None,
            categories: None,
            other_categories: None,
            has_other: None,
            hash: None,
            mean: None,
            centroids: None,
        };
        match &reference.cells {
            Cells::Numeric(cells) => {
                document.edges = Some(cells.edges().to_vec());
                document.means = Some(reference.means.clone());
            }
            Cells::Categorical(cells) => {
                document.categories = Some(cells.kept().to_vec());
                document.other_categories = Some(cells.others().to_vec());
                document.has_other = Some(cells.has_other());
            }
            Cells::Hashed => document.hash = Some(HASH_NAME.into()),
            Cells::Centroids(cells) => {
                document.mean = Some(decimals(cells.mean()));
                document.centroids = Some(cells.centroids().map(decimals).collect());
            }
        }
        document
    }
}

impl CellsDocument {
    /// The reference, of a field of this kind.
    pub(super) fn read(self, kind: Kind) -> Result<ReferenceCells, String> {
        let (cells, means) = match kind {
            Kind::Numeric | Kind::Integer | Kind::Boolean => {
                let edges = self.edges.ok_or("cells have no \"edges\"")?;
                let means = self.means.ok_or("cells have no \"means\"")?;
                (Cells::Numeric(NumericCells::new(edges)?), means)
            }
            Kind::Categorical => {
                let kept = self.categories.ok_or("cells have no \"categories\"")?;
                let others = self.other_categories.unwrap_or_default();
                let has_other = self.has_other.unwrap_or(false);
                let cells = CategoryCells::new(kept, others, has_other)?;
                (Cells::Categorical(cells), Vec::new())
            }
            Kind::HighCardinality => match self.hash.as_deref() {
                Some(HASH_NAME) => (Cells::Hashed, Vec::new()),
                other => return Err(format!("hash is {other:?}, must be {HASH_NAME:?}")),
            },
            Kind::Vector => {
                let mean = self.mean.ok_or("cells have no \"mean\"")?;
                let centroids = self.centroids.ok_or("cells have no \"centroids\"")?;
                let centroids: Vec<_> = centroids.iter().map(|c| singles(c)).collect();
                let cells = CentroidCells::new(singles(&mean), &centroids)?;
                (Cells::Centroids(cells), Vec::new())
            }
        };
        let count = cells.len();
        if self.rows.len() != count {
            return Err(format!(
                "\"rows\" has {} entries for {count} cells",
                self.rows.len()
            ));
        }
        let total = self
            .rows
            .iter()
            .try_fold(0u64, |sum, rows| sum.checked_add(*rows));
        if total.is_none() {
            return Err("\"rows\" add up to more than can be counted".into());
        }
        if cells.is_numeric() && means.len() != count {
            return Err(format!(
                "\"means\" has {} entries for {count} cells",
                means.len()
            ));
        }
        debug_assert!(kind != Kind::HighCardinality || count == HASH_CELLS);
        Ok(ReferenceCells {
            cells,
            rows: self.rows,
            means,
        })
    }
}

/// The shortest decimals that read back the same, instead of 17 digits of which 9 are noise.
fn decimals(singles: &[f32]) -> Vec<f64> {
    let decimal = |single: &f32| {
        let shortest = format!("{single:e}").parse();
        shortest.unwrap_or(f64::from(*single))
    };
    singles.iter().map(decimal).collect()
}

fn singles(decimals: &[f64]) -> Vec<f32> {
    decimals.iter().map(|&decimal| decimal as f32).collect()
}
