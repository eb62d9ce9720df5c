//! What windows are compared with, as a list of words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{as_text, list};

/// Something that windows can be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The profile, of a file or learned.
    Profile,
    /// The same hours of the seven days before.
    Seasonal,
    /// The window before.
    Previous,
    /// Every other version of the model.
    Versions,
    /// The version of this name.
    Version(String),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile => f.write_str("profile"),
            Self::Seasonal => f.write_str("seasonal"),
            Self::Previous => f.write_str("previous"),
            Self::Versions => f.write_str("versions"),
            Self::Version(name) => write!(f, "version:{name}"),
        }
    }
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "profile" => Ok(Self::Profile),
            "seasonal" => Ok(Self::Seasonal),
            "previous" => Ok(Self::Previous),
            "versions" => Ok(Self::Versions),
            _ => match text.strip_prefix("version:") {
                Some(name) if !name.is_empty() => Ok(Self::Version(name.into())),
                _ => Err(format!(
                    "{text:?} is no reference: write profile, seasonal, previous, versions or \
                     version: and the name of one"
                )),
            },
        }
    }
}

as_text!(Reference);

/// References, as they were written: a list, or text with commas, as flags have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References(pub Vec<Reference>);

impl References {
    /// The one that is written twice, if there is one.
    pub fn repeated(&self) -> Option<&Reference> {
        let mut rest = self.0.iter();
        while let Some(reference) = rest.next() {
            if rest.as_slice().contains(reference) {
                return Some(reference);
            }
        }
        None
    }
}

impl Serialize for References {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for References {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer, "a list such as [profile, previous]").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_text_with_commas_say_the_same() {
        let list: References =
            serde_saphyr::from_str("[profile, seasonal, previous, versions, version:v 2]").unwrap();
        let text = "\"profile, seasonal,previous,versions,version:v 2\"";
        assert_eq!(serde_saphyr::from_str::<References>(text).unwrap(), list);
        let written: Vec<_> = list.0.iter().map(ToString::to_string).collect();
        assert_eq!(
            written,
            ["profile", "seasonal", "previous", "versions", "version:v 2"]
        );
        assert_eq!(list.repeated(), None);
    }

    #[test]
    fn what_is_no_reference_is_told() {
        for text in ["yesterday", "", "version:", "Profile"] {
            let error = text.parse::<Reference>().unwrap_err();
            assert!(error.contains("write profile, seasonal"), "{error}");
        }
    }

    #[test]
    fn one_that_is_there_twice_is_found() {
        let list: References = serde_saphyr::from_str("[previous, profile, previous]").unwrap();
        assert_eq!(list.repeated(), Some(&Reference::Previous));
    }
}
