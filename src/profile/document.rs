//! The profile as a JSON document, format version 1.
//!
//! Members: `format` = `driftgauge-profile`, `format_version` = 1, `hash` (sha-256 of the canonical
//! JSON of `rows`, `features` and, where they are there, `joint` and `outliers`: keys sorted, no white
//! space, so provenance and layout do not matter), `model`, `rows`, `features`, `joint`, `outliers`,
//! `provenance`. A reader ignores members that it does not know and refuses a higher `format_version`;
//! version 1 stays readable for ever (`tests/golden/`).
//! `FORMAT.md` beside this file says it all, for those who write a reader of their own.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::feature_document::{FeatureDocument, check_derived};
use super::file::ProfileError;
use super::joint_document::JointDocument;
use super::layout::Layout;
use super::outliers::OutlierDocument;
use super::{FeatureProfile, Profile, Provenance};

/// Value of the member `format`.
pub const FORMAT: &str = "driftgauge-profile";
/// The version that this program writes, and the highest that it reads.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    format_version: u32,
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    rows: u64,
    features: Vec<FeatureDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    joint: Option<JointDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outliers: Option<OutlierDocument>,
    #[serde(default)]
    provenance: Provenance,
}

impl Profile {
    /// Content hash: 64 hex digits over rows, features and joint reference, not over provenance.
    pub fn hash(&self) -> String {
        let document = serde_json::to_value(self.document(String::new()));
        hash_of(&document.expect("a profile has only finite numbers and string keys"))
    }

    /// The JSON document, ending in a line feed. The same profile gives the same bytes.
    pub fn to_json(&self) -> String {
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut json, Layout::default());
        self.document(self.hash())
            .serialize(&mut serializer)
            .expect("writing to memory does not fail");
        json.push(b'\n');
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    /// Reads a profile from its JSON document.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] with a sentence: no JSON, another format, a later format version,
    /// content that contradicts itself or its hash.
    pub fn from_json(json: &str) -> Result<Self, ProfileError> {
        let value: Value = serde_json::from_str(json)
            .map_err(|error| ProfileError::Invalid(format!("it is no JSON: {error}")))?;
        let invalid = |message: String| Err(ProfileError::Invalid(message));
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return invalid(format!(
                "it has no member \"format\": \"{FORMAT}\"; make one with `driftgauge profile`"
            ));
        }
        match value.get("format_version").and_then(Value::as_u64) {
            Some(version) if version > u64::from(FORMAT_VERSION) => {
                return invalid(format!(
                    "its format version {version} is newer than {FORMAT_VERSION}, the newest that \
                     this driftgauge reads; upgrade driftgauge"
                ));
            }
            Some(_) => {}
            None => return invalid("it has no \"format_version\"".into()),
        }
        let expected = hash_of(&value);
        let document: Document = serde_json::from_value(value)
            .map_err(|error| ProfileError::Invalid(error.to_string()))?;
        if document.hash != expected {
            return invalid(format!(
                "its content does not fit its hash (it says {}, the content has {}): it was \
                 changed after it was made; make it again with `driftgauge profile`",
                short(&document.hash),
                short(&expected)
            ));
        }
        check_derived(&document.features).map_err(ProfileError::Invalid)?;
        let mut names = HashSet::new();
        let mut features = Vec::with_capacity(document.features.len());
        for feature in document.features {
            if !names.insert(feature.name.clone()) {
                return invalid(format!("the field {:?} is there twice", feature.name));
            }
            let name = feature.name.clone();
            match FeatureProfile::try_from(feature) {
                Ok(feature) => features.push(feature),
                Err(message) => return invalid(format!("field {name:?}: {message}")),
            }
        }
        let joint = document.joint.map(|joint| joint.read(&features));
        let joint = match joint.transpose() {
            Ok(joint) => joint,
            Err(message) => return invalid(format!("joint: {message}")),
        };
        let outliers = document.outliers.map(|of| of.read(&features));
        let outliers = match outliers.transpose() {
            Ok(outliers) => outliers,
            Err(message) => return invalid(format!("outliers: {message}")),
        };
        Ok(Self {
            model: document.model,
            rows: document.rows,
            features,
            joint,
            outliers,
            provenance: document.provenance,
        })
    }

    fn document(&self, hash: String) -> Document {
        Document {
            format: FORMAT.into(),
            format_version: FORMAT_VERSION,
            hash,
            model: self.model.clone(),
            rows: self.rows,
            features: self.features.iter().map(FeatureDocument::from).collect(),
            joint: self.joint.as_ref().map(JointDocument::from),
            outliers: self.outliers.as_ref().map(OutlierDocument::from),
            provenance: self.provenance.clone(),
        }
    }
}

/// First 8 hex digits of a hash: the label `profile`.
pub fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

/// sha-256 of the canonical JSON of what was measured; members of later versions included.
fn hash_of(document: &Value) -> String {
    let mut content = serde_json::json!({
        "features": document.get("features"),
        "rows": document.get("rows"),
    });
    // What later versions of driftgauge measure besides; profiles without it keep their hash.
    for member in ["joint", "outliers"] {
        if let Some(measured) = document.get(member) {
            content[member] = measured.clone();
        }
    }
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(canonical(&content).as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Compact JSON with sorted keys, whatever order the map type keeps.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<_> = members.keys().collect();
            keys.sort();
            let members = keys.into_iter().map(|key| {
                let name = Value::String(key.clone());
                format!("{name}:{}", canonical(&members[key]))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::example::profile;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let profile = profile();
        assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
    }

    #[test]
    fn floats_of_the_hash_are_written_as_the_format_says() {
        let written = |number: f64| canonical(&serde_json::json!(number));
        let numbers = [1.0, 1e-5, 1e-7, 1e15, 1e16, 1e300];
        let expected = [
            "1.0",
            "0.00001",
            "1e-7",
            "1000000000000000.0",
            "1e+16",
            "1e+300",
        ];
        assert_eq!(numbers.map(written), expected);
    }

    #[test]
    fn the_hash_covers_content_and_not_provenance() {
        let mut other = profile();
        other.provenance.created = "2026-01-01T00:00:00Z".into();
        other.model = None;
        assert_eq!(other.hash(), profile().hash());
        other.features[0].missing.nan += 1;
        assert_ne!(other.hash(), profile().hash());
    }

    #[test]
    fn outliers_are_part_of_the_hash_only_where_they_are() {
        let mut other = profile();
        other.outliers.as_mut().unwrap().rows[0] += 1;
        assert_ne!(other.hash(), profile().hash());
        other.outliers = None;
        assert!(!other.to_json().contains("outliers"));
        assert_eq!(Profile::from_json(&other.to_json()).unwrap(), other);
    }

    #[test]
    fn a_changed_file_is_refused_with_a_sentence() {
        let json = profile().to_json().replace("\"nan\": 2", "\"nan\": 3");
        let error = Profile::from_json(&json).unwrap_err().to_string();
        assert!(error.contains("does not fit its hash"), "{error}");
    }

    #[test]
    fn a_later_format_is_refused_with_a_sentence() {
        let json = profile()
            .to_json()
            .replace("\"format_version\": 1", "\"format_version\": 2");
        let error = Profile::from_json(&json).unwrap_err().to_string();
        assert!(error.contains("upgrade driftgauge"), "{error}");
    }
}
