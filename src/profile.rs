//! The reference as data: what the training rows (or the first rows of production) looked like.
//!
//! A profile holds distributions, never rows: cells, counts and moments of each field, with a
//! content hash. It is one readable JSON document; `profile/document.rs` fixes its format.

mod cells;
mod cells_document;
mod document;
#[cfg(test)]
mod example;
mod feature_document;
mod file;
mod fourier_document;
mod joint;
mod joint_document;
mod layout;
mod outliers;
mod variation;

pub use cells::{
    CategoryCells, Cells, CentroidCells, HASH_CELLS, MAX_ELEMENTS, NumericCells, hash_cell,
    squared_distance, squared_length,
};
pub use document::{FORMAT, FORMAT_VERSION, short};
pub use file::{ProfileError, read_text};
pub use joint::{
    EMBEDDING_DIMENSIONS, FourierReference, JointFeature, JointReference, ProductReference,
};
pub use outliers::{OutlierFeature, OutlierReference};
pub use variation::Variation;

use serde::{Deserialize, Serialize};

use crate::batch::Role;

/// The reference of one model: what its fields looked like when all was well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Name of the model, if known; settings and the API name it in any case.
    pub model: Option<String>,
    /// Rows that were read.
    pub rows: u64,
    /// The fields, in the order of the data.
    pub features: Vec<FeatureProfile>,
    /// How features hang together; `None` until it is measured.
    pub joint: Option<JointReference>,
    /// How unusual rows are; `None` until it is measured.
    pub outliers: Option<OutlierReference>,
    /// Where it came from. Not part of the hash.
    pub provenance: Provenance,
}

/// Where a profile came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// When it was made, RFC 3339 in UTC.
    pub created: String,
    /// `file` (made by `driftgauge profile`), `learned` (made from the first rows of traffic) or
    /// `rebaselined` (made from a window of traffic, on demand).
    pub source: String,
    /// Names of the files that were read, without folders, with their rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The command that made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Name and version of the program that made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tool: String,
    /// Of a re-baselined profile: what it replaces, and how it came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebaseline: Option<Replacement>,
}

/// How a profile came to replace another one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replacement {
    /// Hash of the profile that was in force until then.
    pub replaces: String,
    /// Hash of the profile that settings or learning give, in whose place it stands; the same as
    /// `replaces` unless that had been re-baselined itself.
    pub stands_for: String,
    /// The version that it is for; without, all that have no profile of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The window whose rows it was made of, such as `1d`.
    pub window: String,
    /// Who asked for it, in their own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Fields that had too few values and are as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_fields: Vec<String>,
}

/// A file that a profile was made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Name of the file, without folders.
    pub name: String,
    /// Rows read from it.
    pub rows: u64,
}

/// The reference of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureProfile {
    /// Name of the field.
    pub name: String,
    /// What it is to the model.
    pub role: Role,
    /// How it is looked at.
    pub kind: Kind,
    /// Rows without a usable value, by reason.
    pub missing: Missing,
    /// Cells and the rows in each; none for fields without any usable value and for vectors of more
    /// than [`MAX_ELEMENTS`] elements.
    pub cells: Option<ReferenceCells>,
    /// Moments and range; only of numeric, integer and boolean fields.
    pub moments: Option<Moments>,
    /// Number of distinct values: exact up to 1,000, an estimate beyond.
    pub distinct: u64,
    /// How much more the cell counts vary than those of independent rows.
    pub variation: Variation,
    /// How much the feature matters to the model, as its user says: any scale, more is more.
    pub importance: Option<f64>,
    /// Name of the vector field whose cosines to its reference mean these are; `None` for a field
    /// that data bring themselves.
    pub derived_from: Option<String>,
    /// Mean embedding of the vectors, of a projection of their directions; only of vectors, `None`
    /// where it was not measured.
    pub embedding: Option<FourierReference>,
}

/// How a field is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Real numbers.
    Numeric,
    /// Whole numbers.
    Integer,
    /// True and false.
    Boolean,
    /// At most 1,000 distinct strings.
    Categorical,
    /// More distinct strings than a category list can hold.
    HighCardinality,
    /// Several elements a row.
    Vector,
}

impl Kind {
    /// The word in profiles, settings and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Categorical => "categorical",
            Self::HighCardinality => "high_cardinality",
            Self::Vector => "vector",
        }
    }

    /// Whether the cells lie on the number line.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Numeric | Self::Integer | Self::Boolean)
    }
}

/// Rows without a usable value, apart by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// No value.
    #[serde(default)]
    pub null: u64,
    /// Not a number.
    #[serde(default)]
    pub nan: u64,
    /// Plus or minus infinity.
    #[serde(default)]
    pub inf: u64,
    /// The batch did not have the field at all.
    #[serde(default)]
    pub absent: u64,
    /// A value of the wrong type.
    #[serde(default)]
    pub invalid: u64,
}

impl Missing {
    /// All of them together.
    pub const fn total(&self) -> u64 {
        self.null + self.nan + self.inf + self.absent + self.invalid
    }

    /// What `part` of `all` usable values stand for, rounded down; all of it when there are none.
    pub fn part(&self, part: u64, all: u64) -> Self {
        if all == 0 {
            return *self;
        }
        let of = |rows: u64| (u128::from(rows) * u128::from(part) / u128::from(all)) as u64;
        Self {
            null: of(self.null),
            nan: of(self.nan),
            inf: of(self.inf),
            absent: of(self.absent),
            invalid: of(self.invalid),
        }
    }
}

/// The cells of a field and how the reference rows fell into them.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceCells {
    /// Where a value belongs.
    pub cells: Cells,
    /// Rows in each cell, r_i; their sum is m.
    pub rows: Vec<u64>,
    /// Mean of the values in each cell, 0 in an empty one; only of cells on the number line, else
    /// empty.
    pub means: Vec<f64>,
}

impl ReferenceCells {
    /// Usable reference rows, m.
    pub fn total(&self) -> u64 {
        self.rows.iter().sum()
    }
}

/// Moments and range of the usable values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Population standard deviation (division by the number of values).
    pub stddev: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

impl Moments {
    /// Scale for judging how far away a value is: σ, or the size of the mean where σ is 0. Never so
    /// small that its inverse is infinite.
    pub fn scale(&self) -> f64 {
        if self.stddev > 0.0 {
            self.stddev.max(f64::MIN_POSITIVE)
        } else {
            self.mean.abs().max(1.0)
        }
    }
}

impl FeatureProfile {
    /// Usable values.
    pub fn values(&self) -> u64 {
        self.cells.as_ref().map_or(0, ReferenceCells::total)
    }

    /// missing / (values + missing); `None` without any row.
    pub fn null_ratio(&self) -> Option<f64> {
        let missing = self.missing.total();
        let all = self.values() + missing;
        (all > 0).then(|| missing as f64 / all as f64)
    }

    /// Share of values that were never seen before, as unchanged data brings it; only of
    /// categorical fields.
    pub fn new_category_ratio(&self) -> Option<f64> {
        let reference = self.cells.as_ref()?;
        match reference.cells {
            Cells::Categorical(_) => {
                let new = *reference.rows.last()? as f64;
                Some(new / reference.total() as f64)
            }
            _ => None,
        }
    }
}
