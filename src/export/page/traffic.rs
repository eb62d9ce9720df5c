//! A model's traffic in each window.

use std::fmt::{self, Write};

use super::figures::{NONE, Short, Thousands, millis, percent};
use super::text::Escaped;
use super::verdict::silence;
use crate::engine::ModelSnapshot;

/// Writes it.
pub(super) fn write(html: &mut String, model: &ModelSnapshot, now: Option<f64>) -> fmt::Result {
    write!(
        html,
        "<section><h2>Traffic</h2><p>{} rows in {} calls",
        Thousands(model.predictions),
        Thousands(model.requests)
    )?;
    if let Some(silence) = silence(model, now) {
        write!(html, ", the last {silence} ago")?;
    }
    let errors = model.errors.iter().filter(|(_, calls)| *calls > 0.0);
    for (at, (code, calls)) in errors.enumerate() {
        let before = if at == 0 { "; failed: " } else { ", " };
        write!(html, "{before}{} {code}", Thousands(*calls))?;
    }
    html.push_str("</p>\n");
    if model.windows.is_empty() {
        html.push_str("</section>\n");
        return Ok(());
    }
    html.push_str(
        "<div class=\"t\"><table><thead><tr><th scope=\"col\">window</th>\
         <th scope=\"col\" class=\"n\">rows</th><th scope=\"col\" class=\"n\">rows/s</th>\
         <th scope=\"col\" class=\"n\">errors</th><th scope=\"col\" class=\"n\">p50</th>\
         <th scope=\"col\" class=\"n v\">p90</th><th scope=\"col\" class=\"n\">p99</th></tr></thead><tbody>\n",
    );
    for traffic in &model.windows {
        let [p50, p90, p99] = traffic
            .latency
            .map_or([None; 3], |seconds| seconds.map(Some));
        let throughput = if traffic.rows > 0 {
            Short(traffic.throughput).to_string()
        } else {
            NONE.into()
        };
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{throughput}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n v\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            Escaped(&traffic.window),
            Thousands(traffic.rows as f64),
            percent(traffic.error_ratio),
            millis(p50),
            millis(p90),
            millis(p99)
        )?;
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}
