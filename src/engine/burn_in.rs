//! The burn-in: design effect and wander of a field, learned from the first days of traffic where its
//! profile has not measured them.
//!
//! Time is cut into 168 chunks of 12 slices, on the clock of the model; chunks in which the field has
//! no rows do not count. From 48 chunks on the estimate is in force, with 168 it is frozen: what
//! comes later is judged, not learned from. Shares are compared with those of all traffic so far, not
//! with the reference, so a constant shift against the profile is no wander.

use crate::learn::{CHUNK_SLICES, variation};
use crate::profile::Variation;
use crate::tally::{BURN_IN_SPAN_CHUNKS, ChunkSums, FeatureTally};

/// Chunks of a burn-in: the hours of a week.
pub const BURN_IN_CHUNKS: u32 = 168;

/// The burn-in of one field.
#[derive(Clone, Debug, Default)]
pub(super) enum BurnIn {
    /// There is none: nothing to learn, or nothing is to be learned.
    #[default]
    Off,
    /// It goes on.
    Running(Box<Running>),
    /// It is over, and this is in force.
    Frozen(Variation),
}

#[derive(Clone, Debug)]
pub(super) struct Running {
    /// Length of the burn-in in microseconds.
    micros: i64,
    sums: ChunkSums,
    /// Number of the running slice.
    newest: Option<i64>,
    /// Whether the running chunk has rows, with or without a value.
    has_rows: bool,
    /// Chunks with rows that have ended.
    chunks: u32,
    /// In force; by no chunks until there are enough.
    variation: Variation,
}

/// Number of the slice that a moment falls into, in a burn-in of `micros` microseconds; 0 without.
pub(super) fn slice(micros: i64, at: i64) -> i64 {
    let slices = i64::from(BURN_IN_CHUNKS) * CHUNK_SLICES as i64;
    match micros {
        0 => 0,
        micros => at.div_euclid((micros / slices).max(1)),
    }
}

impl BurnIn {
    /// One of `micros` microseconds over so many cells. One of that length that runs, or that is
    /// over, stays as it is.
    pub fn go_on(&mut self, micros: i64, cells: usize) {
        let stays = match self {
            Self::Off => false,
            Self::Running(running) => running.micros == micros,
            Self::Frozen(_) => true,
        };
        if !stays {
            *self = Self::Running(Box::new(Running {
                micros,
                sums: ChunkSums::new(cells, BURN_IN_SPAN_CHUNKS),
                newest: None,
                has_rows: false,
                chunks: 0,
                variation: Variation::default(),
            }));
        }
    }

    /// What it brings into force, as far as it is; `None` without a burn-in.
    pub fn variation(&self) -> Option<Variation> {
        match self {
            Self::Off => None,
            Self::Running(running) => Some(running.variation),
            Self::Frozen(variation) => Some(*variation),
        }
    }

    /// How much of it is done, 0 … 1; `None` without.
    pub fn done(&self) -> Option<f64> {
        match self {
            Self::Off => None,
            Self::Running(running) => Some(f64::from(running.chunks) / f64::from(BURN_IN_CHUNKS)),
            Self::Frozen(_) => Some(1.0),
        }
    }

    /// Adds rows of slice `slice`; those of an older one to the running slice.
    pub fn add(&mut self, slice: i64, rows: &FeatureTally) {
        self.advance_to(slice);
        if let Self::Running(running) = self {
            running.has_rows = true;
            running.sums.add(rows.cells.iter().copied());
        }
    }

    /// Moves on to slice `slice`.
    pub fn advance_to(&mut self, slice: i64) {
        let Self::Running(running) = self else {
            return;
        };
        let newest = *running.newest.get_or_insert(slice);
        if slice <= newest {
            return;
        }
        running.newest = Some(slice);
        let chunk = |slice: i64| slice.div_euclid(CHUNK_SLICES as i64);
        if chunk(slice) == chunk(newest) {
            running.sums.end_slice();
            return;
        }
        let chunk_seconds = running.micros as f64 * 1e-6 / f64::from(BURN_IN_CHUNKS);
        let has_values = running.sums.end_chunk();
        if has_values && let Some(found) = variation(&running.sums, chunk_seconds) {
            running.variation = found;
        }
        running.chunks += u32::from(std::mem::take(&mut running.has_rows));
        if running.chunks >= BURN_IN_CHUNKS {
            *self = Self::Frozen(running.variation);
        }
    }

    /// The clock was set back to slice `slice`, which goes on with the rows of the running one.
    pub fn set_back(&mut self, slice: i64) {
        if let Self::Running(running) = self {
            running.newest = running.newest.map(|newest| newest.min(slice));
        }
    }

    /// Bytes of memory held beside itself.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Running(running) => {
                size_of::<Running>() - size_of::<ChunkSums>() + running.sums.bytes()
            }
            Self::Off | Self::Frozen(_) => 0,
        }
    }
}
