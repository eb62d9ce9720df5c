//! Warnings that a stranger could cause by the million: at most one a minute for each key, with the
//! number that was held back since.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Warnings held back since the start, of all keys.
static SUPPRESSED: AtomicU64 = AtomicU64::new(0);
static LIMITER: Mutex<Option<Limiter>> = Mutex::new(None);

/// Time between two warnings of one key.
const INTERVAL: Duration = Duration::from_secs(60);
/// Most keys that are told apart, so that names from outside cannot fill the memory; all others
/// share one.
const MOST_KEYS: usize = 1_024;

/// Warns at most once a minute for each key; what is held back is counted and told by the next one
/// in the field `suppressed`. The key comes first (text: what happens, and to whom if that is a
/// bounded set), then what `tracing::warn!` takes.
///
/// ```
/// driftgauge::warn_limited!("push too large", bytes = 17, "a message is too large: refused");
/// ```
#[macro_export]
macro_rules! warn_limited {
    ($key:expr, $($event:tt)+) => {
        if let Some(suppressed) = $crate::telemetry::allow($key) {
            if suppressed == 0 {
                ::tracing::warn!($($event)+);
            } else {
                ::tracing::warn!(suppressed, $($event)+);
            }
        }
    };
}

/// Whether a warning of this key may be written now, and how many were held back since the last
/// one. `None`: it is to be held back, and was counted. Use [`warn_limited!`](crate::warn_limited).
pub fn allow(key: &str) -> Option<u64> {
    let mut limiter = LIMITER.lock().unwrap_or_else(PoisonError::into_inner);
    let limiter = limiter.get_or_insert_with(Limiter::default);
    let allowed = limiter.allow(key, Instant::now());
    if allowed.is_none() {
        SUPPRESSED.fetch_add(1, Ordering::Relaxed);
    }
    allowed
}

/// Warnings held back since the start.
pub fn suppressed_warnings() -> u64 {
    SUPPRESSED.load(Ordering::Relaxed)
}

#[derive(Default)]
struct Limiter {
    keys: HashMap<Box<str>, Written>,
}

struct Written {
    at: Instant,
    suppressed: u64,
}

impl Limiter {
    fn allow(&mut self, key: &str, now: Instant) -> Option<u64> {
        let is_full = self.keys.len() >= MOST_KEYS && !self.keys.contains_key(key);
        let key = if is_full { "" } else { key };
        let Some(written) = self.keys.get_mut(key) else {
            let first = Written {
                at: now,
                suppressed: 0,
            };
            self.keys.insert(key.into(), first);
            return Some(0);
        };
        if now.saturating_duration_since(written.at) < INTERVAL {
            written.suppressed += 1;
            return None;
        }
        written.at = now;
        Some(std::mem::take(&mut written.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_minute_for_each_key_and_the_rest_is_counted() {
        let mut limiter = Limiter::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(limiter.allow("a", at(0)), Some(0));
        assert_eq!(limiter.allow("b", at(0)), Some(0));
        assert_eq!(limiter.allow("a", at(1)), None);
        assert_eq!(limiter.allow("a", at(59)), None);
        assert_eq!(limiter.allow("a", at(60)), Some(2));
        assert_eq!(limiter.allow("a", at(119)), None);
        assert_eq!(limiter.allow("b", at(60)), Some(0));
    }

    #[test]
    fn keys_are_bounded() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for key in 0..10 * MOST_KEYS {
            limiter.allow(&key.to_string(), now);
        }
        assert!(limiter.keys.len() <= MOST_KEYS + 1);
        assert_eq!(limiter.allow("0", now), None);
        assert_eq!(limiter.allow("one more", now), None);
    }

    #[test]
    fn held_back_warnings_are_counted() {
        let before = suppressed_warnings();
        for _ in 0..3 {
            crate::warn_limited!("held_back_warnings_are_counted", "x");
        }
        assert!(suppressed_warnings() >= before + 2);
    }
}
