//! When rows are due.

use std::time::Duration;

use crate::batch::{Batch, Times};

/// Requests are cut so small that rows are sent about this often.
const BEAT: Duration = Duration::from_millis(100);

/// How fast rows are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as they are taken.
    Unlimited,
    /// So many rows per second.
    RowsPerSecond(f64),
    /// So many seconds of row time in one second.
    TimeLapse(f64),
}

/// Tells when rows are due, from the first row on.
#[derive(Debug)]
pub(super) struct Clock {
    pace: Pace,
    rows: u64,
    /// Time of the first row in microseconds.
    first: Option<i64>,
}

impl Clock {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            rows: 0,
            first: None,
        }
    }

    /// Where to cut the rows of `batch` that begin at `start`: at most `most` rows, and no more than
    /// one beat takes.
    pub(super) fn cut(&self, batch: &Batch, start: usize, most: usize) -> usize {
        let end = batch.rows.min(start + most.max(1));
        match (self.pace, &batch.times) {
            (Pace::RowsPerSecond(rate), _) => {
                let beat = (rate * BEAT.as_secs_f64()).ceil().max(1.0) as usize;
                end.min(start.saturating_add(beat))
            }
            (Pace::TimeLapse(speed), Times::Each(times)) => {
                let beat = (speed * BEAT.as_micros() as f64) as i64;
                let last = times[start].saturating_add(beat);
                let within = times[start + 1..end].iter();
                start + 1 + within.take_while(|time| **time <= last).count()
            }
            _ => end,
        }
    }

    /// How long after the first row the next `rows` rows of `batch`, from `start` on, are due.
    pub(super) fn due(&mut self, batch: &Batch, start: usize, rows: usize) -> Duration {
        let due = match self.pace {
            Pace::Unlimited => 0.0,
            Pace::RowsPerSecond(rate) => self.rows as f64 / rate,
            Pace::TimeLapse(speed) => match &batch.times {
                Times::Arrival => 0.0,
                Times::At(time) => self.since_first(*time) / speed,
                Times::Each(times) => self.since_first(times[start]) / speed,
            },
        };
        self.rows += rows as u64;
        Duration::try_from_secs_f64(due.max(0.0)).unwrap_or(Duration::MAX)
    }

    fn since_first(&mut self, time: i64) -> f64 {
        let first = *self.first.get_or_insert(time);
        time.saturating_sub(first) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::{Calls, Schema};

    fn batch(times: Times, rows: usize) -> Batch {
        Batch {
            model: "m".into(),
            version: "".into(),
            schema: Arc::new(Schema::new(Vec::new())),
            rows,
            columns: Vec::new(),
            calls: Calls::default(),
            times,
            weight: 1.0,
            bytes: 0,
        }
    }

    #[test]
    fn a_rate_spreads_rows_evenly_in_small_requests() {
        let mut clock = Clock::new(Pace::RowsPerSecond(500.0));
        let batch = batch(Times::Arrival, 1_000);
        assert_eq!(clock.cut(&batch, 0, 1_000), 50);
        assert_eq!(clock.cut(&batch, 0, 20), 20);
        assert_eq!(clock.due(&batch, 0, 50), Duration::ZERO);
        assert_eq!(clock.due(&batch, 50, 50), Duration::from_millis(100));
    }

    #[test]
    fn a_time_lapse_follows_the_row_times() {
        let mut clock = Clock::new(Pace::TimeLapse(3_600.0));
        let minutes = |minutes: [i64; 4]| minutes.map(|minute| minute * 60_000_000).to_vec();
        let batch = batch(Times::Each(minutes([10, 15, 70, 30])), 4);
        assert_eq!(clock.cut(&batch, 0, 100), 2, "a beat is six minutes");
        assert_eq!(clock.due(&batch, 0, 2), Duration::ZERO);
        assert_eq!(clock.cut(&batch, 2, 100), 4, "late rows do not wait");
        assert_eq!(clock.due(&batch, 2, 2), Duration::from_secs(1));
    }
}
