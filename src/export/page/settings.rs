//! The page of the settings in force: each value, where it was said, and what it means.

use std::fmt::{self, Write};

use super::shell::{Page, Shell};
use super::text::{Escaped, Name};
use super::trouble::WARNING;

/// A setting in force, as people may see it: whoever makes one leaves out what is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its dotted key.
    pub key: String,
    /// Its value as a flag would say it.
    pub value: String,
    /// Where it was said; `None`: it is the default.
    pub place: Option<String>,
    /// What was said since, where that holds only after a restart.
    pub after_restart: Option<String>,
    /// What it means.
    pub about: String,
}

/// The page.
pub(in crate::export) fn render(shell: &Shell<'_>, settings: &[Setting]) -> String {
    shell.page("Settings", Page::Settings, |html| {
        let said = settings.iter().filter(|setting| setting.place.is_some());
        let waiting = settings
            .iter()
            .filter(|setting| setting.after_restart.is_some());
        write!(
            html,
            "<h1>Settings in force</h1>\n<p>{} of {} were said",
            said.count(),
            settings.len()
        )?;
        match waiting.count() {
            0 => {}
            count => write!(
                html,
                "; <b>{WARNING} {count} changed but hold only after a restart</b>"
            )?,
        }
        html.push_str(". Secrets are hidden.</p>\n");
        let section = |setting: &Setting| {
            let (section, _) = setting.key.split_once('.').unwrap_or(("", ""));
            section.to_owned()
        };
        for of in settings.chunk_by(|a, b| section(a) == section(b)) {
            write_section(html, &section(&of[0]), of)?;
        }
        Ok(())
    })
}

fn write_section(html: &mut String, name: &str, settings: &[Setting]) -> fmt::Result {
    let title = if name.is_empty() { "general" } else { name };
    writeln!(
        html,
        "<section><h2>{title}</h2><div class=\"t\"><table class=\"k\"><thead><tr>\
         <th scope=\"col\">key</th><th scope=\"col\">value</th><th scope=\"col\">said by</th>\
         <th scope=\"col\" class=\"w\">meaning</th></tr></thead><tbody>"
    )?;
    for setting in settings {
        write!(
            html,
            "<tr><th scope=\"row\">{}</th><td><code>{}</code>",
            Name(&setting.key),
            Name(&setting.value)
        )?;
        if let Some(value) = &setting.after_restart {
            write!(
                html,
                "<small class=\"b\">{WARNING} after a restart: <code>{}</code></small>",
                Name(value)
            )?;
        }
        let place = setting.place.as_deref();
        let said = place.map_or_else(
            || "default".into(),
            |place| format!("<b>{}</b>", Name(place)),
        );
        writeln!(
            html,
            "</td><td>{said}</td><td class=\"w\">{}</td></tr>",
            Prose(&setting.about)
        )?;
    }
    html.push_str("</tbody></table></div></section>\n");
    Ok(())
}

/// A comment of the manual, in which back quotes stand around code.
struct Prose<'a>(&'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.split('`').enumerate() {
            match at % 2 {
                0 => write!(f, "{}", Escaped(part))?,
                _ => write!(f, "<code>{}</code>", Escaped(part))?,
            }
        }
        Ok(())
    }
}
