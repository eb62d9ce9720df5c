//! What the web port asks of the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::snapshots::Counts;
use crate::analysis::{NotRebaselined, Rebaseliner};
use crate::clock::wall_micros;
use crate::engine::{Rebaseline, Rebaselined, Snapshot};
use crate::export::{Setting, Sidecar, WebState};
use crate::ingest::decoding::Source;
use crate::ingest::events::EventCounts;
use crate::ingest::seen::Budget;
use crate::ingest::{Intake, SourceCounts};
use crate::profile::Profile;
use crate::settings::{Loaded, ReloadHandle, Settings, in_force};

/// Revision of the source that this program was built from.
const REVISION: &str = env!("DRIFTGAUGE_REVISION");

/// The parts that the pages show.
pub(super) struct State {
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    pub intake: Arc<Intake>,
    /// Other ways in that are on.
    pub sources: Vec<Source>,
    /// What became of events; `None` when they are off.
    pub event_counts: Option<Arc<EventCounts>>,
    /// Bytes of calls that wait to be decoded.
    pub budget: Arc<Budget>,
    pub reload: ReloadHandle,
    pub runtime: tokio::runtime::Handle,
    pub rebaseliner: Rebaseliner,
    /// Whether there is a state directory.
    pub keeps_references: bool,
    /// How windows were kept; `None` without a state directory.
    pub snapshot_counts: Option<Arc<Counts>>,
    /// The settings in force, and those that some of them keep until a restart.
    pub loaded: ArcSwap<Loaded>,
    pub at_start: Arc<Settings>,
    /// Whether the first evaluation is done.
    pub is_ready: Arc<AtomicBool>,
}

impl State {
    /// Everything that came in, by source.
    fn counts(&self) -> Vec<SourceCounts> {
        let observed = self.sources.iter().map(|source| SourceCounts {
            calls: Some(source.observer.counts().counts()),
            ..source.intake.counts()
        });
        std::iter::once(self.intake.counts())
            .chain(observed)
            .collect()
    }
}

impl WebState for State {
    fn snapshot(&self) -> &ArcSwap<Snapshot> {
        &self.snapshot
    }

    fn sidecar(&self) -> Sidecar {
        let fill = self.intake.queue().fill();
        let status = self.reload.status();
        let succeeded = status.last_success_timestamp;
        let settings = self.loaded.load().settings.clone();
        Sidecar {
            now: Some(wall_micros() as f64 / 1e6),
            evaluation_interval_seconds: Some(settings.tick.seconds()),
            revision: REVISION.into(),
            sources: self.counts(),
            unpaired_events: self
                .event_counts
                .as_ref()
                .map_or_else(Vec::new, |counts| counts.unpaired().into()),
            observer_bytes: (!self.sources.is_empty())
                .then(|| (self.budget.bytes() as u64, self.budget.limit() as u64)),
            queue_rows: fill.rows as u64,
            queue_bytes: fill.bytes as u64,
            queue_capacity_bytes: fill.byte_capacity as u64,
            series_limit: settings.web.max_series as u64,
            config_hash: status.hash.clone(),
            config_last_reload_successful: status.successful,
            config_last_reload_success_timestamp_seconds: (succeeded > 0.0).then_some(succeeded),
            snapshots: self.snapshot_counts.as_ref().map(|counts| counts.kept()),
            ..Sidecar::of(&self.snapshot.load())
        }
    }

    fn settings(&self) -> Vec<Setting> {
        let all = in_force(&self.loaded.load(), &self.at_start).into_iter();
        let shown = all.map(|setting| Setting {
            key: setting.key,
            value: setting.value,
            place: setting.place,
            after_restart: setting.after_restart,
            about: setting.about,
        });
        shown.collect()
    }

    fn profile(&self, model: &str, version: Option<&str>) -> Option<Arc<Profile>> {
        let snapshot = self.snapshot.load();
        let mut models = snapshot.models.iter();
        let found = models.find(|found| {
            &*found.model == model
                && version.is_none_or(|version| &*found.version == version)
                && !found.references.is_empty()
        });
        found?.profile()
    }

    fn reload(&self) -> Result<(), String> {
        self.runtime.block_on(self.reload.reload())
    }

    fn rebaseline(&self, asked: Rebaseline) -> Result<Rebaselined, NotRebaselined> {
        let (model, version) = (asked.model.clone(), asked.version.clone());
        let (version, by) = (version.unwrap_or_default(), asked.by.clone());
        let done = self.rebaseliner.rebaseline(asked);
        match &done {
            Ok(done) => tracing::info!(
                model,
                version,
                by,
                window = &*done.window,
                rows = done.profile.rows,
                profile = &*done.hash,
                replaced = &*done.replaced,
                "the reference was re-baselined"
            ),
            Err(error) => tracing::warn!(model, version, by, "no re-baseline: {error}"),
        }
        done
    }

    fn keeps_references(&self) -> bool {
        self.keeps_references
    }

    fn ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }
}
