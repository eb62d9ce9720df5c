//! How calls of a model are read that are seen on their way, as words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::as_text;

/// What identifies a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallId {
    /// The id in the body of its request.
    Body,
    /// The trace id of the header `traceparent`.
    Trace,
    /// The header of this name, in lower case.
    Header(String),
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("id"),
            Self::Trace => f.write_str("traceparent"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl FromStr for CallId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "id" => Ok(Self::Body),
            "traceparent" => Ok(Self::Trace),
            _ => match text.strip_prefix("header:") {
                Some(name) if is_header_name(name) => Ok(Self::Header(name.to_ascii_lowercase())),
                Some(name) => Err(format!(
                    "{name:?} is no name of a header: write letters, digits and hyphens, such as \
                     header:x-request-id"
                )),
                None => Err(format!(
                    "{text:?} identifies no call: write id, traceparent, or header: and the name \
                     of one, such as header:x-request-id"
                )),
            },
        }
    }
}

as_text!(CallId);

/// Whether this is a token, as RFC 9110, section 5.6.2 has it.
fn is_header_name(name: &str) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.len() <= 128 && name.chars().all(is_token)
}

/// What the first dimension of tensors is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchDimension {
    /// Rows, unless all tensors have one dimension and not the same length.
    Auto,
    /// Rows.
    First,
    /// There are no rows: a tensor is one.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_identifies_a_call_reads_back_as_it_is_written() {
        for text in ["id", "traceparent", "header:x-request-id"] {
            assert_eq!(text.parse::<CallId>().unwrap().to_string(), text);
        }
        let header: CallId = "header:X-Request-ID".parse().unwrap();
        assert_eq!(header, CallId::Header("x-request-id".into()));
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        for wrong in [
            "",
            "ID",
            "x-request-id",
            "header:",
            "header:a b",
            "header:ä",
        ] {
            let sentence = wrong.parse::<CallId>().unwrap_err();
            assert!(sentence.contains("header:x-request-id"), "{sentence}");
        }
    }
}
