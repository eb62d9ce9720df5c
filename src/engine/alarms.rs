//! Since when a field is in alarm, and when in the last week it was: one memory for each window and
//! reference.
//!
//! Sums say how far a window is from a reference now; only this says whether that began an hour or a
//! month ago, and whether it comes and goes. It takes nothing until the first alarm.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::WindowConfig;
use super::references::{PROFILE, SEASONAL};
use super::snapshot::{FeatureSnapshot, FeatureWindow, TrafficWindow};
use crate::statistic::{Shape, Trace, shape};

const HOUR: i64 = 3_600_000_000;
/// Hours that are remembered: eight days, so that a week is there whole.
const HOURS: i64 = 192;

/// What is remembered of the alarms of one field.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Alarms(Vec<Alarm>);

/// One window against one reference.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Alarm {
    window: Arc<str>,
    reference: Arc<str>,
    /// When ratio went above 1, in microseconds; `None` while it is not.
    since: Option<i64>,
    /// When there was a ratio last.
    judged_at: i64,
    /// How far the next shorter window was ahead when the alarm began; see [`Trace::lead`].
    lead: Option<f64>,
    hours: Hours,
}

impl Alarms {
    /// Takes in what an evaluation at `now` found, and writes into it since when and in which way
    /// that is so. `traffic` is that of the same windows.
    pub fn judge(
        &mut self,
        feature: &mut FeatureSnapshot,
        traffic: &[TrafficWindow],
        windows: &[WindowConfig],
        now: i64,
    ) {
        self.0
            .retain(|alarm| now.saturating_sub(alarm.judged_at) < HOURS * HOUR);
        for (at, (config, traffic)) in windows.iter().zip(traffic).enumerate() {
            let (shorter, this) = feature.windows.split_at_mut(at);
            let Some(window) = this.first_mut() else {
                continue;
            };
            for drift in &mut window.drift {
                let Some(is_on) = drift.ratio.map(|ratio| ratio > 1.0) else {
                    continue;
                };
                let Some(alarm) = self.of(&window.window, &drift.reference, is_on, now) else {
                    continue;
                };
                let was_on = alarm.since.is_some();
                alarm.judge(is_on, config.micros, now);
                if is_on && !was_on {
                    let lead = || Some(excess_of(shorter, &drift.reference)? / drift.excess);
                    alarm.lead = is_filled(config, traffic).then(lead).flatten();
                }
                drift.since = alarm.since.map(|since| since as f64 * 1e-6);
            }
        }
        if !self.0.is_empty() {
            feature.shape = self.shape(feature, traffic, windows, now);
        }
    }

    /// The memory of a window and a reference, which an alarm begins.
    fn of(
        &mut self,
        window: &Arc<str>,
        reference: &Arc<str>,
        is_on: bool,
        now: i64,
    ) -> Option<&mut Alarm> {
        let place = self.place(window, reference);
        if place.is_none() && is_on {
            self.0.push(Alarm {
                window: window.clone(),
                reference: reference.clone(),
                since: None,
                judged_at: now,
                lead: None,
                hours: Hours::default(),
            });
            return self.0.last_mut();
        }
        place.and_then(|at| self.0.get_mut(at))
    }

    fn place(&self, window: &str, reference: &str) -> Option<usize> {
        let is_it = |alarm: &Alarm| *alarm.window == *window && *alarm.reference == *reference;
        self.0.iter().position(is_it)
    }

