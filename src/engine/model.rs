//! One model: its references, what it is still learning, and its versions.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::config::{Clock, Config, ModelConfig};
use super::event_runs::event_runs;
use super::field::{Field, Scratch};
use super::installed::{Installed, Source};
use super::learning::{Learning, learner};
use super::room::Rooms;
use super::snapshot::LearningProgress;
use super::stand_ins::StandIns;
use super::version::Version;
use crate::batch::{Batch, Outcome, Role};
use crate::profile::Profile;

/// One row far ahead is a wrong clock; so many without one of today are a gap in the data, and time
/// moves on, else a model that paused for longer than its longest window would be lost for ever.
const BELIEVED_ROWS: u64 = 1_000;

/// Version shown when the source does not say.
const DEFAULT_VERSION: &str = "default";

/// A model with all its versions.
pub(super) struct Model {
    pub name: Arc<str>,
    /// Reference of the versions without one of their own.
    file: Option<Installed>,
    /// References of single versions.
    version_files: BTreeMap<Arc<str>, Installed>,
    /// Reference learned from traffic: of everything, or of the outputs that the file lacks.
    pub learned: Option<Installed>,
    /// Re-baselined references that stand in the place of those above.
    pub stand_ins: StandIns,
    learning: Option<Learning>,
    pub versions: BTreeMap<Arc<str>, Version>,
    pub last_version: Arc<str>,
    rooms: Rooms,
    /// Now, as windows see it; `None` before the first row.
    pub now: Option<i64>,
    /// Rows too far ahead since the last that was not.
    too_new_in_a_row: u64,
}

impl Model {
    pub fn new(name: Arc<str>, config: &Config, rooms: Rooms) -> Self {
        let mut model = Self {
            name,
            file: None,
            version_files: BTreeMap::new(),
            learned: None,
            stand_ins: StandIns::default(),
            learning: None,
            versions: BTreeMap::new(),
            last_version: DEFAULT_VERSION.into(),
            rooms,
            now: None,
            too_new_in_a_row: 0,
        };
        model.read_profiles(config);
        model.add_named_versions(config);
        model
    }

    /// Takes over the profiles that the settings name, keeping the hash of those that stay.
    fn read_profiles(&mut self, config: &Config) {
        let none = ModelConfig::default();
        let said = config.models.get(&self.name).unwrap_or(&none);
        let keep_or_install = |old: Option<&Installed>, profile: &Arc<Profile>| match old {
            Some(old) if old.profile == *profile => old.clone(),
            _ => Installed::new(profile.clone(), Source::File),
        };
        let file = said.profile.as_ref();
        self.file = file.map(|profile| keep_or_install(self.file.as_ref(), profile));
        self.version_files = said
            .versions
            .iter()
            .map(|(version, profile)| {
                let old = self.version_files.get(version);
                (version.clone(), keep_or_install(old, profile))
            })
            .collect();
        if self.learned.is_none()
            && let Some(profile) = &said.learned
        {
            self.learned = Some(Installed::new(profile.clone(), Source::Learned));
        }
        self.stand_ins.keep(&said.rebaselined);
    }

    /// Whether the settings give a version a profile of its own.
    pub fn has_own_file(&self, version: &str) -> bool {
        self.version_files.contains_key(version)
    }

    /// The file that the settings give a version.
    fn given(&self, version: &str) -> Option<&Installed> {
        self.version_files.get(version).or(self.file.as_ref())
    }

    /// What settings or learning give a version, in whose place a re-baselined profile may stand.
    pub fn beneath(&self, version: &str) -> Option<&Installed> {
        self.given(version).or(self.learned.as_ref())
    }

    /// The file in force for a version, or the re-baselined profile in the place of what it would
    /// have else.
    pub fn file(&self, version: &str) -> Option<&Installed> {
        let has_own_file = self.has_own_file(version);
        let rebaselined = self
            .beneath(version)
            .and_then(|beneath| self.stand_ins.of(version, has_own_file, beneath));
        rebaselined.or(self.given(version))
    }

    /// The references in force for a version: of a file, learned, or both; or one re-baselined.
    pub fn in_force(&self, version: &str) -> impl Iterator<Item = &Installed> {
        let file = self.file(version);
        // Beside a file, what was learned counts only for the outputs that the file lacks.
        let lacks = |learned: &&Installed| {
            file.is_none_or(|file| {
                let known = &file.profile.features;
                learned.profile.features.iter().any(|feature| {
                    feature.role.is_output() && known.iter().all(|k| k.name != feature.name)
                })
            })
        };
        file.into_iter().chain(self.learned.as_ref().filter(lacks))
    }

