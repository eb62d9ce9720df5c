//! Figures as people read them.

use std::fmt::{self, Display, Write};

/// What stands where there is no figure.
pub(super) const NONE: &str = "–";

/// A share in percent.
pub(super) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NONE.into(), |ratio| format!("{:.1}%", ratio * 100.0))
}

/// A time in milliseconds.
pub(super) fn millis(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| NONE.into(), |s| format!("{} ms", Short(s * 1e3)))
}

/// A number of about three digits.
pub(super) struct Short(pub f64);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n.abs() >= 100.0 => Thousands(n).fmt(f),
            n if n.abs() >= 10.0 => write!(f, "{n:.1}"),
            n if n.abs() >= 0.01 || n == 0.0 => write!(f, "{n:.2}"),
            n => write!(f, "{n:.4}"),
        }
    }
}

/// A drift ratio, with a sign where it is drift: never by colour alone.
pub(super) struct Ratio(pub f64);

impl Ratio {
    /// The class of a cell with it.
    pub(super) fn class(&self) -> &'static str {
        if self.is_drift() { "n drift" } else { "n" }
    }

    fn is_drift(&self) -> bool {
        self.0 > 1.0
    }
}

impl Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_drift() {
            f.write_str("▲\u{a0}")?;
        }
        if self.0 < 1_000.0 {
            write!(f, "{:.2}", self.0)
        } else {
            Thousands(self.0).fmt(f)
        }
    }
}

/// A whole number in groups of three, apart by thin no-break spaces.
pub(super) struct Thousands(pub f64);

impl Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:.0}", self.0);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                f.write_char('\u{202f}')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

/// A number of things: `1 field`, `2 fields`.
pub(super) struct Count(pub usize, pub &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, what) = self;
        let plural = if *count == 1 { "" } else { "s" };
        write!(f, "{} {what}{plural}", Thousands(*count as f64))
    }
}

/// A size in the largest binary unit that leaves at least 1.
pub(super) struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_024 => write!(f, "{bytes} B"),
            1_024..1_048_576 => write!(f, "{} KiB", Short(bytes / 1_024.0)),
            1_048_576..1_073_741_824 => write!(f, "{} MiB", Short(bytes / 1_048_576.0)),
            _ => write!(f, "{} GiB", Short(bytes / 1_073_741_824.0)),
        }
    }
}

/// A moment: `2023-11-14 22:13 UTC`, for machines too.
pub(super) struct Moment(pub f64);

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0 as i64) {
            Ok(moment) => write!(
                f,
                "<time datetime=\"{moment}\">{}</time>",
                moment.strftime("%Y-%m-%d %H:%M UTC")
            ),
            Err(_) => f.write_str("an unknown time"),
        }
    }
}

/// A length of time in its largest unit: `3 h`.
pub(super) struct Lasting(pub f64);

impl Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.max(0.0);
        match seconds {
            s if s < 90.0 => write!(f, "{s:.0}\u{a0}s"),
            s if s < 90.0 * 60.0 => write!(f, "{:.0}\u{a0}min", s / 60.0),
            s if s < 48.0 * 3_600.0 => write!(f, "{:.0}\u{a0}h", s / 3_600.0),
            s => write!(f, "{:.0}\u{a0}d", s / 86_400.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_keep_digits_that_tell() {
        let shown = [0.0, 0.0053, -0.5, 12.34, 1234.5].map(|n| Short(n).to_string());
        assert_eq!(shown, ["0.00", "0.0053", "-0.50", "12.3", "1\u{202f}234"]);
    }

    #[test]
    fn thousands_are_apart() {
        let shown = [0.0, 999.0, 1000.0, 1234567.0].map(|n| Thousands(n).to_string());
        assert_eq!(
            shown,
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
    }

    #[test]
    fn drift_has_a_sign_and_not_only_a_colour() {
        let shown = [0.5, 1.0, 1.25, 4_321.0].map(|n| Ratio(n).to_string());
        assert_eq!(
            shown,
            ["0.50", "1.00", "▲\u{a0}1.25", "▲\u{a0}4\u{202f}321"]
        );
        assert_eq!((Ratio(1.0).class(), Ratio(1.01).class()), ("n", "n drift"));
    }

    #[test]
    fn one_thing_is_not_several() {
        let shown = [0, 1, 1_200].map(|n| Count(n, "field").to_string());
        assert_eq!(shown, ["0 fields", "1 field", "1\u{202f}200 fields"]);
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let shown = [17, 1_536, 8 << 20, 5 << 30].map(|n| Bytes(n).to_string());
        assert_eq!(shown, ["17 B", "1.50 KiB", "8.00 MiB", "5.00 GiB"]);
    }

    #[test]
    fn moments_and_lengths_of_time_are_for_people() {
        let moment = Moment(1_700_000_000.9).to_string();
        assert_eq!(
            moment,
            "<time datetime=\"2023-11-14T22:13:20Z\">2023-11-14 22:13 UTC</time>"
        );
        assert_eq!(Moment(1e300).to_string(), "an unknown time");
        let shown = [-1.0, 59.6, 120.0, 7_200.0, 200_000.0].map(|s| Lasting(s).to_string());
        let shown = shown.map(|text| text.replace('\u{a0}', " "));
        assert_eq!(shown, ["0 s", "60 s", "2 min", "2 h", "2 d"]);
    }
}
