//! The pages for people: what is wrong now, every model and field, the sidecar itself and its settings.
//!
//! Plain HTML made from the snapshot that `/metrics` shows: no scripts, nothing loaded from
//! elsewhere, links relative so that a proxy may put a prefix before them, and every name escaped
//! (`text.rs`). `shell.rs` is what all pages have around them, each other file one thing on them.

mod bins;
mod both_sides;
mod boxes;
mod comparisons;
mod distribution;
mod feature;
mod features;
mod figures;
mod link;
mod model;
mod overview;
mod ranking;
mod references;
mod settings;
mod shell;
mod sidecar;
mod source_counts;
mod text;
mod traffic;
mod trouble;
mod verdict;
mod view;
mod whole;

pub(super) use feature::render as render_feature;
pub(super) use settings::render as render_settings;
pub(super) use shell::{Shell, content_security_policy};
pub(super) use sidecar::render as render_sidecar;

pub use settings::Setting;

use super::explain::{self, Refusal};
use super::url::parameter;
use crate::engine::{ModelSnapshot, Snapshot};

/// The landing page: of one model if there is only one or `query` names it, else of all.
///
/// # Errors
/// When `query` names what is not there.
pub(super) fn render(
    shell: &Shell<'_>,
    snapshot: &Snapshot,
    query: &str,
) -> Result<String, Refusal> {
    let said = |key| parameter(query, key).filter(|value| !value.is_empty());
    let (name, version) = (said("model"), said("version"));
    let is_asked_for = |model: &&ModelSnapshot| {
        name.as_ref().is_none_or(|name| *model.model == **name)
            && version.as_ref().is_none_or(|v| *model.version == **v)
    };
    let models: Vec<_> = snapshot.models.iter().filter(is_asked_for).collect();
    match (&*models, snapshot.models.len()) {
        ([model], all) => model::render(shell, model, all > 1, query),
        ([], 1..) => explain::model(snapshot, name, version)
            .and_then(|model| model::render(shell, model, true, query)),
        _ => Ok(overview::render(shell, &models)),
    }
}
