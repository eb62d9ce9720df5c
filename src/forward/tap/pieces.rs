//! Pieces of a body, kept: small ones copied together, large ones shared with what passes.
//!
//! A piece keeps the whole buffer that it was read into, so a small one that is shared would keep many
//! times its own bytes; a large one is not worth a copy.

use bytes::Bytes;

use crate::ingest::seen::Held;

/// From how many bytes on a piece is shared.
const LARGE: usize = 4 << 10;
/// Bytes of a read buffer of HTTP/2: a frame and a little.
const READ_BUFFER: usize = 16 << 10;

/// A body, as far as it has come.
#[derive(Default)]
pub(super) struct Pieces {
    whole: Vec<Bytes>,
    small: Vec<u8>,
}

impl Pieces {
    /// Keeps a piece; `false` when the budget has no room for it.
    pub(super) fn add(&mut self, piece: &Bytes, held: &mut Held) -> bool {
        if piece.len() >= LARGE {
            if !held.grow(pinned(piece)) {
                return false;
            }
            self.close_small();
            self.whole.push(piece.clone());
            return true;
        }
        let (length, capacity) = (self.small.len(), self.small.capacity());
        let needed = length + piece.len();
        if needed > capacity {
            // The first piece of a message is mostly the only one: no more than it is taken.
            let grown = needed.max(capacity * 2);
            if !held.grow(grown - capacity) {
                return false;
            }
            self.small.reserve_exact(grown - length);
        }
        self.small.extend_from_slice(piece);
        true
    }

    fn close_small(&mut self) {
        if !self.small.is_empty() {
            self.whole.push(std::mem::take(&mut self.small).into());
        }
    }

    /// The body.
    pub(super) fn into_body(mut self) -> Vec<Bytes> {
        self.close_small();
        self.whole
    }
}

/// A piece to keep by itself, and its part of the budget; `None` when that has no room.
pub(super) fn keep(piece: &Bytes, mut held: Held) -> Option<(Bytes, Held)> {
    if piece.len() >= LARGE {
        return held.grow(pinned(piece)).then(|| (piece.clone(), held));
    }
    held.grow(piece.len())
        .then(|| (Bytes::copy_from_slice(piece), held))
}

/// Bytes of memory that a shared piece keeps.
fn pinned(piece: &Bytes) -> usize {
    piece.len().max(READ_BUFFER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::seen::Budget;

    fn joined(pieces: Pieces) -> Vec<u8> {
        pieces.into_body().concat()
    }

    #[test]
    fn small_pieces_become_one_and_large_ones_are_shared() {
        let budget = Budget::new(1 << 20);
        let mut held = budget.hold();
        let mut pieces = Pieces::default();
        let large = Bytes::from(vec![7; 5_000]);
        let mut all = Vec::new();
        for piece in [&b"ab"[..], b"cde", &large, b"f"] {
            let piece = if piece.len() == 5_000 {
                large.clone()
            } else {
                Bytes::copy_from_slice(piece)
            };
            assert!(pieces.add(&piece, &mut held));
            all.extend_from_slice(&piece);
        }
        assert_eq!(pieces.whole.len(), 2);
        assert_eq!(pieces.whole[1].as_ptr(), large.as_ptr());
        assert_eq!(budget.bytes(), 5 + (16 << 10) + 1);
        assert_eq!(joined(pieces), all);
    }

    #[test]
    fn what_the_budget_has_no_room_for_is_not_kept() {
        let budget = Budget::new(10);
        let mut held = budget.hold();
        let mut pieces = Pieces::default();
        assert!(pieces.add(&Bytes::from_static(b"0123456789"), &mut held));
        assert!(!pieces.add(&Bytes::from_static(b"x"), &mut held));
        assert!(!pieces.add(&Bytes::from(vec![0; 4_096]), &mut held));
        assert!(keep(&Bytes::from_static(b"x"), budget.hold()).is_none());
        assert_eq!(joined(pieces), b"0123456789");
    }
}
