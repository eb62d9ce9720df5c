//! The page of one field: what moved from where to where, since when, against which reference.

use std::fmt::{self, Write};

use super::figures::{Lasting, Moment, Short, Thousands};
use super::link::Link;
use super::shell::{Page, Shell};
use super::text::{Escaped, Name};
use super::{bins, both_sides, comparisons, distribution};
use crate::engine::{Explanation, number_for_people};
use crate::export::explain::Chosen;

/// The page.
pub(in crate::export) fn render(shell: &Shell<'_>, chosen: &Chosen<'_>) -> String {
    let explanation = chosen.explanation();
    shell.page(explanation.feature, Page::Feature, |html| {
        write_title(html, chosen, &explanation)?;
        write_summary(html, chosen, &explanation)?;
        html.push_str("<div class=\"panels\">\n<div>\n");
        bins::write(html, chosen, &explanation)?;
        html.push_str("</div>\n<div>\n");
        comparisons::write(html, chosen)?;
        both_sides::write(html, &explanation)?;
        write_new_categories(html, &explanation)?;
        html.push_str("</div>\n</div>\n");
        let against = explanation.reference.as_ref().map(|of| of.source);
        let link = Link::to_feature("api/v1/explain", chosen.model, chosen.feature)
            .with("window", &chosen.window.window)
            .with_some("reference", against);
        writeln!(html, "<p><a href=\"{link}\">This as JSON</a></p>")
    })
}

fn write_title(
    html: &mut String,
    chosen: &Chosen<'_>,
    explanation: &Explanation<'_>,
) -> fmt::Result {
    write!(
        html,
        "<p class=\"way\"><a href=\"./\">Models</a> › <a href=\"{}\">{} <small>version {}</small></a></p>\n\
         <h1>{} <small>{}",
        Link::to_model(chosen.model),
        Name(explanation.model),
        Name(explanation.version),
        Name(explanation.feature),
        explanation.role
    )?;
    if let Some(kind) = explanation.kind {
        write!(html, ", {}", kind.replace('_', " "))?;
    }
    if let Some(importance) = chosen.feature.importance {
        write!(html, ", importance {}", number_for_people(importance))?;
    }
    html.push_str("</small></h1>\n");
    Ok(())
}

fn write_summary(
    html: &mut String,
    chosen: &Chosen<'_>,
    explanation: &Explanation<'_>,
) -> fmt::Result {
    let (sign, class) = match explanation.ratio {
        Some(ratio) if ratio > 1.0 => ("▲", "changed"),
        Some(_) => ("✓", "fine"),
        None => ("◌", "unknown"),
    };
    write!(
        html,
        "<section class=\"verdict {class}\" aria-label=\"Verdict\"><p><b>{sign} {}</b></p>\n<p>In {}",
        Escaped(&explanation.summary),
        Escaped(explanation.window)
    )?;
    if let Some(against) = &explanation.reference {
        write!(html, " against {}", Name(against.source))?;
    }
    if let (Some(drift), Some(threshold)) = (explanation.drift, explanation.threshold) {
        let (drift, threshold) = (Short(drift), Short(threshold));
        write!(html, ": drift {drift} of {threshold} (PSI)")?;
    }
    html.push('.');
    if let Some(since) = explanation.since {
        write!(html, " Since {}", Moment(since))?;
        if let Some(now) = chosen.model.now {
            write!(html, ", for {}", Lasting(now - since))?;
        }
        html.push('.');
    }
    if let Some(shape) = chosen.feature.shape {
        write!(html, " {}", shape.sentence())?;
    }
    html.push_str("</p></section>\n");
    let (Some(reference), cells @ 2..) = (&chosen.feature.reference, explanation.bins.len()) else {
        return Ok(());
    };
    html.push_str("<div class=\"large\">");
    distribution::write(html, chosen.feature, chosen.window, chosen.drift)?;
    writeln!(
        html,
        "<p class=\"ends key\"><span>{}</span><span>heights are roots of shares</span><span>{}</span></p></div>",
        Name(&reference.place(0)),
        Name(&reference.place(cells - 1))
    )
}

fn write_new_categories(html: &mut String, explanation: &Explanation<'_>) -> fmt::Result {
    if explanation.new_categories.is_empty() {
        return Ok(());
    }
    html.push_str(
        "<section><h2>New categories</h2><div class=\"t\"><table><thead><tr>\
         <th scope=\"col\">category</th><th scope=\"col\" class=\"n\">rows</th></tr></thead><tbody>\n",
    );
    for named in &explanation.new_categories {
        let (least, most) = (named.at_least as f64, named.at_most as f64);
        write!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}",
            Name(named.name),
            Thousands(least)
        )?;
        if most > least {
            write!(html, " to {}", Thousands(most))?;
        }
        html.push_str("</td></tr>\n");
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}
