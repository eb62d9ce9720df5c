//! What can be told of a message without decoding it: the memory it would take, and whom it is from.
//!
//! Two bytes on the wire make an empty tensor of several hundred bytes in memory, so a limit on the
//! message alone would not bound what 16 MiB of them take.

use bytes::Bytes;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::ingest::inference::Tensor;
use crate::ingest::room::SMALLEST_PIECE;
use crate::proto::inference as wire;

/// A list that grows by doubling may have twice the room that it needs.
const GROWTH: usize = 2;

/// What a field of a message costs when it occurs.
enum Cost {
    /// Nothing: scalars, and bytes that stay where they are.
    Nothing,
    /// One element of so many bytes; its own bytes stay where they are.
    Element(usize),
    /// Its own bytes, in a piece of memory of their own.
    Copied,
    /// One element of so many bytes, and what is inside.
    Nested(usize, Level),
    /// Varints that take so many bytes each once decoded, packed or one by one.
    Numbers(usize),
    /// Values of so many bytes each, here and there, packed or one by one.
    Fixed(usize),
}

/// Which message it is.
#[derive(Clone, Copy)]
pub(super) enum Level {
    /// `ModelInferRequest`.
    Request,
    /// `ModelInferResponse`.
    Response,
    /// `ModelStreamInferResponse`.
    Wrapper,
    /// `InferInputTensor`, `InferOutputTensor`.
    Tensor,
    /// `InferRequestedOutputTensor`.
    Requested,
    /// `InferTensorContents`.
    Contents,
    /// An entry of a map of parameters.
    Entry,
    /// `InferParameter`.
    Parameter,
}

impl Level {
    /// The cost of field `tag`, by the numbers of `open_inference.proto`.
    fn cost(self, tag: u32) -> Cost {
        const BYTES: usize = GROWTH * size_of::<Bytes>();
        // A hash table is at most seven eighths full.
        const ENTRY: usize = (GROWTH + 1) * size_of::<(String, wire::InferParameter)>();
        // Tensors are decoded twice: into the message, then into what the rest works with.
        const INPUT: usize =
            GROWTH * (size_of::<wire::model_infer_request::InferInputTensor>() + TENSOR);
        const OUTPUT: usize =
            GROWTH * (size_of::<wire::model_infer_response::InferOutputTensor>() + TENSOR);
        const TENSOR: usize = size_of::<Tensor>();
        const REQUESTED: usize =
            GROWTH * size_of::<wire::model_infer_request::InferRequestedOutputTensor>();
        match (self, tag) {
            (Self::Request | Self::Response, 1..=3) => Cost::Copied,
            (Self::Request | Self::Response, 4) => Cost::Nested(ENTRY, Self::Entry),
            (Self::Request, 5) => Cost::Nested(INPUT, Self::Tensor),
            (Self::Request, 6) => Cost::Nested(REQUESTED, Self::Requested),
            (Self::Request, 7) | (Self::Response, 6) => Cost::Element(BYTES),
            (Self::Response, 5) => Cost::Nested(OUTPUT, Self::Tensor),
            (Self::Wrapper, 1) => Cost::Copied,
            (Self::Wrapper, 2) => Cost::Nested(0, Self::Response),
            (Self::Tensor, 1 | 2) => Cost::Copied,
            (Self::Tensor, 3) => Cost::Numbers(size_of::<i64>()),
            (Self::Tensor, 4) => Cost::Nested(ENTRY, Self::Entry),
            (Self::Tensor, 5) => Cost::Nested(0, Self::Contents),
            (Self::Requested, 1) => Cost::Copied,
            (Self::Requested, 2) => Cost::Nested(ENTRY, Self::Entry),
            (Self::Entry, 1) => Cost::Copied,
            (Self::Entry, 2) => Cost::Nested(0, Self::Parameter),
            (Self::Parameter, 3) => Cost::Copied,
            (Self::Contents, 1) => Cost::Numbers(size_of::<bool>()),
            (Self::Contents, 2 | 4) => Cost::Numbers(size_of::<u32>()),
            (Self::Contents, 3 | 5) => Cost::Numbers(size_of::<u64>()),
            (Self::Contents, 6) => Cost::Fixed(size_of::<f32>()),
            (Self::Contents, 7) => Cost::Fixed(size_of::<f64>()),
            (Self::Contents, 8) => Cost::Element(BYTES),
            _ => Cost::Nothing,
        }
    }
}

/// Bytes of memory that decoding `message`, a message of `level`, takes at most beside the message,
/// but for strings that are made of `bytes` values. `None` when it is no such message.
pub(super) fn decoded_bytes(message: &[u8], level: Level) -> Option<usize> {
    let mut sum = 0_usize;
    walk(message, level, &mut sum)?;
    Some(sum)
}

/// Adds up one level. Levels do not nest in themselves, so neither does this without end.
fn walk(mut bytes: &[u8], level: Level, sum: &mut usize) -> Option<()> {
    // Numbers are held as decoded, in a list with room to grow, and once more as plain bytes.
    const HELD: usize = GROWTH + 1;
    while !bytes.is_empty() {
        let (tag, wire_type, inside) = field(&mut bytes)?;
        match (level.cost(tag), wire_type) {
            (Cost::Nothing, _) => {}
            (Cost::Numbers(size) | Cost::Fixed(size), WireType::LengthDelimited) => {
                let count = match level.cost(tag) {
                    Cost::Fixed(_) => inside.len() / size,
                    // A packed number ends at its byte without a continuation bit.
                    _ => inside.iter().filter(|byte| **byte < 0x80).count(),
                };
                *sum = sum.saturating_add(HELD * size * count);
            }
            (Cost::Numbers(size) | Cost::Fixed(size), _) => {
                *sum = sum.saturating_add(HELD * size);
            }
            (_, wire_type) if wire_type != WireType::LengthDelimited => return None,
            (Cost::Element(size), _) => *sum = sum.saturating_add(size),
            (Cost::Copied, _) => *sum = sum.saturating_add(SMALLEST_PIECE.max(inside.len())),
            (Cost::Nested(size, level), _) => {
                *sum = sum.saturating_add(size);
                walk(inside, level, sum)?;
            }
        }
    }
    Some(())
}

/// Takes a field off `bytes`: its number, its type and, if it has a length, what is inside. `None`
/// when it is cut off or a group: the decoder would go on after a group, unbounded, and no message
/// of the protocol has one.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, WireType, &'a [u8])> {
    let (tag, wire_type) = decode_key(bytes).ok()?;
    let length = match wire_type {
        WireType::Varint => {
            decode_varint(bytes).ok()?;
            0
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => usize::try_from(decode_varint(bytes).ok()?).ok()?,
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    let (inside, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((tag, wire_type, inside))
}

/// The outermost fields of a message of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    /// Field 1: the model's name, or the error of a `ModelStreamInferResponse`.
    pub(super) first: &'a [u8],
    /// Field 3: the id.
    pub(super) id: &'a [u8],
    /// Whether there is a field that `ModelStreamInferResponse` does not have.
    pub(super) is_bare: bool,
}

/// The outermost fields of `message`; `None` when it is no message.
pub(super) fn envelope(mut message: &[u8]) -> Option<Envelope<'_>> {
    let mut found = Envelope::default();
    while !message.is_empty() {
        let (tag, _, inside) = field(&mut message)?;
        match tag {
            1 => found.first = inside,
            3 => found.id = inside,
            _ => {}
        }
        found.is_bare |= tag > 2;
    }
    Some(found)
}
