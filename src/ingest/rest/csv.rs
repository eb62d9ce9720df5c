//! Tables of comma-separated values, as MLflow takes them.
//!
//! A column is what pandas makes of it, as the model gets it from there: numbers if all its cells are
//! numbers, truth values if all are, else strings.

use csv::{ByteRecord, ReaderBuilder};

use super::Stop;
use super::columns::Columns;
use super::json::{Number, Text, Value};
use super::plain::{self, Plain};
use super::values::Wholes;
use crate::ingest::room::Room;

/// What pandas takes for no value
/// ([`read_csv`](https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html), `na_values`).
const MISSING: [&[u8]; 19] = [
    b"",
    b"#N/A",
    b"#N/A N/A",
    b"#NA",
    b"-1.#IND",
    b"-1.#QNAN",
    b"-NaN",
    b"-nan",
    b"1.#IND",
    b"1.#QNAN",
    b"<NA>",
    b"N/A",
    b"NA",
    b"NULL",
    b"NaN",
    b"None",
    b"n/a",
    b"nan",
    b"null",
];

/// What the cells of a column can be.
#[derive(Clone, Copy, Debug)]
struct Kind {
    numbers: bool,
    bools: bool,
}

/// Reads a table whose first line has the names.
pub(super) fn read(body: &[u8], room: &mut Room) -> Result<Plain, Stop> {
    // Places of the cells of one row, if it has them all; twice as many while the list grows.
    let places = 2 * size_of::<usize>() * body.iter().filter(|byte| **byte == b',').count();
    room.take(places)?;
    let mut columns = Columns::default();
    let mut kinds = Vec::new();
    each_row(body, |row, is_header| {
        if is_header {
            for name in row {
                columns.add(String::from_utf8_lossy(name).into_owned(), room)?;
                kinds.push(Kind {
                    numbers: true,
                    bools: true,
                });
            }
            return Ok(());
        }
        if row.len() > kinds.len() {
            return Err(Stop::Unknown("a line with more cells than the first"));
        }
        for (kind, cell) in kinds.iter_mut().zip(row) {
            if !is_missing(cell) {
                kind.numbers &= number(cell).is_some();
                kind.bools &= truth(cell).is_some();
            }
        }
        Ok(())
    })?;
    if kinds.is_empty() {
        return Err(Stop::Unknown("a table without columns"));
    }
    let read = each_row(body, |row, is_header| {
        let cells = row
            .iter()
            .zip(&kinds)
            .map(|(cell, kind)| kind.value_of(cell));
        match is_header {
            true => Ok(()),
            false => columns.push_row(cells, room),
        }
    });
    Ok(Plain {
        tensors: plain::finish(columns, read, Wholes::Floats, room)?,
        are_columns: true,
    })
}

/// Calls `read` for each row, and says of the first that it is the header.
fn each_row(
    body: &[u8],
    mut read: impl FnMut(&ByteRecord, bool) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(body);
    let mut row = ByteRecord::new();
    let mut is_header = true;
    while reader
        .read_byte_record(&mut row)
        .map_err(|_| Stop::Unknown("a table that cannot be read"))?
    {
        read(&row, is_header)?;
        is_header = false;
    }
    Ok(())
}

impl Kind {
    fn value_of(self, cell: &[u8]) -> Value<'_> {
        if is_missing(cell) {
            return Value::Null;
        }
        if self.numbers
            && let Some(number) = number(cell)
        {
            return Value::Number(number);
        }
        if self.bools
            && let Some(bool) = truth(cell)
        {
            return Value::Bool(bool);
        }
        Value::Text(Text::elsewhere(cell))
    }
}

fn is_missing(cell: &[u8]) -> bool {
    MISSING.contains(&cell)
}

fn number(cell: &[u8]) -> Option<Number<'_>> {
    let text = std::str::from_utf8(cell.trim_ascii()).ok()?;
    text.parse::<f64>().ok()?;
    Some(Number::elsewhere(text))
}

fn truth(cell: &[u8]) -> Option<bool> {
    match cell {
        b"True" | b"TRUE" | b"true" => Some(true),
        b"False" | b"FALSE" | b"false" => Some(false),
        _ => None,
    }
}
