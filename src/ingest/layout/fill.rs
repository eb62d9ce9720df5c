//! The values of each field: numbers as they lie in the tensor, strings moved out of it.

use bytes::Bytes;

use super::plan::{Layout, Take};
use super::scores;
use crate::batch::{Column, Scalar, ValueType, Values};
use crate::ingest::Limits;
use crate::ingest::inference::{Elements, Tensor};

/// Smaller messages may be pinned whole by any slice of them.
const PIN_BELOW: usize = 4 << 10;

/// The columns of a call with `rows` rows, and the bytes that they hold on to.
pub(super) fn columns(
    layout: &Layout,
    mut inputs: Vec<Tensor>,
    mut outputs: Vec<Tensor>,
    rows: usize,
    limits: &Limits,
) -> (Vec<Option<Column>>, usize) {
    let first_output = inputs.len();
    let mut bytes = pin(layout, &mut inputs, &mut outputs);
    let mut columns = Vec::with_capacity(layout.pieces.len());
    for piece in &layout.pieces {
        let tensor = match piece.tensor.checked_sub(first_output) {
            None => &mut inputs[piece.tensor],
            Some(output) => &mut outputs[output],
        };
        let column = match &piece.take {
            Take::Element(element) => Column::full(element_of(tensor, *element, rows, limits)),
            Take::All => Column::full(vectors(tensor, rows)),
            Take::Largest => scores::largest(tensor, rows),
            Take::Likeliest(classes) => scores::likeliest(tensor, rows, classes),
        };
        bytes += size_of::<Option<Column>>() + own_bytes(&column);
        columns.push(Some(column));
    }
    (columns, bytes)
}

/// The bytes of messages that the columns will hold on to. What is a small part of them is copied, so
/// that a large tensor that nobody looks at can go.
fn pin(layout: &Layout, inputs: &mut [Tensor], outputs: &mut [Tensor]) -> usize {
    let mut pinned = 0;
    let (of_inputs, of_outputs) = layout.is_kept.split_at(inputs.len());
    // Request and response are two messages.
    for (tensors, is_kept) in [(inputs, of_inputs), (outputs, of_outputs)] {
        let (mut all, mut kept) = (0, 0);
        for (tensor, is_kept) in tensors.iter().zip(is_kept) {
            match &tensor.elements {
                Elements::Fixed { data, .. } => {
                    all += data.len();
                    kept += data.len() * usize::from(*is_kept);
                }
                Elements::Text(texts) => all += texts.iter().map(String::len).sum::<usize>(),
                Elements::Mixed(_) | Elements::Unusable(_) => {}
            }
        }
        let copies = all > PIN_BELOW && kept < all / 2;
        if copies {
            for (tensor, is_kept) in tensors.iter_mut().zip(is_kept) {
                if let Elements::Fixed { data, .. } = &mut tensor.elements
                    && *is_kept
                {
                    *data = Bytes::copy_from_slice(data);
                }
            }
        }
        pinned += match kept {
            0 => 0,
            kept if copies => kept,
            _ => all,
        };
    }
    pinned
}

/// One element of each row. Strings are taken out of the tensor: each has one place to go.
fn element_of(tensor: &mut Tensor, element: usize, rows: usize, limits: &Limits) -> Values {
    match &mut tensor.elements {
        Elements::Fixed { value_type, data } => {
            let size = value_type.size();
            Values::Fixed {
                offset: element * size,
                stride: data.len().checked_div(rows).unwrap_or(0),
                data: data.clone(),
                value_type: *value_type,
                width: 1,
            }
        }
        Elements::Text(texts) => {
            let texts = every(texts, element, rows);
            let is_short = |text: &String| text.len() <= limits.string_bytes;
            if texts.iter().all(is_short) {
                return Values::Text(texts);
            }
            let scalar = |text| {
                if is_short(&text) {
                    Scalar::Text(text)
                } else {
                    Scalar::Invalid
                }
            };
            Values::Mixed(texts.into_iter().map(scalar).collect())
        }
        Elements::Mixed(values) => {
            let mut values = every(values, element, rows);
            for value in &mut values {
                if matches!(value, Scalar::Text(text) if text.len() > limits.string_bytes) {
                    *value = Scalar::Invalid;
                }
            }
            Values::Mixed(values)
        }
        Elements::Unusable(_) => Values::Invalid,
    }
}

/// Element number `element` of each row, taken out.
fn every<T: Taken>(all: &mut Vec<T>, element: usize, rows: usize) -> Vec<T> {
    if all.len() == rows {
        return std::mem::take(all);
    }
    let width = all.len().checked_div(rows).unwrap_or(0);
    let of_rows = all.chunks_exact_mut(width.max(1)).take(rows);
    of_rows
        .map(|row| row.get_mut(element).map_or_else(T::nothing, T::take))
        .collect()
}

/// A value that can be taken out of its place.
trait Taken: Sized {
    fn nothing() -> Self;

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::nothing())
    }
}

impl Taken for String {
    fn nothing() -> Self {
        Self::new()
    }
}

impl Taken for Scalar {
    fn nothing() -> Self {
        Self::Null
    }
}

/// All elements of each row. Those of changing type become numbers, those that are none NaN.
fn vectors(tensor: &Tensor, rows: usize) -> Values {
    let (value_type, data) = match &tensor.elements {
        Elements::Fixed { value_type, data } => (*value_type, data.clone()),
        elements @ Elements::Mixed(values) => {
            let numbers = scores::scores(elements, values.len());
            let data = numbers
                .iter()
                .flat_map(|number| (*number as f32).to_le_bytes());
            (ValueType::Float32, data.collect())
        }
        Elements::Text(_) | Elements::Unusable(_) => return Values::Invalid,
    };
    let stride = data.len().checked_div(rows).unwrap_or(0);
    Values::Fixed {
        data,
        value_type,
        offset: 0,
        stride,
        width: stride / value_type.size().max(1),
    }
}

/// Bytes that the values take beside the tensor.
fn own_bytes(column: &Column) -> usize {
    let text = |text: &String| size_of::<String>() + text.capacity();
    match &column.values {
        Values::Fixed { .. } | Values::Invalid => 0,
        Values::Numbers(numbers) => size_of_val(&numbers[..]),
        Values::Text(texts) => texts.iter().map(text).sum(),
        Values::Dictionary { dictionary, codes } => {
            dictionary.iter().map(text).sum::<usize>() + size_of_val(&codes[..])
        }
        Values::Mixed(values) => values
            .iter()
            .map(|value| {
                size_of::<Scalar>()
                    + match value {
                        Scalar::Text(text) => text.capacity(),
                        Scalar::Vector(vector) => size_of_val(&vector[..]),
                        _ => 0,
                    }
            })
            .sum(),
    }
}
