//! Two distributions side by side, as bars of a table.

use std::fmt::{self, Write};

use super::figures::Escaped;
use crate::engine::{Bin, Explanation};

/// Cells that count as those that moved: as many of the first as make up this part of the drift.
const MOST_OF_IT: f64 = 0.8;

/// Writes every cell with its share in the reference and in the window, and what it contributes.
pub(super) fn write(html: &mut String, explanation: &Explanation<'_>) -> fmt::Result {
    let bins = &explanation.bins;
    let (Some(drift), Some(against)) = (explanation.drift, &explanation.reference) else {
        return Ok(());
    };
    let shares = bins
        .iter()
        .flat_map(|bin| [bin.reference_share, bin.window_share]);
    let largest = shares.fold(f64::MIN_POSITIVE, f64::max);
    let moved = moved(explanation, drift);
    write!(
        html,
        "<p><i class=\"r\"></i> {} <i class=\"l\"></i> the last {}; the cells that make up most of \
         the drift are red.</p>\n<div class=\"t\"><table><tr><th>cell</th><th></th>\
         <th class=\"n\">was</th><th class=\"n\">is</th><th class=\"n\">part of drift</th></tr>\n",
        Escaped(against.source),
        Escaped(explanation.window)
    )?;
    for bin in bins {
        let class = if moved.contains(&&*bin.bin) {
            " drift"
        } else {
            ""
        };
        let range = bin.place.as_ref().or(bin.range.as_ref());
        let range = range.unwrap_or(&bin.bin);
        write!(
            html,
            "<tr><td class=\"{}\">{}</td><td class=\"b\">",
            class.trim_start(),
            Escaped(range)
        )?;
        write_bars(html, bin, largest)?;
        let part = if drift > 0.0 {
            bin.contribution / drift
        } else {
            0.0
        };
        writeln!(
            html,
            "</td><td class=\"n\">{:.2}%</td><td class=\"n\">{:.2}%</td>\
             <td class=\"n{class}\">{:.1}%</td></tr>",
            bin.reference_share * 100.0,
            bin.window_share * 100.0,
            part * 100.0
        )?;
    }
    html.push_str("</table></div>\n");
    Ok(())
}

/// The reference above, the window below, on the scale of the largest share.
fn write_bars(html: &mut String, bin: &Bin, largest: f64) -> fmt::Result {
    let width = |share: f64| 100.0 * share / largest;
    write!(
        html,
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"r\" width=\"{:.2}\" height=\"4.5\"/>\
         <rect class=\"l\" y=\"5\" width=\"{:.2}\" height=\"4.5\"/></svg>",
        width(bin.reference_share),
        width(bin.window_share)
    )
}

/// Labels of the fewest cells that make up most of the drift.
fn moved<'e>(explanation: &'e Explanation<'_>, drift: f64) -> Vec<&'e str> {
    if explanation.ratio.is_none_or(|ratio| ratio <= 1.0) {
        return Vec::new();
    }
    let mut sum = 0.0;
    let contribution = |label: &str| {
        let bin = explanation.bins.iter().find(|bin| bin.bin == label);
        bin.map_or(0.0, |bin| bin.contribution)
    };
    let labels = explanation.top.iter().map(String::as_str);
    let moved = labels.take_while(|label| {
        let is_needed = sum < MOST_OF_IT * drift;
        sum += contribution(label);
        is_needed
    });
    moved.collect()
}
