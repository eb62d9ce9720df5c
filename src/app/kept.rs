//! A folder of profiles in the state directory: written whole, read at the start.

use std::path::{Path, PathBuf};

use crate::profile::Profile;

/// A folder of profiles; without a state directory there is none.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    folder: Option<PathBuf>,
}

impl Kept {
    /// The folder `name` of the state directory. One that cannot be written is known at the start
    /// and not when there is something to lose.
    pub fn open(state_directory: Option<&Path>, name: &str) -> Self {
        let folder = state_directory.map(|directory| directory.join(name));
        if let Some(folder) = &folder
            && let Err(error) = try_to_write(folder)
        {
            tracing::error!(
                "nothing can be kept in {}, so references of traffic are lost at a restart: {error}; \
                 make it writable, or name another state.directory",
                folder.display()
            );
        }
        Self { folder }
    }

    /// Whether there is a folder.
    pub fn is_open(&self) -> bool {
        self.folder.is_some()
    }

    /// What can be read of it. Files that cannot are left alone, and a warning says so, with what
    /// comes of it.
    pub fn profiles(&self, otherwise: &str) -> Vec<Profile> {
        let entries = self.folder.as_ref().and_then(|f| std::fs::read_dir(f).ok());
        let paths = entries.into_iter().flatten().flatten().map(|e| e.path());
        let mut paths: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|it| it == "json"))
            .collect();
        paths.sort();
        let load = |path: PathBuf| match Profile::load(&path) {
            Ok(profile) => Some(profile),
            Err(error) => {
                tracing::warn!("a kept reference cannot be read, {otherwise}: {error}");
                None
            }
        };
        paths.into_iter().filter_map(load).collect()
    }

    /// Keeps a profile under a name; returns its file, `None` without a folder.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn save(&self, name: &str, profile: &Profile) -> Result<Option<PathBuf>, String> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let path = folder.join(file_name(name, "profile"));
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        profile.save(&path).map_err(|error| error.to_string())?;
        Ok(Some(path))
    }
}

/// Writes something into the folder and takes it away.
fn try_to_write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".{}.tmp", std::process::id()));
    std::fs::write(&probe, "driftgauge")?;
    std::fs::remove_file(&probe)
}

/// A file name for any name and kind: what is safe in a file name, and a hash.
pub(super) fn file_name(name: &str, kind: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let readable: String = name.chars().take(40).map(safe).collect();
    let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
    format!("{readable}-{hash:016x}.{kind}.json")
}
