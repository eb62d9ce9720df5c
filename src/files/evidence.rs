//! What type a column of a text file has: every cell is looked at before the first is read.

use super::time;
use crate::batch::{Scalar, ValueType};
use crate::profile::Kind;

/// How the values of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// True and false.
    Boolean,
    /// Numbers.
    Number,
    /// Whole numbers of 64 bits, which not every float can hold.
    Integer {
        /// Whether there is a sign.
        signed: bool,
    },
    /// Strings.
    Text,
    /// Moments: in text files strings that read as such, in Parquet microseconds since the epoch.
    Time,
    /// Scalars of changing type.
    Mixed,
    /// No value at all.
    Empty,
    /// Lists of numbers, all of one length.
    Vector {
        /// Numbers in each list.
        width: u32,
    },
    /// Lists, objects or bytes that cannot be read as one value.
    Unreadable,
}

impl ColumnType {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Integer { .. } => "integer",
            Self::Text => "text",
            Self::Time => "time",
            Self::Mixed => "mixed",
            Self::Empty => "empty",
            Self::Vector { .. } => "vector",
            Self::Unreadable => "unreadable",
        }
    }

    /// The type in a schema.
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::Boolean => ValueType::Bool,
            Self::Number | Self::Empty => ValueType::Float64,
            Self::Integer { signed: true } | Self::Time => ValueType::Int64,
            Self::Integer { signed: false } => ValueType::UInt64,
            Self::Vector { .. } => ValueType::Float32,
            Self::Text | Self::Mixed | Self::Unreadable => ValueType::Text,
        }
    }

    /// Elements per row; 1 for scalars.
    pub const fn width(self) -> u32 {
        match self {
            Self::Vector { width } => width,
            _ => 1,
        }
    }
}

/// What the cells of one column have been so far.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Cells without a value.
    pub nulls: u64,
    bools: u64,
    numbers: u64,
    /// Numbers whose text is not theirs: 007, +1, 2^53 and more.
    codes: u64,
    texts: u64,
    /// Of the texts.
    times: u64,
    nested: u64,
    /// Lists of numbers.
    vectors: u64,
    /// Length of the first of them.
    width: u32,
    /// Whether another one has another length.
    is_uneven: bool,
}

impl Evidence {
    /// Takes a cell of a CSV file that is not null into account.
    pub fn add_cell(&mut self, cell: &str) {
        let cell = cell.trim();
        if truth(cell).is_some() {
            self.bools += 1;
        } else if let Ok(number) = cell.parse::<f64>() {
            self.numbers += 1;
            let digits = cell.strip_prefix('-').unwrap_or(cell).as_bytes();
            let leading_zero = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
            if leading_zero || cell.starts_with('+') || number.abs() >= 9_007_199_254_740_992.0 {
                self.codes += 1;
            }
        } else {
            self.add_text(cell);
        }
    }

    /// Takes a JSON value into account.
    pub fn add_scalar(&mut self, scalar: &Scalar) {
        match scalar {
            Scalar::Null => self.nulls += 1,
            Scalar::Bool(_) => self.bools += 1,
            Scalar::Number(_) => self.numbers += 1,
            Scalar::Text(text) => self.add_text(text),
            Scalar::Vector(vector) => self.add_vector(vector.len()),
            Scalar::Invalid => self.nested += 1,
        }
    }

    /// Takes a list of so many numbers into account.
    pub fn add_vector(&mut self, width: usize) {
        let width = u32::try_from(width).unwrap_or(u32::MAX);
        if self.vectors == 0 {
            self.width = width;
        }
        self.is_uneven |= self.width != width;
        self.vectors += 1;
    }

    fn add_text(&mut self, text: &str) {
        // One text that is no time settles it; then the costly test is spared.
        if self.texts == self.times && time::is_time(text) {
            self.times += 1;
        }
        self.texts += 1;
    }

    /// Type of a CSV column: of the kind that is asked for, else what every cell is.
    pub fn of_cells(&self, kind: Option<Kind>) -> ColumnType {
        let (bools, numbers, texts) = (self.bools > 0, self.numbers > 0, self.texts > 0);
        match kind {
            Some(Kind::Numeric | Kind::Integer | Kind::Boolean) => ColumnType::Number,
            // Categories have the text form of numbers, so that 1.0 and 1 are one, unless they are
            // codes such as 007.
            Some(Kind::Categorical | Kind::HighCardinality)
                if !numbers || bools || texts || self.codes > 0 =>
            {
                ColumnType::Text
            }
            _ => match (bools, numbers, texts) {
                (false, false, false) => ColumnType::Empty,
                (true, false, false) => ColumnType::Boolean,
                (false, true, false) => ColumnType::Number,
                (false, false, true) if self.times == self.texts => ColumnType::Time,
                _ => ColumnType::Text,
            },
        }
    }

    /// Whether there are lists of numbers, but of different lengths.
    pub fn has_uneven_lists(&self) -> bool {
        self.is_uneven
    }

    /// Type of a JSON column; `width` is the length of its vectors if that is known.
    pub fn of_json(&self, width: Option<u32>) -> ColumnType {
        let others = self.bools + self.numbers + self.texts + self.nested;
        if let Some(width) = width
            && self.vectors + others > 0
        {
            return ColumnType::Vector { width };
        }
        if self.vectors > 0 && others == 0 && !self.is_uneven {
            return ColumnType::Vector { width: self.width };
        }
        match (
            self.bools > 0,
            self.numbers > 0,
            self.texts > 0,
            self.nested + self.vectors > 0,
        ) {
            (false, false, false, false) => ColumnType::Empty,
            (false, false, false, true) => ColumnType::Unreadable,
            (true, false, false, false) => ColumnType::Boolean,
            (false, true, false, false) => ColumnType::Number,
            (false, false, true, false) if self.times == self.texts => ColumnType::Time,
            (false, false, true, false) => ColumnType::Text,
            _ => ColumnType::Mixed,
        }
    }
}

/// `true` or `false` in any case.
pub fn truth(cell: &str) -> Option<bool> {
    if cell.eq_ignore_ascii_case("true") {
        Some(true)
    } else if cell.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str], kind: Option<Kind>) -> ColumnType {
        let mut evidence = Evidence::default();
        cells.iter().for_each(|cell| evidence.add_cell(cell));
        evidence.of_cells(kind)
    }

    #[test]
    fn a_column_is_what_every_cell_is() {
        assert_eq!(of(&["1", "-2.5e3", "nan"], None), ColumnType::Number);
        assert_eq!(of(&["True", "false"], None), ColumnType::Boolean);
        assert_eq!(of(&["true", "1"], None), ColumnType::Text);
        assert_eq!(of(&["1", "2", "x"], None), ColumnType::Text);
        assert_eq!(
            of(&["2024-01-02", "2024-01-03 04:05:06"], None),
            ColumnType::Time
        );
        assert_eq!(of(&["2024-01-02", "soon"], None), ColumnType::Text);
        assert_eq!(of(&[], None), ColumnType::Empty);
    }

    #[test]
    fn a_known_kind_decides_how_a_column_is_read() {
        assert_eq!(of(&["x"], Some(Kind::Numeric)), ColumnType::Number);
        assert_eq!(of(&["2134"], Some(Kind::Categorical)), ColumnType::Number);
        assert_eq!(of(&["02134"], Some(Kind::Categorical)), ColumnType::Text);
        assert_eq!(
            of(&["9007199254740993"], Some(Kind::Categorical)),
            ColumnType::Text
        );
    }
}