    /// Rows learned and wanted, while a reference is being learned.
    pub fn learning_progress(&self, config: &Config) -> Option<LearningProgress> {
        self.learning.as_ref().map(|learning| LearningProgress {
            rows: learning.learner.rows(),
            wanted: config.learning.rows,
        })
    }

    /// Whether the reference of a field is being learned.
    pub fn is_learning(&self, version: &str, field: &Field) -> bool {
        self.learning.is_some() && (self.file(version).is_none() || field.role.is_output())
    }

    /// New settings: references, roles and exposure anew; windows of unchanged cells go on.
    pub fn reconfigure(&mut self, config: &Config, windows: &[Option<usize>]) {
        self.read_profiles(config);
        if !config.models.contains_key(&self.name) {
            self.versions
                .retain(|_, version| version.last_row_at.is_some());
        }
        for version in self.versions.values_mut() {
            version.reconfigure(&self.name, config, windows);
        }
        self.install_all(config);
        self.add_named_versions(config);
        if self.file.is_some() && self.learned.is_none() {
            // What is learned now covers other fields: begin again with those of today.
            self.learning = None;
        }
    }

    fn add_version(&mut self, name: Arc<str>, config: &Config) {
        let version = Version::new(config, &self.rooms.fields);
        self.versions.insert(name.clone(), version);
        self.install(&name, config);
    }

    /// Makes a version that brings rows, unless it is there.
    pub fn admit(&mut self, name: &Arc<str>, config: &Config) {
        if self.versions.contains_key(name) {
            return;
        }
        // Whatever stood in for a version not yet known has served.
        let said = config.models.get(&self.name);
        self.versions.retain(|known, version| {
            version.last_row_at.is_some()
                || said.is_some_and(|model| model.versions.contains_key(known))
        });
        self.add_version(name.clone(), config);
    }

    /// Hash of the profile that features of a version are compared with.
    pub fn hash_of_inputs(&self, version: &str) -> Option<&Arc<str>> {
        let inputs = self.file(version).or(self.learned.as_ref())?;
        Some(&inputs.full_hash)
    }

    /// Makes the versions that the settings name. A model that the settings name without a version
    /// gets the default one, so that its series exist at 0 before the first row; it makes room for
    /// the first version that traffic brings.
    fn add_named_versions(&mut self, config: &Config) {
        let Some(said) = config.models.get(&self.name) else {
            return;
        };
        for name in said.versions.keys() {
            if !self.versions.contains_key(name) {
                self.add_version(name.clone(), config);
            }
        }
        if self.versions.is_empty() && self.file.is_some() {
            self.add_version(DEFAULT_VERSION.into(), config);
        }
    }

    /// Puts the references in force that each version is to be compared with.
    pub fn install_all(&mut self, config: &Config) {
        let names: Vec<_> = self.versions.keys().cloned().collect();
        for name in names {
            self.install(&name, config);
        }
    }

    /// Puts the references in force that a version is to be compared with.
    fn install(&mut self, name: &Arc<str>, config: &Config) {
        let file = self.file(name).cloned();
        let given = self.given(name).cloned();
        let learned = self.learned.clone();
        let Some(version) = self.versions.get_mut(name) else {
            return;
        };
        let mut references = file
            .as_ref()
            .map_or_else(Vec::new, |file| file.references(given.as_ref()));
        if let Some(learned) = &learned {
            let has_file = file.is_some();
            let known: HashSet<String> =
                references.iter().map(|r| r.feature.name.clone()).collect();
            references.extend(learned.references(None).into_iter().filter(|reference| {
                !has_file
                    || (reference.feature.role.is_output()
                        && !known.contains(&reference.feature.name))
            }));
        }
        let inputs = file.as_ref().or(learned.as_ref());
        version.install(references, inputs, &self.name, config);
        let said = config.models.get(&self.name);
        let before = said.and_then(|model| model.burnt_in.get(name));
        version.follow_burn_in(config.burn_in_micros, before);
    }

