//! The table of a model's fields: what it says first, then what it is told, each worst first.

use std::fmt::{self, Write};

use super::distribution;
use super::figures::{Lasting, Moment, NONE, Ratio, percent};
use super::link::Link;
use super::ranking::{Ranking, Row};
use super::text::{Escaped, Name};
use super::view::{Sort, View};
use crate::batch::Role;
use crate::engine::{Explanation, Rate, State};

/// Columns beside those of the windows.
const OTHER_COLUMNS: usize = 7;

/// Writes the ways to look at it, and the table.
pub(super) fn write(html: &mut String, view: &View<'_>) -> fmt::Result {
    let ranking = Ranking::of(view);
    if ranking.outputs.is_empty() && ranking.inputs.is_empty() {
        return Ok(());
    }
    html.push_str("<section id=\"fields\"><h2>Fields</h2>\n");
    write_choices(html, view)?;
    html.push_str("<div class=\"t\"><table class=\"f\">");
    write_head(html, view)?;
    for (title, rows) in [
        ("What the model says", &ranking.outputs),
        ("What it is told", &ranking.inputs),
    ] {
        if rows.is_empty() {
            continue;
        }
        writeln!(
            html,
            "<tbody><tr class=\"g\"><th scope=\"rowgroup\" colspan=\"{}\">{title} <small>{}</small></th></tr>",
            view.model.windows.len() + OTHER_COLUMNS,
            rows.len()
        )?;
        for row in rows {
            write_row(html, view, row)?;
        }
        html.push_str("</tbody>\n");
    }
    html.push_str("</table></div></section>\n");
    Ok(())
}

/// Which window and which reference.
fn write_choices(html: &mut String, view: &View<'_>) -> fmt::Result {
    html.push_str(
        "<nav class=\"choices\" aria-label=\"Order, window and reference\"><span>Sorted by ",
    );
    for sort in Sort::ALL {
        let link = view.link(sort, view.window, view.reference);
        write_choice(html, &link, sort.as_str(), sort == view.sort)?;
    }
    html.push_str("</span> <span>Window ");
    let windows = view
        .model
        .windows
        .iter()
        .map(|traffic| Some(&*traffic.window));
    for window in std::iter::once(None).chain(windows) {
        let link = view.link(view.sort, window, view.reference);
        let name = window.unwrap_or("that says most");
        write_choice(html, &link, name, window == view.window)?;
    }
    html.push_str("</span>");
    if view.references.len() > 1 {
        html.push_str(" <span>Against ");
        for &reference in &view.references {
            let link = view.link(view.sort, view.window, Some(reference));
            write_choice(html, &link, reference, Some(reference) == view.reference)?;
        }
        html.push_str("</span>");
    }
    html.push_str(
        "</nav>\n<p class=\"key\">Drift is a ratio to its threshold, ▲ above 1. \
         <i class=\"r\"></i>reference <i class=\"l\"></i>window <i class=\"l drift\"></i>window that \
         has drifted; heights are roots of shares</p>\n",
    );
    Ok(())
}

fn write_choice(html: &mut String, link: &Link, name: &str, is_chosen: bool) -> fmt::Result {
    let current = if is_chosen {
        " aria-current=\"true\""
    } else {
        ""
    };
    write!(
        html,
        "<a href=\"{link}#fields\"{current}>{}</a> ",
        Name(name)
    )
}

fn write_head(html: &mut String, view: &View<'_>) -> fmt::Result {
    html.push_str("<thead><tr>");
    let sorts = |sort: Sort| view.sort == sort;
    write_column(html, view, Sort::Name, "", "field", sorts(Sort::Name))?;
    html.push_str("<th scope=\"col\">distribution</th>");
    for traffic in &view.model.windows {
        let window = &*traffic.window;
        let is_sorted = sorts(Sort::Drift) && view.window == Some(window);
        let class = if is_main(view, window) { "n" } else { "n w" };
        let aria = if is_sorted {
            " aria-sort=\"descending\""
        } else {
            ""
        };
        write!(
            html,
            "<th scope=\"col\" class=\"{class}\"{aria}><a href=\"{}#fields\">{}</a></th>",
            view.link(Sort::Drift, Some(window), view.reference),
            Escaped(window)
        )?;
    }
    for (sort, class, name) in [
        (Sort::Missing, "n", "null"),
        (Sort::Unseen, "n w", "unseen"),
        (Sort::State, "w", "state"),
    ] {
        write_column(html, view, sort, class, name, sorts(sort))?;
    }
    html.push_str("<th scope=\"col\" class=\"w\">shape</th>");
    write_column(html, view, Sort::Since, "w", "since", sorts(Sort::Since))?;
    html.push_str("</tr></thead>\n");
    Ok(())
}

