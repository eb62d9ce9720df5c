//! Two distributions side by side, cell by cell, as bars of a table.

use std::fmt::{self, Write};

use super::text::{Escaped, Name};
use crate::engine::{Bin, Explanation};
use crate::export::explain::Chosen;

/// Cells that count as those that moved: as many of the first as make up this part of the drift.
const MOST_OF_IT: f64 = 0.8;

/// Writes every cell with its share in the reference and in the window, and what it contributes.
pub(super) fn write(
    html: &mut String,
    chosen: &Chosen<'_>,
    explanation: &Explanation<'_>,
) -> fmt::Result {
    html.push_str("<section><h2>Cell by cell</h2>\n");
    let bins = &explanation.bins;
    let (Some(drift), Some(against), Some(reference)) = (
        explanation.drift,
        &explanation.reference,
        &chosen.feature.reference,
    ) else {
        html.push_str("<p>There is nothing to compare.</p></section>\n");
        return Ok(());
    };
    let shares = bins
        .iter()
        .flat_map(|bin| [bin.reference_share, bin.window_share]);
    let largest = shares.fold(f64::MIN_POSITIVE, f64::max);
    let moved = moved(explanation, drift);
    write!(
        html,
        "<p class=\"key\"><i class=\"r\"></i>{} <i class=\"l\"></i>the last {}",
        Name(against.source),
        Escaped(explanation.window)
    )?;
    if !moved.is_empty() {
        html.push_str("; ▲ marks the cells that make up most of the drift");
    }
    html.push_str(
        "</p>\n<div class=\"t\"><table class=\"c\"><thead><tr><th scope=\"col\">cell</th>\
         <th scope=\"col\"><span class=\"hidden\">shares</span></th>\
         <th scope=\"col\" class=\"n\">was</th><th scope=\"col\" class=\"n\">is</th>\
         <th scope=\"col\" class=\"n\">of drift</th></tr></thead><tbody>\n",
    );
    for (cell, bin) in bins.iter().enumerate() {
        let (class, sign) = if moved.contains(&cell) {
            (" drift", "▲\u{a0}")
        } else {
            ("", "")
        };
        write!(
            html,
            "<tr><th scope=\"row\"{}>{}</th><td class=\"bars\">",
            if class.is_empty() {
                ""
            } else {
                " class=\"drift\""
            },
            Name(&reference.place(cell))
        )?;
        write_bars(html, bin, largest, class)?;
        let part = if drift > 0.0 {
            bin.contribution / drift
        } else {
            0.0
        };
        writeln!(
            html,
            "</td><td class=\"n\">{:.2}%</td><td class=\"n\">{:.2}%</td>\
             <td class=\"n{class}\">{sign}{:.1}%</td></tr>",
            bin.reference_share * 100.0,
            bin.window_share * 100.0,
            part * 100.0
        )?;
    }
    html.push_str("</tbody></table></div>");
    if reference.hides_categories() {
        html.push_str(
            "<p>Categories learned from traffic are values of rows and are not named.</p>",
        );
    }
    html.push_str("</section>\n");
    Ok(())
}

/// The reference above, the window below, on the scale of the largest share; the figures stand beside
/// them.
fn write_bars(html: &mut String, bin: &Bin, largest: f64, class: &str) -> fmt::Result {
    let width = |share: f64| 100.0 * share / largest;
    write!(
        html,
        "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"r\" width=\"{:.2}\" height=\"4.5\"/>\
         <rect class=\"l{class}\" y=\"5\" width=\"{:.2}\" height=\"4.5\"/></svg>",
        width(bin.reference_share),
        width(bin.window_share)
    )
}

/// The fewest cells that make up most of the drift.
fn moved(explanation: &Explanation<'_>, drift: f64) -> Vec<usize> {
    if explanation.ratio.is_none_or(|ratio| ratio <= 1.0) {
        return Vec::new();
    }
    let bins = &explanation.bins;
    let mut cells: Vec<usize> = (0..bins.len()).collect();
    cells.sort_by(|&a, &b| bins[b].contribution.total_cmp(&bins[a].contribution));
    let mut sum = 0.0;
    let is_needed = |cell: &usize| {
        let is_needed = sum < MOST_OF_IT * drift;
        sum += bins[*cell].contribution;
        is_needed
    };
    cells.into_iter().take_while(is_needed).collect()
}
