//! Wires the parts: which exist, what they share, in which order they start and stop. Knows every
//! part; no part knows it.

mod burn_ins;
pub(crate) mod configuration;
mod kept;
mod learned;
mod mappings;
mod observing;
mod proxying;
mod rebaselined;
mod snapshots;
mod web;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::analysis::{Analysis, Running};
use crate::engine::{DroppedSeries, Snapshot};
use crate::export::{WebOptions, serve_web};
use crate::ingest::push::serve_push;
use crate::ingest::{Admission, Intake};
use crate::queue::Queue;
use crate::settings::{Address, Loaded, Reloader};
use crate::socket::{Listener, UnixSocket};
use crate::telemetry::LevelHandle;

use self::observing::Observing;

/// Who may connect to the admin socket: its owner.
const ADMIN_MODE: u32 = 0o600;

/// A running sidecar.
pub struct App {
    /// Where the web port listens, as `host:port`.
    pub web_address: String,
    /// Where the push API listens, in the form that clients take; `None` when it is off.
    pub push_address: Option<String>,
    /// Where the proxy listens; `None` when it is off.
    pub forward_address: Option<String>,
    /// Where events are taken; `None` when that is off.
    pub events_address: Option<String>,
    /// The newest figures.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// What came in and what became of it.
    pub intake: Arc<Intake>,
    analysis: Running,
    push: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    observing: Observing,
    rest: (watch::Sender<bool>, Vec<JoinHandle<()>>),
}

impl App {
    /// Starts everything that the settings ask for; returns when all ports are open.
    ///
    /// # Errors
    /// A port that cannot be opened, with a sentence that names it.
    pub async fn start(reloader: Reloader, level: LevelHandle) -> anyhow::Result<Self> {
        let loaded = reloader.current().clone();
        let settings = loaded.settings.clone();

        let Address::Tcp(address) = &settings.web.listen_address else {
            bail!("web.listen_address must be host:port: without it nothing can be scraped");
        };
        let web = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} (web.listen_address)"))?;
        let web_address = web.local_addr()?.to_string();
        let push = match &settings.push.listen_address {
            Address::Off => None,
            address => {
                let mode = settings.push.socket_mode.0;
                let listener = Listener::bind(&address.to_string(), mode).await;
                Some(listener.context("the push API cannot start (push.listen_address)")?)
            }
        };

        let admin = match &settings.web.admin_socket {
            None => None,
            Some(path) => {
                let socket = UnixSocket::bind(path, ADMIN_MODE).await;
                Some(socket.context("the admin socket cannot be opened (web.admin_socket)")?)
            }
        };

        let queue = Arc::new(Queue::new(
            settings.queue.rows,
            settings.queue.bytes.bytes(),
        ));
        let admission = Arc::new(Admission::new(configuration::model_limits(&settings)));
        configuration::name_models(&admission, &settings);
        let intake = Arc::new(Intake::new("push", queue.clone(), admission.clone()));
        let (observing, tunable) = observing::start(&loaded, &queue, &admission).await?;
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let library = learned::Library::open(settings.state.directory.as_deref());
        let record = rebaselined::Record::open(settings.state.directory.as_deref());
        let keeps_references = record.is_kept();
        let burn_ins = burn_ins::BurnIns::open(settings.state.directory.as_deref());
        let snapshots = settings
            .state
            .directory
            .as_deref()
            .map(|directory| {
                let interval = Duration::from_millis(settings.state.snapshot_interval.millis());
                snapshots::Snapshots::start(directory, interval)
            })
            .transpose()
            .context("the thread that keeps windows cannot be started")?;
        let snapshot_counts = snapshots.as_ref().map(snapshots::Snapshots::counts);
        let engine_config = {
            let (library, record) = (library.clone(), record.clone());
            let burn_ins = burn_ins.models().clone();
            move |loaded: &Loaded| {
                let rebaselined = record.profiles();
                configuration::engine_config(loaded, library.profiles(), rebaselined, &burn_ins)
            }
        };
        let config = engine_config(&loaded);
        let analysis = Analysis {
            queue: queue.clone(),
            snapshot: snapshot.clone(),
            config: Arc::new(ArcSwap::from_pointee(config)),
            tick: Arc::new(ArcSwap::from_pointee(Duration::from_millis(
                settings.tick.millis(),
            ))),
        };
        let is_ready = Arc::new(AtomicBool::new(false));
        let running = {
            let (intake, is_ready) = (intake.clone(), is_ready.clone());
            let (mut library, mut record, mut burn_ins) = (library, record, burn_ins);
            let mut dropped = DroppedSeries::default();
            let published = move |snapshot: &Snapshot| {
                let live = snapshot.models.iter();
                let live = live.filter(|model| model.last_row_at.is_some());
                let live: Vec<_> = live.map(|m| (m.model.clone(), m.version.clone())).collect();
                intake.retain_models(&live);
                library.keep(snapshot);
                record.keep(snapshot);
                burn_ins.keep(snapshot);
                tell_dropped(&mut dropped, snapshot.dropped_series);
                is_ready.store(true, Ordering::Release);
            };
            analysis.clone().start(snapshots, published)?
        };

