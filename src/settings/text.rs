//! Settings that are written as text: how they come out of and go into serde.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

/// Gives a type that has `FromStr<Err = String>` and `Display` its serde form: that text. Numbers
/// and text are the same to YAML here, so `0660` stays `0660`.
macro_rules! as_text {
    ($type:ty) => {
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

pub(super) use as_text;

/// A section of which only the heading is there (all keys commented out) means its defaults.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The same for a section by name, and for each of its entries.
pub(super) fn map_or_default<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let map: Option<BTreeMap<String, Option<T>>> = Option::deserialize(deserializer)?;
    let entries = map.unwrap_or_default().into_iter();
    Ok(entries
        .map(|(name, value)| (name, value.unwrap_or_default()))
        .collect())
}

/// A path; empty text means none, as an unset environment variable would.
pub(super) fn optional_path<'de, D>(deserializer: D) -> Result<Option<PathBuf>, D::Error>
where
    D: Deserializer<'de>,
{
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()).map(PathBuf::from))
}

/// A number; neither infinite nor `.nan`, which no comparison would ever catch.
pub(super) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(serde::de::Error::custom("a finite number is expected here"))
    }
}

/// The same, or nothing.
pub(super) fn optional_finite<'de, D>(deserializer: D) -> Result<Option<f64>, D::Error>
where
    D: Deserializer<'de>,
{
    let value: Option<f64> = Option::deserialize(deserializer)?;
    match value {
        Some(value) if !value.is_finite() => {
            Err(serde::de::Error::custom("a finite number is expected here"))
        }
        value => Ok(value),
    }
}
