//! Settings that follow their files while the sidecar runs, and never leave it without any.
//!
//! Files are polled by content every two seconds, and on SIGHUP and on request at once. Whatever
//! cannot be used leaves the last good settings in force and shows in [`ReloadStatus`].

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tracing::{error, info, warn};

use super::content::{self, Content, Disk};
use super::last_good::LastGood;
use super::load::{Attempt, BrokenProfiles};
use super::{Loaded, Settings, SettingsError, Source};

/// Settings that hold until a restart.
const UNTIL_RESTART: [&str; 23] = [
    "web.listen_address",
    "web.telemetry_path",
    "web.enable_lifecycle",
    "web.admin_socket",
    "push.listen_address",
    "push.socket_mode",
    "forward.listen_address",
    "forward.socket_mode",
    "forward.upstream",
    "forward.http_upstream",
    "forward.call_bytes",
    "forward.drain",
    "http.listen_address",
    "http.pairing",
    "http.pending",
    "limits.message_bytes",
    "limits.batch_rows",
    "limits.name_bytes",
    "limits.string_bytes",
    "state.directory",
    "state.snapshot_interval",
    "clock",
    "log.format",
];

/// How the last reading of the settings went.
#[derive(Clone, Debug, PartialEq)]
pub struct ReloadStatus {
    /// Whether what is in the files is in force.
    pub successful: bool,
    /// When they were last read with success, seconds since the Unix epoch; 0 if never.
    pub last_success_timestamp: f64,
    /// [`Loaded::hash`] of what is in force.
    pub hash: String,
}

/// Asks for a reload and tells how the last one went. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReloadHandle {
    status: Arc<ArcSwap<ReloadStatus>>,
    requests: mpsc::Sender<oneshot::Sender<Result<(), String>>>,
}

impl ReloadHandle {
    /// How the last reading went.
    pub fn status(&self) -> Arc<ReloadStatus> {
        self.status.load_full()
    }

