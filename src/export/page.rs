//! The landing page: what is watched and what looks worst, in plain HTML that a phone can show.
//!
//! No scripts, nothing loaded from elsewhere; every name is escaped.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use super::http::WebOptions;
use super::own::Sidecar;
use crate::engine::{FeatureSnapshot, ModelSnapshot, Snapshot};

/// Features that the table of a model lists.
const WORST: usize = 5;

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 1rem;\
color:#222;background:#fff;overflow-wrap:anywhere}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.5rem 0 .25rem}\
table{border-collapse:collapse;margin:.5rem 0}th,td{padding:.15rem .75rem .15rem 0;text-align:left;\
vertical-align:top;border-bottom:1px solid #ddd}td.n{text-align:right;font-variant-numeric:tabular-nums}\
.drift{color:#b00020;font-weight:600}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8ab4f8}\
th,td{border-color:#444}.drift{color:#ff8a80}}";

/// The page.
pub(super) fn render(snapshot: &Snapshot, sidecar: &Sidecar, options: &WebOptions) -> String {
    let mut html = String::with_capacity(8 * 1024);
    // Writing to a string cannot fail.
    let _ = write_page(&mut html, snapshot, sidecar, options);
    html
}

fn write_page(
    html: &mut String,
    snapshot: &Snapshot,
    sidecar: &Sidecar,
    options: &WebOptions,
) -> fmt::Result {
    write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>driftgauge</title><style>{STYLE}</style></head><body>\n\
         <h1>driftgauge {}</h1>\n",
        Escaped(&sidecar.version)
    )?;
    writeln!(
        html,
        "<p><a href=\"{}\">metrics</a> · <a href=\"/api/v1/status\">status</a> · \
         <a href=\"/-/healthy\">healthy</a> · <a href=\"/-/ready\">ready</a></p>",
        Escaped(&options.metrics_path)
    )?;
    if snapshot.models.is_empty() {
        html.push_str("<p>No model has been seen yet.</p>\n");
    }
    for model in &snapshot.models {
        write_model(html, model)?;
    }
    html.push_str("</body></html>\n");
    Ok(())
}

fn write_model(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    let (name, version) = (Escaped(&model.model), Escaped(&model.version));
    writeln!(html, "<h2>{name} <small>version {version}</small></h2>")?;
    write!(html, "<p>{} rows", Thousands(model.predictions))?;
    if let Some(learning) = model.learning {
        let (rows, wanted) = (learning.rows as f64, learning.wanted as f64);
        let (rows, wanted) = (Thousands(rows), Thousands(wanted));
        write!(html, "; learning a reference, {rows} of {wanted} rows")?;
    }
    for reference in &model.references {
        let profile = Escaped(&reference.profile);
        write!(html, "; reference {profile} ({})", reference.source)?;
    }
    html.push_str("</p>\n");
    write_windows(html, model)?;
    write_worst(html, model)
}

/// Rows of each window, and how many features are in which state.
fn write_windows(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    if model.windows.is_empty() {
        return Ok(());
    }
    html.push_str("<table><tr><th>window</th><th>rows</th><th>features</th></tr>\n");
    for traffic in &model.windows {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        let windows = model.features.iter().flat_map(|feature| &feature.windows);
        for window in windows.filter(|window| window.window == traffic.window) {
            *states.entry(window.state.as_str()).or_default() += 1;
        }
        let states: Vec<String> = states.iter().map(|(s, n)| format!("{n} {s}")).collect();
        writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            Escaped(&traffic.window),
            Thousands(traffic.rows as f64),
            states.join(", ")
        )?;
    }
    html.push_str("</table>\n");
    Ok(())
}

/// The features with the largest drift ratio.
fn write_worst(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    let mut worst: Vec<(f64, &str, &FeatureSnapshot)> =
        model.features.iter().filter_map(worst_window).collect();
    if worst.is_empty() {
        return Ok(());
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    html.push_str(
        "<table><tr><th>most drifted</th><th>role</th><th>window</th><th>drift ratio</th></tr>\n",
    );
    for (ratio, window, feature) in worst.into_iter().take(WORST) {
        let class = if ratio > 1.0 { "n drift" } else { "n" };
        writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{class}\">{ratio:.2}</td></tr>",
            Escaped(&feature.name),
            feature.role.as_str(),
            Escaped(window)
        )?;
    }
    html.push_str("</table>\n");
    Ok(())
}

/// Largest drift ratio of a feature, and its window.
fn worst_window(feature: &FeatureSnapshot) -> Option<(f64, &str, &FeatureSnapshot)> {
    let windows = feature.windows.iter();
    windows
        .flat_map(|w| w.drift.iter().filter_map(|d| Some((d.ratio?, &*w.window))))
        .filter(|(ratio, _)| ratio.is_finite())
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(ratio, window)| (ratio, window, feature))
}

/// Text that cannot become markup, within elements and quoted attributes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A whole number in groups of three, apart by thin no-break spaces.
struct Thousands(f64);

impl Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:.0}", self.0);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                f.write_char('\u{202f}')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        let escaped = Escaped("<a href='x' onclick=\"y\">&").to_string();
        assert_eq!(
            escaped,
            "&lt;a href=&#39;x&#39; onclick=&quot;y&quot;&gt;&amp;"
        );
    }

    #[test]
    fn thousands_are_apart() {
        let shown = [0.0, 999.0, 1000.0, 1234567.0].map(|n| Thousands(n).to_string());
        assert_eq!(
            shown,
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
    }
}
