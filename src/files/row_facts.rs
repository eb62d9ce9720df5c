//! What a file says of each row beside its fields: when it happened, how long its call took.

use super::time;
use crate::batch::{Column, Numbers};

/// Row within the batch and what is wrong with it, as the end of a sentence that begins with the
/// column.
type Failure = (usize, &'static str);

/// The time of each row in microseconds since the epoch; `is_time` says that numbers are such
/// already.
pub fn times(column: &Column, is_time: bool, rows: usize) -> Result<Vec<i64>, Failure> {
    let mut times = Vec::with_capacity(rows);
    let mut failed = None;
    let mut row = 0;
    let is_text = column.is_text();
    column.read_texts(0..rows, |text| {
        let time = match text {
            Ok(Some(text)) if is_time && !is_text => text.parse().ok(),
            Ok(Some(text)) => time::from_text(text),
            _ => None,
        };
        match time {
            Some(time) => times.push(time),
            None if failed.is_none() => {
                failed = Some(match text {
                    Ok(None) => (row, "has no value; every row needs a time"),
                    _ => (row, "is no time; give RFC 3339 or a number since 1970"),
                });
            }
            None => {}
        }
        row += 1;
    });
    failed.map_or(Ok(times), Err)
}

/// The latency of each row's call in microseconds.
pub fn latencies(column: &Column, rows: usize) -> Result<Vec<u32>, Failure> {
    let mut latencies = Vec::with_capacity(rows);
    let mut one = Numbers::default();
    for row in 0..rows {
        one.clear();
        column.read_numbers(row..row + 1, &mut one);
        match one.finite[..] {
            // Too long ones stay at the longest, 71 minutes.
            [micros] if micros >= 0.0 => latencies.push(micros.round() as u32),
            _ => return Err((row, "is no latency; give microseconds, 0 or more")),
        }
    }
    Ok(latencies)
}
