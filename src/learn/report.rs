//! What was found while learning, in words for people.

use crate::batch::Role;
use crate::profile::Kind;

/// What was found in all fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnReport {
    /// Rows that were read.
    pub rows: u64,
    /// One entry a field, in the order of the data, those without a profile included.
    pub fields: Vec<FieldReport>,
    /// Sentences about the whole: no prediction, fields beyond the limit.
    pub warnings: Vec<String>,
}

/// What was found in one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldReport {
    /// Name.
    pub name: String,
    /// Role in force.
    pub role: Role,
    /// Kind that was inferred or asked for; `None` for roles that are not watched.
    pub kind: Option<Kind>,
    /// Why this kind: `all values are whole numbers`.
    pub why: String,
    /// Number of cells; 0 without.
    pub cells: usize,
    /// Usable values.
    pub values: u64,
    /// Distinct values; exact up to 1,000, an estimate beyond.
    pub distinct: u64,
    /// missing / (values + missing); `None` without rows.
    pub null_ratio: Option<f64>,
    /// Sentences: constant, no value at all, too many distinct strings …
    pub warnings: Vec<String>,
}
