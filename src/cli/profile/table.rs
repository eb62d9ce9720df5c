//! What was learned, as a table for people.

use crate::batch::Role;
use crate::files::ColumnInfo;
use crate::learn::LearnReport;

/// Longest field name that is shown whole.
const NAME_WIDTH: usize = 32;

/// One line a column: field, role, kind, cells, distinct values, missing share, remark.
pub fn table(report: &LearnReport, columns: &[ColumnInfo]) -> String {
    let mut rows = vec![
        [
            "field", "role", "kind", "cells", "distinct", "missing", "remark",
        ]
        .map(String::from),
    ];
    for column in columns {
        let field = report
            .fields
            .iter()
            .find(|field| *field.name == *column.name);
        let role = field.map_or(column.role, |field| field.role);
        let mut remarks: Vec<&str> = column.remark.iter().map(String::as_str).collect();
        let mut row = [
            shortened(&column.name),
            role.as_str().to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            String::new(),
        ];
        if let Some(field) = field {
            if let Some(kind) = field.kind {
                row[2] = kind.as_str().to_owned();
                row[3] = field.cells.to_string();
                row[4] = field.distinct.to_string();
                remarks.push(&field.why);
            }
            if let Some(ratio) = field.null_ratio {
                row[5] = percent(ratio);
            }
            remarks.extend(field.warnings.iter().map(String::as_str));
        } else if role != Role::Ignore {
            remarks.push("left out");
        }
        row[6] = remarks.join("; ");
        rows.push(row);
    }
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max();
    let widths: Vec<usize> = (0..7).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let width = widths[at];
            // Words to the left, numbers to the right, the remark as it is.
            line.push_str(&match at {
                6 => cell.clone(),
                0..=2 => format!("{cell:<width$}  "),
                _ => format!("{cell:>width$}  "),
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_WIDTH {
        return name.to_owned();
    }
    let start: String = name.chars().take(NAME_WIDTH - 1).collect();
    format!("{start}…")
}

/// A share in percent, never rounded to 0 or 100 when it is neither.
fn percent(share: f64) -> String {
    if share == 0.0 || share == 1.0 {
        format!("{}%", share * 100.0)
    } else if share < 0.0001 {
        "<0.01%".into()
    } else if share > 0.9999 {
        ">99.99%".into()
    } else {
        format!("{:.2}%", share * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_nothing() {
        let shares = [0.0, 1e-9, 0.0123, 0.999_999, 1.0].map(percent);
        assert_eq!(shares, ["0%", "<0.01%", "1.23%", ">99.99%", "100%"]);
    }
}
