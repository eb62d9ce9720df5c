//! What burn-ins have found, told when they end and kept over restarts when there is a state directory.
//!
//! One file a model, written whole when another field is done. It holds no rows and no category names:
//! of each field the profile it belongs to, design effect, wander and chunks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kept::file_name;
use crate::engine::{BurntIn, MOST_LEARNED_EFFECT, ModelSnapshot, Snapshot};
use crate::learn::tolerated_effect;
use crate::profile::Variation;

/// The folder of burn-ins in the state directory.
const FOLDER: &str = "burn-in";
const FORMAT: &str = "driftgauge-burn-in";
/// The version that is written, and the only one that is read: an older one is learned anew.
const FORMAT_VERSION: u32 = 1;
/// Versions of a model that are kept, whether they are live or not.
const MOST_VERSIONS: usize = 16;
/// Fields that a warning names.
const NAMED_FIELDS: usize = 8;

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    format_version: u32,
    model: String,
    versions: BTreeMap<String, BTreeMap<String, Found>>,
}

/// Of one field.
#[derive(Serialize, Deserialize)]
struct Found {
    profile: String,
    #[serde(flatten)]
    variation: Variation,
}

/// By version and feature.
type Of = HashMap<Arc<str>, HashMap<Arc<str>, BurntIn>>;

/// What burn-ins have found, by model.
#[derive(Clone, Debug, Default)]
pub(super) struct BurnIns {
    folder: Option<PathBuf>,
    models: HashMap<Arc<str>, Of>,
    /// Models and versions whose end was told.
    told: HashSet<(Arc<str>, Arc<str>)>,
}

impl BurnIns {
    /// Reads what was kept. A file that cannot be read is left alone until the next burn-in of its
    /// model ends, and a warning says so.
    pub fn open(state_directory: Option<&Path>) -> Self {
        let folder = state_directory.map(|directory| directory.join(FOLDER));
        let entries = folder.as_ref().and_then(|f| std::fs::read_dir(f).ok());
        let mut burn_ins = Self {
            folder,
            ..Self::default()
        };
        for path in entries.into_iter().flatten().flatten().map(|e| e.path()) {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok((model, of)) => {
                    let versions = of.keys();
                    let told = versions.map(|version| (model.clone(), version.clone()));
                    burn_ins.told.extend(told);
                    burn_ins.models.insert(model, of);
                }
                Err(error) => tracing::warn!(
                    "a burn-in that was kept in {} cannot be read and begins anew: {error}",
                    path.display()
                ),
            }
        }
        burn_ins
    }

    /// What was kept, by model.
    pub fn models(&self) -> &HashMap<Arc<str>, Of> {
        &self.models
    }

    /// Keeps what is frozen now and was not before, and tells where all of a version is.
    pub fn keep(&mut self, snapshot: &Snapshot) {
        for model in &snapshot.models {
            let found = frozen(model);
            if found.is_empty() {
                continue;
            }
            let of = self.models.entry(model.model.clone()).or_default();
            let known = of.entry(model.version.clone()).or_default();
            let is_new = found.iter().any(|(name, of)| known.get(name) != Some(of));
            if is_new {
                known.extend(found);
                if of.len() > MOST_VERSIONS {
                    let live = snapshot.models.iter().filter(|m| m.model == model.model);
                    let live: HashSet<_> = live.map(|m| &m.version).collect();
                    of.retain(|version, _| live.contains(version));
                }
                self.save(&model.model);
            }
            let key = (model.model.clone(), model.version.clone());
            if model.burn_in == Some(1.0) && !self.told.contains(&key) {
                self.tell(model);
                self.told.insert(key);
            }
        }
    }

    fn save(&self, model: &Arc<str>) {
        let (Some(folder), Some(of)) = (&self.folder, self.models.get(model)) else {
            return;
        };
        let path = folder.join(file_name(model, "burn-in"));
        if let Err(error) = write(folder, &path, model, of) {
            tracing::error!(
                model = &**model,
                "what the burn-in has found cannot be kept in {}: {error}",
                path.display()
            );
        }
    }

    fn tell(&self, model: &ModelSnapshot) {
        let fields = model.features.iter();
        let found = fields.filter_map(|f| Some((&f.name, f.reference.as_ref()?)));
        let found = found.filter(|(_, reference)| reference.burn_in.is_some());
        let effects = found.clone().map(|(_, r)| r.variation.design_effect);
        let largest_design_effect = effects.fold(1.0, f64::max);
        tracing::info!(
            model = &*model.model,
            version = &*model.version,
            largest_design_effect,
            kept = self.folder.is_some(),
            "the burn-in is over: how rows hang together is frozen; save it for all pods from \
             /api/v1/profile?model=…"
        );
        let wandering = found.filter_map(|(name, r)| {
            // In windows that it hardly fades in.
            let usual = tolerated_effect(&r.variation, r.variation.chunk_seconds);
            (usual > MOST_LEARNED_EFFECT).then(|| format!("{name} ({usual:.2})"))
        });
        let wandering: Vec<_> = wandering.collect();
        if !wandering.is_empty() {
            let shown = &wandering[..wandering.len().min(NAMED_FIELDS)];
            tracing::warn!(
                model = &*model.model,
                version = &*model.version,
                fields = wandering.len(),
                "in the burn-in these fields wandered by more than {MOST_LEARNED_EFFECT}, the most \
                 that is taken for usual by itself, so they may raise alarms that mean nothing: {}; \
                 set drift.minimum_effect for them, or compare them with the same hour of other days",
                shown.join(", ")
            );
        }
    }
}

