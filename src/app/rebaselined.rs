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
