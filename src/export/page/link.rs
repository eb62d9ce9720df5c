//! Addresses within the pages, relative to where they are and ready for an attribute.

use std::fmt::{self, Display};

use crate::engine::{FeatureSnapshot, ModelSnapshot};
use crate::export::url::encode;

/// A page and its parameters.
#[derive(Clone)]
pub(super) struct Link(String);

impl Link {
    /// A page, such as `feature`; `./` is the landing page.
    pub(super) fn to(page: &str) -> Self {
        Self(format!("{page}?"))
    }

    /// The page of a model.
    pub(super) fn to_model(model: &ModelSnapshot) -> Self {
        Self::to("./").about(model)
    }

    /// The page of a field, or `page` about it.
    pub(super) fn to_feature(page: &str, model: &ModelSnapshot, field: &FeatureSnapshot) -> Self {
        Self::to(page).about(model).with("feature", &field.name)
    }

    fn about(self, model: &ModelSnapshot) -> Self {
        let link = self.with("model", &model.model);
        link.with("version", &model.version)
    }

    /// With one more parameter.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        let is_first = self.0.ends_with('?');
        self.0.push_str(if is_first { "" } else { "&amp;" });
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(&encode(value));
        self
    }

    /// With one more parameter, if it has a value.
    pub(super) fn with_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

impl Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.trim_end_matches('?'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_and_apart() {
        let link = Link::to("feature")
            .with("model", "a&b\"")
            .with_some("window", None);
        assert_eq!(link.to_string(), "feature?model=a%26b%22");
        let link = link.with_some("window", Some("1h"));
        assert_eq!(link.to_string(), "feature?model=a%26b%22&amp;window=1h");
        assert_eq!(Link::to("./").to_string(), "./");
    }
}
