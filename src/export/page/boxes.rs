//! Two boxes on one scale, the reference above the window: each from p25 to p75 with the median in it,
//! on a line from p5 to p95.

use std::fmt::{self, Write};

use crate::engine::Quantile;

/// Width of the picture in its own units.
const WIDTH: f64 = 1_000.0;
/// Ends of the line, ends of the box, and the median.
const SHARES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Writes them, or nothing where a quantile is not known; the table beside them says the same.
pub(super) fn write(html: &mut String, quantiles: &[Quantile]) -> fmt::Result {
    let five = |of: fn(&Quantile) -> Option<f64>| -> Option<Vec<f64>> {
        let of_share = |share| quantiles.iter().find(|q| q.share == share).and_then(of);
        SHARES.into_iter().map(of_share).collect()
    };
    let (Some(was), Some(is)) = (five(|q| q.values.reference), five(|q| q.values.window)) else {
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
        let at = |place: usize| WIDTH * (five[place] - low) / span;
        let [p5, p25, p50, p75, p95] = [0, 1, 2, 3, 4].map(at);
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
