//! What each column of a data set is for: its role, and whether it says when a row happened or how
//! long its call took.

use std::sync::Arc;

use super::build::ColumnBuilder;
use super::evidence::ColumnType;
use super::{FileError, MAX_BATCH_ROWS, ReadOptions};
use crate::batch::{Field, Role, Schema, bounded_name};

/// Elements of one column in a batch, as far as one row has not more.
const MAX_BATCH_ELEMENTS: usize = 1 << 20;

/// A column of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnInfo {
    /// Name, bounded as in a schema.
    pub name: Arc<str>,
    /// What it is to the model.
    pub role: Role,
    /// How it is read.
    pub column_type: ColumnType,
    /// Why its role or reading is not the obvious one.
    pub remark: Option<String>,
}

/// What each column is for.
#[derive(Debug)]
pub struct Plan {
    /// All columns, in the order of the first file.
    pub columns: Vec<ColumnInfo>,
    /// Places in `columns` of the fields of `schema`.
    pub fields: Vec<usize>,
    /// Fields of all batches: every column but those ignored.
    pub schema: Arc<Schema>,
    /// Place in `columns` of the time of each row.
    pub time: Option<usize>,
    /// Place in `columns` of the latency of each row's call.
    pub latency: Option<usize>,
    /// Sentences for the operator.
    pub notes: Vec<String>,
}

/// A column as its file has it.
pub struct Found {
    /// Name in the file.
    pub name: String,
    /// How it would be read.
    pub column_type: ColumnType,
    /// Whether every row surely has a value.
    pub complete: bool,
    /// Why it cannot be read.
    pub remark: Option<String>,
}

impl Plan {
    /// Gives every column its role: as asked for, else by its name (`prediction`, `score`,
    /// `label`), else `time` if it is the only one of times, else `feature`.
    pub fn new(found: Vec<Found>, options: &ReadOptions) -> Result<Self, FileError> {
        let place = |wanted: &Option<String>, what: &str| match wanted {
            None => Ok(None),
            Some(name) => match found.iter().position(|column| column.name == *name) {
                Some(place) => Ok(Some(place)),
                None => Err(FileError::Mismatch(format!(
                    "there is no column {name:?} for the {what}; there are {}",
                    names(found.iter().map(|column| column.name.as_str()))
                ))),
            },
        };
        let latency = place(&options.latency, "latency")?;
        let mut time = place(&options.time, "time")?.or_else(|| {
            let is_time = |column: &Found| options.roles.get(&column.name) == Some(&Role::Time);
            found.iter().position(is_time)
        });
        let mut notes = Vec::new();
        let mut columns: Vec<ColumnInfo> = Vec::with_capacity(found.len());
        for (at, column) in found.iter().enumerate() {
            let by_name = match column.name.as_str() {
                "prediction" => Some(Role::Prediction),
                "score" => Some(Role::Score),
                "label" => Some(Role::Label),
                _ => None,
            };
            let mut remark = column.remark.clone();
            let role = if time == Some(at) {
                Role::Time
            } else if latency == Some(at) {
                remark = Some("latency of the call in microseconds".into());
                Role::Ignore
            } else if let Some(role) = options.roles.get(&column.name) {
                *role
            } else if column.column_type == ColumnType::Unreadable {
                Role::Ignore
            } else if column.name.is_empty() {
                remark = Some("has no name, such as an index that pandas writes".into());
                Role::Ignore
            } else if let Some(role) = by_name {
                remark = Some(format!("{} by its name", role.as_str()));
                role
            } else {
                Role::Feature
            };
            if column.column_type == ColumnType::Unreadable && role != Role::Ignore {
                return Err(FileError::Mismatch(format!(
                    "column {:?} cannot be used as {}: it {}",
                    column.name,
                    role.as_str(),
                    column.remark.as_deref().unwrap_or("cannot be read")
                )));
            }
            if let (Role::Ignore, Some(remark)) = (role, &remark)
                && latency != Some(at)
            {
                notes.push(format!("column {:?} is ignored: it {remark}", column.name));
            }
            columns.push(ColumnInfo {
                name: bounded_name(&column.name),
                role,
                column_type: column.column_type,
                remark,
            });
        }
        if time.is_none() {
            time = only_time(&found, &mut columns, options, &mut notes);
        }
        let fields: Vec<usize> = (0..columns.len())
            .filter(|&at| columns[at].role != Role::Ignore)
            .collect();
        let schema = fields.iter().map(|&at| Field {
            name: columns[at].name.clone(),
            role: columns[at].role,
            value_type: columns[at].column_type.value_type(),
            width: columns[at].column_type.width(),
        });
        Ok(Self {
            schema: Arc::new(Schema::new(schema.collect())),
            columns,
            fields,
            time,
            latency,
            notes,
        })
    }

