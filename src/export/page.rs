//! The landing page: what is watched and what looks worst, in plain HTML that a phone can show.
//!
//! No scripts, nothing loaded from elsewhere; every name is escaped. Columns of class `w` are left out
//! where the screen is narrow.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use super::http::WebOptions;
use super::own::Sidecar;
use crate::engine::{FeatureSnapshot, FeatureWindow, ModelSnapshot, Snapshot};

/// Features that the table of a model lists.
const WORST: usize = 10;

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto 2rem;max-width:60rem;padding:0 1rem;\
color:#222;background:#fff;overflow-wrap:anywhere}\
h1{font-size:1.4rem;margin:1rem 0 0}h2{font-size:1.2rem;margin:2rem 0 0;padding-top:.75rem;\
border-top:2px solid #888}small{font-weight:400;color:#666}p{margin:.25rem 0 .75rem}\
.t{overflow-x:auto}table{border-collapse:collapse;margin:0 0 1rem;width:100%;overflow-wrap:normal}\
th,td{padding:.2rem .75rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}\
th{font-weight:600;white-space:nowrap}td:first-child{overflow-wrap:anywhere;min-width:6rem}\
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\
.drift{color:#b00020;font-weight:600}\
@media(max-width:36rem){table{font-size:.85rem}th,td{padding-right:.5rem}\
td:first-child{min-width:4rem}td small,th small{display:block}.w{display:none}}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8ab4f8}\
small{color:#aaa}th,td{border-color:#444}.drift{color:#ff8a80}}";

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
    write_sidecar(html, sidecar)?;
    if snapshot.models.is_empty() {
        html.push_str("<p>No model has been seen yet.</p>\n");
    }
    for model in &snapshot.models {
        write_model(html, model)?;
    }
    html.push_str("</body></html>\n");
    Ok(())
}

/// What came in, and what is wrong with the sidecar itself.
fn write_sidecar(html: &mut String, sidecar: &Sidecar) -> fmt::Result {
    for source in &sidecar.sources {
        let sum = |reasons: &[(&str, u64)]| {
            let sum = reasons.iter().map(|(_, count)| count).sum::<u64>();
            Thousands(sum as f64).to_string()
        };
        writeln!(
            html,
            "<p>{}: {} rows received, {} accepted, {} duplicate, {} shed, {} rejected; \
             {} calls undecodable</p>",
            Escaped(source.source),
            Thousands(source.received as f64),
            Thousands(source.accepted as f64),
            Thousands(source.duplicate as f64),
            sum(&source.shed),
            sum(&source.rejected),
            sum(&source.undecodable)
        )?;
    }
    if !sidecar.config_last_reload_successful {
        html.push_str(
            "<p class=\"drift\">The settings cannot be used, and others are in force: see the \
             log.</p>\n",
        );
    }
    let dropped = sidecar.dropped_series;
    let dropped = dropped.fleet + dropped.detail + dropped.features;
    if dropped > 0 {
        let (dropped, limit) = (dropped as f64, sidecar.series_limit as f64);
        let (dropped, limit) = (Thousands(dropped), Thousands(limit));
        writeln!(
            html,
            "<p>{dropped} series are left out to keep to {limit} (web.max_series).</p>"
        )?;
    }
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

/// Traffic of each window, and how many features are in which state.
fn write_windows(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    if model.windows.is_empty() {
        return Ok(());
    }
    html.push_str(
        "<div class=\"t\"><table><tr><th>window</th><th class=\"n\">rows</th>\
         <th class=\"n w\">a second</th><th class=\"n\">errors</th>\
         <th class=\"n w\">p50</th><th class=\"n\">p99</th><th>fields</th></tr>\n",
    );
    for traffic in &model.windows {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        let windows = model.features.iter().flat_map(|feature| &feature.windows);
        for window in windows.filter(|window| window.window == traffic.window) {
            *states.entry(window.state.as_str()).or_default() += 1;
        }
        let states: Vec<String> = states.iter().map(|(s, n)| format!("{n} {s}")).collect();
        let [p50, _, p99] = traffic
            .latency
            .map_or([None; 3], |seconds| seconds.map(Some));
        writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n w\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n w\">{}</td><td class=\"n\">{}</td>\
             <td>{}</td></tr>",
            Escaped(&traffic.window),
            Thousands(traffic.rows as f64),
            Short(traffic.throughput),
            percent(traffic.error_ratio),
            millis(p50),
            millis(p99),
            states.join(", ")
        )?;
    }
    html.push_str("</table></div>\n");
    Ok(())
}

/// The features with the largest drift ratio: in each window, and how much is missing in the longest
/// one.
fn write_worst(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    let features = model.features.iter();
    let mut worst: Vec<(f64, &FeatureSnapshot)> = features
        .filter_map(|feature| Some((largest_ratio(feature)?, feature)))
        .collect();
    if worst.is_empty() {
        return Ok(());
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    html.push_str(
        "<div class=\"t\"><table><tr><th>drift ratio <small>above 1 is drift</small></th>",
    );
    for traffic in &model.windows {
        write!(html, "<th class=\"n\">{}</th>", Escaped(&traffic.window))?;
    }
    html.push_str("<th class=\"n\">missing</th></tr>\n");
    for (_, feature) in worst.into_iter().take(WORST) {
        write!(
            html,
            "<tr><td>{} <small>{}</small></td>",
            Escaped(&feature.name),
            feature.role.as_str()
        )?;
        for window in &feature.windows {
            match ratio(window) {
                Some(ratio) if ratio > 1.0 => {
                    write!(html, "<td class=\"n drift\">{ratio:.2}</td>")?;
                }
                Some(ratio) => write!(html, "<td class=\"n\">{ratio:.2}</td>")?,
                None => html.push_str("<td class=\"n\">–</td>"),
            }
        }
        let missing = feature.windows.last().and_then(|window| window.null_ratio);
        writeln!(html, "<td class=\"n\">{}</td></tr>", percent(missing))?;
    }
    html.push_str("</table></div>\n");
    Ok(())
}

/// Largest drift ratio of a window, over its references.
fn ratio(window: &FeatureWindow) -> Option<f64> {
    let ratios = window.drift.iter().filter_map(|drift| drift.ratio);
    ratios
        .filter(|ratio| ratio.is_finite())
        .max_by(f64::total_cmp)
}

/// Largest drift ratio of a feature, over its windows.
fn largest_ratio(feature: &FeatureSnapshot) -> Option<f64> {
    feature
        .windows
        .iter()
        .filter_map(ratio)
        .max_by(f64::total_cmp)
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".into(), |ratio| format!("{:.1}%", ratio * 100.0))
}

fn millis(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".into(), |s| format!("{} ms", Short(s * 1e3)))
}

/// A number of about three digits.
struct Short(f64);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 100.0 => Thousands(n).fmt(f),
            n if n >= 10.0 => write!(f, "{n:.1}"),
            n if n >= 0.01 || n == 0.0 => write!(f, "{n:.2}"),
            n => write!(f, "{n:.4}"),
        }
    }
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
    fn small_numbers_keep_digits_that_tell() {
        let shown = [0.0, 0.0053, 0.5, 12.34, 1234.5].map(|n| Short(n).to_string());
        assert_eq!(shown, ["0.00", "0.0053", "0.50", "12.3", "1\u{202f}234"]);
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
