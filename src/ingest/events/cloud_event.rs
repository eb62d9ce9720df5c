//! CloudEvents over HTTP: binary, structured and batched mode, versions 0.3 and 1.0
//! ([HTTP protocol binding](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md),
//! [JSON format](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md)).
//!
//! Only the attributes in [`NAMES`] are kept: the others are not needed, and there may be many.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::{HeaderMap, header};
use percent_encoding::percent_decode;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::ingest::inference::Fault;
use crate::ingest::{Limits, Undecodable};

/// Attributes that are looked at.
const NAMES: [&str; 15] = [
    "component",
    "datacontentencoding",
    "datacontenttype",
    "endpoint",
    "id",
    "inferenceservicename",
    "metadata",
    "modelid",
    "namespace",
    "recordedtime",
    "requestid",
    "specversion",
    "time",
    "traceparent",
    "type",
];

/// Memory that is reckoned for each event of a batch, so that it does not outgrow the limit.
const BYTES_PER_EVENT: usize = 1_024;

/// Base 64 with or without padding.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An event, whatever its mode.
#[derive(Debug, Default)]
pub(super) struct CloudEvent {
    attributes: [Option<String>; NAMES.len()],
    /// What it is about.
    pub(super) data: Bytes,
}

impl CloudEvent {
    /// An attribute; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        let index = NAMES.iter().position(|known| *known == name);
        let value = index.and_then(|index| self.attributes[index].as_deref());
        value.unwrap_or_default()
    }

    /// Reads binary mode: attributes are headers, the body is the data.
    pub(super) fn from_binary(headers: &HeaderMap, body: Bytes) -> Self {
        let text = |bytes: &[u8]| percent_decode(bytes).decode_utf8_lossy().into_owned();
        let attributes = NAMES.map(|name| match name {
            "datacontenttype" => headers
                .get(header::CONTENT_TYPE)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            _ => {
                let value = headers.get(format!("ce-{name}"))?;
                Some(text(value.as_bytes()))
            }
        });
        Self {
            attributes,
            data: body,
        }
    }

    /// Reads structured mode: the body is a JSON object.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn from_structured(body: &[u8]) -> Result<Self, Fault> {
        let event: Structured<'_> = serde_json::from_slice(body).map_err(no_json)?;
        event.into_event()
    }

    /// Reads batched mode: the body is a JSON array of events in structured mode.
    ///
    /// # Errors
    /// When it is not, or when there are more than the memory limit allows for.
    pub(super) fn from_batch(
        body: &[u8],
        limits: &Limits,
    ) -> Result<Vec<Result<Self, Fault>>, Fault> {
        let most = (limits.decoded_bytes / BYTES_PER_EVENT).min(limits.batch_rows);
        let mut reader = serde_json::Deserializer::from_slice(body);
        let batch = reader
            .deserialize_seq(Batch { most })
            .and_then(|batch| reader.end().map(|()| batch))
            .map_err(no_json)?;
        batch.ok_or_else(|| Fault {
            reason: Undecodable::TooManyElements,
            detail: format!("more than {most} events in one batch"),
        })
    }
}

/// A fault that says where the JSON is wrong, and nothing of what it says.
pub(super) fn no_json(error: serde_json::Error) -> Fault {
    Fault {
        reason: Undecodable::Json,
        detail: format!(
            "an event is not the JSON that it should be, at line {} column {}",
            error.line(),
            error.column()
        ),
    }
}

/// An event as a JSON object, its data not yet looked at.
#[derive(Default)]
struct Structured<'a> {
    event: CloudEvent,
    data: Option<&'a RawValue>,
    base64: Option<String>,
}

impl Structured<'_> {
    /// Copies the data, so that a half that waits does not hold on to the whole batch.
    fn into_event(self) -> Result<CloudEvent, Fault> {
        let mut event = self.event;
        let from_base64 = |text: &str| {
            BASE64.decode(text).map(Bytes::from).map_err(|_| Fault {
                reason: Undecodable::Json,
                detail: "the data of an event are not base 64".into(),
            })
        };
        event.data = match (self.base64, self.data.map(RawValue::get)) {
            (Some(text), _) => from_base64(&text)?,
            (None, None) => Bytes::new(),
            // No body of a call is a JSON string: text is a body in quotes.
            (None, Some(text)) if text.starts_with('"') => {
                let text: String = serde_json::from_str(text).map_err(no_json)?;
                // Version 0.3.
                if event.get("datacontentencoding") == "base64" {
                    from_base64(&text)?
                } else {
                    text.into()
                }
            }
            (None, Some(json)) => Bytes::copy_from_slice(json.as_bytes()),
        };
        Ok(event)
    }
}

impl<'de> Deserialize<'de> for Structured<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Structured<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Structured::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "data" {
                found.data = map.next_value()?;
            } else if key == "data_base64" {
                found.base64 = map.next_value()?;
            } else if let Some(index) = NAMES.iter().position(|name| *name == key) {
                found.event.attributes[index] =
                    text(map.next_value()?).map_err(A::Error::custom)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// An attribute as text: they may be strings, numbers and booleans.
fn text(value: &RawValue) -> serde_json::Result<Option<String>> {
    match value.get() {
        "null" => Ok(None),
        text if text.starts_with('"') => serde_json::from_str(text).map(Some),
        other => Ok(Some(other.to_owned())),
    }
}

struct Batch {
    most: usize,
}

impl<'de> Visitor<'de> for Batch {
    /// `None`: there are too many.
    type Value = Option<Vec<Result<CloudEvent, Fault>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        while let Some(element) = sequence.next_element::<&RawValue>()? {
            if events.len() == self.most {
                while sequence.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            events.push(CloudEvent::from_structured(element.get().as_bytes()));
        }
        Ok(Some(events))
    }
}
