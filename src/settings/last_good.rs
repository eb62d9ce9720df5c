//! The last settings that worked, kept in the state directory: what a sidecar starts with when its
//! settings file is broken or not there yet.
//!
//! Settings file and profiles are one document, so that they are kept together or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::content::{Content, Files};

/// Name of the copy in the state directory.
const NAME: &str = "last-good-settings.json";
const FORMAT: &str = "driftgauge-last-good-settings";

/// Texts by the path that they were read from.
#[derive(Serialize, Deserialize)]
pub(super) struct LastGood {
    format: String,
    files: BTreeMap<PathBuf, String>,
}

impl LastGood {
    /// The copy in this directory.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let text = crate::profile::read_text(&directory.join(NAME))?;
        let copy: Self = serde_json::from_str(&text)?;
        if copy.format == FORMAT {
            Ok(copy)
        } else {
            Err(io::Error::other("it is of another format"))
        }
    }

    /// Keeps a copy of these files, whole or not at all.
    pub(super) fn keep(directory: &Path, content: &Content) -> io::Result<()> {
        let copy = Self {
            format: FORMAT.into(),
            files: content
                .texts()
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .collect(),
        };
        std::fs::create_dir_all(directory)?;
        let neighbour = directory.join(format!("{NAME}.{}.tmp", std::process::id()));
        let write = || {
            let mut file = File::create(&neighbour)?;
            file.write_all(&serde_json::to_vec(&copy)?)?;
            file.sync_all()?;
            std::fs::rename(&neighbour, directory.join(NAME))
        };
        write().inspect_err(|_| {
            let _ = std::fs::remove_file(&neighbour);
        })
    }
}

impl Files for LastGood {
    fn read(&self, path: &Path) -> io::Result<String> {
        let text = self.files.get(path).cloned();
        text.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "it is not in the last good copy")
        })
    }
}
