//! Sizes in bytes: `8MiB`, `16MB`, `65536`.

use std::fmt;
use std::str::FromStr;

use super::text::as_text;

/// A number of bytes.
///
/// It is read as a whole number with an optional unit: KiB, MiB, GiB count in 1,024s, kB, MB, GB in
/// 1,000s, whatever the case of the letters. It is written with the largest unit of 1,024s that
/// divides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub usize);

const UNITS: [(&str, usize); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
    ("", 1),
];

impl ByteSize {
    /// So many units of 1,048,576 bytes.
    pub const fn mib(count: usize) -> Self {
        Self(count << 20)
    }

    /// Plain number of bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS[..3]
            .iter()
            .find(|(_, bytes)| self.0 > 0 && self.0.is_multiple_of(*bytes));
        match unit {
            Some((unit, bytes)) => write!(f, "{}{unit}", self.0 / bytes),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "{text:?} is not a size: write a whole number of bytes, or one with KiB, MiB, GiB, \
                 kB, MB or GB, such as 8MiB"
            )
        };
        let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let (number, unit) = text.split_at(text.len() - digits.len());
        let unit = unit.trim();
        let (_, bytes) = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or_else(refused)?;
        let number: usize = number.replace('_', "").parse().map_err(|_| refused())?;
        let size = number.checked_mul(*bytes).ok_or_else(refused)?;
        Ok(Self(size))
    }
}

as_text!(ByteSize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_with_units_of_both_families_and_without() {
        for (text, bytes, shown) in [
            ("8MiB", 8 << 20, "8MiB"),
            ("16MB", 16_000_000, "15625KiB"),
            ("65536", 65_536, "64KiB"),
            ("1_000", 1_000, "1000"),
            ("1 gib", 1 << 30, "1GiB"),
            ("10kB", 10_000, "10000"),
            ("7B", 7, "7"),
            ("0", 0, "0"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, shown));
            assert_eq!(size.to_string().parse(), Ok(size));
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "8Mi", "1.5MiB", "-1", "8 M iB", "99999999999GiB"] {
            let error = text.parse::<ByteSize>().unwrap_err();
            assert!(error.contains("is not a size"), "{text:?}: {error}");
        }
    }
}
