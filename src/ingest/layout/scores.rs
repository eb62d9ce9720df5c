//! What several scores a row come down to: the largest, and whose it is.

use std::sync::Arc;

use bytes::Bytes;

use crate::batch::{Column, Numbers, Presence, Scalar, Values};
use crate::ingest::inference::{Elements, Tensor};

/// The largest score of each row; a row without any is null.
pub(super) fn largest(tensor: &Tensor, rows: usize) -> Column {
    let best = best(tensor, rows);
    let presence = presence(&best);
    let values = best.iter().map(|best| best.map_or(0.0, |(_, score)| score));
    Column {
        values: Values::Numbers(values.collect()),
        presence,
    }
}

/// The class of the largest score of each row, the first of several; a row that has a score that is
/// no number is null, because nobody knows what it would be.
pub(super) fn likeliest(tensor: &Tensor, rows: usize, classes: &[Arc<str>]) -> Column {
    let best = best(tensor, rows);
    let presence = presence(&best);
    let places = best.iter().map(|best| best.map_or(0, |(place, _)| place));
    let values = if classes.is_empty() {
        Values::Numbers(places.map(|place| place as f64).collect())
    } else {
        let class = |place: usize| classes.get(place).map_or("", |class| class).to_owned();
        Values::Text(places.map(class).collect())
    };
    Column { values, presence }
}

/// Place and score of the largest of each row; `None` where one is no number.
fn best(tensor: &Tensor, rows: usize) -> Vec<Option<(usize, f64)>> {
    let count = tensor.len().unwrap_or(0);
    let width = count.checked_div(rows).unwrap_or(0);
    let scores = scores(&tensor.elements, count);
    let best_of =
        |row: &[f64]| {
            let first = row.first().map(|score| (0, *score))?;
            let is_known = row.iter().all(|score| !score.is_nan());
            let best = row.iter().enumerate().fold(first, |best, (place, &score)| {
                if score > best.1 { (place, score) } else { best }
            });
            is_known.then_some(best)
        };
    let chunks = scores.chunks_exact(width.max(1));
    chunks.take(rows).map(best_of).collect()
}

/// The elements as numbers; what is none is NaN.
pub(super) fn scores(elements: &Elements, count: usize) -> Vec<f64> {
    match elements {
        Elements::Fixed { value_type, data } => {
            let size = value_type.size();
            let column = Column::full(Values::Fixed {
                data: data.clone(),
                value_type: *value_type,
                offset: 0,
                stride: size,
                width: 1,
            });
            // Read in one go; where some are not finite, one by one, to keep their places.
            let mut numbers = Numbers::default();
            column.read_numbers(0..count, &mut numbers);
            if numbers.finite.len() == count {
                return numbers.finite;
            }
            let mut one = |at: usize| {
                numbers.clear();
                column.read_numbers(at..at + 1, &mut numbers);
                let infinite = if numbers.inf > 0 {
                    infinity(data, at, size)
                } else {
                    f64::NAN
                };
                numbers.finite.first().copied().unwrap_or(infinite)
            };
            (0..count).map(&mut one).collect()
        }
        Elements::Mixed(values) => {
            let number = |value: &Scalar| match value {
                Scalar::Number(number) => *number,
                Scalar::Bool(value) => f64::from(u8::from(*value)),
                _ => f64::NAN,
            };
            values.iter().map(number).collect()
        }
        Elements::Text(_) | Elements::Unusable(_) => vec![f64::NAN; count],
    }
}

/// The infinity at this place: of all floats, the highest bit of the last byte is the sign.
fn infinity(data: &Bytes, at: usize, size: usize) -> f64 {
    let last = data.get((at + 1) * size - 1).copied().unwrap_or(0);
    if last & 0x80 == 0 {
        f64::INFINITY
    } else {
        f64::NEG_INFINITY
    }
}

/// Which rows have something.
fn presence<T>(rows: &[Option<T>]) -> Presence {
    if rows.iter().all(Option::is_some) {
        return Presence::All;
    }
    let mut bits = vec![0_u8; rows.len().div_ceil(8)];
    for (row, _) in rows.iter().enumerate().filter(|(_, row)| row.is_some()) {
        bits[row / 8] |= 1 << (row % 8);
    }
    Presence::Bits {
        bits: bits.into(),
        first: 0,
        stride: 1,
    }
}
