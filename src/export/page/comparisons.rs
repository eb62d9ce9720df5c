//! All comparisons of one field: every window with every reference, each a link to its own page.

use std::fmt::{self, Write};

use super::features::words;
use super::figures::{NONE, Ratio, Short, Thousands};
use super::link::Link;
use super::text::{Escaped, Name};
use crate::engine::{FeatureSnapshot, FeatureWindow};
use crate::export::explain::Chosen;

/// Writes them.
pub(super) fn write(html: &mut String, chosen: &Chosen<'_>) -> fmt::Result {
    let references = references(chosen.feature);
    html.push_str(
        "<section><h2>Windows and references</h2><div class=\"t\"><table><thead><tr>\
         <th scope=\"col\">window</th><th scope=\"col\" class=\"n\">values</th><th scope=\"col\">state</th>",
    );
    for reference in &references {
        write!(
            html,
            "<th scope=\"col\" class=\"n\">{}</th>",
            Name(reference)
        )?;
    }
    html.push_str("</tr></thead><tbody>\n");
    for window in &chosen.feature.windows {
        write!(
            html,
            "<tr><th scope=\"row\"><a href=\"{}\">{}</a></th><td class=\"n\">{}</td><td>{}</td>",
            link(chosen, window, None),
            Escaped(&window.window),
            Thousands(window.values as f64),
            words(window.state)
        )?;
        for reference in &references {
            write_comparison(html, chosen, window, reference)?;
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}

fn write_comparison(
    html: &mut String,
    chosen: &Chosen<'_>,
    window: &FeatureWindow,
    reference: &str,
) -> fmt::Result {
    let mut drifts = window.drift.iter();
    let drift = drifts.find(|drift| *drift.reference == *reference);
    let Some((drift, ratio)) = drift.and_then(|drift| Some((drift, drift.ratio?))) else {
        return write!(html, "<td class=\"n\">{NONE}</td>");
    };
    let is_shown = chosen.drift.is_some_and(|shown| std::ptr::eq(shown, drift));
    let current = if is_shown {
        " aria-current=\"page\""
    } else {
        ""
    };
    let ratio = Ratio(ratio);
    write!(
        html,
        "<td class=\"{}\"><a href=\"{}\"{current}>{ratio}</a><small class=\"b\">{} of {}</small></td>",
        ratio.class(),
        link(chosen, window, Some(reference)),
        Short(drift.psi),
        Short(drift.threshold)
    )
}

fn link(chosen: &Chosen<'_>, window: &FeatureWindow, reference: Option<&str>) -> Link {
    Link::to_feature("feature", chosen.model, chosen.feature)
        .with("window", &window.window)
        .with_some("reference", reference)
}

fn references(feature: &FeatureSnapshot) -> Vec<&str> {
    let mut references = Vec::new();
    for drift in feature.windows.iter().flat_map(|window| &window.drift) {
        if !references.contains(&&*drift.reference) {
            references.push(&*drift.reference);
        }
    }
    references
}
