//! The pages for people: what is watched and what looks worst, and each field in full, in plain HTML
//! that a phone can show.
//!
//! No scripts, nothing loaded from elsewhere; every name is escaped. Columns of class `w` are left out
//! where the screen is narrow.

mod chart;
mod feature;
mod figures;
mod model;

pub(super) use feature::render as render_feature;

use std::fmt::{self, Write};

use super::http::WebOptions;
use super::own::Sidecar;
use crate::engine::Snapshot;
use figures::{Escaped, Thousands};

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto 2rem;max-width:60rem;padding:0 1rem;\
color:#222;background:#fff;overflow-wrap:anywhere}\
h1{font-size:1.4rem;margin:1rem 0 0}h2{font-size:1.2rem;margin:2rem 0 0;padding-top:.75rem;\
border-top:2px solid #888}small{font-weight:400;color:#666}p{margin:.25rem 0 .75rem}\
.t{overflow-x:auto}table{border-collapse:collapse;margin:0 0 1rem;width:100%;overflow-wrap:normal}\
th,td{padding:.2rem .75rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}\
th{font-weight:600;white-space:nowrap}td:first-child{overflow-wrap:anywhere;min-width:6rem}\
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\
.drift{color:#b00020;font-weight:600}.drift a{color:inherit}tr.s td{border:0;padding-top:0}tr.h td{border:0}\
.o{display:block;min-width:5rem;white-space:normal;overflow-wrap:anywhere}\
svg{display:block;width:100%;min-width:5rem;height:1.4rem}.r{fill:#999}.l{fill:#1a66c2}\
td.b{width:40%}i.r,i.l{display:inline-block;width:.8em;height:.8em}i.r{background:#999}\
i.l{background:#1a66c2}\
@media(max-width:36rem){table{font-size:.85rem}th,td{padding-right:.5rem}\
td:first-child{min-width:4rem}td small,th small{display:block}.w{display:none}}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8ab4f8}\
small{color:#aaa}th,td{border-color:#444}.drift{color:#ff8a80}.l{fill:#6ea8fe}i.l{background:#6ea8fe}}";

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
    write_head(html, "driftgauge")?;
    write!(
        html,
        "<h1>driftgauge {}</h1>\n\
         <p><a href=\"{}\">metrics</a> · <a href=\"/api/v1/status\">status</a> · \
         <a href=\"/-/healthy\">healthy</a> · <a href=\"/-/ready\">ready</a></p>\n",
        Escaped(&sidecar.version),
        Escaped(&options.metrics_path)
    )?;
    write_sidecar(html, sidecar)?;
    if snapshot.models.is_empty() {
        html.push_str("<p>No model has been seen yet.</p>\n");
    }
    for model in &snapshot.models {
        model::write(html, model)?;
    }
    html.push_str("</body></html>\n");
    Ok(())
}

fn write_head(html: &mut String, title: &str) -> fmt::Result {
    write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n",
        Escaped(title)
    )
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
        if let Some(calls) = &source.calls {
            writeln!(
                html,
                "<p>{}: {} calls seen, {} decoded, {} shed, {} left out by sampling; \
                 {} tensors unusable</p>",
                Escaped(source.source),
                Thousands(calls.seen as f64),
                Thousands(calls.decoded as f64),
                sum(&calls.shed),
                Thousands(calls.unsampled as f64),
                sum(&calls.unusable)
            )?;
        }
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
