//! Where the push API listens: a TCP port or a Unix socket.

use std::fmt;
use std::io::{Error, Result};
use std::path::Path;

use tokio::net::TcpListener;

use crate::socket::UnixSocket;

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
            Self::Unix(socket) => write!(f, "unix:{}", socket.path().display()),
        }
    }
}
