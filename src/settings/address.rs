//! Where a server listens, and who may connect to its socket.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::text::as_text;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Nowhere: the server is off. Written as empty text.
    Off,
    /// `host:port`, ready for a resolver; `:4599` is read as `0.0.0.0:4599`. Port 0 lets the system
    /// choose.
    Tcp(String),
    /// A Unix socket, written `unix:/path`.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => Ok(()),
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::Off);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            // gRPC writes both unix:/path and unix:///path.
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') && !path.ends_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(format!(
                    "{text:?} is not a socket: write unix: and an absolute path, such as \
                     unix:/run/driftgauge/push.sock"
                ))
            };
        }
        let refused = || {
            format!(
                "{text:?} is not an address: write host:port, such as 0.0.0.0:9599 or [::1]:9599"
            )
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        port.parse::<u16>().map_err(|_| refused())?;
        let is_bracketed = host.starts_with('[') && host.ends_with(']');
        let is_name = host
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if is_bracketed {
            text.parse::<std::net::SocketAddrV6>()
                .map_err(|_| refused())?;
        } else if !is_name {
            return Err(refused());
        }
        Ok(Self::Tcp(if host.is_empty() {
            format!("0.0.0.0:{port}")
        } else {
            text.to_owned()
        }))
    }
}

as_text!(Address);

/// File mode of a Unix socket.
///
/// The digits are octal however they are written: `0660`, `"0660"`, `0o660` and `660` are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketMode(pub u32);

impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl FromStr for SocketMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        u32::from_str_radix(digits, 8)
            .ok()
            .filter(|&mode| mode <= 0o777 && digits.chars().all(|c| c.is_ascii_digit()))
            .map(Self)
            .ok_or_else(|| {
                format!("{text:?} is not a file mode: write three octal digits, such as 0660")
            })
    }
}

as_text!(SocketMode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_tcp_unix_or_off() {
        for (text, shown) in [
            ("127.0.0.1:4599", "127.0.0.1:4599"),
            (":4599", "0.0.0.0:4599"),
            ("[::1]:0", "[::1]:0"),
            ("localhost:80", "localhost:80"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:///run/a.sock", "unix:/run/a.sock"),
            ("", ""),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for text in [
            "9599",
            "host",
            "host:",
            "host:70000",
            "::1:80",
            "[::1:80",
            "a b:80",
            "http://a:80",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains("write host:port"), "{text}: {error}");
        }
        for text in ["unix:a.sock", "unix:", "unix:/run/"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains("absolute path"), "{text}: {error}");
        }
    }

    #[test]
    fn the_digits_of_a_mode_are_octal_however_written() {
        for text in ["0660", "660", "0o660"] {
            assert_eq!(text.parse(), Ok(SocketMode(0o660)));
        }
        assert_eq!(SocketMode(0o600).to_string(), "0600");
        for text in ["", "0o", "8", "1777", "rw", "-660", "+660"] {
            assert!(text.parse::<SocketMode>().is_err(), "{text}");
        }
    }
}