    /// Builders of the columns that are read, in their places.
    pub fn builders(&self) -> Vec<Option<ColumnBuilder>> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(at, column)| {
                let is_read = self.is_read(at);
                is_read.then(|| ColumnBuilder::new(column.column_type))
            })
            .collect()
    }

    /// Most rows of a batch: fewer than usual where vectors make rows long.
    pub fn batch_rows(&self) -> usize {
        let columns = self.columns.iter().enumerate();
        let read = columns.filter(|(at, _)| self.is_read(*at));
        let widths = read.map(|(_, column)| column.column_type.width() as usize);
        let longest = widths.max().unwrap_or(1).max(1);
        (MAX_BATCH_ELEMENTS / longest).clamp(1, MAX_BATCH_ROWS)
    }

    /// Whether the values of a column are wanted at all.
    pub fn is_read(&self, column: usize) -> bool {
        self.columns[column].role != Role::Ignore || self.latency == Some(column)
    }
}

/// Gives the only column of times the role `time`; its times are used only if no row lacks one.
fn only_time(
    found: &[Found],
    columns: &mut [ColumnInfo],
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Option<usize> {
    let candidates: Vec<usize> = (0..found.len())
        .filter(|&at| {
            found[at].column_type == ColumnType::Time
                && columns[at].role == Role::Feature
                && !options.roles.contains_key(&found[at].name)
                && !options.kinds.contains_key(&found[at].name)
        })
        .collect();
    match candidates[..] {
        [] => None,
        [at] => {
            columns[at].role = Role::Time;
            columns[at].remark = Some("time because it is the only column of times".into());
            let name = &found[at].name;
            if found[at].complete {
                notes.push(format!("column {name:?} is the time of the rows"));
                return Some(at);
            }
            notes.push(format!(
                "column {name:?} is a time, but some rows may lack it: it is not used to order rows"
            ));
            None
        }
        _ => {
            notes.push(format!(
                "several columns are times ({}): say which one is the time of the rows, and \
                 ignore the others",
                names(candidates.iter().map(|&at| found[at].name.as_str()))
            ));
            None
        }
    }
}

/// Names in a sentence; of many only the first ones.
pub fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let names: Vec<&str> = names.collect();
    let mut list = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        list.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    list
}

/// Refuses a name that is there twice.
pub fn check_distinct(file: &std::path::Path, columns: &[String]) -> Result<(), FileError> {
    let mut seen = std::collections::HashSet::new();
    match columns
        .iter()
        .find(|name| !name.is_empty() && !seen.insert(name.as_str()))
    {
        None => Ok(()),
        Some(name) => Err(FileError::broken(
            file,
            format!("two columns are called {name:?}; rename one"),
        )),
    }
}

/// Where each of `wanted` is among the columns `there` of a further file.
pub fn same_columns(
    first: &std::path::Path,
    wanted: &[String],
    file: &std::path::Path,
    there: &[String],
) -> Result<Vec<usize>, FileError> {
    let differ = |name: &str, has: &std::path::Path, lacks: &std::path::Path| {
        FileError::Mismatch(format!(
            "{} has a column {name:?} that {} lacks; all files must have the same columns",
            has.display(),
            lacks.display()
        ))
    };
    if let Some(name) = there.iter().find(|name| !wanted.contains(name)) {
        return Err(differ(name, file, first));
    }
    let place = |name: &String| {
        let place = there.iter().position(|other| other == name);
        place.ok_or_else(|| differ(name, first, file))
    };
    wanted.iter().map(place).collect()
}
