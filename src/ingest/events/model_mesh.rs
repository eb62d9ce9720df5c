//! What ModelMesh's remote payload processor posts: no CloudEvent but a JSON object around a
//! protobuf message, `{"modelid","id","data":base 64,"kind":"request"|"response"}`
//! ([RemotePayloadProcessor](https://github.com/kserve/modelmesh/blob/main/src/main/java/com/ibm/watson/modelmesh/payload/RemotePayloadProcessor.java)).

use std::borrow::Cow;

use base64::Engine;
use bytes::Bytes;
use serde::Deserialize;

use super::cloud_event::{BASE64, no_json};
use crate::ingest::Undecodable;
use crate::ingest::inference::Fault;
use crate::ingest::seen::Side;

/// A payload.
#[derive(Debug)]
pub(super) struct Payload {
    /// Name of the model in the mesh; the message has its own.
    pub(super) model: String,
    /// Which call.
    pub(super) id: String,
    /// Which half of it.
    pub(super) side: Side,
    /// The message as a gRPC frame; empty when there was none, as after a failure.
    pub(super) frame: Bytes,
}

#[derive(Deserialize)]
struct Document<'a> {
    modelid: String,
    id: String,
    #[serde(borrow, default)]
    data: Cow<'a, str>,
    kind: String,
}

impl Payload {
    /// Reads what was posted.
    ///
    /// # Errors
    /// When it is no such object.
    pub(super) fn read(body: &[u8]) -> Result<Self, Fault> {
        let document: Document<'_> = serde_json::from_slice(body).map_err(no_json)?;
        let side = match document.kind.to_ascii_lowercase().as_str() {
            "request" => Side::Client,
            "response" => Side::Server,
            _ => {
                return Err(fault(
                    "the kind of a payload is neither request nor response",
                ));
            }
        };
        Ok(Self {
            model: document.modelid,
            id: document.id,
            side,
            frame: framed(&document.data)?,
        })
    }
}

fn framed(data: &str) -> Result<Bytes, Fault> {
    if data.is_empty() {
        return Ok(Bytes::new());
    }
    let mut frame = Vec::with_capacity(5 + data.len() / 4 * 3 + 3);
    frame.resize(5, 0);
    BASE64
        .decode_vec(data, &mut frame)
        .map_err(|_| fault("the data of a payload are not base 64"))?;
    let length = u32::try_from(frame.len() - 5).map_err(|_| fault("a payload is too long"))?;
    frame[1..5].copy_from_slice(&length.to_be_bytes());
    Ok(frame.into())
}

fn fault(detail: &str) -> Fault {
    Fault {
        reason: Undecodable::Json,
        detail: detail.into(),
    }
}
