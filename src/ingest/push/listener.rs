//! Where the push API listens: a TCP port or a Unix socket.

use std::fmt;
use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};

/// A socket that clients can connect to.
#[derive(Debug)]
pub enum PushListener {
    /// A TCP port.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixSocket),
}

impl PushListener {
    /// Permissions of a Unix socket when nothing else is said: owner and group may connect.
    pub const DEFAULT_MODE: u32 = 0o660;

    /// Listens on `host:port`, or on `unix:/path` with permissions `mode`.
    ///
    /// # Errors
    /// When the address cannot be had; the sentence names it.
    pub async fn bind(address: &str, mode: u32) -> Result<Self> {
        if let Some(path) = address.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return UnixSocket::bind(Path::new(path), mode)
                .await
                .map(Self::Unix);
        }
        let listener = TcpListener::bind(address).await;
        listener.map(Self::Tcp).map_err(|error| {
            Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
        })
    }
}

/// The address, in the form that [`bind`](PushListener::bind) and clients take.
impl fmt::Display for PushListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(_) => f.write_str("a closed port"),
            },
            Self::Unix(socket) => write!(f, "unix:{}", socket.path.display()),
        }
    }
}

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

    /// The listener, once; the file still goes with `self`.
    pub(super) fn take_listener(&mut self) -> Option<UnixListener> {
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
