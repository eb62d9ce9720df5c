//! A `ModelInferResponse` decoded, in the light of its request.

use bytes::Bytes;
use prost::Message;

use super::request::{self, Request, is_shared, no_message};
use super::scan::Level;
use super::tensor::{Described, tensors};
use crate::ingest::Limits;
use crate::ingest::inference::{Fault, Tensor};
use crate::ingest::room::Room;
use crate::proto::inference::{ModelInferResponse, ModelStreamInferResponse};

/// A response whose tensors are not read yet.
pub(super) struct Response {
    pub(super) message: ModelInferResponse,
    pub(super) room: Room,
}

/// Decodes a response.
///
/// # Errors
/// The bytes are no response, or would take more than [`Limits::decoded_bytes`].
pub(super) fn decode(message: Bytes, limits: &Limits) -> Result<Response, Fault> {
    let room = request::room(&message, Level::Response, limits)?;
    let message = ModelInferResponse::decode(message).map_err(no_message)?;
    Ok(Response { message, room })
}

/// Decodes a response as Triton wraps it in streams, with its error, which is empty if there is none.
///
/// # Errors
/// As [`decode`].
pub(super) fn decode_wrapped(message: Bytes, limits: &Limits) -> Result<(String, Response), Fault> {
    let room = request::room(&message, Level::Wrapper, limits)?;
    let wrapper = ModelStreamInferResponse::decode(message).map_err(no_message)?;
    let message = wrapper.infer_response.unwrap_or_default();
    Ok((wrapper.error_message, Response { message, room }))
}

impl Response {
    /// The outputs.
    pub(super) fn into_outputs(self, request: &Request) -> Vec<Tensor> {
        let Self { message, mut room } = self;
        let described = message.outputs.into_iter().map(|output| Described {
            is_shared: is_shared(&output.parameters)
                || request.requested.of(&output.name).is_shared,
            name: output.name,
            datatype: output.datatype,
            shape: output.shape,
            contents: output.contents,
        });
        let raw = message.raw_output_contents;
        let mut outputs = tensors(described.collect(), raw, &mut room);
        request.requested.apply(&mut outputs);
        outputs
    }
}
