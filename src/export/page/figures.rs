//! Figures and names as people read them, none of which can become markup.

use std::fmt::{self, Display, Write};

use crate::engine::{FeatureSnapshot, ModelSnapshot};
use crate::export::url::encode;

/// A share in percent.
pub(super) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".into(), |ratio| format!("{:.1}%", ratio * 100.0))
}

/// A time in milliseconds.
pub(super) fn millis(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".into(), |s| format!("{} ms", Short(s * 1e3)))
}

/// A number of about three digits.
pub(super) struct Short(pub f64);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 100.0 => Thousands(n).fmt(f),
            n if n >= 10.0 => write!(f, "{n:.1}"),
            n if n >= 0.01 || n == 0.0 => write!(f, "{n:.2}"),
            n => write!(f, "{n:.4}"),
        }
    }
}

/// Text that cannot become markup, within elements and quoted attributes.
pub(super) struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
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

/// Address of the page of a field.
pub(super) struct Address<'a>(pub &'a ModelSnapshot, pub &'a FeatureSnapshot);

impl Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(model, feature) = self;
        write!(
            f,
            "/feature?model={}&amp;version={}&amp;feature={}",
            encode(&model.model),
            encode(&model.version),
            encode(&feature.name)
        )
    }
}

/// A moment: `2023-11-14 22:13 UTC`.
pub(super) struct Moment(pub f64);

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0 as i64) {
            Ok(moment) => write!(f, "{}", moment.strftime("%Y-%m-%d %H:%M UTC")),
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
            s if s < 90.0 => write!(f, "{s:.0} s"),
            s if s < 90.0 * 60.0 => write!(f, "{:.0} min", s / 60.0),
            s if s < 48.0 * 3_600.0 => write!(f, "{:.0} h", s / 3_600.0),
            s => write!(f, "{:.0} d", s / 86_400.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        let escaped = Escaped("<a href='x' onclick=\"y\">&").to_string();
        assert_eq!(
            escaped,
            "&lt;a href=&#39;x&#39; onclick=&quot;y&quot;&gt;&amp;"
        );
    }

    #[test]
    fn small_numbers_keep_digits_that_tell() {
        let shown = [0.0, 0.0053, 0.5, 12.34, 1234.5].map(|n| Short(n).to_string());
        assert_eq!(shown, ["0.00", "0.0053", "0.50", "12.3", "1\u{202f}234"]);
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
    fn moments_and_lengths_of_time_are_for_people() {
        assert_eq!(Moment(1_700_000_000.9).to_string(), "2023-11-14 22:13 UTC");
        assert_eq!(Moment(1e300).to_string(), "an unknown time");
        let shown = [-1.0, 59.6, 120.0, 7_200.0, 200_000.0].map(|s| Lasting(s).to_string());
        assert_eq!(shown, ["0 s", "60 s", "2 min", "2 h", "2 d"]);
    }
}
