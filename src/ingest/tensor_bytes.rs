//! Tensors of the Open Inference Protocol as bytes: raw contents of gRPC, and the binary tensors that
//! follow JSON.
//!
//! Row-major and little-endian, so numbers stay where they are in the message. The protocol calls
//! strings bytes, so one may be a picture: an element that is no UTF-8, or longer than a string may
//! be, is invalid as that row's value and nothing more.

use bytes::Bytes;

use super::inference::{Elements, Unusable};
use super::room::Room;
use crate::batch::{Scalar, ValueType};

/// The type of a datatype
/// ([Open Inference Protocol](https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data-types)).
pub(super) fn value_type(datatype: &str) -> Option<ValueType> {
    Some(match datatype {
        "BOOL" => ValueType::Bool,
        "INT8" => ValueType::Int8,
        "INT16" => ValueType::Int16,
        "INT32" => ValueType::Int32,
        "INT64" => ValueType::Int64,
        "UINT8" => ValueType::UInt8,
        "UINT16" => ValueType::UInt16,
        "UINT32" => ValueType::UInt32,
        "UINT64" => ValueType::UInt64,
        "FP16" => ValueType::Float16,
        "BF16" => ValueType::BFloat16,
        "FP32" => ValueType::Float32,
        "FP64" => ValueType::Float64,
        "BYTES" => ValueType::Text,
        _ => return None,
    })
}

/// The values in `data`, which must be exactly `count`.
pub(super) fn read(
    data: Bytes,
    value_type: ValueType,
    count: usize,
    room: &mut Room,
) -> Result<Elements, Unusable> {
    if value_type == ValueType::Text {
        if strings(&data)? != count {
            return Err(Unusable::Length);
        }
        let mut rest = &data[..];
        let each = std::iter::from_fn(|| {
            let (string, after) = split(rest)?;
            rest = after;
            Some(string)
        });
        return texts(each, count, room);
    }
    if count.checked_mul(value_type.size()) != Some(data.len()) {
        return Err(Unusable::Length);
    }
    Ok(Elements::Fixed { value_type, data })
}

/// `count` strings, as many as there are.
pub(super) fn texts<'a>(
    mut strings: impl Iterator<Item = &'a [u8]>,
    count: usize,
    room: &mut Room,
) -> Result<Elements, Unusable> {
    let mut texts = room.vec(count)?;
    for string in strings.by_ref() {
        match room.text(string)? {
            Some(text) => texts.push(text),
            None => return mixed(texts, strings, count, room),
        }
    }
    Ok(Elements::Text(texts))
}

/// The strings before the first that is invalid, it, and the `rest`.
fn mixed<'a>(
    texts: Vec<String>,
    rest: impl Iterator<Item = &'a [u8]>,
    count: usize,
    room: &mut Room,
) -> Result<Elements, Unusable> {
    let mut scalars = room.vec(count)?;
    scalars.extend(texts.into_iter().map(Scalar::Text));
    scalars.push(Scalar::Invalid);
    for string in rest {
        let text = room.text(string)?;
        scalars.push(text.map_or(Scalar::Invalid, Scalar::Text));
    }
    Ok(Elements::Mixed(scalars))
}

/// How many strings there are.
fn strings(data: &[u8]) -> Result<usize, Unusable> {
    let (mut rest, mut count) = (data, 0);
    while !rest.is_empty() {
        (_, rest) = split(rest).ok_or(Unusable::Text)?;
        count += 1;
    }
    Ok(count)
}

/// The first string, whose length is in four little-endian bytes before it, and what follows; `None`
/// when it is cut off.
fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Limits;

    fn raw(
        bytes: &'static [u8],
        value_type: ValueType,
        count: usize,
    ) -> Result<Elements, Unusable> {
        let mut room = Room::new(&Limits {
            string_bytes: 4,
            ..Limits::default()
        });
        read(Bytes::from_static(bytes), value_type, count, &mut room)
    }

    #[test]
    fn strings_are_as_many_and_as_long_as_is_said() {
        let bytes = b"\x02\0\0\0US\0\0\0\0\x03\0\0\0\xe4\xba\xac";
        let texts = ["US", "", "京"].map(str::to_owned).to_vec();
        assert_eq!(raw(bytes, ValueType::Text, 3), Ok(Elements::Text(texts)));
        for (bytes, count, why) in [
            (&bytes[..], 2, Unusable::Length),
            (&bytes[..], 4, Unusable::Length),
            (&bytes[..], usize::MAX, Unusable::Length),
            (&bytes[..12], 3, Unusable::Text),
            (&bytes[..16], 3, Unusable::Text),
            (b"\xff\xff\xff\xffUS", 1, Unusable::Text),
        ] {
            let found = raw(bytes, ValueType::Text, count);
            assert_eq!(found, Err(why), "{bytes:?} {count}");
        }
    }

    #[test]
    fn a_string_that_cannot_be_shown_is_invalid_by_itself() {
        let bytes = b"\x01\0\0\0a\x01\0\0\0\xff\x05\0\0\0aaaaa\x04\0\0\0aaaa";
        let text = |text: &str| Scalar::Text(text.to_owned());
        let expected = vec![text("a"), Scalar::Invalid, Scalar::Invalid, text("aaaa")];
        let found = raw(bytes, ValueType::Text, 4);
        assert_eq!(found, Ok(Elements::Mixed(expected)));
    }

    #[test]
    fn numbers_have_exactly_their_bytes() {
        assert!(raw(&[0; 8], ValueType::Float16, 4).is_ok());
        for (count, value_type) in [(3, ValueType::Float16), (usize::MAX, ValueType::Int64)] {
            let found = raw(&[0; 8], value_type, count);
            assert_eq!(found, Err(Unusable::Length));
        }
    }
}
