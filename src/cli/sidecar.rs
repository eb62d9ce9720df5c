//! Where a running sidecar answers, and asking it over HTTP.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// The port of `web.listen_address` unless the settings say otherwise.
const PORT: u16 = 9599;
/// More is no answer of a sidecar; 5,000 features in three windows take a quarter of it.
const MOST_BYTES: usize = 128 << 20;

/// The same, with what to do if there is no sidecar; `flag` says where it is.
pub(super) fn explained(error: anyhow::Error, flag: &str) -> anyhow::Error {
    if !error.root_cause().is::<std::io::Error>() {
        return error;
    }
    anyhow!("{error:#}; start one with `driftgauge serve`, or say with {flag} where one is")
}

/// Where a sidecar answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its web port.
    Tcp {
        /// `host:port`.
        authority: String,
        /// What a proxy before it puts before the paths, without a slash at its end.
        prefix: String,
    },
    /// The Unix socket of `web.admin_socket`.
    Unix(PathBuf),
}

impl Place {
    /// That of a URL.
    ///
    /// # Errors
    /// Another scheme than `http`, or no host.
    pub(super) fn of_url(url: &str) -> Result<Self> {
        let wrong = || format!("{url:?} is no address of a sidecar: say http://HOST:PORT");
        let uri: Uri = url.parse().with_context(wrong)?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!(wrong());
        };
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self::Tcp {
            authority: format!("{}:{port}", authority.host()),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Status and body of the answer.
    ///
    /// # Errors
    /// Nobody listens, or who listens does not speak HTTP.
    pub(super) async fn ask(&self, method: Method, path: &str) -> Result<(StatusCode, Bytes)> {
        match self {
            Self::Tcp { authority, prefix } => {
                let stream = TcpStream::connect(authority).await;
                let stream =
                    stream.with_context(|| format!("cannot connect to the sidecar at {self}"))?;
                send(stream, method, authority, &format!("{prefix}{path}")).await
            }
            Self::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.with_context(|| {
                    format!(
                        "cannot connect to {}; is it the sidecar's web.admin_socket, and are you \
                         its user?",
                        socket.display()
                    )
                })?;
                send(stream, method, "localhost", path).await
            }
        }
    }
}

impl FromStr for Place {
    type Err = String;

    /// `HOST`, `HOST:PORT`, `http://HOST:PORT` or `unix:/PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!("{why}; say HOST:PORT, http://HOST:PORT or unix:/PATH of an admin socket")
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.starts_with('/') {
                true => Ok(Self::Unix(path.into())),
                false => Err(wrong("a socket has an absolute path")),
            };
        }
        if text.starts_with("https:") {
            return Err(wrong("a sidecar does not speak TLS"));
        }
        if text.contains("://") {
            return Self::of_url(text).map_err(|_| wrong("this is no address of a sidecar"));
        }
        let authority: http::uri::Authority = text
            .parse()
            .map_err(|_| wrong("this is no address of a sidecar"))?;
        let host = authority.host();
        let port = match text.strip_prefix(host) {
            _ if host.is_empty() => return Err(wrong("it has no host")),
            Some("") => PORT,
            Some(rest) => {
                let port = rest.strip_prefix(':').and_then(|port| port.parse().ok());
                port.ok_or_else(|| wrong("a port is a number up to 65535"))?
            }
            None => return Err(wrong("this is no address of a sidecar")),
        };
        Ok(Self::Tcp {
            authority: format!("{host}:{port}"),
            prefix: String::new(),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { authority, prefix } if prefix.is_empty() => f.write_str(authority),
            Self::Tcp { authority, prefix } => write!(f, "http://{authority}{prefix}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

async fn send<S>(stream: S, method: Method, host: &str, path: &str) -> Result<(StatusCode, Bytes)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host)
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await;
    let response = response.with_context(|| {
        format!("what listens there gives no answer in HTTP; the web port is {PORT} by default")
    })?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST_BYTES)
        .collect()
        .await;
    let body = body.map_err(|error| anyhow!("the answer broke off: {error}"))?;
    Ok((status, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(authority: &str, prefix: &str) -> Place {
        Place::Tcp {
            authority: authority.into(),
            prefix: prefix.into(),
        }
    }

    #[test]
    fn a_url_is_taken_apart_or_explained() {
        for (url, authority, prefix) in [
            ("http://127.0.0.1:9599", "127.0.0.1:9599", ""),
            ("http://sidecar/", "sidecar:80", ""),
            ("http://[::1]:1/behind/proxy/", "[::1]:1", "/behind/proxy"),
        ] {
            assert_eq!(Place::of_url(url).unwrap(), tcp(authority, prefix));
        }
        for url in [
            "localhost:9599",
            "https://a:1",
            "/run/admin.sock",
            "",
            "a b",
        ] {
            let error = Place::of_url(url).unwrap_err().to_string();
            assert!(error.contains("http://HOST:PORT"), "{url}: {error}");
        }
    }

    #[test]
    fn an_address_may_leave_out_what_goes_without_saying() {
        for (text, place) in [
            ("localhost", tcp("localhost:9599", "")),
            ("pod-1.example:80", tcp("pod-1.example:80", "")),
            ("[::1]", tcp("[::1]:9599", "")),
            ("[::1]:1", tcp("[::1]:1", "")),
            ("http://a:1/b/", tcp("a:1", "/b")),
            (
                "unix:/run/admin.sock",
                Place::Unix("/run/admin.sock".into()),
            ),
            (
                "unix:///run/admin.sock",
                Place::Unix("/run/admin.sock".into()),
            ),
        ] {
            assert_eq!(text.parse(), Ok(place.clone()), "{text}");
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for (text, why) in [
            ("", "no address"),
            (":9599", "no host"),
            ("a:b", "number"),
            ("a:99999", "number"),
            ("::1", "no address"),
            ("me@a:1", "no address"),
            ("a b", "no address"),
            ("unix:admin.sock", "absolute"),
            ("https://a:1", "TLS"),
            ("ftp://a:1", "no address"),
        ] {
            let said = text.parse::<Place>().unwrap_err();
            assert!(
                said.contains(why) && said.contains("HOST:PORT"),
                "{text}: {said}"
            );
        }
    }
}
