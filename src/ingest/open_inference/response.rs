//! A `ModelInferResponse` decoded, in the light of its request.

use bytes::Bytes;
use prost::Message;

use super::request::{self, Request, is_shared, no_message};
use super::room::Room;
use super::scan::Level;
use super::tensor::{Described, tensors};
use crate::batch::Scalar;
use crate::ingest::Limits;
use crate::ingest::inference::{Elements, Fault, Tensor};
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
    pub(super) fn into_outputs(self, request: &Request, limits: &Limits) -> Vec<Tensor> {
        let Self { message, mut room } = self;
        let described = message.outputs.into_iter().map(|output| Described {
            is_shared: is_shared(&output.parameters) || request.shares(&output.name),
            name: output.name,
            datatype: output.datatype,
            shape: output.shape,
            contents: output.contents,
        });
        let raw = message.raw_output_contents;
        let mut outputs = tensors(described.collect(), raw, limits, &mut room);
        for output in &mut outputs {
            if request.classifies(&output.name) {
                keep_first_class(output);
            }
        }
        outputs
    }
}

/// Turns the classes of each row, `score:index` or `score:index:label`, best first, into the name of
/// the first: the label if it has one, else the index. The shape [N, k] becomes [N, 1], and [k], of a
/// model that takes one row at a time, [1]. What does not look like a class is invalid.
fn keep_first_class(output: &mut Tensor) {
    let Some(last) = output.shape.last_mut().filter(|classes| **classes > 0) else {
        return;
    };
    let classes = std::mem::replace(last, 1);
    match &mut output.elements {
        Elements::Text(texts) => {
            let firsts = texts.iter().step_by(classes);
            let names: Option<Vec<_>> = firsts.clone().map(|text| class_name(text)).collect();
            output.elements = match names {
                Some(names) => Elements::Text(names),
                None => Elements::Mixed(firsts.map(|text| class_scalar(text)).collect()),
            };
        }
        Elements::Mixed(values) => {
            let firsts = values.iter().step_by(classes).map(|value| match value {
                Scalar::Text(text) => class_scalar(text),
                _ => Scalar::Invalid,
            });
            output.elements = Elements::Mixed(firsts.collect());
        }
        // It was not classified after all, or cannot be seen; the shape is as it was.
        Elements::Fixed { .. } | Elements::Unusable(_) => *last = classes,
    }
}

fn class_name(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, ':');
    let (_score, index) = (parts.next()?, parts.next()?);
    let is_index = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    let label = parts.next().filter(|label| !label.is_empty());
    is_index.then(|| label.unwrap_or(index).to_owned())
}

fn class_scalar(text: &str) -> Scalar {
    class_name(text).map_or(Scalar::Invalid, Scalar::Text)
}
