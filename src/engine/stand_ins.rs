//! References made on demand from traffic, and when they count.
//!
//! Each stands in the place of one profile, known by its hash, that settings or learning give. While
//! they give that one, it counts; once they give another, that one does. So a new profile file always
//! wins, and going back to the old file goes back to what was in force with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::installed::{Installed, Source};
use crate::profile::{Profile, Replacement};

/// Re-baselined references of a model: of single versions, and (`None`) of all that have no profile
/// of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct StandIns(BTreeMap<Option<Arc<str>>, Installed>);

impl StandIns {
    /// Takes over those that were kept from before, where there is none yet.
    pub fn keep(&mut self, kept: &[Arc<Profile>]) {
        for profile in kept {
            if let Some(how) = &profile.provenance.rebaseline {
                let version = how.version.as_deref().map(Arc::from);
                let install = || Installed::new(profile.clone(), Source::Rebaselined);
                self.0.entry(version).or_insert_with(install);
            }
        }
    }

    /// Puts one in force, instead of the one before it.
    pub fn put(&mut self, version: Option<Arc<str>>, profile: Arc<Profile>) -> &Installed {
        let installed = Installed::new(profile, Source::Rebaselined);
        self.0.insert(version.clone(), installed);
        &self.0[&version]
    }

    /// All of them.
    pub fn each_mut(&mut self) -> impl Iterator<Item = &mut Installed> {
        self.0.values_mut()
    }

    /// The one that stands for `beneath`, which a version has else.
    pub fn of(&self, version: &str, has_own_file: bool, beneath: &Installed) -> Option<&Installed> {
        let stands = |found: &&Installed| {
            let how = found.profile.provenance.rebaseline.as_ref();
            how.is_some_and(|how: &Replacement| *how.stands_for == *beneath.full_hash)
        };
        let own = self.0.get(&Some(version.into())).filter(stands);
        own.or_else(|| self.0.get(&None).filter(|_| !has_own_file).filter(stands))
    }

    /// Whether a version has one that stands for `beneath` and that it shares with no other.
    pub fn has_own(&self, version: &str, beneath: &Installed) -> bool {
        self.of(version, true, beneath).is_some()
    }
}
