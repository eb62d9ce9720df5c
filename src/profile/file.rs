//! The profile as a JSON document, format version 1.
//!
//! Members: `format` = `driftgauge-profile`, `format_version` = 1, `hash` (sha-256 of the canonical
//! JSON of `rows`, `features` and, where they are there, `joint` and `outliers`: keys sorted, no white
//! space, so provenance and layout do not matter), `model`, `rows`, `features`, `joint`, `outliers`,
//! `provenance`. A reader ignores members that it does not
//! know and refuses a higher `format_version`; version 1 stays readable for ever (`tests/golden/`).
//! `FORMAT.md` beside this file says it all, for those who write a reader of their own.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fourier_document::FourierDocument;
use super::joint_document::JointDocument;
use super::outliers::OutlierDocument;
use super::{
    CategoryCells, Cells, CentroidCells, EMBEDDING_DIMENSIONS, FeatureProfile, HASH_CELLS, Kind,
    Missing, Moments, NumericCells, Profile, Provenance, ReferenceCells, Variation,
};
use crate::batch::Role;

/// Value of the member `format`.
pub const FORMAT: &str = "driftgauge-profile";
/// The version that this program writes, and the highest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Why a profile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be opened or read.
    #[error("cannot read the profile {path}: {cause}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the profile {path}: {cause}")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The content is no profile.
    #[error("not a usable profile: {0}")]
    Invalid(String),
}

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

#[derive(Serialize, Deserialize)]
struct FeatureDocument {
    name: String,
    role: Role,
    kind: Kind,
    values: u64,
    missing: Missing,
    distinct: u64,
    #[serde(default = "one")]
    design_effect: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    wander: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    long_wander: Option<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    chunk_seconds: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    span_seconds: f64,
    #[serde(default, skip_serializing_if = "is_none")]
    chunks: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    importance: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    derived_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<FourierDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moments: Option<Moments>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cells: Option<CellsDocument>,
}

#[derive(Serialize, Deserialize)]
struct CellsDocument {
    rows: Vec<u64>,
    probabilities: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    means: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_categories: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    has_other: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    centroids: Option<Vec<Vec<f64>>>,
}

/// How high-cardinality values are put into cells; fixed.
const HASH_NAME: &str = "xxh3-64 seed 0 modulo 64";