fn write_column(
    html: &mut String,
    view: &View<'_>,
    sort: Sort,
    class: &str,
    name: &str,
    is_sorted: bool,
) -> fmt::Result {
    let aria = match (is_sorted, sort) {
        (false, _) => "",
        (true, Sort::Name) => " aria-sort=\"ascending\"",
        (true, _) => " aria-sort=\"descending\"",
    };
    let link = view.link(sort, view.window, view.reference);
    write!(
        html,
        "<th scope=\"col\" class=\"{class}\"{aria}><a href=\"{link}#fields\">{name}</a></th>"
    )
}

/// Whether the column of a window stays where there is little room.
fn is_main(view: &View<'_>, window: &str) -> bool {
    match view.window {
        Some(chosen) => chosen == window,
        None => view
            .model
            .windows
            .last()
            .is_some_and(|of| *of.window == *window),
    }
}

fn write_row(html: &mut String, view: &View<'_>, row: &Row<'_>) -> fmt::Result {
    let (field, window) = (row.field, row.window);
    let link = Link::to_feature("feature", view.model, field);
    let is_told = row.is_remarkable();
    let class = if is_told { " class=\"h\"" } else { "" };
    let of_row = link.clone().with("window", &window.window);
    let of_row = of_row.with_some("reference", row.drift.map(|drift| &*drift.reference));
    write!(
        html,
        "<tr{class}><th scope=\"row\"><a href=\"{of_row}\">{}</a>",
        Name(&field.name)
    )?;
    if field.role != Role::Feature {
        write!(html, " <small>{}</small>", field.role.as_str())?;
    }
    html.push_str("</th><td class=\"p\">");
    distribution::write(html, field, window, row.drift)?;
    if row.drift.is_some() {
        write!(html, "<small>{}</small>", Escaped(&window.window))?;
    }
    html.push_str("</td>");
    for window in &field.windows {
        let width = if is_main(view, &window.window) {
            ""
        } else {
            " w"
        };
        match view.ratio(window) {
            Some(ratio) => write!(
                html,
                "<td class=\"{}{width}\">{}</td>",
                Ratio(ratio).class(),
                Ratio(ratio)
            )?,
            None if window.state == State::Ok => {
                write!(html, "<td class=\"n{width}\">{NONE}</td>")?
            }
            None => write!(
                html,
                "<td class=\"n{width}\"><small>{}</small></td>",
                words(window.state)
            )?,
        }
    }
    write_missing(html, row.rates.missing, window.null_ratio)?;
    match row.unseen().filter(|(rate, _)| rate.raised) {
        Some((rate, what)) => write!(
            html,
            "<td class=\"n w drift\">▲\u{a0}{} <small>{what}</small></td>",
            percent(Some(rate.window))
        )?,
        None => write!(html, "<td class=\"n w\">{NONE}</td>")?,
    }
    let state = if row.has_drifted() {
        "<td class=\"w drift\">▲ drift"
    } else {
        "<td class=\"w\">"
    };
    html.push_str(state);
    if !row.has_drifted() || window.state != State::Ok {
        write!(html, " {}", words(window.state))?;
    }
    let shape = field.shape.map_or(NONE, |shape| shape.as_str());
    write!(html, "</td><td class=\"w\">{shape}</td><td class=\"w\">")?;
    match row.since {
        Some(since) => write_since(html, since, view.model.now)?,
        None => html.push_str(NONE),
    }
    html.push_str("</td></tr>\n");
    if is_told {
        write_told(html, view, row)?;
    }
    Ok(())
}

/// What moved, in words, below the figures.
fn write_told(html: &mut String, view: &View<'_>, row: &Row<'_>) -> fmt::Result {
    let explanation = Explanation::of(view.model, row.field, row.window, row.drift);
    write!(
        html,
        "<tr class=\"s\"><td colspan=\"{}\">{}",
        row.field.windows.len() + OTHER_COLUMNS,
        Escaped(&explanation.summary)
    )?;
    if let Some(since) = row.since {
        html.push_str(" <small class=\"o\">Since ");
        write_since(html, since, view.model.now)?;
        html.push_str(".</small>");
    }
    if let Some(shape) = row.field.shape {
        write!(html, " <small class=\"o\">{}</small>", shape.sentence())?;
    }
    html.push_str("</td></tr>\n");
    Ok(())
}

fn write_since(html: &mut String, since: f64, now: Option<f64>) -> fmt::Result {
    write!(html, "{}", Moment(since))?;
    match now {
        Some(now) => write!(html, ", for {}", Lasting(now - since)),
        None => Ok(()),
    }
}

/// The share of rows without a value, with a sign and what it was where it is raised.
fn write_missing(html: &mut String, rate: Option<Rate>, otherwise: Option<f64>) -> fmt::Result {
    match rate.filter(|rate| rate.raised) {
        Some(rate) => write!(
            html,
            "<td class=\"n drift\">▲\u{a0}{} <small>was {}</small></td>",
            percent(Some(rate.window)),
            percent(Some(rate.reference))
        ),
        None => write!(html, "<td class=\"n\">{}</td>", percent(otherwise)),
    }
}

/// A state as people say it.
pub(super) fn words(state: State) -> String {
    state.as_str().replace('_', " ")
}
