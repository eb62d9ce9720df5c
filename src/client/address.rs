//! Where a sidecar is reached.

use std::time::Duration;

use tonic::transport::Endpoint;

/// An address that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address:?} is no address of a sidecar: {why}; say host:port, http://host:port or unix:/path"
)]
pub struct AddressError {
    address: String,
    why: String,
}

/// The endpoint at `address`.
pub(super) fn endpoint(address: &str) -> Result<Endpoint, AddressError> {
    let wrong = |why: &str| AddressError {
        address: address.into(),
        why: why.into(),
    };
    let uri = if let Some(path) = address.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(wrong("it has no path"));
        }
        format!("unix:{path}")
    } else if address.starts_with("https://") {
        return Err(wrong("the push API has no TLS"));
    } else {
        let authority = address.strip_prefix("http://").unwrap_or(address);
        let authority = authority.trim_end_matches('/');
        if authority.contains('/') {
            return Err(wrong("it has a path"));
        }
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        if port.and_then(|port| port.parse::<u16>().ok()).is_none() {
            return Err(wrong("it has no port"));
        }
        format!("http://{authority}")
    };
    let endpoint = Endpoint::from_shared(uri).map_err(|error| wrong(&error.to_string()))?;
    Ok(endpoint
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_sockets_are_understood_and_all_else_is_explained() {
        for good in [
            "localhost:4599",
            "http://127.0.0.1:4599/",
            "[::1]:4599",
            "unix:/run/driftgauge/push.sock",
            "unix:///run/driftgauge/push.sock",
        ] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "localhost",
            "https://localhost:1",
            "unix:",
            "http://a:1/b",
            "a:b",
            "",
        ] {
            let said = endpoint(bad).unwrap_err().to_string();
            assert!(said.contains("host:port"), "{said}");
        }
    }
}
