//! Text from outside that can neither become markup nor turn around what stands beside it.

use std::fmt::{self, Display, Write};

/// Text within elements and quoted attributes.
///
/// Control characters and those that set the direction of writing, which no honest name needs,
/// become U+FFFD.
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
                '\n' | '\t' => f.write_char(c)?,
                c if c.is_control() || turns_text(c) => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Embeddings, overrides and isolates.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name as an element of its own: whichever way it is written, its neighbours stay where they are.
pub(super) struct Name<'a>(pub &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi>{}</bdi>", Escaped(self.0))
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
    fn names_cannot_turn_the_line_around() {
        let name = Name("a\u{202e}b\u{0}c\u{2067}d\nשלום").to_string();
        assert_eq!(name, "<bdi>a\u{fffd}b\u{fffd}c\u{fffd}d\nשלום</bdi>");
    }
}
