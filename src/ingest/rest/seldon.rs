//! Seldon Core v1: `data` with `names` and an `ndarray`, a `tensor` or a `tftensor`.
//!
//! [Its messages](https://docs.seldon.io/projects/seldon-core/en/latest/reference/apis/prediction.html)
//! are protobuf in JSON. Names of a request are columns; those of a response are classes, so its
//! scores stay together.

use super::Stop;
use super::columns::{Columns, shape_of};
use super::json::{Reader, Text, Value};
use super::leaves::Leaves;
use super::plain::{self, Plain, each};
use super::values::Wholes;
use crate::ingest::inference::Unusable;
use crate::ingest::room::Room;

/// Keys of bodies whose content only the model knows.
pub(super) const OPAQUE: [&str; 3] = ["strData", "jsonData", "binData"];

/// Lists of a `tftensor` that have its values as they are; others are encoded.
const TENSORFLOW_VALUES: [&str; 4] = ["floatVal", "doubleVal", "intVal", "boolVal"];

/// A tensor with its values in one list.
struct Dense<'a> {
    shape: Vec<usize>,
    values: Reader<'a>,
}

/// Reads what is under `data`. `unnamed` is the name of what has none.
pub(super) fn read(
    data: Reader<'_>,
    are_columns: bool,
    unnamed: &str,
    wholes: Wholes,
    room: &mut Room,
) -> Result<Plain, Stop> {
    let (mut names, mut array, mut dense) = (None, None, None);
    each_key(data, |key, value| {
        if key.is("names") {
            names = Some(value);
        } else if key.is("ndarray") {
            array = Some(value);
        } else if key.is("tensor") {
            dense = Some(Dense::of_seldon(value)?);
        } else if key.is("tftensor") {
            dense = Some(Dense::of_tensorflow(value)?);
        }
        Ok(())
    })?;
    let names = names.filter(|_| are_columns);
    match (array, dense, names) {
        (Some(array), _, Some(names)) if is_row_of(names, &shape_of(array)?)? => {
            plain::named_rows(names, array, wholes, room)
        }
        (Some(array), _, _) => plain::read(array, unnamed, wholes, room),
        (None, Some(dense), Some(names)) if is_row_of(names, &dense.shape)? => {
            dense.named(names, wholes, room)
        }
        (None, Some(dense), _) => dense.unnamed(unnamed, wholes, room),
        (None, None, _) => Err(Unusable::NoContents.into()),
    }
}

impl<'a> Dense<'a> {
    fn of_seldon(tensor: Reader<'a>) -> Result<Self, Stop> {
        let (mut shape, mut values) = (Vec::new(), None);
        each_key(tensor, |key, value| {
            if key.is("shape") {
                each(value, |dimension| push_dimension(&mut shape, dimension))?;
            } else if key.is("values") {
                values = Some(value);
            }
            Ok(())
        })?;
        let values = values.ok_or(Unusable::NoContents)?;
        Ok(Self { shape, values })
    }

    fn of_tensorflow(tensor: Reader<'a>) -> Result<Self, Stop> {
        let (mut shape, mut values) = (Vec::new(), None);
        each_key(tensor, |key, value| {
            if key.is("tensorShape") {
                let of_dimension = |key: Text<'_>, mut value: Reader<'_>| match key.is("size") {
                    true => push_dimension(&mut shape, &mut value),
                    false => Ok(()),
                };
                let mut of_dimension = of_dimension;
                each_key(value, |key, list| match key.is("dim") {
                    true => each(list, |dimension| {
                        each_key(dimension.skip()?, &mut of_dimension)
                    }),
                    false => Ok(()),
                })?;
            } else if TENSORFLOW_VALUES.iter().any(|list| key.is(list)) {
                values = Some(value);
            }
            Ok(())
        })?;
        let values = values.ok_or(Unusable::Datatype)?;
        Ok(Self { shape, values })
    }

    /// Its columns, of which each has a name.
    fn named(self, names: Reader<'_>, wholes: Wholes, room: &mut Room) -> Result<Plain, Stop> {
        let mut columns = Columns::default();
        each(names, |name| {
            let name = plain::name(name)?;
            columns.add(name, room).map(|_| ())
        })?;
        let width = self.shape.last().copied().unwrap_or(0);
        let mut read = || {
            let mut leaves = Leaves::of(self.values);
            let mut row = Vec::with_capacity(width);
            let mut rows = 0;
            while let Some(leaf) = leaves.next()? {
                row.push(leaf);
                if row.len() == width {
                    columns.push_row(row.drain(..), room)?;
                    rows += 1;
                }
            }
            if !row.is_empty() || self.shape.first() != Some(&rows) {
                return Err(Unusable::Length.into());
            }
            Ok(())
        };
        let read = read();
        Ok(Plain {
            tensors: plain::finish(columns, read, wholes, room)?,
            are_columns: true,
        })
    }

    /// All of it under one name.
    fn unnamed(self, name: &str, wholes: Wholes, room: &mut Room) -> Result<Plain, Stop> {
        let mut tensor = plain::tensor(name.to_owned(), self.values, wholes, room)?;
        let found = tensor.len();
        tensor.shape = self.shape;
        if tensor.len() != found || found.is_none() {
            return Err(Unusable::Length.into());
        }
        Ok(Plain {
            tensors: vec![tensor],
            are_columns: false,
        })
    }
}

/// Whether each row of an array of this shape has as many values as there are names.
fn is_row_of(names: Reader<'_>, shape: &[usize]) -> Result<bool, Stop> {
    match shape {
        [_, width] if *width > 0 => Ok(shape_of(names)? == [*width]),
        _ => Ok(false),
    }
}

/// Reads an object key by key; what is no object has none.
pub(super) fn each_key<'a>(
    object: Reader<'a>,
    mut read: impl FnMut(Text<'a>, Reader<'a>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut inside = object;
    if inside.value()? != Value::Object {
        return Ok(());
    }
    let mut is_first = true;
    while let Some(key) = inside.next_key(is_first)? {
        is_first = false;
        read(key, inside.skip()?)?;
    }
    Ok(())
}

/// Reads a length; 64-bit integers of protobuf are strings in JSON.
fn push_dimension(shape: &mut Vec<usize>, value: &mut Reader<'_>) -> Result<(), Stop> {
    const MAX_DIMENSIONS: usize = 64;
    let dimension = match value.value()? {
        Value::Number(number) => number.integer(),
        Value::Text(text) => text.decoded().and_then(|text| text.parse().ok()),
        _ => None,
    };
    match dimension {
        Some(dimension) if shape.len() < MAX_DIMENSIONS => {
            shape.push(dimension);
            Ok(())
        }
        _ => Err(Unusable::Shape.into()),
    }
}
