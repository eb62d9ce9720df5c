//! How much memory the values of one body may still take.
//!
//! Capacity is charged, not length, and before it is taken: two bytes of JSON (`1,`) can ask for
//! dozens in memory.

use super::json::Text;
use crate::ingest::Limits;
use crate::ingest::inference::Unusable;

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

    /// A string value; `None` when it is longer than one may be, or cannot be decoded.
    pub(super) fn text(&mut self, text: Text<'_>) -> Result<Option<String>, Unusable> {
        // An escape has at most six bytes for one.
        if text.len() > self.string_bytes.saturating_mul(6) {
            return Ok(None);
        }
        let within = |text: &String| text.len() <= self.string_bytes;
        let Some(text) = text.decoded().filter(within) else {
            return Ok(None);
        };
        self.take(text.capacity())?;
        Ok(Some(text))
    }

    /// A string value that is not encoded; `None` when it is longer than one may be, or no UTF-8.
    pub(super) fn plain_text(&mut self, text: &[u8]) -> Result<Option<String>, Unusable> {
        let within = Some(text).filter(|text| text.len() <= self.string_bytes);
        let Some(text) = within.and_then(|text| std::str::from_utf8(text).ok()) else {
            return Ok(None);
        };
        self.take(text.len())?;
        Ok(Some(text.to_owned()))
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
