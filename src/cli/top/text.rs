//! Text from outside, made harmless for a terminal.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer};

/// Text that is safe on a terminal: characters that steer one, or that change the order or the
/// visibility of others, are written as their number, like `\u{1b}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(String);

impl From<&str> for Text {
    fn from(raw: &str) -> Self {
        let mut text = String::with_capacity(raw.len());
        for c in raw.chars() {
            match steers(c) {
                true => text.extend(c.escape_default()),
                false => text.push(c),
            }
        }
        Self(text)
    }
}

/// Control characters, and the invisible ones of Unicode: joiners, direction, separators, tags.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|raw| Self::from(raw.as_str()))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_spelt_out_and_the_rest_stays() {
        for (raw, safe) in [
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{7f}\u{8}", "\\u{7f}\\u{8}"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("Zürich 東京 e\u{301}", "Zürich 東京 e\u{301}"),
        ] {
            assert_eq!(&*Text::from(raw), safe);
        }
    }
}