/// The fields of a model and version whose burn-in is over.
fn frozen(model: &ModelSnapshot) -> HashMap<Arc<str>, BurntIn> {
    let features = model.features.iter();
    let frozen = features.filter_map(|feature| {
        let reference = feature.reference.as_ref()?;
        let is_frozen = reference.burn_in == Some(1.0);
        is_frozen.then(|| {
            let found = BurntIn {
                profile: reference.profile.clone(),
                variation: reference.variation,
            };
            (feature.name.clone(), found)
        })
    });
    frozen.collect()
}

fn read(path: &Path) -> Result<(Arc<str>, Of), String> {
    let text = crate::profile::read_text(path).map_err(|error| error.to_string())?;
    let document: Document = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if document.format != FORMAT || document.format_version != FORMAT_VERSION {
        return Err(format!(
            "it is {} version {}, not {FORMAT} version {FORMAT_VERSION}",
            document.format, document.format_version
        ));
    }
    let mut of = Of::new();
    for (version, fields) in document.versions {
        let known: &mut HashMap<_, _> = of.entry(version.into()).or_default();
        for (name, found) in fields {
            let Found { profile, variation } = found;
            let least = variation.wander.min(variation.long_wander);
            let least = least.min(variation.chunk_seconds);
            let least = least.min(variation.span_seconds);
            if !(variation.design_effect >= 1.0 && least >= 0.0) {
                return Err(format!(
                    "field {name:?} has a design effect of {} (at least 1), and {least} where nothing \
                     is below 0",
                    variation.design_effect
                ));
            }
            let found = BurntIn {
                profile: profile.into(),
                variation,
            };
            known.insert(name.into(), found);
        }
    }
    Ok((document.model.into(), of))
}

/// Writes the file whole or not at all: into a neighbour first, then renamed.
fn write(folder: &Path, path: &Path, model: &str, of: &Of) -> io::Result<()> {
    let versions = of.iter().map(|(version, fields)| {
        let fields = fields.iter().map(|(name, found)| {
            let found = Found {
                profile: found.profile.to_string(),
                variation: found.variation,
            };
            (name.to_string(), found)
        });
        (version.to_string(), fields.collect())
    });
    let document = Document {
        format: FORMAT.into(),
        format_version: FORMAT_VERSION,
        model: model.into(),
        versions: versions.collect(),
    };
    std::fs::create_dir_all(folder)?;
    let neighbour = path.with_extension(format!("{}.tmp", std::process::id()));
    let json = serde_json::to_vec_pretty(&document)?;
    std::fs::write(&neighbour, json)?;
    std::fs::rename(&neighbour, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of() -> Of {
        let found = BurntIn {
            profile: "a5d8917e".into(),
            variation: Variation {
                design_effect: 4.9,
                wander: 0.01,
                long_wander: 0.005,
                chunk_seconds: 3_600.0,
                span_seconds: 86_400.0,
                chunks: 168,
            },
        };
        [("1".into(), [("amount".into(), found)].into())].into()
    }

    #[test]
    fn what_was_kept_is_read_back() {
        let state = tempfile::tempdir().unwrap();
        let mut burn_ins = BurnIns::open(Some(state.path()));
        burn_ins.models.insert("m/1".into(), of());
        burn_ins.save(&"m/1".into());
        let again = BurnIns::open(Some(state.path()));
        assert_eq!(again.models, burn_ins.models);
        assert!(again.told.contains(&("m/1".into(), "1".into())));
    }

    #[test]
    fn a_damaged_file_is_left_out() {
        let state = tempfile::tempdir().unwrap();
        let mut burn_ins = BurnIns::open(Some(state.path()));
        burn_ins.models.insert("m".into(), of());
        burn_ins.save(&"m".into());
        let folder = state.path().join(FOLDER);
        let path = std::fs::read_dir(&folder).unwrap().next().unwrap();
        let path = path.unwrap().path();
        let whole = std::fs::read_to_string(&path).unwrap();
        for damaged in [
            &whole[..whole.len() / 2],
            &whole.replace("4.9", "0.5"),
            &whole.replace("\"format_version\": 1", "\"format_version\": 2"),
        ] {
            std::fs::write(&path, damaged).unwrap();
            assert!(BurnIns::open(Some(state.path())).models.is_empty());
        }
    }
}
