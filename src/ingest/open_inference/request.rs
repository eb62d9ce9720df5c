//! A `ModelInferRequest` decoded.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::scan::{self, Level};
use super::tensor::{Described, tensors};
use crate::ingest::extensions::{
    CLASSIFICATION, CONTENT_TYPE, DATA_FRAME, Requested, SHARED_MEMORY, Wanted,
};
use crate::ingest::inference::{Fault, Tensor};
use crate::ingest::room::Room;
use crate::ingest::{Limits, Undecodable};
use crate::proto::inference::infer_parameter::ParameterChoice;
use crate::proto::inference::{InferParameter, ModelInferRequest};

/// What a request says, with what its response needs to be understood.
pub(super) struct Request {
    pub(super) model: String,
    pub(super) version: String,
    pub(super) id: String,
    pub(super) inputs: Vec<Tensor>,
    /// Each input is a column: MLServer's codec for data frames.
    pub(super) inputs_are_columns: bool,
    /// What it asks of outputs.
    pub(super) requested: Requested,
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
    let mut requested = Requested::default();
    for output in message.outputs {
        let wanted = Wanted {
            is_shared: is_shared(&output.parameters),
            classifies: classifies(&output.parameters),
        };
        requested.note(output.name, wanted);
    }
    Ok(Request {
        inputs: tensors(described.collect(), raw, &mut room),
        inputs_are_columns: text(&message.parameters, CONTENT_TYPE) == Some(DATA_FRAME),
        model: message.model_name,
        version: message.model_version,
        id: message.id,
        requested,
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
    let mut room = Room::new(limits);
    room.take(decoded).map_err(|_| {
        let detail = format!("decoded, the message would take {decoded} bytes");
        Fault::new(Undecodable::TooManyElements, detail)
    })?;
    Ok(room)
}

/// What the decoder says names fields, never values.
pub(super) fn no_message(error: prost::DecodeError) -> Fault {
    Fault::new(Undecodable::Protobuf, error.to_string())
}

/// Whether values lie in memory that client and server share.
pub(super) fn is_shared(parameters: &Parameters) -> bool {
    parameters.contains_key(SHARED_MEMORY)
}

/// A parameter that is a string.
fn text<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    match &parameters.get(name)?.parameter_choice {
        Some(ParameterChoice::StringParam(text)) => Some(text),
        _ => None,
    }
}

/// Whether an output is to be turned into classes.
fn classifies(parameters: &Parameters) -> bool {
    let said = parameters.get(CLASSIFICATION);
    match said.and_then(|said| said.parameter_choice.as_ref()) {
        Some(ParameterChoice::Int64Param(classes)) => *classes > 0,
        Some(ParameterChoice::Uint64Param(classes)) => *classes > 0,
        _ => false,
    }
}
