//! `BYTES` tensors: strings, each on its own.
//!
//! Raw, each is four bytes of length (little-endian) and its bytes. The protocol calls them bytes,
//! so one may be a picture: an element that is no UTF-8, or longer than a string may be, is invalid
//! as that row's value and nothing more.

use bytes::Bytes;

use super::room::Room;
use super::scan::SMALLEST_PIECE;
use crate::batch::Scalar;
use crate::ingest::Limits;
use crate::ingest::inference::{Elements, Unusable};

/// Strings with their lengths before them.
pub(super) fn raw(data: &[u8], count: usize, limits: &Limits, room: &mut Room) -> Elements {
    let mut rest = data;
    let mut found = 0;
    while !rest.is_empty() {
        let Some((_, after)) = split(rest) else {
            return Elements::Unusable(Unusable::Text);
        };
        rest = after;
        found += 1;
    }
    if found != count {
        return Elements::Unusable(Unusable::Length);
    }
    let mut rest = data;
    let elements = std::iter::from_fn(move || {
        let (element, after) = split(rest)?;
        rest = after;
        Some(element)
    });
    of(elements, count, limits, room)
}

/// The first element and what follows it; `None` when it is cut off.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// Strings that the message has one by one.
pub(super) fn typed(values: &[Bytes], limits: &Limits, room: &mut Room) -> Elements {
    let elements = values.iter().map(|value| &value[..]);
    of(elements, values.len(), limits, room)
}

/// `count` elements, so many as there are.
fn of<'a>(
    elements: impl Iterator<Item = &'a [u8]> + Clone,
    count: usize,
    limits: &Limits,
    room: &mut Room,
) -> Elements {
    let usable = |element: &&[u8]| element.len() <= limits.string_bytes;
    let copied = |element: &[u8]| match element.len() {
        0 => 0,
        length => SMALLEST_PIECE.max(length),
    };
    let copies: usize = elements.clone().filter(usable).map(copied).sum();
    if !room.take(count * size_of::<String>() + copies) {
        return Elements::Unusable(Unusable::TooLarge);
    }
    let text = |element| {
        let element = Some(element).filter(usable)?;
        std::str::from_utf8(element).ok().map(str::to_owned)
    };
    let mut texts = Vec::with_capacity(count);
    texts.extend(elements.clone().map_while(text));
    if texts.len() == count {
        return Elements::Text(texts);
    }
    if !room.take(count * size_of::<Scalar>()) {
        return Elements::Unusable(Unusable::TooLarge);
    }
    let good = texts.len();
    let mut values = Vec::with_capacity(count);
    values.extend(texts.into_iter().map(Scalar::Text));
    let others = elements.skip(good).map(text);
    values.extend(others.map(|text| text.map_or(Scalar::Invalid, Scalar::Text)));
    Elements::Mixed(values)
}
