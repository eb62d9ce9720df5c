//! Room for what traffic brings: one bound over all models and versions.
//!
//! Bounds on models, versions and fields of each multiply to a million fields, and 14 GB; bounds on
//! the memory of each model that learns to half a gigabyte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all versions have taken together.
#[derive(Clone, Debug, Default)]
pub(super) struct Room(Arc<AtomicUsize>);

/// What one version has taken; given back when the version goes.
#[derive(Debug)]
pub(super) struct Taken {
    room: Room,
    fields: usize,
}

/// What all models and versions share.
#[derive(Clone, Debug, Default)]
pub(super) struct Rooms {
    /// Fields that traffic brings.
    pub fields: Room,
    /// Models that are learning.
    pub learners: Room,
}

impl Room {
    fn taken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A part of nothing so far.
    pub fn part(&self) -> Taken {
        Taken {
            room: self.clone(),
            fields: 0,
        }
    }
}

impl Taken {
    /// Takes one field, if all parts together have fewer than `limit`.
    pub fn take(&mut self, limit: usize) -> bool {
        // One thread owns the engine: nobody comes between.
        let is_room = self.room.taken() < limit;
        if is_room {
            self.room.0.fetch_add(1, Ordering::Relaxed);
            self.fields += 1;
        }
        is_room
    }

    /// What all parts have taken together.
    pub fn taken_by_all(&self) -> usize {
        self.room.taken()
    }

    /// Gives back what is beyond `fields`.
    pub fn keep(&mut self, fields: usize) {
        let back = self.fields.saturating_sub(fields);
        self.room.0.fetch_sub(back, Ordering::Relaxed);
        self.fields -= back;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.keep(0);
    }
}
