//! Quantiles of both sides, as a table and as two boxes on one scale.

use std::fmt::{self, Write};

use super::figures::NONE;
use crate::engine::{Explanation, Quantile, number_for_people};

/// Width of the picture in its own units.
const WIDTH: f64 = 1_000.0;

/// Writes them, or nothing where there are none.
pub(super) fn write(html: &mut String, explanation: &Explanation<'_>) -> fmt::Result {
    let quantiles = &explanation.quantiles;
    if quantiles.is_empty() {
        return Ok(());
    }
    html.push_str("<section><h2>Quantiles</h2><p>interpolated within cells</p>\n");
    write_boxes(html, quantiles)?;
    html.push_str("<div class=\"t\"><table><thead><tr><th scope=\"col\">side</th>");
    for quantile in quantiles {
        let percent = quantile.share * 100.0;
        write!(html, "<th scope=\"col\" class=\"n\">p{percent:.0}</th>")?;
    }
    html.push_str("</tr></thead><tbody>\n");
    for (side, of) in sides() {
        write!(html, "<tr><th scope=\"row\">{side}</th>")?;
        for quantile in quantiles {
            let shown = of(quantile).map_or_else(|| NONE.into(), number_for_people);
            write!(html, "<td class=\"n\">{shown}</td>")?;
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}

fn sides() -> [(&'static str, fn(&Quantile) -> Option<f64>); 2] {
    [("was", |q| q.values.reference), ("is", |q| q.values.window)]
}

/// A box from p25 to p75 with the median in it, on a line from p5 to p95; the table says the same.
fn write_boxes(html: &mut String, quantiles: &[Quantile]) -> fmt::Result {
    let at = |share: f64, of: fn(&Quantile) -> Option<f64>| {
        quantiles.iter().find(|q| q.share == share).and_then(of)
    };
    let five = |of| {
        let [a, b, c, d, e] = [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| at(share, of));
        Some([a?, b?, c?, d?, e?])
    };
    let [(_, was), (_, is)] = sides();
    let (Some(was), Some(is)) = (five(was), five(is)) else {
        return Ok(());
    };
    let low = was[0].min(is[0]);
    let span = was[4].max(is[4]) - low;
    if !(span.is_finite() && span > 0.0) {
        return Ok(());
    }
    html.push_str(
        "<svg class=\"q\" viewBox=\"0 0 1000 44\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
    );
    for (class, top, five) in [("r", 0, was), ("l", 24, is)] {
        let [p5, p25, p50, p75, p95] = five.map(|value| WIDTH * (value - low) / span);
        let (middle, end) = (top + 10, top + 20);
        write!(
            html,
            "<path class=\"{class} line\" d=\"M{p5:.1} {middle}H{p95:.1}\"/>\
             <path class=\"{class}\" d=\"M{p25:.1} {top}H{p75:.1}V{end}H{p25:.1}z\"/>\
             <path class=\"median\" d=\"M{p50:.1} {top}V{end}\"/>"
        )?;
    }
    html.push_str("</svg>\n");
    Ok(())
}
