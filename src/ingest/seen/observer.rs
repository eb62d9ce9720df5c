//! The door between what passes and the decoder: never waits, counts what it cannot take.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{Budget, CallCounts, Seen, Shed};

/// Hands what was seen to the decoder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Observer {
    source: &'static str,
    sender: SyncSender<(&'static str, Seen)>,
    budget: Arc<Budget>,
    counts: Arc<CallCounts>,
}

impl Observer {
    /// A door with room for `waiting` calls and the bytes of `budget`, and what comes out of it: each
    /// with its source. `source` is a label value: `forward`, `events`.
    pub fn new(
        source: &'static str,
        waiting: usize,
        budget: Arc<Budget>,
    ) -> (Self, Receiver<(&'static str, Seen)>) {
        let (sender, receiver) = sync_channel(waiting);
        let observer = Self {
            source,
            sender,
            budget,
            counts: Arc::default(),
        };
        (observer, receiver)
    }

    /// A door to the same decoder and the same room for another source, with counters of its own.
    pub fn beside(&self, source: &'static str) -> Self {
        Self {
            source,
            counts: Arc::default(),
            ..self.clone()
        }
    }

    /// Hands over; `false` when there is no room, and then it is counted as shed. Never waits.
    pub fn offer(&self, seen: Seen) -> bool {
        let taken = self.tell(seen);
        if !taken {
            self.shed(Shed::QueueFull);
        }
        taken
    }

    /// Hands over something of a call that is counted already; `false` when there is no room. Never
    /// waits.
    pub fn tell(&self, seen: Seen) -> bool {
        self.sender.try_send((self.source, seen)).is_ok()
    }

    /// Counts a call that could not be kept.
    pub fn shed(&self, reason: Shed) {
        self.counts.shed(self.source, reason);
    }

    /// The bytes that may be held.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// What was seen, and what became of it.
    pub fn counts(&self) -> &Arc<CallCounts> {
        &self.counts
    }
}
