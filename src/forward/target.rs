//! Where the model server listens.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_util::either::Either;

use crate::socket::Stream;

/// How long connecting may take; the only deadline on the path that is ours.
const CONNECT: Duration = Duration::from_secs(1);

/// Where the model server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `host:port`, resolved at each connection.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Target {
    /// Connects, within a second.
    pub(super) async fn connect(&self) -> Result<TokioIo<Stream>> {
        let connect = async {
            match self {
                Self::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    Ok(Either::Left(stream))
                }
                Self::Unix(path) => UnixStream::connect(path).await.map(Either::Right),
            }
        };
        let late = || Error::new(ErrorKind::TimedOut, "no answer within a second");
        let stream = timeout(CONNECT, connect)
            .await
            .unwrap_or_else(|_| Err(late()))?;
        Ok(TokioIo::new(stream))
    }
}

/// The address in the form that clients take.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
