//! All models at a glance, one line each, those that have changed first.

use std::fmt::{self, Write};

use super::figures::{NONE, Ratio, Thousands, millis, percent};
use super::link::Link;
use super::shell::{Page, Shell};
use super::text::{Escaped, Name};
use super::verdict::{Level, Verdict, silence, worst};
use crate::engine::ModelSnapshot;

/// The page.
pub(super) fn render(shell: &Shell<'_>, models: &[&ModelSnapshot]) -> String {
    shell.page("Models", Page::Models, |html| {
        if models.is_empty() {
            html.push_str(
                "<h1>Models</h1>\n<section class=\"verdict unknown\"><p><b>◌ No model has been \
                 seen yet.</b></p></section>\n",
            );
            return Ok(());
        }
        let of = models.iter().map(|model| (*model, Verdict::of(model)));
        let mut lines: Vec<(&ModelSnapshot, Verdict)> = of.collect();
        lines.sort_by_key(|(_, verdict)| verdict.level);
        html.push_str("<h1>Models</h1>\n");
        write_verdict(html, &lines)?;
        write_table(html, &lines, shell.sidecar.now)
    })
}

/// How many are how.
fn write_verdict(html: &mut String, lines: &[(&ModelSnapshot, Verdict)]) -> fmt::Result {
    let count = |level: Level| lines.iter().filter(|(_, of)| of.level == level).count();
    let worst = lines.first().map_or(Level::Fine, |(_, of)| of.level);
    let (sign, class) = worst.sign();
    let all = lines.len();
    let sentence = match (count(Level::Changed), count(Level::Unknown)) {
        (0, 0) => format!("Nothing has drifted in any of {all} models."),
        (0, unknown) => format!("Nothing has drifted; {unknown} of {all} models cannot be judged."),
        (changed, 0) => format!("{changed} of {all} models have changed."),
        (changed, unknown) => {
            format!("{changed} of {all} models have changed, {unknown} cannot be judged.")
        }
    };
    writeln!(
        html,
        "<section class=\"verdict {class}\" aria-label=\"Verdict\"><p><b>{sign} {sentence}</b></p></section>"
    )
}

fn write_table(
    html: &mut String,
    lines: &[(&ModelSnapshot, Verdict)],
    now: Option<f64>,
) -> fmt::Result {
    html.push_str(
        "<div class=\"t\"><table class=\"m\"><thead><tr><th scope=\"col\">model</th>\
         <th scope=\"col\" class=\"w\">version</th><th scope=\"col\">verdict</th>\
         <th scope=\"col\" class=\"w\">worst field</th><th scope=\"col\" class=\"n w\">ratio</th>\
         <th scope=\"col\" class=\"n w\">rows</th><th scope=\"col\" class=\"n w\">errors</th>\
         <th scope=\"col\" class=\"n w\">p99</th><th scope=\"col\" class=\"n w\">last row</th></tr></thead><tbody>\n",
    );
    for (model, verdict) in lines {
        let (sign, class) = verdict.level.sign();
        write!(
            html,
            "<tr><th scope=\"row\"><a href=\"{}\">{}</a><small class=\"o\"> {}</small></th>\
             <td class=\"w\">{}</td><td class=\"v-{class}\">{sign} {}</td>",
            Link::to_model(model),
            Name(&model.model),
            Name(&model.version),
            Name(&model.version),
            verdict.headline
        )?;
        match worst(model).and_then(|worst| Some((worst, worst.fields.first()?))) {
            Some((worst, field)) => {
                let ratio = Ratio(worst.ratio);
                write!(
                    html,
                    "<td class=\"w\">{}</td><td class=\"w {}\">{ratio} <small>{}</small></td>",
                    Name(field),
                    ratio.class(),
                    Escaped(&worst.window)
                )?;
            }
            None => write!(
                html,
                "<td class=\"w\">{NONE}</td><td class=\"n w\">{NONE}</td>"
            )?,
        }
        let longest = model.windows.last();
        let rows = longest.map_or_else(
            || NONE.to_owned(),
            |of| {
                format!(
                    "{} <small>{}</small>",
                    Thousands(of.rows as f64),
                    Escaped(&of.window)
                )
            },
        );
        let p99 = longest.and_then(|of| of.latency).map(|[_, _, p99]| p99);
        let silence = silence(model, now).map(|ago| format!("{ago} ago"));
        writeln!(
            html,
            "<td class=\"n w\">{rows}</td><td class=\"n w\">{}</td><td class=\"n w\">{}</td>\
             <td class=\"n w\">{}</td></tr>",
            percent(longest.and_then(|of| of.error_ratio)),
            millis(p99),
            silence.as_deref().unwrap_or(NONE)
        )?;
    }
    html.push_str("</tbody></table></div>\n");
    Ok(())
}
