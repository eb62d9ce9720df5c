//! References learned from traffic, kept over restarts when there is a state directory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::kept::Kept;
use crate::engine::Snapshot;
use crate::profile::Profile;

/// Learned references, by model.
#[derive(Clone, Debug)]
pub(super) struct Library {
    folder: Kept,
    profiles: HashMap<Arc<str>, Arc<Profile>>,
    /// Hash of what is on disk, by model.
    kept: HashMap<Arc<str>, Arc<str>>,
}

impl Library {
    /// Reads what was kept.
    pub fn open(state_directory: Option<&Path>) -> Self {
        let folder = Kept::open(state_directory, "learned");
        let profiles = folder.profiles("and will be learned anew").into_iter();
        let profiles = profiles
            .filter_map(|profile| Some((profile.model.as_deref()?.into(), Arc::new(profile))));
        let profiles: HashMap<Arc<str>, _> = profiles.collect();
        let kept = profiles
            .iter()
            .map(|(model, profile)| (model.clone(), profile.hash().into()));
        Self {
            kept: kept.collect(),
            profiles,
            folder,
        }
    }

    /// What was kept, by model.
    pub fn profiles(&self) -> &HashMap<Arc<str>, Arc<Profile>> {
        &self.profiles
    }

    /// Keeps what has been learned since.
    pub fn keep(&mut self, snapshot: &Snapshot) {
        for model in &snapshot.models {
            let learned = model.references.iter().find(|r| r.source == "learned");
            let Some(reference) = learned else { continue };
            let known = self.kept.get(&model.model);
            if known.is_some_and(|hash| hash.starts_with(&*reference.profile)) {
                continue;
            }
            self.kept
                .insert(model.model.clone(), reference.profile.clone());
            self.announce(&model.model, &reference.document);
            tell(&model.model, &reference.warnings);
        }
    }

    fn announce(&self, model: &str, profile: &Profile) {
        match self.folder.save(model, profile) {
            Ok(Some(file)) => tracing::info!(
                model,
                rows = profile.rows,
                file = %file.display(),
                "a reference was learned from the first rows and kept"
            ),
            Ok(None) => tracing::warn!(
                model,
                rows = profile.rows,
                "a reference was learned from the first rows; it is lost at the next restart: set \
                 state.directory, or save it from /api/v1/profile?model=… and name it in the settings"
            ),
            Err(error) => tracing::error!(model, "a learned reference cannot be kept: {error}"),
        }
    }
}

/// Says what was found while learning; of many sentences the first ones.
fn tell(model: &str, warnings: &[String]) {
    const TOLD: usize = 20;
    for warning in warnings.iter().take(TOLD) {
        tracing::warn!(model, "of the learned reference: {warning}");
    }
    if warnings.len() > TOLD {
        let more = warnings.len() - TOLD;
        tracing::warn!(model, more, "and more of the learned reference is not told");
    }
}
