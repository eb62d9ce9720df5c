//! Values without datatypes: `instances` and `predictions` of TensorFlow Serving, KServe v1 and
//! MLflow, rows or columns, with names or without.
//!
//! [TensorFlow Serving](https://www.tensorflow.org/tfx/serving/api_rest#predict_api),
//! [MLflow](https://mlflow.org/docs/latest/genai/serving/#input-formats).

use super::Stop;
use super::columns::{Columns, shape_of};
use super::json::{Reader, Value};
use super::leaves::Leaves;
use super::values::{Values, Wholes};
use crate::ingest::inference::{Elements, Tensor, Unusable};
use crate::ingest::room::Room;

/// The tensors of one side of a call.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) tensors: Vec<Tensor>,
    /// Each of them is a column: a value a row.
    pub(super) are_columns: bool,
}

impl Plain {
    /// Something under this name that cannot be seen.
    pub(super) fn unusable(name: &str, why: Unusable) -> Self {
        Self {
            tensors: vec![Tensor {
                name: name.to_owned(),
                shape: Vec::new(),
                elements: Elements::Unusable(why),
            }],
            are_columns: false,
        }
    }
}

/// Reads arrays, records or an object of columns. `unnamed` is the name of what has none.
pub(super) fn read(
    value: Reader<'_>,
    unnamed: &str,
    wholes: Wholes,
    room: &mut Room,
) -> Result<Plain, Stop> {
    let mut inside = value;
    match inside.value()? {
        Value::Object if !is_encoded(inside)? => {
            let tensors = columns(inside, wholes, room)?;
            let are_columns = are_columns(&tensors);
            Ok(Plain {
                tensors,
                are_columns,
            })
        }
        Value::Array if begins_with_record(inside)? => {
            let tensors = records(inside, wholes, room)?;
            let are_columns = are_columns(&tensors);
            Ok(Plain {
                tensors,
                are_columns,
            })
        }
        _ => Ok(Plain {
            tensors: vec![tensor(unnamed.to_owned(), value, wholes, room)?],
            are_columns: false,
        }),
    }
}

/// Reads a data frame as rows with the names of the columns beside them.
pub(super) fn data_frame(
    frame: Reader<'_>,
    wholes: Wholes,
    room: &mut Room,
) -> Result<Plain, Stop> {
    let mut inside = frame;
    let (mut names, mut data) = (None, None);
    if inside.value()? == Value::Object {
        let mut is_first = true;
        while let Some(key) = inside.next_key(is_first)? {
            is_first = false;
            let value = inside.skip()?;
            if key.is("columns") {
                names = Some(value);
            } else if key.is("data") {
                data = Some(value);
            }
        }
    }
    let Some(data) = data else {
        return Err(Unusable::NoContents.into());
    };
    match names {
        Some(names) => named_rows(names, data, wholes, room),
        None => read(data, "", wholes, room),
    }
}

/// Reads rows whose columns have these names.
pub(super) fn named_rows(
    names: Reader<'_>,
    rows: Reader<'_>,
    wholes: Wholes,
    room: &mut Room,
) -> Result<Plain, Stop> {
    let mut columns = Columns::default();
    each(names, |at| {
        let name = name(at)?;
        columns.add(name, room).map(|_| ())
    })?;
    let read = each(rows, |row| {
        let is_row = row.value()? == Value::Array;
        if !is_row || !columns.read_row(row, room)? {
            return Err(Unusable::Length.into());
        }
        Ok(())
    });
    Ok(Plain {
        tensors: finish(columns, read, wholes, room)?,
        are_columns: true,
    })
}

