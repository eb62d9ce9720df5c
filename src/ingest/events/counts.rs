//! What became of events, beside the calls that they tell of.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ingest::seen::Side;

/// Counters of events: events = paired + unpaired + duplicates + feedback + other + faulty + pending,
/// always.
#[derive(Debug, Default)]
pub struct EventCounts {
    events: AtomicU64,
    paired: AtomicU64,
    unpaired: [AtomicU64; 2],
    duplicates: AtomicU64,
    feedback: AtomicU64,
    other: AtomicU64,
    faulty: AtomicU64,
    pending: AtomicU64,
    without_body: AtomicU64,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// Both halves are there: counts for two.
    Paired,
    /// The other half never came, or came too late.
    Unpaired(Side),
    /// The same half was there already.
    Duplicate,
    /// It tells of feedback.
    Feedback,
    /// It is of a type that tells of no call.
    Other,
    /// It cannot be read.
    Faulty,
}

impl EventCounts {
    pub(super) fn event(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self, fate: Fate) {
        let (counter, count) = match fate {
            Fate::Paired => (&self.paired, 2),
            Fate::Unpaired(side) => (&self.unpaired[side as usize], 1),
            Fate::Duplicate => (&self.duplicates, 1),
            Fate::Feedback => (&self.feedback, 1),
            Fate::Other => (&self.other, 1),
            Fate::Faulty => (&self.faulty, 1),
        };
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn set_pending(&self, pending: usize) {
        self.pending.store(pending as u64, Ordering::Relaxed);
    }

    pub(super) fn skip_without_body(&self) {
        self.without_body.fetch_add(1, Ordering::Relaxed);
    }

    /// Events that came; a batch has many.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Events whose other half came as well: two for each call.
    pub fn paired(&self) -> u64 {
        self.paired.load(Ordering::Relaxed)
    }

    /// Events whose other half did not come in time, by the half that came: `request`, `response`.
    ///
    /// A request without response is a call that failed or whose response was lost, and is looked at
    /// all the same. A response without request cannot be.
    pub fn unpaired(&self) -> [(&'static str, u64); 2] {
        let count = |side: Side| self.unpaired[side as usize].load(Ordering::Relaxed);
        [
            ("request", count(Side::Client)),
            ("response", count(Side::Server)),
        ]
    }

    /// Events that came again while the first of them still waited.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// Events of feedback (Seldon), which are not looked at.
    pub fn feedback(&self) -> u64 {
        self.feedback.load(Ordering::Relaxed)
    }

    /// Events of types that tell of no call.
    pub fn other(&self) -> u64 {
        self.other.load(Ordering::Relaxed)
    }

    /// Events that could not be read.
    pub fn faulty(&self) -> u64 {
        self.faulty.load(Ordering::Relaxed)
    }

    /// Events that wait for their other half.
    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    /// Calls, paired or not, whose request has no body: of health or metadata, no inference. They are
    /// not looked at.
    pub fn without_body(&self) -> u64 {
        self.without_body.load(Ordering::Relaxed)
    }
}
