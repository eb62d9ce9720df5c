//! What is seen of calls to others: the proxy, the sink for events, and the thread that decodes what
//! both have put aside. Without them nothing here runs.

use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::mappings::mappings;
use super::proxying::Proxying;
use super::{asked, configuration};
use crate::forward::{Forward, Target};
use crate::ingest::decoding::{Decoding, Running, Source};
use crate::ingest::events::{EventCounts, Pairs, serve_events};
use crate::ingest::mapping::{Mappings, Sampling};
use crate::ingest::seen::{Budget, Observer};
use crate::ingest::{Admission, Intake};
use crate::queue::Queue;
use crate::settings::{Address, Loaded, Settings};
use crate::socket::Listener;

/// Calls and events that may wait for the decoding thread.
const WAITING: usize = 4_096;

/// The running parts.
pub(super) struct Observing {
    /// Where the proxy listens; `None` when it is off.
    pub forward_address: Option<String>,
    /// Where events are taken; `None` when that is off.
    pub events_address: Option<String>,
    /// The sources that are on.
    pub sources: Vec<Source>,
    /// What became of events; `None` when they are off.
    pub event_counts: Option<Arc<EventCounts>>,
    stop: watch::Sender<bool>,
    proxying: Option<Proxying>,
    events: Option<JoinHandle<()>>,
    decoding: Option<Running>,
}

/// What new settings change while everything runs.
#[derive(Clone)]
pub(super) struct Tunable {
    mappings: Arc<ArcSwap<Mappings>>,
    sampling: Arc<ArcSwap<Sampling>>,
    budget: Arc<Budget>,
}

impl Tunable {
    fn of(loaded: &Loaded) -> Self {
        let mappings = mappings(loaded);
        Self {
            sampling: Arc::new(ArcSwap::from_pointee(mappings.sampling())),
            mappings: Arc::new(ArcSwap::from_pointee(mappings)),
            budget: Budget::new(loaded.settings.forward.buffer_bytes.bytes()),
        }
    }

    /// Takes over what new settings say.
    pub fn take(&self, loaded: &Loaded) {
        let mappings = mappings(loaded);
        self.sampling.store(Arc::new(mappings.sampling()));
        self.mappings.store(Arc::new(mappings));
        let bytes = loaded.settings.forward.buffer_bytes.bytes();
        self.budget.set_limit(bytes);
    }

    /// The bytes that are put aside.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }
}

/// Opens the ports that settings ask for and starts what serves them.
///
/// # Errors
/// A port that cannot be opened, with a sentence that names its setting.
pub(super) async fn start(
    loaded: &Loaded,
    queue: &Arc<Queue>,
    admission: &Arc<Admission>,
) -> anyhow::Result<(Observing, Tunable)> {
    let settings = &*loaded.settings;
    let address = &settings.forward.listen_address;
    let is_forwarding = *address != Address::Off;
    let events = listen(&settings.http.listen_address, 0).await;
    let events = events.context("events cannot be taken (http.listen_address)")?;

    let tunable = Tunable::of(loaded);
    let (stop, stopped) = watch::channel(false);
    let mut observing = Observing {
        forward_address: None,
        events_address: events.as_ref().map(ToString::to_string),
        sources: Vec::new(),
        event_counts: None,
        stop,
        proxying: None,
        events: None,
        decoding: None,
    };
    if !is_forwarding && events.is_none() {
        return Ok((observing, tunable));
    }

    let (observer, seen) = Observer::new("forward", WAITING, tunable.budget.clone());
    let intake = |name| Arc::new(Intake::new(name, queue.clone(), admission.clone()));
    let pairs = Pairs::new(
        settings.http.pairing.micros(),
        settings.http.pending,
        settings.forward.buffer_bytes.bytes() / 2,
    );
    if is_forwarding {
        let mode = settings.forward.socket_mode.0;
        let forward = proxy(settings, observer.clone(), tunable.sampling.clone())?;
        let proxying = Proxying::start(address, mode, forward, stopped.clone()).await;
        let proxying = proxying.context("the proxy cannot start (forward.listen_address)")?;
        observing.forward_address = Some(proxying.address.clone());
        observing.proxying = Some(proxying);
        observing.sources.push(Source {
            observer: observer.clone(),
            intake: intake("forward"),
        });
    }
    if let Some(listener) = events {
        let observer = observer.beside("events");
        let limits = configuration::limits(settings);
        let serving = serve_events(listener, observer.clone(), limits, asked(stopped));
        observing.events = Some(tokio::spawn(serving));
        observing.event_counts = Some(pairs.counts().clone());
        observing.sources.push(Source {
            observer,
            intake: intake("events"),
        });
    }
    let decoding = Decoding {
        seen,
        sources: observing.sources.clone(),
        mappings: tunable.mappings.clone(),
        limits: configuration::limits(settings),
        pairs,
    };
    observing.decoding = Some(decoding.start()?);
    Ok((observing, tunable))
}

impl Observing {
    /// Stops in order: no more calls, those that are open end, and what they brought is decoded.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Some(proxying) = self.proxying {
            proxying.ended().await;
        }
        if let Some(events) = self.events {
            let _ = events.await;
        }
        if let Some(decoding) = self.decoding {
            let _ = tokio::task::spawn_blocking(move || decoding.stop()).await;
        }
    }
}

async fn listen(address: &Address, mode: u32) -> std::io::Result<Option<Listener>> {
    match address {
        Address::Off => Ok(None),
        address => Listener::bind(&address.to_string(), mode).await.map(Some),
    }
}

fn proxy(
    settings: &Settings,
    observer: Observer,
    sampling: Arc<ArcSwap<Sampling>>,
) -> anyhow::Result<Forward> {
    let said = &settings.forward;
    let upstream = target(&said.upstream).context("forward.upstream is empty")?;
    Ok(Forward {
        http_upstream: target(&said.http_upstream).unwrap_or_else(|| upstream.clone()),
        upstream,
        observer,
        sampling,
        call_bytes: said.call_bytes.bytes(),
        drain: said.drain.into(),
    })
}

fn target(address: &Address) -> Option<Target> {
    match address {
        Address::Off => None,
        Address::Tcp(address) => Some(Target::Tcp(address.clone())),
        Address::Unix(path) => Some(Target::Unix(path.clone())),
    }
}
