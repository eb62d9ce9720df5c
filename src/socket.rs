//! A Unix socket to listen on, and the life of its file: who was killed leaves one behind, and no one
//! may take one away that somebody else listens on.

mod listener;

pub use listener::{Listener, Stream};

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// A Unix socket with its file, which goes when the socket goes.
#[derive(Debug)]
pub struct UnixSocket {
    listener: Option<UnixListener>,
    path: PathBuf,
    /// Device and number of the file, so that only our own is removed.
    file: (u64, u64),
}

impl UnixSocket {
    /// Listens on the socket file `path` with permissions `mode`. A socket file that nobody answers
    /// on, left behind by a process that was killed, is replaced.
    ///
    /// # Errors
    /// When somebody answers on it, or when `path` is a file of another kind; both stay untouched.
    pub async fn bind(path: &Path, mode: u32) -> Result<Self> {
        let sentence = |kind, text: String| Err(Error::new(kind, text));
        let cannot =
            |what: &str, error: Error| Error::new(error.kind(), format!("cannot {what}: {error}"));
        let shown = path.display();
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(&format!("look at {shown}"), error)),
            Ok(file) if !file.file_type().is_socket() => {
                let text = format!("{shown} exists and is no socket; it is left alone");
                return sentence(ErrorKind::AlreadyExists, text);
            }
            Ok(_) => match UnixStream::connect(path).await {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    fs::remove_file(path)?;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let what = format!("tell whether somebody listens on {shown}");
                    return Err(cannot(&what, error));
                }
                Ok(_) => {
                    let text = format!("somebody listens on {shown} already");
                    return sentence(ErrorKind::AddrInUse, text);
                }
            },
        }
        let listener = UnixListener::bind(path)
            .map_err(|error| cannot(&format!("listen on {shown}"), error))?;
        let file = fs::symlink_metadata(path)?;
        let socket = Self {
            listener: Some(listener),
            path: path.to_owned(),
            file: (file.dev(), file.ino()),
        };
        // The umask of the process decides otherwise, and is not ours to change.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        Ok(socket)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Result<UnixStream> {
        match &self.listener {
            Some(listener) => listener.accept().await.map(|(stream, _)| stream),
            None => Err(Error::new(
                ErrorKind::NotConnected,
                "the listener was taken elsewhere",
            )),
        }
    }

    /// The listener, once; the file still goes with `self`.
    pub fn take_listener(&mut self) -> Option<UnixListener> {
        self.listener.take()
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|file| (file.dev(), file.ino()) == self.file);
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}
