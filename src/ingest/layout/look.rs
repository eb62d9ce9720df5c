//! What a tensor looks like: all of its shape and values that decides which columns it becomes.

use crate::batch::{Scalar, ValueType};

/// What a tensor looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) kind: Kind,
    pub(super) row: Row,
}

/// What its values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers or truth values of one type.
    Fixed(ValueType),
    /// Strings.
    Text,
    /// Values of changing type.
    Mixed {
        /// Whether they name classes, rather than measure something.
        are_classes: bool,
    },
}

/// What one row of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Nothing: the tensor is left out.
    Nothing,
    /// One value.
    One,
    /// So many values, at least two, in one dimension.
    Several(usize),
    /// So many values in several dimensions.
    Block(usize),
}

impl Look {
    /// Type of the fields that it becomes.
    pub(super) fn value_type(self) -> ValueType {
        match self.kind {
            Kind::Fixed(value_type) => value_type,
            Kind::Text | Kind::Mixed { are_classes: true } => ValueType::Text,
            Kind::Mixed { are_classes: false } => ValueType::Float64,
        }
    }

    /// Whether its values name classes, rather than measure something.
    pub(super) fn are_classes(self) -> bool {
        match self.kind {
            Kind::Text => true,
            Kind::Mixed { are_classes } => are_classes,
            Kind::Fixed(value_type) => !matches!(
                value_type,
                ValueType::Float16 | ValueType::BFloat16 | ValueType::Float32 | ValueType::Float64
            ),
        }
    }

    /// All of it in one number.
    pub(super) fn word(self) -> u64 {
        let kind = match self.kind {
            Kind::Fixed(value_type) => value_type as u64,
            Kind::Text => 0x20,
            Kind::Mixed { are_classes } => 0x21 + u64::from(are_classes),
        };
        let (shape, count) = match self.row {
            Row::Nothing => (0, 0),
            Row::One => (1, 1),
            Row::Several(count) => (2, count),
            Row::Block(count) => (3, count),
        };
        kind | shape << 8 | (count as u64) << 16
    }
}

/// What values of changing type look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// Some are strings or truth values.
    Words,
    /// All are numbers, some of them no integers.
    Fractions,
    /// All are integers, or there are none.
    Whole,
}

/// Reads the values.
pub(super) fn evidence(values: &[Scalar]) -> Evidence {
    let mut evidence = Evidence::Whole;
    for value in values {
        match value {
            Scalar::Bool(_) | Scalar::Text(_) => return Evidence::Words,
            Scalar::Number(number) if number.fract() != 0.0 => evidence = Evidence::Fractions,
            _ => {}
        }
    }
    evidence
}