    fn shape(
        &self,
        feature: &FeatureSnapshot,
        traffic: &[TrafficWindow],
        windows: &[WindowConfig],
        now: i64,
    ) -> Option<Shape> {
        let drifts = || feature.windows.iter().flat_map(|window| &window.drift);
        let ratios = drifts().filter(|drift| *drift.reference == *SEASONAL);
        let days_before = ratios.filter_map(|drift| drift.ratio).reduce(f64::max);
        let traces = windows.iter().zip(traffic).zip(&feature.windows);
        let traces = traces.map(|((config, traffic), window)| {
            let alarm = self.place(&window.window, PROFILE).map(|at| &self.0[at]);
            let on_since = alarm.and_then(|alarm| alarm.since);
            Trace {
                window: config.micros as f64 * 1e-6,
                is_filled: is_filled(config, traffic),
                excess: excess_of(std::slice::from_ref(window), PROFILE),
                on_for: on_since.map(|since| now.saturating_sub(since) as f64 * 1e-6),
                lead: alarm.and_then(|alarm| alarm.lead),
                days: alarm.map_or(0, |alarm| alarm.hours.days_begun()),
            }
        });
        shape(
            &traces.collect::<Vec<_>>(),
            days_before.map(|ratio| ratio > 1.0),
        )
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

/// Excess of the longest of these windows that has a ratio to this reference.
fn excess_of(windows: &[FeatureWindow], reference: &str) -> Option<f64> {
    windows.iter().rev().find_map(|window| {
        let mut drifts = window.drift.iter().filter(|drift| drift.ratio.is_some());
        let drift = drifts.find(|drift| *drift.reference == *reference)?;
        Some(drift.excess)
    })
}

/// Whether rows reach back over at least half of a window.
fn is_filled(config: &WindowConfig, traffic: &TrafficWindow) -> bool {
    traffic.covered_seconds >= config.micros as f64 * 0.5e-6
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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Hours {
    /// Number of the newest hour.
    newest: i64,
    /// Bit `h mod 192` of hour `h`.
    on: Bits,
    off: Bits,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
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
    /// Days (UTC) on which an alarm began after hours without one.
    fn days_begun(&self) -> u32 {
        let (mut is_on, mut days, mut last) = (false, 0, None);
        for hour in self.newest - HOURS + 1..=self.newest {
            if self.on.has(hour) {
                let day = hour.div_euclid(24);
                if !is_on && last != Some(day) {
                    days += 1;
                    last = Some(day);
                }
                is_on = true;
            } else if self.off.has(hour) {
                is_on = false;
            }
        }
        days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm() -> Alarm {
        Alarm {
            window: "1h".into(),
            reference: PROFILE.into(),
            since: None,
            judged_at: 0,
            lead: None,
            hours: Hours::default(),
        }
    }

    /// Judges at these hours, as on or off.
    fn at_hours(alarm: &mut Alarm, hours: impl IntoIterator<Item = (i64, bool)>) {
        for (hour, is_on) in hours {
            alarm.judge(is_on, HOUR, hour * HOUR);
        }
    }

    #[test]
    fn an_alarm_lasts_until_it_is_judged_to_be_over_or_nothing_is_known_for_a_window() {
        let mut alarm = alarm();
        at_hours(&mut alarm, (0..5).map(|hour| (hour, hour > 1)));
        assert_eq!(alarm.since, Some(2 * HOUR));
        alarm.judge(true, HOUR, 5 * HOUR);
        assert_eq!(alarm.since, Some(2 * HOUR), "a short gap");
        alarm.judge(true, HOUR, 6 * HOUR + 1);
        assert_eq!(alarm.since, Some(6 * HOUR + 1), "a long gap");
        alarm.judge(true, HOUR, HOUR);
        assert_eq!(alarm.since, Some(HOUR), "the clock was set back");
        alarm.judge(false, HOUR, HOUR);
        assert_eq!(alarm.since, None);
    }

    #[test]
    fn days_on_which_an_alarm_began_are_counted_once_and_forgotten_after_eight() {
        let mut alarm = alarm();
        let first = 20_000 * 24;
        let is_on = |hour: i64| [6, 7, 8, 18].contains(&(hour % 24));
        at_hours(
            &mut alarm,
            (first..first + 48).map(|hour| (hour, is_on(hour))),
        );
        assert_eq!(alarm.hours.days_begun(), 2);
        let week = first + 48..first + 24 * 20;
        at_hours(&mut alarm, week.clone().map(|hour| (hour, is_on(hour))));
        assert_eq!(alarm.hours.days_begun(), 8);
        at_hours(
            &mut alarm,
            (week.end..week.end + 96).map(|hour| (hour, true)),
        );
        assert_eq!(alarm.hours.days_begun(), 5, "four of them, and the last");
        alarm.judge(true, HOUR, (week.end + 10_000) * HOUR);
        assert_eq!(
            alarm.hours.days_begun(),
            1,
            "a gap longer than all that is remembered"
        );
    }
}
