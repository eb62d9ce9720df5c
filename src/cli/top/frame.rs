//! What fills the screen, line by line: a pure function of what is known, what is chosen, and the
//! size.

use ratatui::text::{Line, Span};

use super::document::{Document, Model};
use super::figures::lasting;
use super::keys::HELP;
use super::style::{Palette, Tone};
use super::view::View;
use super::{head, rows, table};

/// Features that stay in sight however low the screen is, before the lines above them do.
const FEWEST_ROWS: usize = 5;
/// Space between two pieces of the last line.
const GAP: &str = "  ";

/// What is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct News<'a> {
    /// Where the sidecar is.
    pub place: &'a str,
    /// What it said last.
    pub document: Option<&'a Document>,
    /// How long ago that was, in seconds.
    pub age: f64,
    /// Why it says nothing now.
    pub trouble: Option<&'a str>,
    /// Seconds between two questions.
    pub interval: f64,
    /// Wall time, seconds since the Unix epoch.
    pub now: f64,
}

/// A full screen.
#[derive(Debug)]
pub(super) struct Frame {
    /// As many lines as there are rows on the terminal, or fewer.
    pub lines: Vec<Line<'static>>,
    /// The first feature in sight.
    pub first: usize,
    /// Features in sight.
    pub visible: usize,
}

/// Composes it.
pub(super) fn compose(
    news: News<'_>,
    view: &View,
    (width, height): (usize, usize),
    palette: Palette,
) -> Frame {
    let mut above = trouble(news, width, palette);
    let mut body: Vec<Line<'static>> = Vec::new();
    let mut titles = None;
    let mut position = String::new();
    let text = |text: String| Line::from(text);
    match news.document {
        _ if view.is_help => body.extend(help(palette)),
        None if news.trouble.is_none() => body.push(text(format!("asking {} …", news.place))),
        None => {}
        Some(document) => {
            above.extend(head::of_sidecar(
                document, news.place, news.now, width, palette,
            ));
            let complaint = view.complaint(document).map(|why| format!("{why}!"));
            above.extend(complaint.map(|why| Line::styled(why, palette.style(Tone::Odd))));
            match view.models(document).first() {
                Some(model) => {
                    above.push(Line::default());
                    above.extend(head::of_model(model, view, news.now, width, palette));
                    above.push(Line::default());
                    position = which(document, model);
                    let rows = rows::listed(model, view);
                    let table = table::lay_out(&rows, model, view, width, true, palette);
                    match rows.is_empty() {
                        true => body.push(text(nothing(model, view))),
                        false => titles = Some(table.titles),
                    }
                    body = [body, table.rows].concat();
                }
                None if document.models.is_empty() => {
                    above.push(Line::default());
                    body.push(text("no model has been seen yet".into()));
                }
                None => {}
            }
        }
    }
    let bars = usize::from(height > 2) + usize::from(titles.is_some());
    let wanted = body.len().clamp(1, FEWEST_ROWS);
    let room = height.saturating_sub(bars + wanted);
    // That the figures are old is worth more than the last of them.
    let room = match news.trouble {
        Some(_) => room.max(height.saturating_sub(bars + 1).min(1)),
        None => room,
    };
    if above.len() > room {
        above.retain(|line| line.width() > 0);
        above.truncate(room);
    }
    let visible = height.saturating_sub(bars + above.len());
    let first = view.first.min(body.len().saturating_sub(visible));
    let is_listed = titles.is_some();
    let last = (first + visible).min(body.len());
    if is_listed && last - first < body.len() {
        position = format!("{}-{last} of {}   {position}", first + 1, body.len());
    }
    let mut lines = above;
    lines.extend(titles);
    lines.extend(body.drain(first..last));
    if height > 2 {
        lines.resize(height - 1, Line::default());
        lines.push(footer(view, &position, width, palette));
    }
    lines.truncate(height);
    Frame {
        lines,
        first,
        visible,
    }
}

/// Why there is nothing new, and how old what is shown is.
fn trouble(news: News<'_>, width: usize, palette: Palette) -> Vec<Line<'static>> {
    let Some(why) = news.trouble else {
        return Vec::new();
    };
    let mut pieces = vec![(format!("{why}!"), Tone::Drift)];
    if news.document.is_some() {
        let age = lasting(news.age);
        pieces.push((format!("the figures below are {age} old"), Tone::Title));
    }
    let every = format!("asking again every {} s", news.interval);
    pieces.push((every, Tone::Plain));
    head::flow(pieces, width, palette)
}

fn nothing(model: &Model, view: &View) -> String {
    match model.features.is_empty() {
        true => "no field of this model has been seen yet".into(),
        false => format!("no feature has {:?} in its name", view.filter),
    }
}

/// Which model of how many, where there are several.
fn which(document: &Document, model: &Model) -> String {
    let models = &document.models;
    let is_it = |other: &Model| (&other.model, &other.version) == (&model.model, &model.version);
    match (models.len(), models.iter().position(is_it)) {
        (2.., Some(at)) => format!("model {} of {}", at + 1, models.len()),
        _ => String::new(),
    }
}

fn help(palette: Palette) -> Vec<Line<'static>> {
    let notes = [
        "",
        "A ratio above 1 is drift and has a `!`. Without a ratio, the window says why.",
        "With all windows or references, each figure is the worst of them.",
        "missing: rows without a usable value. out of range, new: values that the",
        "reference never saw. since: for how long it has drifted.",
    ];
    let keys = HELP.iter().map(|(keys, what)| {
        let keys = Span::styled(format!("{keys:14}"), palette.style(Tone::Title));
        Line::from(vec![keys, Span::raw(*what)])
    });
    keys.chain(notes.map(Line::from)).collect()
}

/// The last line: what can be pressed and what is chosen, or the filter that is being typed; and at
/// its right end, where one is.
fn footer(view: &View, position: &str, width: usize, palette: Palette) -> Line<'static> {
    let or_all = |chosen: &Option<String>| chosen.clone().unwrap_or_else(|| "all".into());
    let filter = match view.filter.as_str() {
        "" => String::new(),
        filter => format!(":{filter}"),
    };
    let mut left: Vec<String> = if view.is_typing {
        let typed = format!("names with: {}_", view.filter);
        vec![typed, "Enter keep".into(), "Esc drop".into()]
    } else if view.is_help {
        vec!["? back".into(), "q quit".into()]
    } else {
        vec![
            "? help".into(),
            "q quit".into(),
            format!("s sort:{}", view.sort.word()),
            format!("w window:{}", or_all(&view.window)),
            format!("r reference:{}", or_all(&view.reference)),
            "m model".into(),
            format!("/ filter{filter}"),
        ]
    };
    let position = position.trim_end();
    let wide = |text: &str| Span::raw(text).width();
    let right = match position {
        "" => 0,
        position => GAP.len() + wide(position),
    };
    // The help has the keys for which there is no room.
    while left.len() > 2 && wide(&left.join(GAP)) + right > width {
        left.pop();
    }
    let left = left.join(GAP);
    let room = width.saturating_sub(wide(&left));
    let mut line = Line::from(left).style(palette.style(Tone::Bar));
    if right > 0 && right <= room {
        line.push_span(format!("{position:>room$}"));
    }
    line
}

#[cfg(test)]
mod tests;
