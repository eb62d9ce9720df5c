//! What came in on each way and what became of it, and what was left out for which reason.

use std::fmt::{self, Write};

use super::figures::Thousands;
use crate::export::Sidecar;
use crate::ingest::SourceCounts;

/// Writes it.
pub(super) fn write(html: &mut String, sidecar: &Sidecar) -> fmt::Result {
    write_rows(html, &sidecar.sources)?;
    write_calls(html, &sidecar.sources)?;
    write_reasons(html, sidecar)
}

fn sum(reasons: &[(&str, u64)]) -> u64 {
    reasons.iter().map(|(_, count)| count).sum()
}

fn write_rows(html: &mut String, sources: &[SourceCounts]) -> fmt::Result {
    let columns = [
        "received",
        "accepted",
        "duplicate",
        "shed",
        "rejected",
        "dropped by clients",
    ];
    write_head(html, "Rows that came in", &columns)?;
    for of in sources {
        let counts = [
            of.received,
            of.accepted,
            of.duplicate,
            sum(&of.shed),
            sum(&of.rejected),
            of.client_dropped,
        ];
        write_line(html, of.source, &counts)?;
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}

/// Calls of others, where they are seen.
fn write_calls(html: &mut String, sources: &[SourceCounts]) -> fmt::Result {
    let seen = || {
        sources
            .iter()
            .filter_map(|of| Some((of, of.calls.as_ref()?)))
    };
    if seen().next().is_none() {
        return Ok(());
    }
    let columns = [
        "seen",
        "decoded",
        "undecodable",
        "shed",
        "not sampled",
        "under way",
    ];
    write_head(html, "Calls that were seen", &columns)?;
    for (of, calls) in seen() {
        let counts = [
            calls.seen,
            calls.decoded,
            sum(&of.undecodable),
            sum(&calls.shed),
            calls.unsampled,
            calls.in_flight,
        ];
        write_line(html, of.source, &counts)?;
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}

fn write_head(html: &mut String, title: &str, columns: &[&str]) -> fmt::Result {
    write!(
        html,
        "<section><h2>{title}</h2><div class=\"t\"><table><thead><tr><th scope=\"col\">by</th>"
    )?;
    for column in columns {
        write!(html, "<th scope=\"col\" class=\"n\">{column}</th>")?;
    }
    html.push_str("</tr></thead><tbody>\n");
    Ok(())
}

fn write_line(html: &mut String, name: &str, counts: &[u64]) -> fmt::Result {
    write!(html, "<tr><th scope=\"row\">{name}</th>")?;
    for &count in counts {
        write!(html, "<td class=\"n\">{}</td>", Thousands(count as f64))?;
    }
    html.push_str("</tr>\n");
    Ok(())
}

/// Everything that was left out, by way in and reason.
fn write_reasons(html: &mut String, sidecar: &Sidecar) -> fmt::Result {
    html.push_str("<section><h2>Left out, and why</h2>\n");
    let mut lines: Vec<(&str, &str, &str, u64)> = Vec::new();
    for of in &sidecar.sources {
        let mut add = |what, reasons: &[(&'static str, u64)]| {
            let counted = reasons.iter().filter(|(_, count)| *count > 0);
            lines.extend(counted.map(|&(reason, count)| (of.source, what, reason, count)));
        };
        add("rows shed for lack of room", &of.shed);
        add("rows that can never be taken", &of.rejected);
        add("calls that could not be decoded", &of.undecodable);
        if let Some(calls) = &of.calls {
            add("calls not looked at for lack of room", &calls.shed);
            add("tensors whose values cannot be seen", &calls.unusable);
        }
        if of.missing_requests > 0 {
            let what = "requests that clients numbered and that never came";
            lines.push((of.source, what, "", of.missing_requests));
        }
    }
    for &(half, count) in sidecar
        .unpaired_events
        .iter()
        .filter(|(_, count)| *count > 0)
    {
        lines.push(("events", "events whose other half never came", half, count));
    }
    if lines.is_empty() {
        html.push_str("<p>Nothing.</p></section>\n");
        return Ok(());
    }
    html.push_str(
        "<div class=\"t\"><table><thead><tr><th scope=\"col\">by</th><th scope=\"col\">what</th>\
         <th scope=\"col\">reason</th><th scope=\"col\" class=\"n\">how many</th></tr></thead><tbody>\n",
    );
    for (source, what, reason, count) in lines {
        writeln!(
            html,
            "<tr><th scope=\"row\">{source}</th><td>{what}</td><td>{}</td><td class=\"n\">{}</td></tr>",
            reason.replace('_', " "),
            Thousands(count as f64)
        )?;
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}
