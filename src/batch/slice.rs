//! Parts of batches.

use std::ops::Range;

use super::{Batch, Calls, Column, Presence, Times, Values};

impl Batch {
    /// The rows `rows` as a batch of their own. Fixed-width values stay where they are, others are
    /// copied. A call that is cut through ends up in both parts, each with the rows it has there.
    ///
    /// # Panics
    /// When `rows` ends beyond the batch.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let count = rows.len();
        assert!(rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| column.as_ref().map(|column| column.slice(rows.clone())))
            .collect();
        Self {
            model: self.model.clone(),
            version: self.version.clone(),
            schema: self.schema.clone(),
            rows: count,
            columns,
            calls: self.calls.slice(rows.clone()),
            times: match &self.times {
                Times::Each(each) => Times::Each(each[rows].to_vec()),
                other => other.clone(),
            },
            weight: self.weight,
            bytes: self.bytes / self.rows.max(1) * count + size_of::<Self>(),
        }
    }
}

impl Column {
    fn slice(&self, rows: Range<usize>) -> Self {
        let values = match &self.values {
            Values::Fixed {
                data,
                value_type,
                offset,
                stride,
                width,
            } => Values::Fixed {
                data: data.clone(),
                value_type: *value_type,
                offset: offset + rows.start * stride,
                stride: *stride,
                width: *width,
            },
            Values::Numbers(values) => Values::Numbers(values[rows.clone()].to_vec()),
            Values::Text(values) => Values::Text(values[rows.clone()].to_vec()),
            Values::Dictionary { dictionary, codes } => Values::Dictionary {
                dictionary: dictionary.clone(),
                codes: codes[rows.clone()].to_vec(),
            },
            Values::Mixed(values) => Values::Mixed(values[rows.clone()].to_vec()),
            Values::Invalid => Values::Invalid,
        };
        let presence = match &self.presence {
            Presence::All => Presence::All,
            Presence::Bits {
                bits,
                first,
                stride,
            } => Presence::Bits {
                bits: bits.clone(),
                first: first + rows.start * stride,
                stride: *stride,
            },
        };
        Self { values, presence }
    }
}

impl Calls {
    fn slice(&self, rows: Range<usize>) -> Self {
        let mut part = Self::default();
        let calls = if self.rows.is_empty() {
            rows
        } else {
            let (mut first, mut end, mut start) = (None, 0, 0);
            for (call, &length) in self.rows.iter().enumerate() {
                let stop = start + length as usize;
                let shared = stop.min(rows.end).saturating_sub(start.max(rows.start));
                // A call without rows belongs to the part in which it stands.
                if shared > 0 || (length == 0 && rows.start <= start && start < rows.end) {
                    first.get_or_insert(call);
                    end = call + 1;
                    part.rows.push(shared as u32);
                }
                start = stop;
            }
            first.unwrap_or(end)..end
        };
        let cut = |range: &Range<usize>, length: usize| {
            if length == 0 { 0..0 } else { range.clone() }
        };
        part.latency_micros = self.latency_micros[cut(&calls, self.latency_micros.len())].to_vec();
        part.outcomes = self.outcomes[cut(&calls, self.outcomes.len())].to_vec();
        part.trace_ids = self.trace_ids[cut(&calls, self.trace_ids.len())].to_vec();
        part.are_labels = self.are_labels;
        part
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::batch::{Field, Outcome, Role, Schema, ValueType};

    fn batch() -> Batch {
        let field = |name: &str, value_type| Field {
            name: name.into(),
            role: Role::Feature,
            value_type,
            width: 1,
        };
        let data: Vec<u8> = (0..5_i32).flat_map(i32::to_le_bytes).collect();
        Batch {
            model: "m".into(),
            version: "".into(),
            schema: Arc::new(Schema::new(vec![
                field("fixed", ValueType::Int32),
                field("codes", ValueType::Text),
            ])),
            rows: 5,
            columns: vec![
                Some(Column {
                    values: Values::Fixed {
                        data: data.into(),
                        value_type: ValueType::Int32,
                        offset: 0,
                        stride: 4,
                        width: 1,
                    },
                    presence: Presence::Bits {
                        bits: Bytes::from_static(&[0b11011]),
                        first: 0,
                        stride: 1,
                    },
                }),
                Some(Column::full(Values::Dictionary {
                    dictionary: vec!["a".into(), "b".into()],
                    codes: vec![0, 1, 0, 1, 1],
                })),
            ],
            calls: Calls {
                rows: vec![2, 0, 3],
                latency_micros: vec![10, 20, 30],
                outcomes: vec![Outcome::Ok, Outcome::Failed("INTERNAL"), Outcome::Ok],
                ..Calls::default()
            },
            times: Times::Each(vec![1, 2, 3, 4, 5]),
            weight: 2.0,
            bytes: 500,
        }
    }

    fn texts(batch: &Batch, column: usize) -> Vec<String> {
        let mut texts = Vec::new();
        let column = batch.columns[column].as_ref().unwrap();
        column.read_texts(0..batch.rows, |text| {
            texts.push(text.unwrap().unwrap_or("null").to_owned());
        });
        texts
    }

    #[test]
    fn a_part_reads_as_the_rows_it_was_cut_from() {
        let part = batch().slice(1..4);
        assert_eq!(texts(&part, 0), ["1", "null", "3"]);
        assert_eq!(texts(&part, 1), ["b", "a", "b"]);
        assert_eq!(part.times, Times::Each(vec![2, 3, 4]));
        assert_eq!((part.rows, part.weight), (3, 2.0));
    }

    #[test]
    fn calls_go_with_their_rows() {
        let part = batch().slice(1..4);
        assert_eq!(part.calls.rows, [1, 0, 2]);
        let part = batch().slice(2..5);
        assert_eq!(part.calls.rows, [0, 3]);
        assert_eq!(part.calls.latency_micros, [20, 30]);
        assert_eq!(part.calls.outcomes[0], Outcome::Failed("INTERNAL"));
        let part = batch().slice(0..2);
        assert_eq!(
            (part.calls.rows, part.calls.latency_micros),
            (vec![2], vec![10])
        );
    }

    #[test]
    fn all_of_it_is_the_same_again() {
        let (whole, part) = (batch(), batch().slice(0..5));
        assert_eq!(texts(&whole, 0), texts(&part, 0));
        assert_eq!(part.calls.rows, whole.calls.rows);
        assert_eq!(part.calls.outcomes, whole.calls.outcomes);
    }
}