        let push_address = push.as_ref().map(ToString::to_string);
        let push = push.map(|listener| {
            let (stop, stopped) = watch::channel(false);
            let limits = configuration::limits(&settings);
            let serving = serve_push(listener, intake.clone(), limits, asked(stopped));
            let task = tokio::spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the push API ended");
                }
            });
            (stop, task)
        });

        let (stop, stopped) = watch::channel(false);
        let state = Arc::new(web::State {
            snapshot: snapshot.clone(),
            intake: intake.clone(),
            sources: observing.sources.clone(),
            event_counts: observing.event_counts.clone(),
            budget: tunable.budget().clone(),
            reload: reloader.handle(),
            runtime: tokio::runtime::Handle::current(),
            rebaseliner: running.rebaseliner(),
            keeps_references,
            snapshot_counts,
            loaded: ArcSwap::new(loaded.clone()),
            at_start: settings.clone(),
            is_ready,
        });
        let options = WebOptions {
            metrics_path: settings.web.telemetry_path.clone(),
            enable_lifecycle: settings.web.enable_lifecycle,
            ..WebOptions::default()
        };
        let admin = admin.map(|socket| {
            let options = WebOptions {
                enable_lifecycle: true,
                door: "the admin socket",
                ..options.clone()
            };
            tokio::spawn(serve_admin(
                socket,
                state.clone(),
                options,
                asked(stopped.clone()),
            ))
        });
        let serving_web = tokio::spawn(serve_web(
            web,
            state.clone(),
            options,
            asked(stopped.clone()),
        ));
        let take = move |loaded: Arc<Loaded>| {
            let settings = &loaded.settings;
            level.set(settings.log.level);
            queue.set_capacity(settings.queue.rows, settings.queue.bytes.bytes());
            admission.set_limits(configuration::model_limits(settings));
            configuration::name_models(&admission, settings);
            tunable.take(&loaded);
            state.loaded.store(loaded.clone());
            analysis
                .tick
                .store(Arc::new(Duration::from_millis(settings.tick.millis())));
            let config = engine_config(&loaded);
            analysis.config.store(Arc::new(config));
        };
        let watching = tokio::spawn(reloader.watch(Reloader::POLL, take, asked(stopped)));

        tracing::info!(
            web = %web_address,
            push = push_address.as_deref().unwrap_or("off"),
            forward = observing.forward_address.as_deref().unwrap_or("off"),
            http = observing.events_address.as_deref().unwrap_or("off"),
            models = settings.models.len(),
            "driftgauge {} is up",
            env!("CARGO_PKG_VERSION")
        );
        Ok(Self {
            web_address,
            push_address,
            forward_address: observing.forward_address.clone(),
            events_address: observing.events_address.clone(),
            snapshot,
            intake,
            analysis: running,
            push,
            observing,
            rest: (
                stop,
                [serving_web, watching].into_iter().chain(admin).collect(),
            ),
        })
    }

    /// Stops in order: no more calls in, what is queued is analysed, then the web port closes.
    pub async fn stop(self) {
        let push = async {
            if let Some((stop, task)) = self.push {
                stop.send_replace(true);
                let _ = task.await;
            }
        };
        // Each may take a while, and there is a grace period for all.
        tokio::join!(push, self.observing.stop());
        let analysis = self.analysis;
        let _ = tokio::task::spawn_blocking(move || analysis.stop()).await;
        let (stop, tasks) = self.rest;
        stop.send_replace(true);
        for task in tasks {
            let _ = task.await;
        }
    }
}

/// Serves the web port's pages on the admin socket, whose file goes at the end.
async fn serve_admin(
    mut socket: UnixSocket,
    state: Arc<web::State>,
    options: WebOptions,
    shutdown: impl Future<Output = ()>,
) {
    if let Some(listener) = socket.take_listener() {
        serve_web(listener, state, options, shutdown).await;
    }
}

/// Warns when the limit of series leaves out something else than before.
fn tell_dropped(told: &mut DroppedSeries, dropped: DroppedSeries) {
    if *told != dropped && dropped != DroppedSeries::default() {
        tracing::warn!(
            fleet = dropped.fleet,
            detail = dropped.detail,
            features = dropped.features,
            "series are left out, as web.max_series demands; choose what to expose with \
             metrics.detail and metrics.fleet, or raise it"
        );
    }
    *told = dropped;
}

/// Resolves when `stopped` turns true.
async fn asked(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Resolves when the process is asked to end: SIGTERM or Ctrl-C.
///
/// # Errors
/// When the signals cannot be received.
pub async fn asked_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

/// The runtime of all sockets but the proxy's: as many threads as there is CPU for, at most two, because a sidecar
/// usually has less than one core and more threads only wake each other.
///
/// # Errors
/// When the system refuses the threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cpus.min(2))
        .thread_name("sockets")
        .thread_keep_alive(Duration::from_secs(5))
        .enable_all()
        .build()
}