/// Reads one tensor.
pub(super) fn tensor(
    name: String,
    value: Reader<'_>,
    wholes: Wholes,
    room: &mut Room,
) -> Result<Tensor, Stop> {
    // The list of tensors may have twice the places that it needs.
    room.take(2 * size_of::<Tensor>() + name.len())?;
    let mut values = Values::expecting(value.values_at_most());
    let mut read = || {
        let mut leaves = Leaves::of(value);
        while let Some(leaf) = leaves.next()? {
            values.push(leaf, room)?;
        }
        Ok(leaves.shape()?)
    };
    let (mut shape, elements) = match read() {
        Ok(shape) => (shape, values.finish(wholes)),
        Err(Stop::Unusable(why)) => {
            let shape = shape_of(value).unwrap_or_default();
            (shape, Elements::Unusable(why))
        }
        Err(stop) => return Err(stop),
    };
    if shape.is_empty() {
        shape.push(1);
    }
    Ok(Tensor {
        name,
        shape,
        elements,
    })
}

/// Reads the name of a column. What is no string is named as it is written.
pub(super) fn name(at: &mut Reader<'_>) -> Result<String, Stop> {
    let mut written = at.skip()?;
    let text = written.rest();
    match written.value()? {
        Value::Text(text) => Ok(text.to_name()),
        _ => Ok(String::from_utf8_lossy(text).into_owned()),
    }
}

/// Calls `read` before each element of an array; it steps over the element. What is no array has none.
pub(super) fn each<'a>(
    array: Reader<'a>,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut inside = array;
    if inside.value()? != Value::Array {
        return Err(Unusable::Shape.into());
    }
    let mut is_first = true;
    while inside.next_element(is_first)? {
        is_first = false;
        read(&mut inside)?;
    }
    Ok(())
}

/// The columns of an object whose opening brace has been read.
fn columns(mut inside: Reader<'_>, wholes: Wholes, room: &mut Room) -> Result<Vec<Tensor>, Stop> {
    let mut tensors = Vec::new();
    while let Some(key) = inside.next_key(tensors.is_empty())? {
        let value = inside.skip()?;
        tensors.push(tensor(key.to_name(), value, wholes, room)?);
    }
    Ok(tensors)
}

/// The columns of an array of records whose opening bracket has been read.
fn records(mut inside: Reader<'_>, wholes: Wholes, room: &mut Room) -> Result<Vec<Tensor>, Stop> {
    let mut columns = Columns::default();
    let mut read = || {
        let mut is_first = true;
        while inside.next_element(is_first)? {
            is_first = false;
            match inside.value()? {
                Value::Object => columns.read_record(&mut inside, room)?,
                Value::Null => columns.add_nulls(),
                _ => return Err(Unusable::Shape.into()),
            }
        }
        Ok(())
    };
    let read = read();
    finish(columns, read, wholes, room)
}

/// The columns if they were `read`, else the reason in place of their values.
pub(super) fn finish(
    columns: Columns,
    read: Result<(), Stop>,
    wholes: Wholes,
    room: &mut Room,
) -> Result<Vec<Tensor>, Stop> {
    match read {
        Ok(()) => columns.finish(wholes, room),
        Err(Stop::Unusable(why)) => Ok(columns.unusable(why)),
        Err(stop) => Err(stop),
    }
}

/// Whether an array whose opening bracket has been read is one of records.
fn begins_with_record(mut inside: Reader<'_>) -> Result<bool, Stop> {
    if inside.peek() != Some(b'{') {
        return Ok(false);
    }
    inside.value()?;
    Ok(!is_encoded(inside)?)
}

/// Whether an object whose opening brace has been read is not one of names and values, but bytes:
/// `{"b64": "…"}`.
fn is_encoded(mut inside: Reader<'_>) -> Result<bool, Stop> {
    let first = inside.next_key(true)?;
    Ok(first.is_some_and(|key| key.is("b64")))
}

/// Whether tensors have one value a row, and equally many.
fn are_columns(tensors: &[Tensor]) -> bool {
    let rows = tensors.first().and_then(|tensor| tensor.shape.first());
    let is_column = |tensor: &Tensor| match &tensor.shape[..] {
        [length] | [length, 1] => Some(length) == rows,
        _ => false,
    };
    tensors.iter().all(is_column)
}
