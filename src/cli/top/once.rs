//! The table as plain text, once: for scripts, pipes and terminals that cannot do more.

use std::io::Write;

use ratatui::text::Line;

use super::document::Document;
use super::style::Palette;
use super::view::View;
use super::{head, rows, table};

const PLAIN: Palette = Palette { has_colour: false };

/// Prints all models in view, with at most `most` features of each.
///
/// # Errors
/// Who reads has gone.
pub(super) fn print(
    out: &mut impl Write,
    document: &Document,
    place: &str,
    view: &View,
    now: f64,
    width: usize,
    most: Option<usize>,
) -> std::io::Result<()> {
    write(out, head::of_sidecar(document, place, now, width, PLAIN))?;
    if document.models.is_empty() {
        return writeln!(out, "\nno model has been seen yet");
    }
    for model in view.models(document) {
        writeln!(out)?;
        write(out, head::of_model(model, view, now, width, PLAIN))?;
        let mut rows = rows::listed(model, view);
        let all = rows.len();
        rows.truncate(most.unwrap_or(usize::MAX));
        if rows.is_empty() {
            continue;
        }
        writeln!(out)?;
        let table = table::lay_out(&rows, model, view, width, false, PLAIN);
        write(out, std::iter::once(table.titles).chain(table.rows))?;
        if all > rows.len() {
            writeln!(out, "… {} more", all - rows.len())?;
        }
    }
    Ok(())
}

fn write(
    out: &mut impl Write,
    lines: impl IntoIterator<Item = Line<'static>>,
) -> std::io::Result<()> {
    for line in lines {
        writeln!(out, "{}", line.to_string().trim_end())?;
    }
    Ok(())
}
