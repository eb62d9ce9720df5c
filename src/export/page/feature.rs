//! The page of one field: what moved from where to where, since when, against which reference.

use std::fmt::{self, Write};

use super::figures::{Address, Escaped, Short, Thousands};
use super::model::{class_of, write_history};
use super::{chart, write_head};
use crate::engine::{Explanation, FeatureSnapshot, Rate, number_for_people};
use crate::export::explain::Chosen;
use crate::export::url::encode;

/// The page.
pub(in crate::export) fn render(chosen: &Chosen<'_>) -> String {
    let mut html = String::with_capacity(16 * 1024);
    // Writing to a string cannot fail.
    let _ = write_page(&mut html, chosen);
    html
}

fn write_page(html: &mut String, chosen: &Chosen<'_>) -> fmt::Result {
    let explanation = chosen.explanation();
    let Explanation {
        model,
        version,
        feature,
        role,
        ..
    } = explanation;
    write_head(html, feature)?;
    write!(
        html,
        "<p><a href=\"/\">driftgauge</a> · {} <small>version {}</small></p>\n\
         <h1>{} <small>{role}{}</small></h1>\n<p>{}",
        Escaped(model),
        Escaped(version),
        Escaped(feature),
        explanation
            .kind
            .map(|kind| format!(", {}", kind.replace('_', " ")))
            .unwrap_or_default(),
        Escaped(&explanation.summary)
    )?;
    write_history(
        html,
        chosen.feature.shape,
        explanation.since,
        chosen.model.now,
    )?;
    html.push_str("</p>\n");
    write_comparisons(html, chosen)?;
    write_figures(html, &explanation)?;
    write_new_categories(html, &explanation)?;
    chart::write(html, &explanation)?;
    writeln!(
        html,
        "<p><a href=\"{}\">as JSON</a></p>\n</body></html>",
        address(
            chosen,
            "/api/v1/explain",
            &chosen.window.window,
            explanation.reference.map(|r| r.source)
        )
    )
}

/// Ratio of every window to every reference, each a link to its own page.
fn write_comparisons(html: &mut String, chosen: &Chosen<'_>) -> fmt::Result {
    let references = references(chosen.feature);
    html.push_str(
        "<div class=\"t\"><table><tr><th>window</th><th class=\"n\">values</th><th>state</th>",
    );
    for reference in &references {
        write!(html, "<th class=\"n\">{}</th>", Escaped(reference))?;
    }
    html.push_str("</tr>\n");
    for window in &chosen.feature.windows {
        let shown = std::ptr::eq(window, chosen.window);
        write!(
            html,
            "<tr><td><a href=\"{}\">{}</a>{}</td><td class=\"n\">{}</td><td>{}</td>",
            address(chosen, "/feature", &window.window, None),
            Escaped(&window.window),
            if shown { " <small>shown</small>" } else { "" },
            Thousands(window.values as f64),
            window.state.as_str().replace('_', " ")
        )?;
        for reference in &references {
            let drift = window
                .drift
                .iter()
                .find(|drift| *drift.reference == **reference);
            let Some((drift, ratio)) = drift.and_then(|drift| Some((drift, drift.ratio?))) else {
                html.push_str("<td class=\"n\">–</td>");
                continue;
            };
            write!(
                html,
                "<td class=\"{}\"><a href=\"{}\">{ratio:.2}</a> <small>{:.4} of {:.4}</small></td>",
                class_of(ratio),
                address(chosen, "/feature", &window.window, Some(reference)),
                drift.psi,
                drift.threshold
            )?;
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    Ok(())
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

/// Moments and rates of both sides.
fn write_figures(html: &mut String, explanation: &Explanation<'_>) -> fmt::Result {
    html.push_str(
        "<div class=\"t\"><table><tr><th></th><th class=\"n\">was</th><th class=\"n\">is</th></tr>\n",
    );
    let (was, is) = (explanation.moments.reference, explanation.moments.window);
    for (name, figure) in [
        ("mean", (|m| m.mean) as fn(crate::profile::Moments) -> f64),
        ("standard deviation", |m| m.stddev),
        ("smallest", |m| m.min),
        ("largest", |m| m.max),
    ] {
        if is.is_some() || was.is_some() {
            let shown =
                |side: Option<_>| side.map_or_else(|| "–".into(), |m| number_for_people(figure(m)));
            let (was, is) = (shown(was), shown(is));
            writeln!(
                html,
                "<tr><td>{name}</td><td class=\"n\">{was}</td><td class=\"n\">{is}</td></tr>"
            )?;
        }
    }
    let rates = &explanation.rates;
    for (name, rate) in [
        ("no usable value", rates.missing),
        ("outside the range", rates.out_of_range),
        ("new categories", rates.new_category),
    ] {
        let Some(Rate {
            reference,
            window,
            raised,
        }) = rate
        else {
            continue;
        };
        writeln!(
            html,
            "<tr><td>{name}</td><td class=\"n\">{:.2}%</td><td class=\"n{}\">{:.2}%</td></tr>",
            reference * 100.0,
            if raised { " drift" } else { "" },
            window * 100.0
        )?;
    }
    for (name, distance) in &explanation.distances {
        let distance = Short(*distance);
        writeln!(
            html,
            "<tr><td>{name}</td><td class=\"n\"></td><td class=\"n\">{distance}</td></tr>"
        )?;
    }
    html.push_str("</table></div>\n");
    Ok(())
}

fn write_new_categories(html: &mut String, explanation: &Explanation<'_>) -> fmt::Result {
    if explanation.new_categories.is_empty() {
        return Ok(());
    }
    html.push_str(
        "<div class=\"t\"><table><tr><th>new category</th><th class=\"n\">rows</th></tr>\n",
    );
    for named in &explanation.new_categories {
        let (least, most) = (named.at_least as f64, named.at_most as f64);
        write!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}",
            Escaped(named.name),
            Thousands(least)
        )?;
        if most > least {
            write!(html, " to {}", Thousands(most))?;
        }
        html.push_str("</td></tr>\n");
    }
    html.push_str("</table></div>\n");
    Ok(())
}

/// Address of the same field, of a window and a reference.
fn address(chosen: &Chosen<'_>, path: &str, window: &str, reference: Option<&str>) -> String {
    let field = Address(chosen.model, chosen.feature);
    let field = field.to_string().replacen("/feature", path, 1);
    let mut address = format!("{field}&amp;window={}", encode(window));
    if let Some(reference) = reference {
        // Writing to a string cannot fail.
        let _ = write!(address, "&amp;reference={}", encode(reference));
    }
    address
}
