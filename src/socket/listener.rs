//! Where a server listens: a TCP port or a Unix socket.

use std::fmt;
use std::io::{Error, Result};
use std::path::Path;

use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::either::Either;

use super::UnixSocket;

/// A connection over TCP or a Unix socket.
pub type Stream = Either<TcpStream, UnixStream>;

/// A socket that clients can connect to.
#[derive(Debug)]
pub enum Listener {
    /// A TCP port.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixSocket),
}

impl Listener {
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

    /// The next connection; over TCP it sends at once what is written (`TCP_NODELAY`).
    ///
    /// # Errors
    /// When there is none to be had now, as without a free descriptor; it can be tried again.
    pub async fn accept(&self) -> Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Either::Left(stream))
            }
            Self::Unix(socket) => socket.accept().await.map(Either::Right),
        }
    }
}

/// The address, in the form that [`bind`](Listener::bind) and clients take.
impl fmt::Display for Listener {
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
