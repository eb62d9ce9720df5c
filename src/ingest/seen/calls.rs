//! Calls that were seen, and what became of them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::ingest::CallsSeen;
use crate::ingest::inference::Unusable;

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
    unusable: [AtomicU64; Unusable::ALL.len()],
    logged: Mutex<[Option<Instant>; Shed::ALL.len()]>,
}

impl CallCounts {
    /// Counts a call that is worth looking at, whatever becomes of it.
    pub fn see(&self) {
        self.seen.fetch_add(1, Ordering::Release);
    }

    /// Counts a call that was not kept; says so in the log at most once a minute for each reason.
    pub fn shed(&self, source: &'static str, reason: Shed) {
        self.shed[reason as usize].fetch_add(1, Ordering::Release);
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
        self.unsampled.fetch_add(1, Ordering::Release);
    }

    /// Counts a call that was decoded.
    pub fn decode(&self) {
        self.decoded.fetch_add(1, Ordering::Release);
    }

    /// Notes that a call has begun.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a call has ended.
    pub fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a tensor of a decoded call whose values cannot be used.
    pub fn unusable(&self, reason: Unusable) {
        self.unusable[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Calls seen.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    /// Calls not kept, by reason; all reasons are there from the start.
    pub fn shed_by_reason(&self) -> Vec<(&'static str, u64)> {
        let count = |reason: Shed| self.shed[reason as usize].load(Ordering::Acquire);
        Shed::ALL
            .map(|reason| (reason.as_str(), count(reason)))
            .into()
    }

    /// Calls that sampling left out.
    pub fn unsampled(&self) -> u64 {
        self.unsampled.load(Ordering::Acquire)
    }

    /// Calls that were decoded.
    pub fn decoded(&self) -> u64 {
        self.decoded.load(Ordering::Acquire)
    }

    /// Calls that have begun and not ended.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Tensors whose values could not be used, by reason; all reasons are there from the start.
    pub fn unusable_by_reason(&self) -> Vec<(&'static str, u64)> {
        let count = |reason: Unusable| self.unusable[reason as usize].load(Ordering::Acquire);
        Unusable::ALL
            .map(|reason| (reason.as_str(), count(reason)))
            .into()
    }

    /// Everything counted so far. What became of calls is read before how many there were, so that
    /// none has a fate without having been seen; for the same reason undecodable calls, which the
    /// [`Intake`](crate::ingest::Intake) counts, are to be read before this.
    pub fn counts(&self) -> CallsSeen {
        CallsSeen {
            shed: self.shed_by_reason(),
            unusable: self.unusable_by_reason(),
            unsampled: self.unsampled(),
            decoded: self.decoded(),
            in_flight: self.in_flight(),
            seen: self.seen(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_there_from_the_start_and_has_a_counter_of_its_own() {
        let calls = CallCounts::default();
        let sum = |list: &[(&str, u64)]| list.iter().map(|(_, count)| count).sum::<u64>();
        let before = calls.counts();
        assert_eq!((before.shed.len(), before.unusable.len()), (3, 8));
        assert_eq!(sum(&before.shed) + sum(&before.unusable), 0);
        for (index, reason) in Shed::ALL.into_iter().enumerate() {
            calls.shed("forward", reason);
            assert_eq!(calls.counts().shed[index], (reason.as_str(), 1));
        }
        for (index, reason) in Unusable::ALL.into_iter().enumerate() {
            calls.unusable(reason);
            assert_eq!(calls.counts().unusable[index], (reason.as_str(), 1));
        }
        let after = calls.counts();
        assert_eq!((sum(&after.shed), sum(&after.unusable)), (3, 8));
    }
}
