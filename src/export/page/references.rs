//! The references in force, where they are from, and how old they are.

use std::fmt::{self, Write};

use super::figures::{Lasting, Moment, NONE, Thousands};
use super::text::{Escaped, Name};
use crate::engine::ModelSnapshot;

/// Writes those of some models; the model is named where there are several.
pub(super) fn write(html: &mut String, models: &[ModelSnapshot], now: Option<f64>) -> fmt::Result {
    html.push_str("<section><h2>References in force</h2>\n");
    if models.iter().all(|model| model.references.is_empty()) {
        html.push_str("<p>None yet.</p></section>\n");
        return Ok(());
    }
    let is_named = models.len() > 1;
    html.push_str("<div class=\"t\"><table><thead><tr>");
    if is_named {
        html.push_str("<th scope=\"col\">model</th>");
    }
    html.push_str(
        "<th scope=\"col\">profile</th><th scope=\"col\">from</th>\
         <th scope=\"col\" class=\"n\">rows</th><th scope=\"col\">made</th>\
         <th scope=\"col\" class=\"n\">age</th></tr></thead><tbody>\n",
    );
    for model in models {
        for reference in &model.references {
            html.push_str("<tr>");
            if is_named {
                let (name, version) = (Name(&model.model), Name(&model.version));
                write!(
                    html,
                    "<th scope=\"row\">{name} <small>{version}</small></th>"
                )?;
            }
            write!(
                html,
                "<td><code>{}</code></td><td>{}</td><td class=\"n\">{}</td>",
                Escaped(&reference.profile),
                reference.source,
                Thousands(reference.document.rows as f64)
            )?;
            match reference.created_at {
                Some(at) => {
                    write!(html, "<td>{}</td><td class=\"n\">", Moment(at))?;
                    match now {
                        Some(now) => write!(html, "{}", Lasting(now - at))?,
                        None => html.push_str(NONE),
                    }
                    html.push_str("</td></tr>\n");
                }
                None => {
                    writeln!(html, "<td>not known</td><td class=\"n\">{NONE}</td></tr>")?;
                }
            }
            for warning in reference.warnings.iter() {
                let columns = 5 + usize::from(is_named);
                let warning = Escaped(warning);
                writeln!(
                    html,
                    "<tr class=\"s\"><td colspan=\"{columns}\">{warning}</td></tr>"
                )?;
            }
        }
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}