/// Largest wander that is believed, far beyond any that can be measured.
pub(super) const MOST_WANDER: f64 = 1e6;

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Most bytes of a file that is read whole.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The text of a file that is read whole: a profile, or what is kept beside profiles.
///
/// # Errors
/// Besides those of the system: it is no regular file (reading a FIFO would wait for its writer),
/// larger than 64 MiB, or no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let refused = |message: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    // Before it is opened: that already waits, of a FIFO.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return refused("it is no regular file");
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return refused("it is larger than 64 MiB, the most that is read");
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
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
        let layout = Layout { depth: 0 };
        let mut serializer = serde_json::Serializer::with_formatter(&mut json, layout);
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
        let mut names = std::collections::HashSet::new();
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

    /// Reads a profile file.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let json = read_text(path).map_err(|cause| ProfileError::Read {
            path: path.display().to_string(),
            cause,
        })?;
        Self::from_json(&json).map_err(|error| match error {
            ProfileError::Invalid(message) => {
                ProfileError::Invalid(format!("{}: {message}", path.display()))
            }
            other => other,
        })
    }

    /// Writes the profile file whole or not at all: into a neighbour first, then renamed.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn save(&self, path: &Path) -> Result<(), ProfileError> {
        let failed = |cause| ProfileError::Write {
            path: path.display().to_string(),
            cause,
        };
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let neighbour = path.with_file_name(name);
        let write = || {
            let mut file = std::fs::File::create(&neighbour)?;
            file.write_all(self.to_json().as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&neighbour, path)
        };
        write().map_err(|cause| {
            let _ = std::fs::remove_file(&neighbour);
            failed(cause)
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

impl From<&FeatureProfile> for FeatureDocument {
    fn from(feature: &FeatureProfile) -> Self {
        Self {
            name: feature.name.clone(),
            role: feature.role,
            kind: feature.kind,
            values: feature.values(),
            missing: feature.missing,
            distinct: feature.distinct,
            design_effect: feature.variation.design_effect,
            wander: feature.variation.wander,
            long_wander: (feature.variation.wander > 0.0).then_some(feature.variation.long_wander),
            chunk_seconds: feature.variation.chunk_seconds,
            span_seconds: feature.variation.span_seconds,
            chunks: feature.variation.chunks,
            importance: feature.importance,
            derived_from: feature.derived_from.clone(),
            embedding: feature.embedding.as_ref().map(FourierDocument::from),
            moments: feature.moments,
            cells: feature.cells.as_ref().map(CellsDocument::from),
        }
    }
}

impl From<&ReferenceCells> for CellsDocument {
    fn from(reference: &ReferenceCells) -> Self {
        let total = reference.total().max(1) as f64;
        let mut document = Self {
            rows: reference.rows.clone(),
            probabilities: reference.rows.iter().map(|&r| r as f64 / total).collect(),
            edges: None,
            means: None,
            categories: None,
            other_categories: None,
            has_other: None,
            hash: None,
            mean: None,
            centroids: None,
        };
        match &reference.cells {
            Cells::Numeric(cells) => {
                document.edges = Some(cells.edges().to_vec());
                document.means = Some(reference.means.clone());
            }
            Cells::Categorical(cells) => {
                document.categories = Some(cells.kept().to_vec());
                document.other_categories = Some(cells.others().to_vec());
                document.has_other = Some(cells.has_other());
            }
            Cells::Hashed => document.hash = Some(HASH_NAME.into()),
            Cells::Centroids(cells) => {
                document.mean = Some(decimals(cells.mean()));
                document.centroids = Some(cells.centroids().map(decimals).collect());
            }
        }
        document
    }
}

impl TryFrom<FeatureDocument> for FeatureProfile {
    type Error = String;

    fn try_from(document: FeatureDocument) -> Result<Self, String> {
        let cells = document
            .cells
            .map(|cells| reference_cells(document.kind, cells))
            .transpose()?;
        if !(document.design_effect >= 1.0 && document.design_effect.is_finite()) {
            return Err(format!(
                "design_effect is {}, must be 1 or more",
                document.design_effect
            ));
        }
        if !(0.0..=MOST_WANDER).contains(&document.wander) {
            let found = document.wander;
            return Err(format!("wander is {found}, must be 0 to {MOST_WANDER}"));
        }
        let long_wander = document.long_wander.unwrap_or(document.wander);
        if !(0.0..=document.wander).contains(&long_wander) {
            return Err(format!("long_wander is {long_wander}, must be 0 to wander"));
        }
        let seconds = [document.chunk_seconds, document.span_seconds];
        if !seconds.iter().all(|&s| s >= 0.0 && s.is_finite()) {
            return Err("chunk_seconds and span_seconds must be 0 or more".into());
        }
        if document
            .importance
            .is_some_and(|i| !(i.is_finite() && i >= 0.0))
        {
            return Err("importance must be 0 or more".into());
        }
        document.moments.map_or(Ok(()), check_moments)?;
        if document.kind.is_numeric() && cells.is_some() && document.moments.is_none() {
            return Err("a numeric field has no \"moments\"".into());
        }
        let embedding = match (document.embedding, cells.as_ref().map(|of| &of.cells)) {
            (None, _) => None,
            (Some(embedding), Some(Cells::Centroids(cells))) => {
                let read = embedding.read(EMBEDDING_DIMENSIONS.min(cells.width()));
                Some(read.map_err(|message| format!("embedding: {message}"))?)
            }
            (Some(_), _) => return Err("an embedding of what has no centroids".into()),
        };
        Ok(Self {
            name: document.name,
            role: document.role,
            kind: document.kind,
            missing: document.missing,
            cells,
            moments: document.moments,
            distinct: document.distinct,
            variation: Variation {
                design_effect: document.design_effect,
                wander: document.wander,
                long_wander,
                chunk_seconds: document.chunk_seconds,
                span_seconds: document.span_seconds,
                chunks: document.chunks,
            },
            importance: document.importance,
            derived_from: document.derived_from,
            embedding,
        })
    }
}

fn check_moments(moments: Moments) -> Result<(), String> {
    let Moments {
        mean,
        stddev,
        min,
        max,
    } = moments;
    if ![mean, stddev, min, max].iter().all(|it| it.is_finite()) {
        return Err("a number of \"moments\" is not finite".into());
    }
    if stddev < 0.0 {
        return Err(format!("stddev is {stddev}, must be 0 or more"));
    }
    if min > max {
        return Err(format!("min is {min}, above max, {max}"));
    }
    Ok(())
}

/// What is derived, is so from a vector of the same profile, which gives one such field.
fn check_derived(features: &[FeatureDocument]) -> Result<(), String> {
    let mut used = std::collections::HashSet::new();
    for feature in features {
        let (name, Some(from)) = (&feature.name, &feature.derived_from) else {
            continue;
        };
        let is_vector = |of: &FeatureDocument| of.name == *from && of.kind == Kind::Vector;
        if name == from || !features.iter().any(is_vector) {
            return Err(format!(
                "field {name:?}: derived_from is {from:?}, must be another field of kind vector"
            ));
        }
        if !used.insert(from) {
            return Err(format!(
                "field {name:?}: derived_from is {from:?}, from which another field is derived; a \
                 vector gives one"
            ));
        }
    }
    Ok(())
}

/// The shortest decimals that read back the same, instead of 17 digits of which 9 are noise.
fn decimals(singles: &[f32]) -> Vec<f64> {
    let decimal = |single: &f32| {
        let shortest = format!("{single:e}").parse();
        shortest.unwrap_or(f64::from(*single))
    };
    singles.iter().map(decimal).collect()
}

fn singles(decimals: &[f64]) -> Vec<f32> {
    decimals.iter().map(|&decimal| decimal as f32).collect()
}

fn reference_cells(kind: Kind, document: CellsDocument) -> Result<ReferenceCells, String> {
    let (cells, means) = match kind {
        Kind::Numeric | Kind::Integer | Kind::Boolean => {
            let edges = document.edges.ok_or("cells have no \"edges\"")?;
            let means = document.means.ok_or("cells have no \"means\"")?;
            (Cells::Numeric(NumericCells::new(edges)?), means)
        }
        Kind::Categorical => {
            let kept = document.categories.ok_or("cells have no \"categories\"")?;
            let others = document.other_categories.unwrap_or_default();
            let has_other = document.has_other.unwrap_or(false);
            let cells = CategoryCells::new(kept, others, has_other)?;
            (Cells::Categorical(cells), Vec::new())
        }
        Kind::HighCardinality => match document.hash.as_deref() {
            Some(HASH_NAME) => (Cells::Hashed, Vec::new()),
            other => return Err(format!("hash is {other:?}, must be {HASH_NAME:?}")),
        },
        Kind::Vector => {
            let mean = document.mean.ok_or("cells have no \"mean\"")?;
            let centroids = document.centroids.ok_or("cells have no \"centroids\"")?;
            let centroids: Vec<_> = centroids.iter().map(|c| singles(c)).collect();
            let cells = CentroidCells::new(singles(&mean), &centroids)?;
            (Cells::Centroids(cells), Vec::new())
        }
    };
    let count = cells.len();
    if document.rows.len() != count {
        return Err(format!(
            "\"rows\" has {} entries for {count} cells",
            document.rows.len()
        ));
    }
    let total = document
        .rows
        .iter()
        .try_fold(0u64, |sum, rows| sum.checked_add(*rows));
    if total.is_none() {
        return Err("\"rows\" add up to more than can be counted".into());
    }
    if cells.is_numeric() && means.len() != count {
        return Err(format!(
            "\"means\" has {} entries for {count} cells",
            means.len()
        ));
    }
    debug_assert!(kind != Kind::HighCardinality || count == HASH_CELLS);
    Ok(ReferenceCells {
        cells,
        rows: document.rows,
        means,
    })
}

/// Indented JSON with arrays of numbers and names on one line, so that people can read a profile.
struct Layout {
    depth: usize,
}

impl Layout {
    fn line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        for _ in 0..self.depth {
            writer.write_all(b"  ")?;
        }
        Ok(())
    }

    /// Arrays above this depth hold objects, those below hold numbers or names.
    fn is_inline(&self) -> bool {
        self.depth >= 4
    }
}

impl serde_json::ser::Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let inline = self.is_inline();
        self.depth -= 1;
        if !inline {
            self.line(writer)?;
        }
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !first {
            writer.write_all(if self.is_inline() { b", " } else { b"," })?;
        }
        if self.is_inline() {
            Ok(())
        } else {
            self.line(writer)
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        self.line(writer)?;
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{OutlierFeature, OutlierReference};

    fn profile() -> Profile {
        Profile {
            model: Some("fraud".into()),
            rows: 12,
            features: vec![
                FeatureProfile {
                    name: "amount".into(),
                    role: Role::Feature,
                    kind: Kind::Numeric,
                    missing: Missing {
                        nan: 2,
                        ..Missing::default()
                    },
                    cells: Some(ReferenceCells {
                        cells: Cells::Numeric(NumericCells::new(vec![0.1 + 0.2]).unwrap()),
                        rows: vec![4, 6],
                        means: vec![0.1, 2.0 / 3.0],
                    }),
                    moments: Some(Moments {
                        mean: 1.0 / 3.0,
                        stddev: 1e-300,
                        min: -1e300,
                        max: 5.0,
                    }),
                    distinct: 10,
                    variation: Variation::default(),
                    importance: None,
                    derived_from: None,
                    embedding: None,
                },
                FeatureProfile {
                    name: "origin".into(),
                    role: Role::Feature,
                    kind: Kind::Categorical,
                    missing: Missing::default(),
                    cells: Some(ReferenceCells {
                        cells: Cells::Categorical(
                            CategoryCells::new(vec!["JFK".into()], vec!["EWR".into()], false)
                                .unwrap(),
                        ),
                        rows: vec![11, 1],
                        means: vec![],
                    }),
                    moments: None,
                    distinct: 2,
                    variation: Variation::default(),
                    importance: None,
                    derived_from: None,
                    embedding: None,
                },
            ],
            joint: None,
            outliers: Some(OutlierReference {
                features: vec![OutlierFeature {
                    name: "amount".into(),
                    scores: vec![0.1 + 0.2, 2.0],
                }],
                rows: vec![8, 4],
                bin_width: 0.1,
            }),
            provenance: Provenance::default(),
        }
    }

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
    fn what_contradicts_itself_is_refused_with_a_sentence() {
        let refused = |change: fn(&mut Profile), sentence: &str| {
            let mut profile = profile();
            change(&mut profile);
            let error = Profile::from_json(&profile.to_json()).unwrap_err();
            assert!(error.to_string().contains(sentence), "{error}");
        };
        fn moments(profile: &mut Profile) -> &mut Moments {
            profile.features[0].moments.as_mut().unwrap()
        }
        refused(|of| moments(of).stddev = -1.0, "stddev is -1");
        refused(|of| moments(of).min = 6.0, "min is 6, above max, 5");
        let wander = |of: &mut Profile| of.features[0].variation.wander = 2e6;
        refused(wander, "wander is 2000000, must be 0 to 1000000");
        let derived = "must be another field of kind vector";
        refused(
            |of| of.features[0].derived_from = Some("amount".into()),
            derived,
        );
        refused(
            |of| of.features[0].derived_from = Some("origin".into()),
            derived,
        );
        refused(
            |of| of.features[0].derived_from = Some("gone".into()),
            derived,
        );
        let twice = |of: &mut Profile| {
            let vector = FeatureProfile {
                name: "emb".into(),
                kind: Kind::Vector,
                cells: None,
                ..of.features[1].clone()
            };
            of.features.push(vector);
            for feature in &mut of.features[..2] {
                feature.derived_from = Some("emb".into());
            }
        };
        refused(twice, "a vector gives one");
    }

    #[test]
    fn what_is_no_regular_file_or_too_large_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let error = Profile::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("it is no regular file"), "{error}");
        // A socket, as a FIFO would, has no content to wait for.
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = Profile::load(&socket).unwrap_err().to_string();
        assert!(error.contains("it is no regular file"), "{error}");
        let large = folder.path().join("large");
        let file = std::fs::File::create(&large).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        let error = Profile::load(&large).unwrap_err().to_string();
        assert!(error.contains("larger than 64 MiB"), "{error}");
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
    fn outliers_that_contradict_the_fields_are_refused_with_a_sentence() {
        let refused = |change: fn(&mut OutlierReference), sentence: &str| {
            let mut profile = profile();
            change(profile.outliers.as_mut().unwrap());
            let error = Profile::from_json(&profile.to_json()).unwrap_err();
            assert!(error.to_string().contains(sentence), "{error}");
        };
        refused(|of| of.bin_width = 0.0, "bin_width is 0, must be above 0");
        refused(|of| of.rows.clear(), "0 bins");
        refused(|of| of.rows = vec![u64::MAX, 1], "add up to more");
        refused(
            |of| of.features[0].name = "x".into(),
            "there is no field \"x\"",
        );
        refused(|of| of.features[0].scores.push(1.0), "3 scores for 2 cells");
        refused(|of| of.features[0].scores[0] = -1.0, "must be 0 or more");
        refused(|of| of.features.push(of.features[0].clone()), "there twice");
        refused(
            |of| of.features = vec![of.features[0].clone(); 65],
            "65 features",
        );
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
