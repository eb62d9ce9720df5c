//! What the path of a call says: which model, and which version of it.

use percent_encoding::percent_decode_str;

/// MLflow's and Seldon's paths, which are of the one model that is served there.
const UNNAMED: [&str; 3] = [
    "/invocations",
    "/api/v1.0/predictions",
    "/api/v0.1/predictions",
];

/// The model that a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Its name; empty when the path has none, as `/invocations`.
    pub(super) model: String,
    /// Version or label; empty when the path has none.
    pub(super) version: String,
}

impl Named {
    /// Reads a path, which may have anything before it, as behind a gateway, and a query after it;
    /// `None` if it is not one of inference.
    pub(super) fn by(path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let after = |prefix: &str| Some(path.rsplit_once(prefix)?.1);
        let open_inference = || after("/v2/models/")?.strip_suffix("/infer");
        let predict = || after("/v1/models/")?.strip_suffix(":predict");
        let Some(named) = open_inference().or_else(predict) else {
            let is_unnamed = UNNAMED.iter().any(|known| path.ends_with(known));
            return is_unnamed.then(Self::default);
        };
        let version = named
            .split_once("/versions/")
            .or_else(|| named.split_once("/labels/"));
        let (model, version) = version.unwrap_or((named, ""));
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some(Self {
            model: decoded(model),
            version: decoded(version),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_and_version_are_read_from_the_path() {
        for (path, model, version) in [
            ("/v2/models/iris/infer", "iris", ""),
            ("/v2/models/iris/versions/3/infer?x=1", "iris", "3"),
            ("/v1/models/iris:predict", "iris", ""),
            ("/v1/models/iris/versions/2:predict", "iris", "2"),
            ("/v1/models/iris/labels/stable:predict", "iris", "stable"),
            ("/seldon/ns/x/v2/models/a%20b%2Fc/infer", "a b/c", ""),
            ("/gateway/v1/models/%E5%8C%97:predict#x", "北", ""),
            ("/v1/models/a:b:predict", "a:b", ""),
            ("/v2/models/infer/infer", "infer", ""),
            ("/invocations", "", ""),
            ("/seldon/ns/x/api/v1.0/predictions", "", ""),
            ("/api/v0.1/predictions?a", "", ""),
        ] {
            let expected = Named {
                model: model.to_owned(),
                version: version.to_owned(),
            };
            assert_eq!(Named::by(path), Some(expected), "{path}");
        }
        for path in ["", "/", "/v2/models/iris", "/v1/models/iris:explain"] {
            assert_eq!(Named::by(path), None, "{path}");
        }
    }
}
