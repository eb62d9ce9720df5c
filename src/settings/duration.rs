//! Durations as Prometheus writes them: `5m`, `1h30m`, `1d`, `500ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::text::{as_text, list};

/// A duration in whole milliseconds.
///
/// It is read in Prometheus' syntax (`y` = 365 days, `w`, `d`, `h`, `m`, `s`, `ms`, each at most
/// once, from large to small) and written with the largest single unit of d, h, m, s, ms that
/// divides it: `60m` is `1h`, `90m` stays `90m`, `1w` is `7d`. That text is the label `window`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    milliseconds: u64,
}

/// Units from large to small, with their length in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Longest duration that is read, 100 years, so that sums of a few never overflow.
const LONGEST: u64 = 100 * 365 * 86_400_000;

impl Span {
    /// So many milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self { milliseconds }
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds * 1_000)
    }

    /// Whole milliseconds.
    pub const fn millis(self) -> u64 {
        self.milliseconds
    }

    /// Whole microseconds, the unit of row times.
    pub const fn micros(self) -> i64 {
        (self.milliseconds * 1_000) as i64
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        self.milliseconds as f64 / 1e3
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.milliseconds)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, length) = UNITS[2..]
            .iter()
            .find(|(_, length)| self.milliseconds.is_multiple_of(*length))
            .filter(|_| self.milliseconds > 0)
            .unwrap_or(&UNITS[5]);
        write!(f, "{}{unit}", self.milliseconds / length)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "{text:?} is not a duration: write whole numbers with the units d, h, m, s, ms, \
                 from large to small, such as 5m, 1h30m or 500ms"
            )
        };
        if text == "0" {
            return Ok(Self::default());
        }
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut sum = 0_u64;
        if rest.is_empty() {
            return Err(refused());
        }
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let letters = after.len() - after.trim_start_matches(|c: char| c.is_alphabetic()).len();
            let (unit, after) = after.split_at(letters);
            let (_, length) = units.find(|(name, _)| *name == unit).ok_or_else(refused)?;
            let number: u64 = number.parse().map_err(|_| refused())?;
            sum = number
                .checked_mul(*length)
                .and_then(|part| part.checked_add(sum))
                .filter(|&sum| sum <= LONGEST)
                .ok_or_else(|| format!("{text:?} is longer than 100 years"))?;
            rest = after;
        }
        Ok(Self::from_millis(sum))
    }
}

as_text!(Span);

/// Window lengths, from short to long.
///
/// They are read from a list or from text with commas, as flags have it, and sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows(Vec<Span>);

impl Windows {
    /// These lengths, sorted.
    pub fn new(mut lengths: Vec<Span>) -> Self {
        lengths.sort();
        Self(lengths)
    }

    /// The lengths, from short to long.
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// The longest; zero without any.
    pub fn longest(&self) -> Span {
        self.0.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, window) in self.0.iter().enumerate() {
            write!(f, "{}{window}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl serde::Serialize for Windows {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer, "a list of durations such as [5m, 1h, 1d]").map(Windows::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> String {
        text.parse::<Span>().unwrap().to_string()
    }

    #[test]
    fn the_label_has_the_largest_unit_that_divides() {
        for (text, expected) in [
            ("5m", "5m"),
            ("60m", "1h"),
            ("90m", "90m"),
            ("1h30m", "90m"),
            ("1w", "7d"),
            ("7d", "7d"),
            ("28d", "28d"),
            ("1y", "365d"),
            ("500ms", "500ms"),
            ("1500ms", "1500ms"),
            ("61s", "61s"),
            ("24h", "1d"),
            ("0", "0s"),
            ("0s", "0s"),
        ] {
            assert_eq!(label(text), expected, "{text}");
            assert_eq!(label(expected), expected, "{text}");
        }
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for text in [
            "", "5", "m", "5 m", "1.5h", "-5m", "1m1h", "1m1m", "5min", "5M", "m5", "1h ",
        ] {
            let error = text.parse::<Span>().unwrap_err();
            assert!(error.contains("is not a duration"), "{text:?}: {error}");
        }
        assert!("101y".parse::<Span>().unwrap_err().contains("100 years"));
        assert!("99999999999999999999d".parse::<Span>().is_err());
    }

    #[test]
    fn a_span_is_a_duration_in_all_units() {
        let span: Span = "1h30m500ms".parse().unwrap();
        assert_eq!(Duration::from(span), Duration::from_millis(5_400_500));
        assert_eq!(span.micros(), 5_400_500_000);
        assert_eq!(span.seconds(), 5_400.5);
    }
}
