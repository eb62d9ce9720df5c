//! A profile as a file: read whole, and written whole or not at all.
//!
//! Whoever names a file may name the wrong one, so nothing is read that could block or fill the memory,
//! and every error says which file it is about.

use std::io::{self, Read, Write};
use std::path::Path;

use super::Profile;

/// Why a profile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be opened or read.
    #[error("cannot read the profile {path}: {cause}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the profile {path}: {cause}")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The content is no profile.
    #[error("not a usable profile: {0}")]
    Invalid(String),
}

/// Most bytes of a file that is read whole.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The text of a file that is read whole: a profile, or what is kept beside profiles.
///
/// # Errors
/// Besides those of the system: it is no regular file (reading a FIFO would wait for its writer),
/// larger than 64 MiB, or no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let refused = |message: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    // Before it is opened: that already waits, of a FIFO.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return refused("it is no regular file");
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return refused("it is larger than 64 MiB, the most that is read");
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

impl Profile {
    /// Reads a profile file.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let json = read_text(path).map_err(|cause| ProfileError::Read {
            path: path.display().to_string(),
            cause,
        })?;
        Self::from_json(&json).map_err(|error| match error {
            ProfileError::Invalid(message) => {
                ProfileError::Invalid(format!("{}: {message}", path.display()))
            }
            other => other,
        })
    }

    /// Writes the profile file whole or not at all: into a neighbour first, then renamed.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn save(&self, path: &Path) -> Result<(), ProfileError> {
        let failed = |cause| ProfileError::Write {
            path: path.display().to_string(),
            cause,
        };
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let neighbour = path.with_file_name(name);
        let write = || {
            let mut file = std::fs::File::create(&neighbour)?;
            file.write_all(self.to_json().as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&neighbour, path)
        };
        write().map_err(|cause| {
            let _ = std::fs::remove_file(&neighbour);
            failed(cause)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_file_or_too_large_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let error = Profile::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("it is no regular file"), "{error}");
        // A socket, as a FIFO would, has no content to wait for.
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = Profile::load(&socket).unwrap_err().to_string();
        assert!(error.contains("it is no regular file"), "{error}");
        let large = folder.path().join("large");
        let file = std::fs::File::create(&large).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        let error = Profile::load(&large).unwrap_err().to_string();
        assert!(error.contains("larger than 64 MiB"), "{error}");
    }
}
