//! References learned from traffic, kept over restarts when there is a state directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::Snapshot;
use crate::profile::Profile;

/// The folder of learned profiles in the state directory.
const FOLDER: &str = "learned";

/// Learned references, by model.
#[derive(Clone, Debug, Default)]
pub(super) struct Library {
    folder: Option<PathBuf>,
    profiles: HashMap<Arc<str>, Arc<Profile>>,
    /// Hash of what is on disk, by model.
    kept: HashMap<Arc<str>, Arc<str>>,
}

impl Library {
    /// Reads what was kept. Files that cannot be read are left alone, and a warning says so: that
    /// reference is learned anew.
    pub fn open(state_directory: Option<&Path>) -> Self {
        let folder = state_directory.map(|directory| directory.join(FOLDER));
        let mut library = Self {
            folder: folder.clone(),
            ..Self::default()
        };
        if let Some(folder) = &folder
            && let Err(error) = try_to_write(folder)
        {
            tracing::error!(
                "nothing can be kept in {}, so references are learned anew after a restart: {error}; \
                 make it writable, or name another state.directory",
                folder.display()
            );
        }
        let Some(entries) = folder.and_then(|folder| std::fs::read_dir(folder).ok()) else {
            return library;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match Profile::load(&path) {
                Ok(profile) => {
                    if let Some(model) = profile.model.as_deref().map(Arc::<str>::from) {
                        library.kept.insert(model.clone(), profile.hash().into());
                        library.profiles.insert(model, Arc::new(profile));
                    }
                }
                Err(error) => tracing::warn!(
                    "a learned reference cannot be read and will be learned anew: {error}"
                ),
            }
        }
        library
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
        }
    }

    fn announce(&self, model: &str, profile: &Profile) {
        let Some(folder) = &self.folder else {
            tracing::warn!(
                model,
                rows = profile.rows,
                "a reference was learned from the first rows; it is lost at the next restart: set \
                 state.directory, or save it from /api/v1/profile?model=… and name it in the settings"
            );
            return;
        };
        let path = folder.join(file_name(model, "profile"));
        let saved = std::fs::create_dir_all(folder)
            .map_err(|error| error.to_string())
            .and_then(|()| profile.save(&path).map_err(|error| error.to_string()));
        match saved {
            Ok(()) => tracing::info!(
                model,
                rows = profile.rows,
                file = %path.display(),
                "a reference was learned from the first rows and kept"
            ),
            Err(error) => tracing::error!(model, "a learned reference cannot be kept: {error}"),
        }
    }
}

/// Writes something into the folder and takes it away, so that a folder that cannot be written is
/// known at start and not when there is something to lose.
fn try_to_write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".{}.tmp", std::process::id()));
    std::fs::write(&probe, "driftgauge")?;
    std::fs::remove_file(&probe)
}

/// A file name for what is kept of any model, of this kind: what is safe in a file name, and a hash.
pub(super) fn file_name(model: &str, kind: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let readable: String = model.chars().take(40).map(safe).collect();
    let hash = xxhash_rust::xxh3::xxh3_64(model.as_bytes());
    format!("{readable}-{hash:016x}.{kind}.json")
}
