//! Query strings of request targets: read by the web port, written by its clients.

/// Value of the first parameter with this key, decoded; what is not UTF-8 becomes U+FFFD, which nothing is called,
/// so that it is told to be missing instead of passing for unsaid.
pub(crate) fn parameter(query: &str, key: &str) -> Option<String> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(name, _)| decode(name) == key)
        .map(|(_, value)| decode(value))
}

/// A text as the value of a parameter.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `+` is a space, `%41` is an `A`; a percent sign that starts no byte stands for itself.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| {
            let digit = char::from(*bytes.get(at + offset)?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (byte, length) = match byte {
            b'+' => (b' ', 1),
            b'%' => match hex(1).zip(hex(2)) {
                Some((high, low)) => (high << 4 | low, 3),
                None => (b'%', 1),
            },
            byte => (byte, 1),
        };
        decoded.push(byte);
        at += length;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = "version=2&model=a%26b+%C3%BC%3D&model=c";
        assert_eq!(parameter(query, "model").unwrap(), "a&b ü=");
        assert_eq!(parameter(query, "version").unwrap(), "2");
        assert_eq!(parameter(query, "other"), None);
        assert_eq!(parameter("model", "model").unwrap(), "");
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        let text = "a&b ü=+%/\n";
        let query = format!("model={}", encode(text));
        assert!(query.is_ascii());
        assert_eq!(parameter(&query, "model").as_deref(), Some(text));
    }

    #[test]
    fn what_cannot_be_decoded_does_not_break() {
        assert_eq!(parameter("model=100%", "model").unwrap(), "100%");
        assert_eq!(parameter("model=%4", "model").unwrap(), "%4");
        assert_eq!(parameter("model=%zz%", "model").unwrap(), "%zz%");
        assert_eq!(parameter("model=%ff", "model").unwrap(), "\u{fffd}");
    }
}
