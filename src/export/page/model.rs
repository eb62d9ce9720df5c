//! The page of a model: what is wrong with it, its traffic, the model as a whole, its references, its
//! fields.

use std::fmt::{self, Write};

use super::shell::{Page, Shell};
use super::text::Name;
use super::verdict::Verdict;
use super::view::View;
use super::{features, references, traffic, whole};
use crate::engine::ModelSnapshot;
use crate::export::explain::Refusal;

/// The page; `has_others` says whether there is more than this model.
///
/// # Errors
/// When `query` asks for a way to look at it that is not there.
pub(super) fn render(
    shell: &Shell<'_>,
    model: &ModelSnapshot,
    has_others: bool,
    query: &str,
) -> Result<String, Refusal> {
    let view = View::of(model, query)?;
    Ok(shell.page(&model.model, Page::Models, |html| {
        if has_others {
            html.push_str("<p class=\"way\"><a href=\"./\">All models</a></p>\n");
        }
        writeln!(
            html,
            "<h1>{} <small>version {}</small></h1>",
            Name(&model.model),
            Name(&model.version)
        )?;
        write_verdict(html, &Verdict::of(model))?;
        html.push_str("<div class=\"panels\">\n<div>\n");
        traffic::write(html, model, shell.sidecar.now)?;
        references::write(html, std::slice::from_ref(model), shell.sidecar.now)?;
        html.push_str("</div>\n");
        whole::write(html, model)?;
        html.push_str("</div>\n");
        features::write(html, &view)
    }))
}

fn write_verdict(html: &mut String, verdict: &Verdict) -> fmt::Result {
    let (sign, class) = verdict.level.sign();
    write!(
        html,
        "<section class=\"verdict {class}\" aria-label=\"Verdict\"><p><b>{sign} {}</b></p>",
        verdict.headline
    )?;
    for (class, sentences) in [("", &verdict.changes), ("notes", &verdict.notes)] {
        if sentences.is_empty() {
            continue;
        }
        write!(html, "<ul class=\"{class}\">")?;
        for sentence in sentences {
            write!(html, "<li>{sentence}</li>")?;
        }
        html.push_str("</ul>");
    }
    html.push_str("</section>\n");
    Ok(())
}
