//! Drift of a model as a whole: how many fields, and each way to see it, by window and reference.

use std::fmt::{self, Write};

use super::figures::{NONE, Ratio, percent};
use super::text::{Escaped, Name};
use crate::engine::{ModelDrift, ModelSnapshot, TrafficWindow};

/// Writes it, or nothing where nothing can be judged.
pub(super) fn write(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    if model.drift.is_empty() && model.outliers.is_empty() {
        return Ok(());
    }
    html.push_str(
        "<section><h2>The model as a whole</h2><p>ratio to the threshold; ▲ above 1 is drift</p>\n\
         <div class=\"t\"><table class=\"x\"><thead><tr><th scope=\"col\">what</th>",
    );
    for traffic in &model.windows {
        let window = Escaped(&traffic.window);
        write!(html, "<th scope=\"col\" class=\"n\">{window}</th>")?;
    }
    html.push_str("</tr></thead><tbody>\n");
    if !model.outliers.is_empty() {
        write_outliers(html, model)?;
    }
    let references = distinct(model.drift.iter().map(|drift| &*drift.reference));
    let are_several = references.len() > 1;
    for reference in references {
        if are_several {
            writeln!(
                html,
                "<tr class=\"g\"><th scope=\"rowgroup\" colspan=\"{}\">against {}</th></tr>",
                model.windows.len() + 1,
                Name(reference)
            )?;
        }
        write_counts(html, model, reference)?;
        let of_reference = || model.drift.iter().filter(|d| *d.reference == *reference);
        for kind in distinct(of_reference().map(|drift| drift.kind)) {
            let name = match kind {
                "worst_feature" => "worst field",
                "mmd" => "all together (mmd)",
                "embedding" => "vectors",
                kind => kind,
            };
            write_line(html, model, name, |html, traffic| {
                let mut found = of_reference().filter(|drift| drift.kind == kind);
                match found.find(|drift| drift.window == traffic.window) {
                    Some(drift) => write_drift(html, drift),
                    None => write_nothing(html),
                }
            })?;
        }
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}

/// A line with a cell for each window.
fn write_line(
    html: &mut String,
    model: &ModelSnapshot,
    name: &str,
    write_cell: impl Fn(&mut String, &TrafficWindow) -> fmt::Result,
) -> fmt::Result {
    write!(html, "<tr><th scope=\"row\">{name}</th>")?;
    for traffic in &model.windows {
        write_cell(html, traffic)?;
    }
    html.push_str("</tr>\n");
    Ok(())
}

/// How many fields have drifted.
fn write_counts(html: &mut String, model: &ModelSnapshot, reference: &str) -> fmt::Result {
    write_line(html, model, "drifted fields", |html, traffic| {
        let mut counts = model.drifted_fields.iter();
        let of =
            counts.find(|count| count.window == traffic.window && *count.reference == *reference);
        let Some(count) = of else {
            return write_nothing(html);
        };
        let (class, sign) = match count.drifted {
            0 => ("n", ""),
            _ => ("n drift", "▲\u{a0}"),
        };
        let (drifted, judged) = (count.drifted, count.judged);
        write!(
            html,
            "<td class=\"{class}\">{sign}{drifted} of {judged}</td>"
        )
    })
}

fn write_drift(html: &mut String, drift: &ModelDrift) -> fmt::Result {
    let ratio = Ratio(drift.ratio);
    let names = drift.fields.iter().map(|field| Name(field).to_string());
    let names = names.collect::<Vec<_>>().join(" × ");
    let class = ratio.class();
    write!(
        html,
        "<td class=\"{class}\"><small>{names}</small> {ratio}</td>"
    )
}

/// Share of the rows that are unusual as a whole.
fn write_outliers(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    write_line(html, model, "unusual rows", |html, traffic| {
        let mut outliers = model.outliers.iter();
        let Some(of) = outliers.find(|of| of.window == traffic.window) else {
            return write_nothing(html);
        };
        let (class, sign) = if of.is_raised {
            ("n drift", "▲\u{a0}")
        } else {
            ("n", "")
        };
        write!(
            html,
            "<td class=\"{class}\"><small>was {}</small> {sign}{}</td>",
            percent(Some(of.reference_ratio)),
            percent(Some(of.ratio))
        )
    })
}

fn write_nothing(html: &mut String) -> fmt::Result {
    write!(html, "<td class=\"n\">{NONE}</td>")
}

/// Each once, in the order in which they are met.
fn distinct<'s>(all: impl Iterator<Item = &'s str>) -> Vec<&'s str> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}
