//! Calls that were seen, and what became of them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Shortest time between two log lines of one reason.
const QUIET: Duration = Duration::from_secs(60);

/// Why a call was seen but not kept. Traffic is never held up for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// Its bodies are larger than one call may be.
    TooLarge,
    /// Too many bytes are held already.
    Budget,
    /// Too many calls wait for the decoder.
    QueueFull,
}

impl Shed {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 3] = [Self::TooLarge, Self::Budget, Self::QueueFull];

    /// The label value `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Budget => "budget",
            Self::QueueFull => "queue_full",
        }
    }
}

/// Counters of calls: seen = decoded + undecodable + shed + unsampled, once none waits.
#[derive(Debug, Default)]
pub struct CallCounts {
    seen: AtomicU64,
    shed: [AtomicU64; Shed::ALL.len()],
    unsampled: AtomicU64,
    decoded: AtomicU64,
    in_flight: AtomicU64,
    logged: Mutex<[Option<Instant>; Shed::ALL.len()]>,
}

impl CallCounts {
    /// Counts a call that is worth looking at, whatever becomes of it.
    pub fn see(&self) {
        self.seen.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call that was not kept; says so in the log at most once a minute for each reason.
    pub fn shed(&self, source: &'static str, reason: Shed) {
        self.shed[reason as usize].fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let last = &mut logged[reason as usize];
        if last.is_none_or(|last| now - last >= QUIET) {
            *last = Some(now);
            tracing::warn!(
                source,
                reason = reason.as_str(),
                "a call was not looked at; it went through all the same; said at most once a minute"
            );
        }
    }

    /// Counts a call that sampling leaves out.
    pub fn leave_out(&self) {
        self.unsampled.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call that was decoded.
    pub fn decode(&self) {
        self.decoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a call has begun.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a call has ended.
    pub fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Calls seen.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Calls not kept, by reason; all reasons are there from the start.
    pub fn shed_by_reason(&self) -> Vec<(&'static str, u64)> {
        let count = |reason: Shed| self.shed[reason as usize].load(Ordering::Relaxed);
        Shed::ALL
            .map(|reason| (reason.as_str(), count(reason)))
            .into()
    }

    /// Calls that sampling left out.
    pub fn unsampled(&self) -> u64 {
        self.unsampled.load(Ordering::Relaxed)
    }

    /// Calls that were decoded.
    pub fn decoded(&self) -> u64 {
        self.decoded.load(Ordering::Relaxed)
    }

    /// Calls that have begun and not ended.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }
}