    /// Folds a batch in. `wall` is the wall time in microseconds.
    pub fn apply(&mut self, batch: &Batch, wall: i64, config: &Config, scratch: &mut Scratch) {
        let name = self.version_of(batch);
        self.admit(&name, config);
        if batch.calls.are_labels {
            return self.fold(&name, batch, 0..batch.rows, wall, config, scratch);
        }
        self.last_version = name.clone();
        self.begin_learning(&name, batch, config);
        if let Some(learning) = &self.learning
            && learning.version == name
        {
            let wanted = config.learning.rows.saturating_sub(learning.learner.rows()) as usize;
            let learned = 0..wanted.min(batch.rows);
            let rest = learned.end..batch.rows;
            self.learn(&name, batch, learned, wall, config, scratch);
            if !rest.is_empty() {
                self.fold(&name, batch, rest, wall, config, scratch);
            }
            return;
        }
        self.fold(&name, batch, 0..batch.rows, wall, config, scratch);
    }

    /// Folds rows that are part of the reference to be learned, and finishes it if it is complete.
    fn learn(
        &mut self,
        name: &Arc<str>,
        batch: &Batch,
        rows: Range<usize>,
        wall: i64,
        config: &Config,
        scratch: &mut Scratch,
    ) {
        self.fold(name, batch, rows.clone(), wall, config, scratch);
        let Some(learning) = &mut self.learning else {
            return;
        };
        if rows.len() == batch.rows {
            learning.learner.observe(batch);
        } else {
            learning.learner.observe(&batch.slice(rows));
        }
        if let Some(learning) = self
            .learning
            .take_if(|learning| learning.is_complete(config))
        {
            self.learned = Some(Installed::learned(learning.finish(wall)));
            self.install_all(config);
        }
    }

    /// Starts to learn what has no reference: everything without a file, else outputs that the
    /// file lacks.
    fn begin_learning(&mut self, name: &Arc<str>, batch: &Batch, config: &Config) {
        let version = self.versions.get(name);
        if self.learning.is_some()
            || config.learning.rows == 0
            // Then all that it lacks has been looked for.
            || version.is_some_and(|version| version.has_resolved(&batch.schema))
        {
            return;
        }
        if let Some(learned) = &self.learned {
            // Beside a file only outputs were learned; without it the rest is wanted as well.
            let is_rest = |name: &str, role: Role| {
                let role = config.feature(&self.name, name).role.unwrap_or(role);
                role.is_watched() && !role.is_output()
            };
            let fields = &batch.schema.fields;
            let mut learned = learned.profile.features.iter();
            let has_only_outputs = learned.all(|feature| feature.role.is_output());
            let wants_more = has_only_outputs
                && self.file(name).is_none()
                && fields.iter().any(|field| is_rest(&field.name, field.role));
            if !wants_more {
                return;
            }
            self.learned = None;
            self.install_all(config);
        }
        let outputs_only = self.file(name).is_some();
        let mut known = HashSet::new();
        if let Some(file) = self.file(name) {
            known.extend(file.profile.features.iter().map(|f| f.name.as_str()));
            let lacks = batch.schema.fields.iter().any(|field| {
                let said = config.feature(&self.name, &field.name).role;
                said.unwrap_or(field.role).is_output() && !known.contains(&*field.name)
            });
            if !lacks {
                return;
            }
        }
        let learner = learner(&self.name, config, outputs_only, &known);
        self.learning = Some(Learning::new(learner, name.clone(), &self.rooms.learners));
    }

    /// Version that a batch belongs to.
    fn version_of(&self, batch: &Batch) -> Arc<str> {
        if !batch.version.is_empty() {
            return batch.version.clone();
        }
        let outcomes = &batch.calls.outcomes;
        let all_failed = !outcomes.is_empty() && outcomes.iter().all(|o| *o != Outcome::Ok);
        if all_failed || batch.calls.are_labels {
            self.last_version.clone()
        } else {
            DEFAULT_VERSION.into()
        }
    }

