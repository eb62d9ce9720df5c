//! The headers of a call that KServe's logger is told to pass on: a JSON object in the attribute
//! `metadata`, `{"Inference-Header-Content-Length":["153"]}`.
//!
//! They are a gift, not a part of the event: what cannot be read of them is left out.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

/// Longer ones are left out: they would take more memory than the event itself.
const MAX_BYTES: usize = 16 << 10;

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Many(Vec<String>),
    One(String),
    Other(serde::de::IgnoredAny),
}

/// Adds the headers in `text` to `headers`; of several values the first.
pub(super) fn read_into(headers: &mut HeaderMap, text: &str) {
    if text.len() > MAX_BYTES {
        return;
    }
    let Ok(metadata) = serde_json::from_str::<BTreeMap<String, Values>>(text) else {
        return;
    };
    for (name, values) in metadata {
        let value = match values {
            Values::Many(values) => values.into_iter().next(),
            Values::One(value) => Some(value),
            Values::Other(_) => None,
        };
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = value.map(|value| HeaderValue::from_str(&value));
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            // A map that is full does not take it.
            let _ = headers.try_append(name, value);
        }
    }
}
