//! The table of the features: facts → lines of a width.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::document::Model;
use super::figures::{lasting, percent, ratio};
use super::rows::{DRIFT, Figure, Row};
use super::style::{Palette, Tone};
use super::view::{Sort, View};

/// Space between two columns.
const GAP: usize = 2;
/// Names are not cut shorter than this.
const SHORTEST_NAME: usize = 8;

/// The table.
pub(super) struct Table {
    /// The titles of the columns.
    pub titles: Line<'static>,
    /// A line for each row.
    pub rows: Vec<Line<'static>>,
}

struct Column {
    title: String,
    is_right: bool,
    /// Where there is no room for all columns, the one with the highest goes first; that with 0 never.
    expendable: u8,
    cells: Vec<(String, Tone)>,
}

/// Lays the rows out in at most `width` columns of a terminal, as far as it goes. `is_live` marks by
/// what it is sorted and which window is chosen.
pub(super) fn lay_out(
    rows: &[Row<'_>],
    model: &Model,
    view: &View,
    width: usize,
    is_live: bool,
    palette: Palette,
) -> Table {
    let mut columns = columns(rows, model, view, is_live);
    let all = |columns: &[Column]| {
        let widths = columns.iter().map(Column::width);
        widths.sum::<usize>() + GAP * columns.len().saturating_sub(1)
    };
    let shortest = |columns: &[Column]| {
        let name = columns.first().map_or(0, Column::width);
        all(columns) - name + name.min(2 * SHORTEST_NAME)
    };
    while shortest(&columns) > width {
        let goes = columns
            .iter()
            .enumerate()
            .max_by_key(|(_, column)| column.expendable);
        match goes {
            Some((at, column)) if column.expendable > 0 => columns.remove(at),
            _ => break,
        };
    }
    let over = all(&columns).saturating_sub(width);
    if let Some(names) = columns.first_mut() {
        let room = names.width().saturating_sub(over).max(SHORTEST_NAME);
        for (name, _) in &mut names.cells {
            *name = cut(name, room);
        }
        names.title = cut(&names.title, room);
    }
    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let bar = if is_live { Tone::Bar } else { Tone::Title };
    let mut titles = Line::default().style(palette.style(bar));
    for (at, column) in columns.iter().enumerate() {
        let is_last = at + 1 == columns.len();
        titles.push_span(pad(&column.title, widths[at], column.is_right, is_last));
    }
    let lines = (0..rows.len()).map(|row| {
        let mut line = Line::default();
        for (at, column) in columns.iter().enumerate() {
            let (text, tone) = &column.cells[row];
            let is_last = at + 1 == columns.len();
            let padded = pad(text, widths[at], column.is_right, is_last);
            line.push_span(Span::styled(padded, palette.style(*tone)));
        }
        line
    });
    Table {
        rows: lines.collect(),
        titles,
    }
}

fn columns(rows: &[Row<'_>], model: &Model, view: &View, is_live: bool) -> Vec<Column> {
    let sorted_by = |sort: Sort| match is_live && view.sort == sort {
        true => "↓",
        false => "",
    };
    let mut columns = Vec::new();
    let mut add = |title: String, is_right, expendable, cells: Vec<(String, Tone)>| {
        columns.push(Column {
            title,
            is_right,
            expendable,
            cells,
        });
    };
    let names = rows.iter().map(|row| {
        let tone = if row.has_drifted() {
            Tone::Title
        } else {
            Tone::Plain
        };
        (row.feature.feature.to_string(), tone)
    });
    add(
        format!("feature{}", sorted_by(Sort::Name)),
        false,
        0,
        names.collect(),
    );
    let roles = rows
        .iter()
        .map(|row| (row.feature.role.to_string(), Tone::Plain));
    add("role".into(), false, 7, roles.collect());
    for (at, label) in model.window_labels().into_iter().enumerate() {
        let counts = view.shows_window(label);
        let title = match view.window.is_some() && counts && is_live {
            true => format!("[{label}]"),
            false => label.to_owned(),
        };
        let mark = if counts { sorted_by(Sort::Drift) } else { "" };
        let cells = rows.iter().map(|row| cell(&row.windows[at]));
        let expendable = if counts && (at == 0 || view.window.is_some()) {
            0
        } else {
            1
        };
        add(format!("{title}{mark} "), true, expendable, cells.collect());
    }
    if view.reference.is_none() && model.reference_labels().len() > 1 {
        let cells = rows.iter().map(|row| {
            let reference = row.worst.filter(|_| row.has_drifted());
            let reference = reference.map_or("-", |(_, reference)| reference);
            (reference.to_owned(), Tone::Plain)
        });
        add("against".into(), false, 6, cells.collect());
    }
    let percents = |figure: fn(&Row<'_>) -> Option<f64>| {
        let figures = rows.iter().map(move |row| percent(figure(row)));
        figures.map(|text| (text, Tone::Plain)).collect::<Vec<_>>()
    };
    let missing = format!("missing{}", sorted_by(Sort::Missing));
    add(missing, true, 4, percents(|row| row.missing));
    add(
        "out of range".into(),
        true,
        8,
        percents(|row| row.out_of_range),
    );
    add("new".into(), true, 9, percents(|row| row.new_categories));
    let states = rows.iter().map(|row| {
        let tone = match row.state {
            DRIFT => Tone::Drift,
            "ok" => Tone::Plain,
            _ if row.is_odd() => Tone::Odd,
            _ => Tone::Faint,
        };
        (words(row.state), tone)
    });
    add("state".into(), false, 2, states.collect());
    let since = rows.iter().map(|row| {
        let text = row.drifted_for.map_or_else(|| "-".into(), lasting);
        (text, Tone::Plain)
    });
    add(
        format!("since{}", sorted_by(Sort::Since)),
        true,
        3,
        since.collect(),
    );
    let shapes = rows.iter().map(|row| {
        let shape = row.feature.shape.as_ref().map_or("-", |shape| shape);
        (shape.to_owned(), Tone::Plain)
    });
    add("shape".into(), false, 5, shapes.collect());
    columns
}

/// A ratio, or in a word why there is none.
fn cell(figure: &Figure<'_>) -> (String, Tone) {
    match figure {
        Figure::Ratio(value) if *value > 1.0 => (ratio(*value), Tone::Drift),
        Figure::Ratio(value) => (ratio(*value), Tone::Plain),
        Figure::Without("too_few_rows") => ("few rows ".into(), Tone::Faint),
        Figure::Without("" | "ok") => ("- ".into(), Tone::Faint),
        Figure::Without(state) => (words(state) + " ", Tone::Faint),
    }
}

fn words(state: &str) -> String {
    match state {
        "" => "-".into(),
        state => state.replace('_', " "),
    }
}

impl Column {
    /// Of the widest text; a wide character takes two.
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|(text, _)| wide(text));
        cells.max().unwrap_or(0).max(wide(&self.title))
    }
}

/// What it takes on a terminal.
fn wide(text: &str) -> usize {
    Span::raw(text).width()
}

fn pad(text: &str, width: usize, is_right: bool, is_last: bool) -> String {
    let blank = " ".repeat(width.saturating_sub(wide(text)));
    let gap = if is_last { 0 } else { GAP };
    match is_right {
        true => format!("{blank}{text}{:gap$}", ""),
        false => format!("{text}{blank}{:gap$}", ""),
    }
}

/// Its begin, if it is longer; never half a character.
fn cut(text: &str, width: usize) -> String {
    if wide(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for grapheme in Span::raw(text).styled_graphemes(Style::new()) {
        if wide(&kept) + wide(grapheme.symbol) >= width {
            break;
        }
        kept.push_str(grapheme.symbol);
    }
    kept + "…"
}
