//! How much memory the values of one message may still take.
//!
//! Capacity is charged, not length, and before it is taken: two bytes of JSON (`1,`), or four of a
//! protobuf message, can ask for dozens in memory.

use super::Limits;
use super::inference::Unusable;

/// Bytes that the allocator takes for a few bytes.
pub(super) const SMALLEST_PIECE: usize = 32;

/// What is left of [`Limits::decoded_bytes`].
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
    string_bytes: usize,
}

impl Room {
    /// As much as the limits say.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            left: limits.decoded_bytes,
            string_bytes: limits.string_bytes,
        }
    }

    /// Bytes that a string value may have.
    pub(super) fn string_bytes(&self) -> usize {
        self.string_bytes
    }

    /// A copy of a string value; `None` when it is longer than one may be, or no UTF-8.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<Option<String>, Unusable> {
        let within = Some(text).filter(|text| text.len() <= self.string_bytes);
        let Some(text) = within.and_then(|text| std::str::from_utf8(text).ok()) else {
            return Ok(None);
        };
        self.take_text(text.len())?;
        Ok(Some(text.to_owned()))
    }

    /// Takes what a string of this capacity takes beside itself.
    pub(super) fn take_text(&mut self, capacity: usize) -> Result<(), Unusable> {
        match capacity {
            0 => Ok(()),
            capacity => self.take(capacity.max(SMALLEST_PIECE)),
        }
    }

    /// A vector with place for just `count`.
    pub(super) fn vec<T>(&mut self, count: usize) -> Result<Vec<T>, Unusable> {
        self.take(
            count
                .checked_mul(size_of::<T>())
                .ok_or(Unusable::TooLarge)?,
        )?;
        Ok(Vec::with_capacity(count))
    }

    /// Takes so many bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Unusable> {
        let left = self.left.checked_sub(bytes).ok_or(Unusable::TooLarge)?;
        self.left = left;
        Ok(())
    }

    /// Gives so many bytes back.
    pub(super) fn give(&mut self, bytes: usize) {
        self.left += bytes;
    }

    /// Makes place in `values` for `more`; grows by at least half, as far as there is room.
    pub(super) fn reserve<T>(&mut self, values: &mut Vec<T>, more: usize) -> Result<(), Unusable> {
        let free = values.capacity() - values.len();
        if more <= free {
            return Ok(());
        }
        let needed = more - free;
        let size = size_of::<T>();
        let generous = needed
            .max(values.capacity() / 2)
            .max(8)
            .min(self.left / size.max(1));
        let grown = needed.max(generous);
        self.take(grown.checked_mul(size).ok_or(Unusable::TooLarge)?)?;
        values.reserve_exact(free + grown);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_grow_within_the_room_and_to_its_last_byte() {
        let mut room = Room::new(&Limits {
            decoded_bytes: 80,
            ..Limits::default()
        });
        let mut values: Vec<u64> = Vec::new();
        let mut push = |room: &mut Room| {
            room.reserve(&mut values, 1)?;
            values.push(1);
            Ok(())
        };
        for _ in 0..10 {
            push(&mut room).unwrap();
        }
        assert_eq!(push(&mut room), Err(Unusable::TooLarge));
        room.give(8);
        assert_eq!(push(&mut room), Ok(()));
        assert_eq!(room.take(1), Err(Unusable::TooLarge));
        assert_eq!(values.capacity(), 11);
    }
}
