//! The files that settings consist of, as bytes: the settings file and every profile it names.
//!
//! They are compared by content, not by time or inode: Kubernetes swaps a symlink two folders up,
//! editors replace files, and both look different to every watcher but the same to a reader.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

/// Where the bytes of files come from: the file system, or a copy of the last good ones.
pub(super) trait Files {
    /// The whole file as text.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// The file system.
pub(super) struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        crate::profile::read_text(path)
    }
}

/// Files that were read, and those that could not be.
#[derive(Default)]
pub(super) struct Content(BTreeMap<PathBuf, Result<String, (io::ErrorKind, String)>>);

impl Content {
    /// Reads a file unless it was read already, and remembers it.
    pub(super) fn read(&mut self, files: &dyn Files, path: &Path) -> io::Result<&str> {
        let entry = self.0.entry(path.to_owned()).or_insert_with(|| {
            let read = files.read(path);
            read.map_err(|error| (error.kind(), error.to_string()))
        });
        match entry {
            Ok(text) => Ok(text),
            Err((kind, message)) => Err(io::Error::new(*kind, message.clone())),
        }
    }

    /// The files that were asked for, whether they could be read or not.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.0.keys().cloned().collect()
    }

    /// The files that could be read.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.0
            .iter()
            .filter_map(|(path, text)| Some((path.as_path(), text.as_deref().ok()?)))
    }

    /// Changes when any file does, appears or vanishes.
    pub(super) fn fingerprint(&self) -> u128 {
        let mut hash = Xxh3::new();
        for (path, text) in &self.0 {
            add(&mut hash, path, text.as_ref().ok().map(String::as_bytes));
        }
        hash.digest128()
    }
}

/// The fingerprint that these files have now; one file in memory at a time. `paths` are in order.
pub(super) fn fingerprint(paths: &[PathBuf]) -> u128 {
    let mut hash = Xxh3::new();
    for path in paths {
        let bytes = Disk.read(path).ok();
        add(&mut hash, path, bytes.as_deref().map(str::as_bytes));
    }
    hash.digest128()
}

fn add(hash: &mut Xxh3, path: &Path, bytes: Option<&[u8]>) {
    hash.update(path.as_os_str().as_encoded_bytes());
    let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
    hash.update(&length.to_le_bytes());
    hash.update(bytes.unwrap_or_default());
}
