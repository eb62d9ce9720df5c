//! Which models may come in: names cost memory and series, so there is room for so many.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many models there is room for, beside those that settings name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelLimits {
    /// Models.
    pub models: usize,
    /// Versions of one model.
    pub versions: usize,
}

impl Default for ModelLimits {
    fn default() -> Self {
        Self {
            models: 64,
            versions: 8,
        }
    }
}

/// Why a model is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelRefused {
    /// There are too many models already.
    TooManyModels,
    /// The model has too many versions already.
    TooManyVersions,
}

impl fmt::Display for ModelRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyModels => "as many models as the limit are followed already",
            Self::TooManyVersions => "as many versions as the limit are followed already",
        })
    }
}

/// The list of the models that were let in, shared by all sources.
#[derive(Debug, Default)]
pub struct Admission {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    limits: ModelLimits,
    named_models: HashSet<Arc<str>>,
    named_versions: HashSet<(Arc<str>, Arc<str>)>,
    /// Models → versions → whether it sent something since the last [`Admission::retain`].
    models: HashMap<Arc<str>, HashMap<Arc<str>, bool>>,
}

impl Admission {
    /// An empty list with room for so many.
    pub fn new(limits: ModelLimits) -> Self {
        let admission = Self::default();
        admission.set_limits(limits);
        admission
    }

    /// Sets new limits. Who is in stays in.
    pub fn set_limits(&self, limits: ModelLimits) {
        self.lock().limits = limits;
    }

