//! When a row happened: timestamps, epoch numbers of any unit and RFC 3339 → microseconds since the
//! Unix epoch.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time that a text gives: RFC 3339, or the same without a zone (then UTC), or a date, or a
/// number as in [`from_number`].
pub fn from_text(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_microsecond());
    }
    if let Ok(time) = text.parse::<DateTime>() {
        let time = time.to_zoned(TimeZone::UTC).ok()?;
        return Some(time.timestamp().as_microsecond());
    }
    from_number(text.parse().ok()?)
}

/// Whether a text looks like a time, so that a column of such is one. Numbers do not.
pub fn is_time(text: &str) -> bool {
    let digits_and_dashes = |bytes: &[u8]| {
        bytes.len() >= 10
            && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    digits_and_dashes(text.trim().as_bytes()) && from_text(text).is_some()
}

/// The time that a number since the epoch gives, its unit told by its size: seconds below 10^11
/// (the year 5138), milliseconds below 10^14, microseconds below 10^17, else nanoseconds.
pub fn from_number(number: f64) -> Option<i64> {
    let micros = match number.abs() {
        size if size < 1e11 => number * 1e6,
        size if size < 1e14 => number * 1e3,
        size if size < 1e17 => number,
        size if size < 1e20 => number / 1e3,
        _ => return None,
    };
    Some(micros.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_of_every_unit_give_the_same_moment() {
        // 2024-02-29T12:00:00Z, by `date -ud 2024-02-29T12:00:00Z +%s`.
        let micros = Some(1_709_208_000_000_000);
        for text in [
            "2024-02-29T12:00:00Z",
            "2024-02-29T13:00:00+01:00",
            "2024-02-29 12:00:00",
            "2024-02-29T12:00",
            " 1709208000 ",
            "1709208000000",
            "1709208000000000",
            "1709208000000000000",
        ] {
            assert_eq!(from_text(text), micros, "{text}");
        }
        assert_eq!(from_text("2024-02-29"), Some(1_709_164_800_000_000));
        assert_eq!(from_number(1_709_208_000.5), Some(1_709_208_000_500_000));
    }

    #[test]
    fn the_unit_of_a_number_changes_where_it_is_documented() {
        assert_eq!(from_number(9e10), Some(90_000_000_000_000_000));
        assert_eq!(from_number(1e11), Some(100_000_000_000_000));
        assert_eq!(from_number(9e13), Some(90_000_000_000_000_000));
        assert_eq!(from_number(1e14), Some(100_000_000_000_000));
        assert_eq!(from_number(9e16), Some(90_000_000_000_000_000));
        assert_eq!(from_number(1e17), Some(100_000_000_000_000));
        assert_eq!(from_number(-1.5), Some(-1_500_000));
    }

    #[test]
    fn what_is_no_time_gives_none() {
        for text in ["", "yesterday", "2024-02-30", "nan", "inf", "1e300"] {
            assert_eq!(from_text(text), None, "{text}");
        }
        assert!(is_time("2024-02-29") && !is_time("1709208000") && !is_time("2024-02-29x"));
    }
}
