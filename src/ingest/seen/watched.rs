//! Which calls are worth looking at, told by their path. All others pass as well, unseen.

use http::{HeaderMap, Method, header};

use super::Transport;

/// A call that is worth looking at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// How it is carried.
    pub transport: Transport,
    /// Whether it has many requests and responses.
    pub is_stream: bool,
}

impl Watched {
    /// What a request to `path` (without its query) is; `None` when it is no inference.
    ///
    /// Paths may have a prefix, as behind a gateway: what counts is how they end.
    pub fn of(method: &Method, path: &str, headers: &HeaderMap) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        let content_type = headers.get(header::CONTENT_TYPE);
        let is_grpc =
            content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        if is_grpc {
            let is_stream = path.ends_with("/ModelStreamInfer");
            return (is_stream || path.ends_with("/ModelInfer")).then_some(Self {
                transport: Transport::Grpc,
                is_stream,
            });
        }
        let is_inference = path.ends_with("/infer") && path.contains("/v2/models/")
            || path.ends_with(":predict") && path.contains("/v1/models/")
            || path.ends_with("/invocations")
            || path.ends_with("/api/v1.0/predictions")
            || path.ends_with("/api/v0.1/predictions");
        is_inference.then_some(Self {
            transport: Transport::Http,
            is_stream: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inference_is_told_by_the_path() {
        let of = |path: &str, kind: &str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
            let found = Watched::of(&Method::POST, path, &headers)?;
            Some((found.transport == Transport::Grpc, found.is_stream))
        };
        let (grpc, json) = ("application/grpc+proto", "application/json");
        let service = "/inference.GRPCInferenceService";
        assert_eq!(
            of(&format!("{service}/ModelInfer"), grpc),
            Some((true, false))
        );
        assert_eq!(
            of(&format!("{service}/ModelStreamInfer"), grpc),
            Some((true, true))
        );
        for path in [
            "/grpc.health.v1.Health/Check",
            "/inference.X/ModelMetadata",
            "/invocations",
        ] {
            assert_eq!(of(path, grpc), None, "{path}");
        }
        for path in [
            "/v2/models/m/infer",
            "/v2/models/m/versions/1/infer",
            "/gateway/v1/models/m:predict",
            "/v1/models/m/versions/2:predict",
            "/v1/models/m/labels/stable:predict",
            "/invocations",
            "/api/v1.0/predictions",
        ] {
            assert_eq!(of(path, json), Some((false, false)), "{path}");
        }
        for path in [
            "/v2/models/m/generate_stream",
            "/v1/models/m:explain",
            "/v2/models/m",
            "/",
        ] {
            assert_eq!(of(path, json), None, "{path}");
        }
        let headers = HeaderMap::new();
        assert!(Watched::of(&Method::GET, "/invocations", &headers).is_none());
    }
}
