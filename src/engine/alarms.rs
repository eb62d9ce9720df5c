//! Since when a field is in alarm, and when in the last week it was: one memory for each window and
//! reference.
//!
//! Sums say how far a window is from a reference now; only this says whether that began an hour or a
//! month ago, and whether it comes and goes. It takes nothing until the first alarm.

use std::sync::Arc;

use super::config::WindowConfig;
use super::snapshot::FeatureSnapshot;

const HOUR: i64 = 3_600_000_000;
/// Hours that are remembered: eight days, so that a week is there whole.
const HOURS: i64 = 192;

/// What is remembered of the alarms of one field.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarms(Vec<Alarm>);

/// One window against one reference.
#[derive(Clone, Debug)]
struct Alarm {
    window: Arc<str>,
    reference: Arc<str>,
    /// When ratio went above 1, in microseconds; `None` while it is not.
    since: Option<i64>,
    /// When there was a ratio last.
    judged_at: i64,
    hours: Hours,
}

impl Alarms {
    /// Takes in what an evaluation at `now` found, and writes into it since when that is so.
    pub fn judge(&mut self, feature: &mut FeatureSnapshot, windows: &[WindowConfig], now: i64) {
        self.0
            .retain(|alarm| now.saturating_sub(alarm.judged_at) < HOURS * HOUR);
        for (window, config) in feature.windows.iter_mut().zip(windows) {
            for drift in &mut window.drift {
                let Some(is_on) = drift.ratio.map(|ratio| ratio > 1.0) else {
                    continue;
                };
                let is_it = |alarm: &Alarm| {
                    alarm.window == window.window && alarm.reference == drift.reference
                };
                let known = self.0.iter().position(is_it);
                let at = match known {
                    Some(at) => at,
                    None if is_on => {
                        self.0.push(Alarm {
                            window: window.window.clone(),
                            reference: drift.reference.clone(),
                            since: None,
                            judged_at: now,
                            hours: Hours::default(),
                        });
                        self.0.len() - 1
                    }
                    None => continue,
                };
                let alarm = &mut self.0[at];
                alarm.judge(is_on, config.micros, now);
                drift.since = alarm.since.map(|since| since as f64 * 1e-6);
            }
        }
    }

    /// Forgets windows that there are no longer.
    pub fn keep(&mut self, windows: &[WindowConfig]) {
        self.0
            .retain(|alarm| windows.iter().any(|window| window.label == alarm.window));
    }

    /// Bytes of memory held beside itself.
    pub fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Alarm>()
    }
}

impl Alarm {
    /// A gap without a ratio, such as a night of few rows, ends an alarm only if the window before it
    /// and the one after it have no row in common.
    fn judge(&mut self, is_on: bool, window: i64, now: i64) {
        let was_judged = now.saturating_sub(self.judged_at) <= window;
        self.since = match self.since {
            _ if !is_on => None,
            // The clock may have been set back.
            Some(since) if was_judged => Some(since.min(now)),
            _ => Some(now),
        };
        self.judged_at = now;
        self.hours.note(now.div_euclid(HOUR), is_on);
    }
}

/// The hours of the last eight days with an alarm, and those with a judgement that was none.
#[derive(Clone, Debug, Default)]
struct Hours {
    /// Number of the newest hour.
    newest: i64,
    /// Bit `h mod 192` of hour `h`.
    on: Bits,
    off: Bits,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bits([u64; HOURS as usize / 64]);

impl Bits {
    fn set(&mut self, hour: i64, value: bool) {
        let bit = hour.rem_euclid(HOURS) as usize;
        self.0[bit / 64] &= !(1 << (bit % 64));
        self.0[bit / 64] |= u64::from(value) << (bit % 64);
    }

    fn has(&self, hour: i64) -> bool {
        let bit = hour.rem_euclid(HOURS) as usize;
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }
}

impl Hours {
    fn note(&mut self, hour: i64, is_on: bool) {
        let steps = hour.saturating_sub(self.newest);
        if !(0..HOURS).contains(&steps) {
            *self = Self::default();
            self.newest = hour;
        }
        for entered in self.newest + 1..=hour {
            self.on.set(entered, false);
            self.off.set(entered, false);
        }
        self.newest = hour;
        let bits = if is_on { &mut self.on } else { &mut self.off };
        bits.set(hour, true);
    }
}
