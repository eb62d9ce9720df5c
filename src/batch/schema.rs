//! What the columns of a batch are called, what they are to the model, and how they are typed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Longest name of a model, version or field in bytes; longer ones are cut by [`bounded_name`].
pub const MAX_NAME_BYTES: usize = 128;

/// What a field is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Input of the model.
    Feature,
    /// Output: class or value.
    Prediction,
    /// Output: probability or raw score.
    Score,
    /// The truth, told later.
    Label,
    /// Splits rows into groups; no series of its own.
    Segment,
    /// When the row happened; no series of its own.
    Time,
    /// Identifies the row; no series of its own.
    Id,
    /// Not looked at.
    Ignore,
}

impl Role {
    /// The word in labels, settings and profiles.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Prediction => "prediction",
            Self::Score => "score",
            Self::Label => "label",
            Self::Segment => "segment",
            Self::Time => "time",
            Self::Id => "id",
            Self::Ignore => "ignore",
        }
    }

    /// Whether fields of this role have sums and series of their own.
    pub const fn is_watched(self) -> bool {
        matches!(
            self,
            Self::Feature | Self::Prediction | Self::Score | Self::Label
        )
    }

    /// Whether the model makes it: outputs of failed calls are not tallied.
    pub const fn is_output(self) -> bool {
        matches!(self, Self::Prediction | Self::Score)
    }
}

/// Type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One byte, zero or not.
    Bool,
    /// One byte, signed.
    Int8,
    /// One byte.
    UInt8,
    /// Two bytes, little-endian, like all that follow.
    Int16,
    /// Two bytes.
    UInt16,
    /// Four bytes.
    Int32,
    /// Four bytes.
    UInt32,
    /// Eight bytes.
    Int64,
    /// Eight bytes.
    UInt64,
    /// IEEE 754 half precision, two bytes.
    Float16,
    /// Upper half of a [`ValueType::Float32`], two bytes.
    BFloat16,
    /// Four bytes.
    Float32,
    /// Eight bytes.
    Float64,
    /// UTF-8 of any length.
    Text,
}

impl ValueType {
    /// Bytes of one value; 0 for text.
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 | Self::Float16 | Self::BFloat16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
            Self::Text => 0,
        }
    }
}

/// One column's name, role and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, at most [`MAX_NAME_BYTES`] bytes.
    pub name: Arc<str>,
    /// What the source says that the field is to the model; profile and settings may overrule it.
    pub role: Role,
    /// Type of its values.
    pub value_type: ValueType,
    /// Elements per row; 1 for scalars.
    pub width: u32,
}

/// The columns of a batch, in order. Shared by all batches of one source that look alike.
#[derive(Debug)]
pub struct Schema {
    /// The fields, with distinct names.
    pub fields: Vec<Field>,
    /// Whether the source did not name the features, so that they took the profile's names by their
    /// position. Shown to people, who can tell whether the order is right.
    pub names_by_position: bool,
    /// Differs for each schema made in this process, so that what was resolved once can be found
    /// again without comparing names.
    uid: u64,
}

impl Schema {
    /// A schema of these fields.
    pub fn new(fields: Vec<Field>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            fields,
            names_by_position: false,
            uid: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// A schema of features that took the profile's names by their position.
    pub fn named_by_position(fields: Vec<Field>) -> Self {
        Self {
            names_by_position: true,
            ..Self::new(fields)
        }
    }

    /// Identity of this schema within the process.
    pub fn uid(&self) -> u64 {
        self.uid
    }
}

/// `name` as it is if it fits into [`MAX_NAME_BYTES`]; else cut at a character and ended by `~` and
/// 16 hex digits of its xxh3-64 hash, so that two long names stay two names.
pub fn bounded_name(name: &str) -> Arc<str> {
    name_within(name, MAX_NAME_BYTES)
}

/// Like [`bounded_name`], for a limit of `most` bytes (at least 17, at most [`MAX_NAME_BYTES`]).
pub fn name_within(name: &str, most: usize) -> Arc<str> {
    let most = most.clamp(17, MAX_NAME_BYTES);
    if name.len() <= most {
        return name.into();
    }
    let mut end = most - 17;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
    format!("{}~{hash:016x}", &name[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_at_a_character_and_stays_distinct() {
        let a = format!("{}a", "é".repeat(100));
        let b = format!("{}b", "é".repeat(100));
        let (short_a, short_b) = (bounded_name(&a), bounded_name(&b));
        assert!(short_a.len() <= MAX_NAME_BYTES && short_b.len() <= MAX_NAME_BYTES);
        assert_ne!(short_a, short_b);
        assert_eq!(&*bounded_name("age"), "age");
        let cut = name_within("abcdefghijklmnopqrstuvwxyz", 20);
        assert!(cut.len() == 20 && cut.starts_with("abc~"));
    }
}