    /// Folds rows of a batch in, with the calls that begin in them.
    fn fold(
        &mut self,
        name: &Arc<str>,
        batch: &Batch,
        rows: Range<usize>,
        wall: i64,
        config: &Config,
        scratch: &mut Scratch,
    ) {
        self.follow_set_back(wall, config);
        let Some(version) = self.versions.get_mut(name) else {
            return;
        };
        // Labels may come long after the last call; only of a version that nobody has heard of they are news.
        if !batch.calls.are_labels || version.last_row_at.is_none() {
            version.last_row_at = Some(wall);
        }
        let (model, make_config) = (&self.name, config);
        let resolution = version.resolve(&batch.schema, config, |field, role| {
            let field = Field::new(field.clone(), role, None, model, make_config);
            field.role.is_watched().then_some(field)
        });
        let failed = batch.failed_rows();
        let starts = batch.call_starts();
        let runs = match config.clock {
            Clock::Wall => vec![(wall, rows)],
            Clock::Event => event_runs(batch, rows, self.now.unwrap_or(wall), config),
        };
        let longest = config.longest_window_micros();
        let memory = config.memory_micros(&self.name);
        for (at, rows) in runs {
            let now = self.now.unwrap_or(at);
            if at > now.saturating_add(longest) && config.clock == Clock::Event {
                self.too_new_in_a_row += rows.len() as u64;
                if self.too_new_in_a_row < BELIEVED_ROWS {
                    version.counters.too_new_rows += rows.len() as u64;
                    continue;
                }
            }
            self.too_new_in_a_row = 0;
            if at <= now.saturating_sub(memory) {
                version.counters.too_old_rows += rows.len() as u64;
                continue;
            }
            self.now = Some(now.max(at));
            version.begin(at, config);
            if batch.calls.are_labels {
                version.fold_labels(batch, &resolution, rows, scratch);
                continue;
            }
            version.fold_rows(batch, &resolution, rows.clone(), &failed, scratch);
            version.fold_calls(batch, &starts, rows, wall);
        }
        self.settle_outliers(name, config);
        self.settle_joint(name, config);
    }

    /// Once a version has learned how unusual rows are, all that share its profile are judged by that.
    fn settle_outliers(&mut self, name: &Arc<str>, config: &Config) {
        let version = self.versions.get(name);
        let Some((profile, learned)) = version.and_then(|of| of.row_sums.learned_outliers()) else {
            return;
        };
        let installed = self.file.iter_mut().chain(self.version_files.values_mut());
        let installed = installed.chain(&mut self.learned);
        installed
            .chain(self.stand_ins.each_mut())
            .filter(|installed| installed.hash == profile)
            .for_each(|installed| installed.outliers = Some(learned.clone()));
        self.install_all(config);
    }

    /// Once a version has learned how features hang together, all that share its profile are
    /// compared with that.
    fn settle_joint(&mut self, name: &Arc<str>, config: &Config) {
        let version = self.versions.get(name);
        let Some((profile, learned)) = version.and_then(|of| of.row_sums.learned_joint()) else {
            return;
        };
        let learned = learned.clone();
        let installed = self.file.iter_mut().chain(self.version_files.values_mut());
        let installed = installed.chain(&mut self.learned);
        let mut waiting: Vec<_> = installed
            .chain(self.stand_ins.each_mut())
            .filter(|installed| installed.hash == profile && installed.joint.is_none())
            .collect();
        if waiting.is_empty() {
            return;
        }
        for installed in &mut waiting {
            installed.joint = Some(learned.clone());
        }
        self.install_all(config);
    }

    /// Whether nothing of it is left.
    pub fn is_idle(&self) -> bool {
        self.versions.is_empty()
    }

    /// Drops the versions that have had no row since `since` (wall time in microseconds), unless
    /// the settings name them. Of a model whose profile they name the last one stays.
    pub fn forget_idle_versions(&mut self, since: i64, config: &Config) {
        let said = config.models.get(&self.name);
        let last = self.versions.iter().max_by_key(|(_, v)| v.last_row_at);
        let last = last.filter(|_| self.file.is_some());
        let last = last.map(|(name, _)| name.clone());
        self.versions.retain(|name, version| {
            said.is_some_and(|model| model.versions.contains_key(name))
                || version.last_row_at.is_none_or(|last| last >= since)
                || last.as_ref() == Some(name)
        });
        let is_gone = |learning: &Learning| !self.versions.contains_key(&learning.version);
        if self.learning.as_ref().is_some_and(is_gone) {
            // It may never come again: those that still do are learned from instead.
            self.learning = None;
            for version in self.versions.values_mut() {
                version.forget_schemas();
            }
        }
    }

    /// Goes back when the wall clock was set back: windows would stand still until it has caught up.
    fn follow_set_back(&mut self, wall: i64, config: &Config) {
        if config.clock == Clock::Wall && self.now.is_some_and(|now| wall < now) {
            self.now = Some(wall);
            for version in self.versions.values_mut() {
                version.set_back(wall, config);
            }
        }
    }

    /// Moves all windows on: to `wall`, or in event time to the newest row.
    pub fn advance(&mut self, wall: i64, config: &Config) {
        self.follow_set_back(wall, config);
        if config.clock == Clock::Wall {
            self.now = Some(wall);
        }
        let Some(now) = self.now else {
            return;
        };
        for version in self.versions.values_mut() {
            version.advance(now, config);
        }
    }
}
