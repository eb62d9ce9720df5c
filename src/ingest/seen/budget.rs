//! A bound on the bytes that are put aside, of all calls together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes may be held, and are.
#[derive(Debug)]
pub struct Budget {
    held: AtomicUsize,
    limit: AtomicUsize,
}

/// Some bytes of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            held: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
        })
    }

    /// Sets another limit. What is held stays.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes that may be held.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Nothing yet, to grow.
    pub fn hold(self: &Arc<Self>) -> Held {
        Held {
            budget: self.clone(),
            bytes: 0,
        }
    }
}

impl Held {
    /// Takes so many bytes more; `false`, and nothing is taken, when there is no room.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let held = self.budget.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if held > self.budget.limit.load(Ordering::Relaxed) {
            self.budget.held.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// Takes over what another holds of the same budget.
    pub fn absorb(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Gives away so many bytes, at most those that there are.
    pub fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self {
            budget: self.budget.clone(),
            bytes,
        }
    }

    /// Bytes held by this.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_held_within_the_limit_and_given_back() {
        let budget = Budget::new(10);
        let (mut a, mut b) = (budget.hold(), budget.hold());
        assert!(a.grow(6) && !b.grow(5) && b.grow(4));
        assert_eq!((a.bytes(), b.bytes(), budget.bytes()), (6, 4, 10));
        drop(a);
        assert!(b.grow(6) && !b.grow(1));
        drop(b);
        assert_eq!(budget.bytes(), 0);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let budget = Budget::new(10);
        let mut whole = budget.hold();
        assert!(whole.grow(10));
        let mut part = whole.split(4);
        let rest = whole.split(99);
        assert_eq!((whole.bytes(), part.bytes(), rest.bytes()), (0, 4, 6));
        part.absorb(rest);
        assert_eq!((part.bytes(), budget.bytes()), (10, 10));
        drop((whole, part));
        assert_eq!(budget.bytes(), 0);
    }
}