    /// Says which models settings name (a model, or one version of it): they are always let in and
    /// do not count against the limits.
    pub fn set_named<'a>(&self, names: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) {
        let mut state = self.lock();
        state.named_models.clear();
        state.named_versions.clear();
        for (model, version) in names {
            let model: Arc<str> = model.into();
            if let Some(version) = version {
                let version = shown(version).into();
                state.named_versions.insert((model.clone(), version));
            }
            state.named_models.insert(model);
        }
    }

    /// Whether this model and version are in, or could come in now.
    pub(super) fn has(&self, model: &str, version: &str) -> bool {
        self.lock().room(model, shown(version)).is_ok()
    }

    /// Whether this model and version are in, or settings name them; without a version, whether any
    /// of the model is.
    pub(super) fn knows(&self, model: &str, version: &str) -> bool {
        let state = self.lock();
        let versions = state.models.get(model);
        if version.is_empty() {
            return versions.is_some() || state.named_models.contains(model);
        }
        versions.is_some_and(|versions| versions.contains_key(version))
            || state.names(model, version)
    }

    /// Lets a model and version in; `Ok(true)` when it was not in before.
    pub(super) fn admit(&self, model: &Arc<str>, version: &str) -> Result<bool, ModelRefused> {
        let version = shown(version);
        let mut state = self.lock();
        if let Some(used) = state
            .models
            .get_mut(model)
            .and_then(|versions| versions.get_mut(version))
        {
            *used = true;
            return Ok(false);
        }
        state.room(model, version)?;
        state
            .models
            .entry(model.clone())
            .or_default()
            .insert(version.into(), true);
        Ok(true)
    }

    /// Takes back what [`admit`](Self::admit) has just let in, because nothing of it was taken.
    pub(super) fn withdraw(&self, admitted: &[(Arc<str>, Arc<str>)]) {
        let mut state = self.lock();
        for (model, version) in admitted {
            if let Some(versions) = state.models.get_mut(model) {
                versions.remove(shown(version));
                if versions.is_empty() {
                    state.models.remove(model);
                }
            }
        }
    }

    /// Forgets who is not in `live` and has sent nothing since the call before. What was let in
    /// since may still be on its way to the engine, which cannot have it in `live` yet. Who is in
    /// `live` has a place, also when it came with restored windows and not with rows.
    pub fn retain(&self, live: &[(Arc<str>, Arc<str>)]) {
        let mut state = self.lock();
        for (model, version) in live {
            let versions = state.models.entry(model.clone()).or_default();
            if !versions.contains_key(shown(version)) {
                versions.insert(shown(version).into(), false);
            }
        }
        let live: HashSet<(&str, &str)> = live
            .iter()
            .map(|(model, version)| (&**model, shown(version)))
            .collect();
        state.models.retain(|model, versions| {
            versions.retain(|version, used| {
                std::mem::take(used) || live.contains(&(&**model, &**version))
            });
            !versions.is_empty()
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether settings name this version of the model.
    fn names(&self, model: &str, version: &str) -> bool {
        !self.named_versions.is_empty()
            && self
                .named_versions
                .contains(&(Arc::from(model), Arc::from(version)))
    }

    fn room(&self, model: &str, version: &str) -> Result<(), ModelRefused> {
        let versions = self.models.get(model);
        if versions.is_none() && !self.named_models.contains(model) {
            let unnamed = self
                .models
                .keys()
                .filter(|model| !self.named_models.contains(*model))
                .count();
            if unnamed >= self.limits.models {
                return Err(ModelRefused::TooManyModels);
            }
        }
        let named = |version: &str| self.names(model, version);
        if let Some(versions) = versions
            && !versions.contains_key(version)
            && versions.keys().filter(|version| !named(version)).count() >= self.limits.versions
            && !named(version)
        {
            return Err(ModelRefused::TooManyVersions);
        }
        Ok(())
    }
}

/// An empty version is shown as `default`, so the two are one.
fn shown(version: &str) -> &str {
    if version.is_empty() {
        "default"
    } else {
        version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(models: usize, versions: usize) -> Admission {
        Admission::new(ModelLimits { models, versions })
    }

    #[test]
    fn there_is_room_for_so_many_models_and_versions_and_for_all_that_settings_name() {
        let list = admission(2, 2);
        list.set_named([("named", Some("v9"))]);
        assert_eq!(list.admit(&"a".into(), ""), Ok(true));
        assert_eq!(list.admit(&"a".into(), "default"), Ok(false));
        assert_eq!(list.admit(&"a".into(), "2"), Ok(true));
        assert_eq!(
            list.admit(&"a".into(), "3"),
            Err(ModelRefused::TooManyVersions)
        );
        assert_eq!(list.admit(&"b".into(), ""), Ok(true));
        assert_eq!(
            list.admit(&"c".into(), ""),
            Err(ModelRefused::TooManyModels)
        );
        for version in ["1", "2", "v9"] {
            assert_eq!(list.admit(&"named".into(), version), Ok(true), "{version}");
        }
        assert_eq!(
            list.admit(&"named".into(), "3"),
            Err(ModelRefused::TooManyVersions)
        );
    }

    #[test]
    fn what_was_restored_takes_room() {
        let list = admission(2, 2);
        list.retain(&[("a".into(), "1".into()), ("b".into(), "1".into())]);
        assert!(list.knows("a", "1"), "it brought rows before the restart");
        assert_eq!(
            list.admit(&"c".into(), ""),
            Err(ModelRefused::TooManyModels)
        );
        list.retain(&[("a".into(), "1".into())]);
        assert_eq!(list.admit(&"c".into(), ""), Ok(true));
    }

    #[test]
    fn expiry_frees_room_but_never_of_what_is_still_on_its_way() {
        let list = admission(2, 2);
        list.admit(&"old".into(), "").unwrap();
        list.admit(&"live".into(), "").unwrap();
        let live = [("live".into(), "default".into())];
        list.retain(&live);
        assert!(!list.has("new", ""), "both have sent since the start");
        list.retain(&live);
        assert_eq!(list.admit(&"new".into(), ""), Ok(true));
        list.retain(&live);
        assert_eq!(list.admit(&"new".into(), ""), Ok(false), "on its way");
    }

    #[test]
    fn withdrawn_models_leave_their_room() {
        let list = admission(1, 1);
        list.admit(&"a".into(), "").unwrap();
        list.withdraw(&[("a".into(), "".into())]);
        assert_eq!(list.admit(&"b".into(), ""), Ok(true));
    }
}
