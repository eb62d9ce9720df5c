//! What every page has around it: head, style, the way to the other pages, and the foot.

use std::fmt::{self, Write};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::figures::{Count, Lasting, Moment};
use super::text::{Escaped, Name};
use super::trouble::{WARNING, troubles};
use crate::export::Sidecar;

const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded or run; the one style is known by its hash.
pub(in crate::export) fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
        )
    });
    &POLICY
}

/// What is the same on all pages of one answer.
pub(in crate::export) struct Shell<'a> {
    /// What the sidecar knows of itself.
    pub sidecar: &'a Sidecar,
    /// Where the metrics are.
    pub metrics_path: &'a str,
}

/// Pages that the head leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Models,
    Sidecar,
    Settings,
    Feature,
}

impl Shell<'_> {
    /// A page of this title whose main part `write` writes.
    pub(super) fn page(
        &self,
        title: &str,
        page: Page,
        write: impl FnOnce(&mut String) -> fmt::Result,
    ) -> String {
        let mut html = String::with_capacity(32 * 1024);
        // Writing to a string cannot fail.
        let _ = self.write_head(&mut html, title, page);
        let _ = write(&mut html);
        let _ = self.write_foot(&mut html);
        html
    }

    fn write_head(&self, html: &mut String, title: &str, page: Page) -> fmt::Result {
        write!(
            html,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <title>{} · driftgauge</title><style>{STYLE}</style></head>\n<body>\
             <header><a class=\"brand\" href=\"./\">driftgauge</a><nav aria-label=\"Pages\">",
            Escaped(title)
        )?;
        for (to, address, name) in [
            (Page::Models, "./", "Models"),
            (Page::Sidecar, "sidecar", "Sidecar"),
            (Page::Settings, "settings", "Settings"),
        ] {
            let current = if to == page {
                " aria-current=\"page\""
            } else {
                ""
            };
            write!(html, "<a href=\"{address}\"{current}>{name}</a>")?;
        }
        let metrics = self.metrics_path.trim_start_matches('/');
        write!(
            html,
            "<a href=\"{}\">Metrics</a><a href=\"api/v1/status\">JSON</a></nav></header>\n<main>\n",
            Escaped(metrics)
        )?;
        let troubles = troubles(self.sidecar);
        if let (Some(first), false) = (troubles.first(), page == Page::Sidecar) {
            write!(
                html,
                "<p class=\"alert\"><b>{WARNING} The sidecar:</b> {first}"
            )?;
            if troubles.len() > 1 {
                let more = Count(troubles.len() - 1, "more thing");
                write!(html, " And {more}.")?;
            }
            html.push_str(" <a href=\"sidecar\">What is wrong with it</a></p>\n");
        }
        Ok(())
    }

    fn write_foot(&self, html: &mut String) -> fmt::Result {
        let Sidecar {
            version,
            last_evaluation_timestamp_seconds: evaluated,
            now,
            ..
        } = self.sidecar;
        write!(html, "</main>\n<footer>driftgauge {}", Name(version))?;
        if let Some(at) = evaluated {
            write!(html, " · evaluated {}", Moment(*at))?;
            if let Some(now) = now {
                write!(html, ", {} ago", Lasting(now - at))?;
            }
        }
        html.push_str(" · counts are since the start of the sidecar</footer></body></html>\n");
        Ok(())
    }
}
