//! Figures of both sides of a comparison: moments, quantiles, rates, distances.

use std::fmt::{self, Write};

use super::boxes;
use super::figures::{NONE, Short, Thousands, percent};
use crate::engine::{Explanation, Quantile, Rate, Sides, number_for_people};
use crate::profile::Moments;

/// Writes them.
pub(super) fn write(html: &mut String, explanation: &Explanation<'_>) -> fmt::Result {
    html.push_str("<section><h2>Both sides</h2>\n");
    boxes::write(html, &explanation.quantiles)?;
    html.push_str(
        "<div class=\"t\"><table><thead><tr><th scope=\"col\">figure</th>\
         <th scope=\"col\" class=\"n\">was</th><th scope=\"col\" class=\"n\">is</th></tr></thead><tbody>\n",
    );
    let rows = Sides {
        reference: explanation.reference.as_ref().map(|of| of.rows as f64),
        window: Some(explanation.rows as f64),
    };
    write_line(html, "values", rows, |rows| Thousands(rows).to_string())?;
    let moments = &explanation.moments;
    let moment = |of: fn(Moments) -> f64| Sides {
        reference: moments.reference.map(of),
        window: moments.window.map(of),
    };
    if moments.reference.is_some() || moments.window.is_some() {
        write_line(html, "mean", moment(|m| m.mean), number_for_people)?;
        write_line(
            html,
            "standard deviation",
            moment(|m| m.stddev),
            number_for_people,
        )?;
        write_line(html, "smallest", moment(|m| m.min), number_for_people)?;
        for Quantile { share, values } in &explanation.quantiles {
            let name = format!("p{:.0}", share * 100.0);
            write_line(html, &name, *values, number_for_people)?;
        }
        write_line(html, "largest", moment(|m| m.max), number_for_people)?;
    }
    let rates = &explanation.rates;
    for (name, rate) in [
        ("no usable value", rates.missing),
        ("out of range", rates.out_of_range),
        ("new categories", rates.new_category),
    ] {
        if let Some(rate) = rate {
            write_rate(html, name, rate)?;
        }
    }
    for (name, distance) in &explanation.distances {
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"n\"></td><td class=\"n\">{}</td></tr>",
            name.replace('_', " "),
            Short(*distance)
        )?;
    }
    html.push_str("</tbody></table></div>");
    if !explanation.quantiles.is_empty() {
        html.push_str("<p class=\"key\">p1 to p99 are interpolated within cells.</p>");
    }
    html.push_str("</section>\n");
    Ok(())
}

fn write_line(
    html: &mut String,
    name: &str,
    sides: Sides<Option<f64>>,
    shown: fn(f64) -> String,
) -> fmt::Result {
    let [was, is] = [sides.reference, sides.window].map(|side| side.map(shown));
    writeln!(
        html,
        "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
        was.as_deref().unwrap_or(NONE),
        is.as_deref().unwrap_or(NONE)
    )
}

fn write_rate(html: &mut String, name: &str, rate: Rate) -> fmt::Result {
    let (class, sign) = if rate.raised {
        ("n drift", "▲\u{a0}")
    } else {
        ("n", "")
    };
    writeln!(
        html,
        "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td><td class=\"{class}\">{sign}{}</td></tr>",
        percent(Some(rate.reference)),
        percent(Some(rate.window))
    )
}
