//! References made on demand, kept over restarts when there is a state directory.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::kept::Kept;
use crate::engine::{ModelSnapshot, Snapshot};
use crate::profile::{Profile, short};

/// A model and a version of it; `None`: all versions without a profile of their own.
type Scope = (Arc<str>, Option<Arc<str>>);

/// The last re-baselined reference of each scope.
#[derive(Clone, Debug)]
pub(super) struct Record {
    folder: Kept,
    profiles: HashMap<Scope, Arc<Profile>>,
    /// Models and versions whose file in the settings has taken the place of one.
    overruled: HashSet<(Arc<str>, Arc<str>)>,
}

impl Record {
    /// Reads what was kept.
    pub fn open(state_directory: Option<&Path>) -> Self {
        let folder = Kept::open(state_directory, "rebaselined");
        let profiles = folder.profiles("so what it replaced is in force");
        let profiles = profiles.into_iter().filter_map(|profile| {
            let scope = scope_of(&profile)?;
            Some((scope, Arc::new(profile)))
        });
        Self {
            profiles: profiles.collect(),
            folder,
            overruled: HashSet::new(),
        }
    }

    /// Whether what is made on demand survives a restart.
    pub fn is_kept(&self) -> bool {
        self.folder.is_open()
    }

    /// What was kept, by model.
    pub fn profiles(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Profile>)> {
        let profiles = self.profiles.iter();
        profiles.map(|((model, _), profile)| (model, profile))
    }

    /// Keeps what has been made since, and says when a file has taken the place of one.
    pub fn keep(&mut self, snapshot: &Snapshot) {
        for model in &snapshot.models {
            let Some(first) = model.references.first() else {
                continue;
            };
            match first.source {
                "rebaselined" => self.keep_one(&first.document),
                "file" => self.tell_overruled(model, &first.document),
                _ => {}
            }
        }
    }

    fn keep_one(&mut self, profile: &Arc<Profile>) {
        let Some(scope) = scope_of(profile) else {
            return;
        };
        let known = self.profiles.get(&scope);
        if known.is_some_and(|known| Arc::ptr_eq(known, profile)) {
            return;
        }
        let (model, version) = &scope;
        let name = match version {
            // No name of a model or version has a line feed in its text form.
            Some(version) => format!("{model}\n{version}"),
            None => model.to_string(),
        };
        match self.folder.save(&name, profile) {
            Ok(Some(file)) => {
                tracing::info!(model = &**model, file = %file.display(), "a re-baselined reference was kept");
            }
            Ok(None) => tracing::warn!(
                model = &**model,
                "a re-baselined reference is lost at the next restart: set state.directory, or save \
                 it from /api/v1/profile?model=… and name it in the settings"
            ),
            Err(error) => {
                tracing::error!(
                    model = &**model,
                    "a re-baselined reference cannot be kept: {error}"
                );
            }
        }
        self.overruled.retain(|(known, _)| known != model);
        self.profiles.insert(scope, profile.clone());
    }

    /// Says once that a file is in force where a re-baselined reference could be.
    fn tell_overruled(&mut self, model: &ModelSnapshot, file: &Profile) {
        let own = (model.model.clone(), Some(model.version.clone()));
        let shared = (model.model.clone(), None);
        let known = self.profiles.get(&own).or(self.profiles.get(&shared));
        let how = known.and_then(|known| known.provenance.rebaseline.as_ref());
        let Some(how) = how else { return };
        let key = (model.model.clone(), model.version.clone());
        if !self.overruled.contains(&key) {
            let hash = file.hash();
            if hash != how.stands_for {
                tracing::info!(
                    model = &*model.model,
                    version = &*model.version,
                    profile = short(&hash),
                    "the profile of the settings is in force: what was re-baselined stands for {}",
                    short(&how.stands_for)
                );
            }
            self.overruled.insert(key);
        }
    }
}

/// The scope that a re-baselined profile is for.
fn scope_of(profile: &Profile) -> Option<Scope> {
    let how = profile.provenance.rebaseline.as_ref()?;
    let model = profile.model.as_deref()?;
    Some((model.into(), how.version.as_deref().map(Arc::from)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Config, Engine, ModelConfig};
    use crate::profile::{Provenance, Replacement};

    fn file(rows: u64) -> Arc<Profile> {
        let profile = Profile {
            rows,
            ..Profile::default()
        };
        Arc::new(profile)
    }

    /// A re-baselined profile of model `m` that stands for a file of 10 rows.
    fn made(rows: u64, version: Option<&str>) -> Arc<Profile> {
        let how = Replacement {
            stands_for: file(10).hash(),
            version: version.map(Into::into),
            ..Replacement::default()
        };
        let profile = Profile {
            model: Some("m".into()),
            rows,
            provenance: Provenance {
                rebaseline: Some(how),
                ..Provenance::default()
            },
            ..Profile::default()
        };
        Arc::new(profile)
    }

    /// What is published with this file and these references.
    fn snapshot(file: Arc<Profile>, made: &[Arc<Profile>]) -> Snapshot {
        let model = ModelConfig {
            profile: Some(file),
            rebaselined: made.to_vec(),
            ..ModelConfig::default()
        };
        let config = Config {
            models: [("m".into(), model)].into(),
            ..Config::default()
        };
        Engine::new(Arc::new(config)).tick(0)
    }

    #[test]
    fn what_was_made_is_read_at_the_next_start_and_the_last_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::open(Some(folder.path()));
        assert!(record.is_kept() && record.profiles().next().is_none());
        record.keep(&snapshot(file(10), &[made(7, None)]));
        record.keep(&snapshot(file(10), &[made(8, None)]));
        record.keep(&snapshot(file(10), &[made(9, Some("default"))]));
        // A file in its place takes nothing away: it may be gone back from.
        record.keep(&snapshot(file(11), &[made(8, None)]));
        let record = Record::open(Some(folder.path()));
        let mut rows: Vec<_> = record.profiles().map(|(_, profile)| profile.rows).collect();
        rows.sort_unstable();
        assert_eq!(rows, [8, 9]);
        assert!(record.profiles().all(|(model, _)| **model == *"m"));
    }

    #[test]
    fn damaged_files_are_ignored_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::open(Some(folder.path()));
        record.keep(&snapshot(file(10), &[made(7, None)]));
        let kept = std::fs::read_dir(folder.path().join("rebaselined")).unwrap();
        let path = kept.flatten().next().unwrap().path();
        let json = std::fs::read_to_string(&path).unwrap();
        for damaged in [
            json.replace("\"rows\": 7", "\"rows\": 70"),
            json[..100].into(),
            // An ordinary profile stands for nothing.
            file(10).to_json(),
        ] {
            std::fs::write(&path, &damaged).unwrap();
            let record = Record::open(Some(folder.path()));
            assert!(record.profiles().next().is_none(), "{damaged}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        }
    }
}
