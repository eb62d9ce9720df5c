//! Tables: rows come one after the other, values are kept by column.

use std::collections::HashMap;

use super::Stop;
use super::json::{Reader, Text, Value};
use super::leaves::Leaves;
use super::values::{Values, Wholes};
use crate::ingest::inference::{Elements, Tensor, Unusable};
use crate::ingest::room::Room;

/// The columns of a table.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    by_name: HashMap<String, usize>,
    rows: usize,
}

/// One column. A cell may be an array, if all of the column have one shape.
#[derive(Debug)]
struct Column {
    name: String,
    /// Shape of a cell; `None` as long as all are null.
    cell_shape: Option<Vec<usize>>,
    values: Values,
    /// Cells so far.
    rows: usize,
    unusable: Option<Unusable>,
}

impl Columns {
    /// Adds the row that is an object, of which the opening brace has been read.
    pub(super) fn read_record(
        &mut self,
        reader: &mut Reader<'_>,
        room: &mut Room,
    ) -> Result<(), Stop> {
        let mut place = 0;
        while let Some(key) = reader.next_key(place == 0)? {
            let column = self.find(key, place, room)?;
            self.columns[column].read_cell(self.rows, reader, room)?;
            place += 1;
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds the row that is an array, of which the opening bracket has been read; `false` if it has
    /// more or fewer cells than there are columns.
    pub(super) fn read_row(
        &mut self,
        reader: &mut Reader<'_>,
        room: &mut Room,
    ) -> Result<bool, Stop> {
        let mut place = 0;
        while reader.next_element(place == 0)? {
            let Some(column) = self.columns.get_mut(place) else {
                return Ok(false);
            };
            column.read_cell(self.rows, reader, room)?;
            place += 1;
        }
        self.rows += 1;
        Ok(place == self.columns.len())
    }

    /// Adds a row of single values; those that are missing at its end are null.
    pub(super) fn push_row<'a>(
        &mut self,
        cells: impl Iterator<Item = Value<'a>>,
        room: &mut Room,
    ) -> Result<(), Stop> {
        for (column, value) in self.columns.iter_mut().zip(cells) {
            column.push_cell(self.rows, value, room)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds a row without values.
    pub(super) fn add_nulls(&mut self) {
        self.rows += 1;
    }

    /// A tensor for each column.
    pub(super) fn finish(self, wholes: Wholes, room: &mut Room) -> Result<Vec<Tensor>, Stop> {
        let rows = self.rows;
        let columns = self.columns.into_iter();
        columns
            .map(|column| column.finish(rows, wholes, room))
            .collect()
    }

    /// A tensor for each column, none of which can be seen.
    pub(super) fn unusable(self, why: Unusable) -> Vec<Tensor> {
        let rows = self.rows;
        let columns = self.columns.into_iter();
        columns
            .map(|column| Tensor {
                name: column.name,
                shape: vec![rows],
                elements: Elements::Unusable(why),
            })
            .collect()
    }

    /// The column of a key, which is usually in the same place in every row.
    fn find(&mut self, key: Text<'_>, place: usize, room: &mut Room) -> Result<usize, Stop> {
        let usual = self.columns.get(place);
        if usual.is_some_and(|column| key.is(&column.name)) {
            return Ok(place);
        }
        let name = key.to_name();
        match self.by_name.get(&name) {
            Some(&column) => Ok(column),
            None => self.add(name, room),
        }
    }

    /// Adds a column.
    pub(super) fn add(&mut self, name: String, room: &mut Room) -> Result<usize, Stop> {
        // The name is kept twice, the map may have twice the places that it needs, and of each
        // column there will be a tensor.
        let entry = size_of::<(String, usize)>() + 1;
        room.take(2 * (name.len() + entry) + size_of::<Tensor>())?;
        room.reserve(&mut self.columns, 1)?;
        let index = self.columns.len();
        self.by_name.insert(name.clone(), index);
        self.columns.push(Column {
            name,
            cell_shape: None,
            values: Values::new(),
            rows: 0,
            unusable: None,
        });
        Ok(index)
    }
}

impl Column {
    /// Reads the cell of a row, and notes nulls for the rows before it that have none. Of two cells of
    /// one row the last counts.
    fn read_cell(
        &mut self,
        row: usize,
        reader: &mut Reader<'_>,
        room: &mut Room,
    ) -> Result<(), Stop> {
        let mut after = *reader;
        match after.value()? {
            Value::Array => {
                let cell = reader.skip()?;
                self.push_array(row, cell, room)
            }
            value => {
                *reader = after;
                if value == Value::Object {
                    reader.leave()?;
                }
                self.push_cell(row, value, room)
            }
        }
    }

    fn push_cell(&mut self, row: usize, value: Value<'_>, room: &mut Room) -> Result<(), Stop> {
        self.go_to(row, room)?;
        if value == Value::Null {
            return Ok(());
        }
        self.rows = row + 1;
        if self.has_shape(row, &[], room)? {
            self.values.push(value, room)?;
        }
        Ok(())
    }

    fn push_array(&mut self, row: usize, cell: Reader<'_>, room: &mut Room) -> Result<(), Stop> {
        self.go_to(row, room)?;
        self.rows = row + 1;
        if self.unusable.is_some() {
            return Ok(());
        }
        let shape = match shape_of(cell) {
            Ok(shape) => shape,
            Err(Stop::Unusable(why)) => {
                self.unusable = Some(why);
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        if self.has_shape(row, &shape, room)? {
            let mut leaves = Leaves::of(cell);
            while let Some(leaf) = leaves.next()? {
                self.values.push(leaf, room)?;
            }
        }
        Ok(())
    }

    /// Fills what is missing before `row`, and forgets what there is of it already.
    fn go_to(&mut self, row: usize, room: &mut Room) -> Result<(), Stop> {
        if self.unusable.is_some() {
            return Ok(());
        }
        let Some(width) = self.width() else {
            return Ok(());
        };
        if self.rows > row {
            self.values.truncate(row * width);
            self.rows = row;
        }
        self.values.push_nulls((row - self.rows) * width, room)?;
        self.rows = row;
        Ok(())
    }

    /// Notes the shape of a cell of `row`; `false` if it is not that of the others.
    fn has_shape(&mut self, row: usize, shape: &[usize], room: &mut Room) -> Result<bool, Stop> {
        match &self.cell_shape {
            Some(known) if known != shape => self.unusable = Some(Unusable::Shape),
            Some(_) => {}
            None => {
                self.cell_shape = Some(shape.to_vec());
                let width = shape.iter().product::<usize>();
                self.values.push_nulls(row * width, room)?;
            }
        }
        Ok(self.unusable.is_none())
    }

    /// Values of a cell; `None` as long as all are null.
    fn width(&self) -> Option<usize> {
        let shape = self.cell_shape.as_ref()?;
        Some(shape.iter().product())
    }

    fn finish(mut self, rows: usize, wholes: Wholes, room: &mut Room) -> Result<Tensor, Stop> {
        let width = self.width().unwrap_or(1);
        let elements = match self.unusable {
            Some(why) => Elements::Unusable(why),
            None => {
                let missing = rows * width - self.values.len();
                self.values.push_nulls(missing, room)?;
                self.values.finish(wholes)
            }
        };
        let mut shape = vec![rows];
        shape.extend(self.cell_shape.unwrap_or_default());
        Ok(Tensor {
            name: self.name,
            shape,
            elements,
        })
    }
}

/// The shape of arrays, whatever is in them.
pub(super) fn shape_of(cell: Reader<'_>) -> Result<Vec<usize>, Stop> {
    let mut leaves = Leaves::of(cell);
    while leaves.next()?.is_some() {}
    Ok(leaves.shape()?)
}
