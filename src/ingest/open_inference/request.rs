//! A `ModelInferRequest` decoded.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::room::Room;
use super::scan::{self, Level};
use super::tensor::{Described, tensors};
use crate::ingest::inference::{Fault, Tensor};
use crate::ingest::{Limits, Undecodable};
use crate::proto::inference::infer_parameter::ParameterChoice;
use crate::proto::inference::model_infer_request::InferRequestedOutputTensor;
use crate::proto::inference::{InferParameter, ModelInferRequest};

/// What a request says, with what its response needs to be understood.
pub(super) struct Request {
    pub(super) model: String,
    pub(super) version: String,
    pub(super) id: String,
    pub(super) inputs: Vec<Tensor>,
    /// Each input is a column: MLServer's codec for data frames.
    pub(super) inputs_are_columns: bool,
    /// The outputs that it asked for by name; empty: all.
    requested: Vec<InferRequestedOutputTensor>,
}

/// Parameters of a request, a response or a tensor.
pub(super) type Parameters = HashMap<String, InferParameter>;

/// Decodes a request.
///
/// # Errors
/// The bytes are no request, or would take more than [`Limits::decoded_bytes`].
pub(super) fn decode(message: Bytes, limits: &Limits) -> Result<Request, Fault> {
    let mut room = room(&message, Level::Request, limits)?;
    let message = ModelInferRequest::decode(message).map_err(no_message)?;
    let described = message.inputs.into_iter().map(|input| Described {
        is_shared: is_shared(&input.parameters),
        name: input.name,
        datatype: input.datatype,
        shape: input.shape,
        contents: input.contents,
    });
    let raw = message.raw_input_contents;
    Ok(Request {
        inputs: tensors(described.collect(), raw, limits, &mut room),
        inputs_are_columns: text(&message.parameters, "content_type") == Some("pd"),
        model: message.model_name,
        version: message.model_version,
        id: message.id,
        requested: message.outputs,
    })
}

/// What is left of [`Limits::decoded_bytes`] once a message is decoded.
///
/// # Errors
/// Nothing is, or the bytes are no such message.
pub(super) fn room(message: &[u8], level: Level, limits: &Limits) -> Result<Room, Fault> {
    let Some(decoded) = scan::decoded_bytes(message, level) else {
        let detail = "the message is cut off or has fields that it cannot have";
        return Err(Fault::new(Undecodable::Protobuf, detail));
    };
    let Some(left) = limits.decoded_bytes.checked_sub(decoded) else {
        let detail = format!("decoded, the message would take {decoded} bytes");
        return Err(Fault::new(Undecodable::TooManyElements, detail));
    };
    Ok(Room::new(left))
}

/// What the decoder says names fields, never values.
pub(super) fn no_message(error: prost::DecodeError) -> Fault {
    Fault::new(Undecodable::Protobuf, error.to_string())
}

/// Whether values lie in memory that client and server share.
pub(super) fn is_shared(parameters: &Parameters) -> bool {
    parameters.contains_key("shared_memory_region")
}

/// A parameter that is a string.
fn text<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    match &parameters.get(name)?.parameter_choice {
        Some(ParameterChoice::StringParam(text)) => Some(text),
        _ => None,
    }
}

impl Request {
    /// What the request says of an output.
    fn parameters_of(&self, output: &str) -> Option<&Parameters> {
        let requested = self.requested.iter().find(|wanted| wanted.name == output);
        requested.map(|wanted| &wanted.parameters)
    }

    /// Whether an output was to be written to shared memory.
    pub(super) fn shares(&self, output: &str) -> bool {
        self.parameters_of(output).is_some_and(is_shared)
    }

    /// Whether an output was to be turned into its first classes: Triton's
    /// [classification extension](https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md).
    pub(super) fn classifies(&self, output: &str) -> bool {
        let said = self
            .parameters_of(output)
            .and_then(|parameters| parameters.get("classification")?.parameter_choice.as_ref());
        match said {
            Some(ParameterChoice::Int64Param(classes)) => *classes > 0,
            Some(ParameterChoice::Uint64Param(classes)) => *classes > 0,
            _ => false,
        }
    }
}
