//! The page of the sidecar itself: whether its figures can be believed, what came in and what was left
//! out, and why.

use std::fmt::{self, Write};

use super::figures::{Bytes, Lasting, Moment, NONE, Short, Thousands};
use super::shell::{Page, Shell};
use super::text::Escaped;
use super::trouble::{WARNING, troubles};
use super::{references, source_counts};
use crate::engine::Snapshot;
use crate::export::{Process, Sidecar};

/// The page; `series` are the samples on the page of metrics, if that could be made.
pub(in crate::export) fn render(
    shell: &Shell<'_>,
    snapshot: &Snapshot,
    process: &Process,
    series: Option<usize>,
) -> String {
    shell.page("Sidecar", Page::Sidecar, |html| {
        html.push_str("<h1>Sidecar</h1>\n");
        write_verdict(html, shell.sidecar)?;
        html.push_str("<div class=\"panels\">\n");
        html.push_str("<div>\n");
        source_counts::write(html, shell.sidecar)?;
        references::write(html, &snapshot.models, shell.sidecar.now)?;
        html.push_str("</div>\n");
        write_state(html, shell.sidecar, process, series)?;
        html.push_str("</div>\n");
        Ok(())
    })
}

fn write_verdict(html: &mut String, sidecar: &Sidecar) -> fmt::Result {
    let troubles = troubles(sidecar);
    if troubles.is_empty() {
        html.push_str(
            "<section class=\"verdict fine\"><p><b>✓ It is well: everything that came in was \
             looked at.</b></p></section>\n",
        );
        return Ok(());
    }
    write!(
        html,
        "<section class=\"verdict unknown\"><p><b>{WARNING} Its figures may not be the whole \
         truth:</b></p><ul>"
    )?;
    for trouble in &troubles {
        write!(html, "<li>{trouble}</li>")?;
    }
    html.push_str("</ul></section>\n");
    Ok(())
}

fn write_state(
    html: &mut String,
    sidecar: &Sidecar,
    process: &Process,
    series: Option<usize>,
) -> fmt::Result {
    html.push_str("<section><h2>State</h2><div class=\"t\"><table><tbody>\n");
    let known = |text: Option<String>| text.unwrap_or_else(|| NONE.into());
    let seconds = |seconds: f64| format!("{} ms", Short(seconds * 1e3));
    let evaluated = sidecar.last_evaluation_timestamp_seconds;
    let loaded = sidecar.config_last_reload_success_timestamp_seconds;
    let ago = |at: Option<f64>| {
        let age = sidecar
            .now
            .zip(at)
            .map(|(now, at)| format!(", {} ago", Lasting(now - at)));
        at.map(|at| format!("{}{}", Moment(at), age.unwrap_or_default()))
    };
    let up = sidecar.now.zip(process.start_time_seconds);
    let reload = match sidecar.config_last_reload_successful {
        true => known(ago(loaded)),
        false => format!("{WARNING} failed; last with success {}", known(ago(loaded))),
    };
    let dropped = sidecar.dropped_series;
    let lines = [
        (
            "version",
            match &*sidecar.revision {
                "" => Escaped(&sidecar.version).to_string(),
                revision => format!("{} ({})", Escaped(&sidecar.version), Escaped(revision)),
            },
        ),
        (
            "up for",
            known(up.map(|(now, start)| Lasting(now - start).to_string())),
        ),
        ("last evaluation", known(ago(evaluated))),
        (
            "it took",
            known(sidecar.evaluation_duration_seconds.map(seconds)),
        ),
        (
            "evaluated every",
            known(
                sidecar
                    .evaluation_interval_seconds
                    .map(|s| Lasting(s).to_string()),
            ),
        ),
        (
            "failures of the analysis",
            Thousands(sidecar.analysis_panics as f64).to_string(),
        ),
        (
            "settings",
            match &*sidecar.config_hash {
                "" => "defaults and flags".into(),
                hash => format!("<code>{}</code>", Escaped(crate::profile::short(hash))),
            },
        ),
        ("settings read", reload),
        (
            "series",
            match series {
                Some(series) => format!(
                    "{} of {}",
                    Thousands(series as f64),
                    Thousands(sidecar.series_limit as f64)
                ),
                None => NONE.into(),
            },
        ),
        (
            "series left out",
            format!(
                "{} of cells, {} of detail, {} of fields",
                Thousands(dropped.fleet as f64),
                Thousands(dropped.detail as f64),
                Thousands(dropped.features as f64)
            ),
        ),
        (
            "queue",
            format!(
                "{} rows, {} of {}",
                Thousands(sidecar.queue_rows as f64),
                Bytes(sidecar.queue_bytes),
                Bytes(sidecar.queue_capacity_bytes)
            ),
        ),
        (
            "calls put aside",
            match sidecar.observer_bytes {
                Some((bytes, capacity)) => format!("{} of {}", Bytes(bytes), Bytes(capacity)),
                None => "none are seen".into(),
            },
        ),
        (
            "memory",
            known(process.resident_bytes.map(|bytes| Bytes(bytes).to_string())),
        ),
        (
            "processor time",
            known(process.cpu_seconds.map(|s| format!("{} s", Short(s)))),
        ),
        (
            "open files",
            known(process.open_fds.map(|fds| {
                let most = process
                    .max_fds
                    .map(|most| format!(" of {}", Thousands(most as f64)));
                format!("{}{}", Thousands(fds as f64), most.unwrap_or_default())
            })),
        ),
    ];
    for (name, value) in lines {
        writeln!(
            html,
            "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>"
        )?;
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}
