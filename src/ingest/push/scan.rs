//! How much memory a message would take once decoded, found without decoding it.
//!
//! Two bytes on the wire make an empty batch of several hundred bytes in memory, so a limit on the
//! message alone would not bound what 16 MiB of them take.

use bytes::Bytes;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::ingest::room::SMALLEST_PIECE;
use crate::proto::ingest as wire;

/// What a field of a message costs when it occurs.
enum Cost {
    /// Nothing: scalars, and bytes that stay where they are.
    Nothing,
    /// One element of so many bytes; its own bytes stay where they are.
    Element(usize),
    /// One element of so many bytes, and its own bytes too, in a piece of memory of their own.
    Copied(usize),
    /// One element of so many bytes, and what is inside.
    Nested(usize, Level),
    /// Elements of so many bytes each, packed or one by one.
    Numbers(usize),
}

/// Which message it is.
#[derive(Clone, Copy)]
pub(super) enum Level {
    /// `ObserveStreamRequest`.
    Streamed,
    /// `ObserveRequest`.
    Request,
    /// `PredictionBatch`.
    Batch,
    /// `Schema`.
    Schema,
    /// `Column`.
    Column,
    /// `StringValues`.
    Strings,
    /// `DictionaryValues`.
    Dictionary,
}

impl Level {
    /// The cost of field `tag`, by the numbers of `ingest.proto`.
    fn cost(self, tag: u32) -> Cost {
        match (self, tag) {
            (Self::Streamed, 1) => Cost::Nested(0, Self::Request),
            (Self::Request, 4) => Cost::Nested(size_of::<wire::PredictionBatch>(), Self::Batch),
            (Self::Batch, 3) => Cost::Nested(0, Self::Schema),
            (Self::Batch, 5) => Cost::Element(size_of::<wire::Block>()),
            (Self::Batch, 6) => Cost::Nested(size_of::<wire::Column>(), Self::Column),
            (Self::Batch, 7) => Cost::Copied(size_of::<String>()),
            (Self::Batch, 9) => Cost::Numbers(size_of::<i64>()),
            (Self::Batch, 10 | 11 | 13) => Cost::Numbers(size_of::<u32>()),
            (Self::Batch, 14) => Cost::Copied(size_of::<Bytes>()),
            (Self::Schema, 1) => Cost::Copied(size_of::<wire::Field>()),
            (Self::Column, 3) => Cost::Nested(0, Self::Strings),
            (Self::Column, 4) => Cost::Nested(0, Self::Dictionary),
            (Self::Strings | Self::Dictionary, 1) => Cost::Copied(size_of::<String>()),
            (Self::Dictionary, 2) => Cost::Numbers(size_of::<u32>()),
            _ => Cost::Nothing,
        }
    }
}

/// Bytes of memory that decoding `message`, a message of `level`, takes beside the message. Of bytes
/// that are no such message the part before the fault counts: decoding stops there too.
pub(super) fn decoded_bytes(message: &[u8], level: Level) -> usize {
    let mut sum = 0;
    walk(message, level, &mut sum);
    sum
}

/// Adds up one level; `None` where the bytes end too early or make no sense.
fn walk(mut bytes: &[u8], level: Level, sum: &mut usize) -> Option<()> {
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        let cost = level.cost(tag);
        match wire_type {
            WireType::Varint => {
                decode_varint(&mut bytes).ok()?;
                if let Cost::Numbers(size) = cost {
                    *sum += size;
                }
            }
            WireType::SixtyFourBit => bytes = bytes.get(8..)?,
            WireType::ThirtyTwoBit => bytes = bytes.get(4..)?,
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (inside, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                match cost {
                    Cost::Nothing => {}
                    Cost::Element(size) => *sum += size,
                    Cost::Copied(size) => *sum += size + SMALLEST_PIECE.max(length),
                    Cost::Numbers(size) => {
                        // A packed number ends at its byte without a continuation bit.
                        *sum += size * inside.iter().filter(|byte| **byte < 0x80).count();
                    }
                    Cost::Nested(size, level) => {
                        *sum += size;
                        walk(inside, level, sum)?;
                    }
                }
            }
            // No field of ours is a group; the decoder passes over it and goes on.
            WireType::StartGroup | WireType::EndGroup => {
                skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).ok()?;
            }
        }
    }
    Some(())
}