    /// Reads the settings now, as `POST /-/reload` does.
    ///
    /// # Errors
    /// Why they cannot be used, in sentences; the last good ones stay in force.
    pub async fn reload(&self) -> Result<(), String> {
        let gone = || "settings are no longer watched: the sidecar is shutting down".to_owned();
        let (answer, answered) = oneshot::channel();
        let sent = self.requests.send(answer).await;
        sent.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// The settings in force and all that is needed to renew them.
#[derive(Debug)]
pub struct Reloader {
    source: Source,
    current: Arc<Loaded>,
    at_start: Arc<Settings>,
    /// What is to be said once the log works.
    complaints: Vec<String>,
    /// The files that the last attempt read, in order, and what they looked like.
    files: Vec<PathBuf>,
    fingerprint: u128,
    handle: ReloadHandle,
    requests: mpsc::Receiver<oneshot::Sender<Result<(), String>>>,
}

impl Reloader {
    /// Time between two looks at the files.
    pub const POLL: Duration = Duration::from_secs(2);

    /// Reads the settings for the first time. Unless `strict`, what cannot be used is gone without:
    /// the last good copy holds if a flag names the state directory, else the file without the
    /// profiles that are at fault, else defaults and flags.
    ///
    /// It writes no log, because how to log is a setting; [`Reloader::watch`] begins with what is
    /// to be said.
    ///
    /// # Errors
    /// With `strict`, whatever [`Source::load`] finds; else only flags that cannot work.
    pub fn start(source: Source, strict: bool) -> Result<Self, SettingsError> {
        let Attempt { content, result } = source.attempt(&Disk, BrokenProfiles::Refuse);
        let mut complaints = Vec::new();
        let successful = result.is_ok();
        let loaded = match result {
            Ok(loaded) => {
                complaints.extend(keep(&source, &loaded.settings, &content));
                loaded
            }
            Err(error) if strict => return Err(error),
            Err(error) => {
                let (loaded, instead) = fall_back(&source)?;
                complaints.push(format!("{error}\n{instead}"));
                loaded
            }
        };
        let (sender, requests) = mpsc::channel(4);
        let status = ReloadStatus {
            successful,
            last_success_timestamp: if successful { now() } else { 0.0 },
            hash: loaded.hash.clone(),
        };
        Ok(Self {
            source,
            at_start: Arc::clone(&loaded.settings),
            current: Arc::new(loaded),
            complaints,
            files: content.paths(),
            fingerprint: content.fingerprint(),
            handle: ReloadHandle {
                status: Arc::new(ArcSwap::from_pointee(status)),
                requests: sender,
            },
            requests,
        })
    }

    /// The settings in force.
    pub fn current(&self) -> &Arc<Loaded> {
        &self.current
    }

    /// What is wrong with the settings that were to be read, for those that do not watch.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// For the server and the exporter.
    pub fn handle(&self) -> ReloadHandle {
        self.handle.clone()
    }

    /// Follows the files until `shutdown`: looks at them every `poll`, on SIGHUP and on request,
    /// and hands settings that differ and can be used to `on_change`.
    pub async fn watch(
        mut self,
        poll: Duration,
        mut on_change: impl FnMut(Arc<Loaded>),
        shutdown: impl Future<Output = ()>,
    ) {
        for complaint in std::mem::take(&mut self.complaints) {
            error!("{complaint}");
        }
        let mut hangup = signal(SignalKind::hangup())
            .inspect_err(|error| warn!(%error, "SIGHUP will not reload the settings"))
            .ok();
        let mut ticks = tokio::time::interval(poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let mut answer = None;
            tokio::select! {
                () = &mut shutdown => return,
                _ = ticks.tick() => {
                    if !self.have_files_changed().await {
                        continue;
                    }
                }
                () = received(&mut hangup) => {}
                request = self.requests.recv() => answer = request,
            }
            let outcome = self.read_again(&mut on_change).await;
            if let Some(answer) = answer {
                // Whoever asked may have gone; the settings are in force all the same.
                let _ = answer.send(outcome);
            }
        }
    }

    async fn have_files_changed(&self) -> bool {
        let files = self.files.clone();
        let looked = tokio::task::spawn_blocking(move || content::fingerprint(&files)).await;
        looked.is_ok_and(|fingerprint| fingerprint != self.fingerprint)
    }

    async fn read_again(&mut self, on_change: &mut impl FnMut(Arc<Loaded>)) -> Result<(), String> {
        let source = self.source.clone();
        let at_start = Arc::clone(&self.at_start);
        let read = move || {
            let attempt = source.attempt(&Disk, BrokenProfiles::Refuse);
            let complaint = match &attempt.result {
                Ok(_) => keep(&source, &at_start, &attempt.content),
                Err(_) => None,
            };
            (attempt, complaint)
        };
        let joined = tokio::task::spawn_blocking(read).await;
        let (Attempt { content, result }, complaint) =
            joined.map_err(|error| format!("reading the settings failed: {error}"))?;
        self.files = content.paths();
        self.fingerprint = content.fingerprint();
        if let Some(complaint) = complaint {
            warn!("{complaint}");
        }
        match result {
            Ok(loaded) => {
                self.take(Arc::new(loaded), on_change);
                Ok(())
            }
            Err(error) => {
                let sentence = error.to_string();
                error!("the last good settings stay in force: {sentence}");
                let status = self.handle.status();
                self.handle.status.store(Arc::new(ReloadStatus {
                    successful: false,
                    ..(*status).clone()
                }));
                Err(sentence)
            }
        }
    }

    fn take(&mut self, loaded: Arc<Loaded>, on_change: &mut impl FnMut(Arc<Loaded>)) {
        let is_new = loaded.hash != self.current.hash || loaded.settings != self.current.settings;
        if is_new {
            let waiting = needs_restart(&self.at_start, &loaded.settings);
            if !waiting.is_empty() {
                warn!(
                    "these settings changed but hold only after a restart: {}",
                    waiting.join(", ")
                );
            }
            info!(
                hash = crate::profile::short(&loaded.hash),
                "new settings are in force"
            );
            on_change(Arc::clone(&loaded));
            self.current = Arc::clone(&loaded);
        }
        self.handle.status.store(Arc::new(ReloadStatus {
            successful: true,
            last_success_timestamp: now(),
            hash: loaded.hash.clone(),
        }));
    }
}

/// Keys whose values differ but are read at start only.
pub fn needs_restart(at_start: &Settings, new: &Settings) -> Vec<&'static str> {
    let json = |settings: &Settings| {
        serde_json::to_value(settings).expect("settings have text keys and finite numbers")
    };
    let (at_start, new) = (json(at_start), json(new));
    let differs = |key: &&str| {
        let pointer = format!("/{}", key.replace('.', "/"));
        at_start.pointer(&pointer) != new.pointer(&pointer)
    };
    UNTIL_RESTART.into_iter().filter(differs).collect()
}

/// What to start with when the files cannot be used, and what to say of it.
fn fall_back(source: &Source) -> Result<(Loaded, String), SettingsError> {
    if let Some(directory) = source.types()?.state.directory {
        let copy = LastGood::open(&directory).ok();
        let attempt = copy.map(|copy| source.attempt(&copy, BrokenProfiles::Refuse));
        if let Some(Ok(loaded)) = attempt.map(|attempt| attempt.result) {
            let instead = format!(
                "the last good copy in {} holds instead",
                directory.display()
            );
            return Ok((loaded, instead));
        }
    }
    if let Ok(loaded) = source.attempt(&Disk, BrokenProfiles::Leave).result {
        let instead = "all else is in force; models without a usable profile learn one".into();
        return Ok((loaded, instead));
    }
    let loaded = source.without_file()?;
    Ok((loaded, "defaults and flags hold instead".into()))
}

/// Keeps a copy of what works if there is a state directory; says so if that fails.
fn keep(source: &Source, at_start: &Settings, content: &Content) -> Option<String> {
    source.path.as_ref()?;
    let directory = at_start.state.directory.as_deref()?;
    let kept = LastGood::keep(directory, content);
    let error = kept.err()?;
    Some(format!(
        "cannot keep a copy of the settings in {}: {error}",
        directory.display()
    ))
}

/// Waits for the signal, for ever if it cannot be had.
async fn received(hangup: &mut Option<Signal>) {
    if let Some(hangup) = hangup
        && hangup.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
