//! The sidecar's own families: what came in and what became of it, the queue, the settings, the
//! page itself. Who watches the watcher reads these.

use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::names;
use super::pen::{Book, Label};
use super::process::{self, Process};
use crate::engine::{DroppedSeries, Snapshot};
use crate::ingest::inference::Unusable;
use crate::ingest::seen::Shed;
use crate::ingest::{CallsSeen, Reject, SourceCounts, Undecodable};

/// Series that every way in has: rows received, accepted, duplicate and dropped, requests missing,
/// the reasons of the rest.
const SOURCE_SERIES: usize = 5 + QUEUE_FULL_REASONS + Reject::ALL.len() + Undecodable::ALL.len();
/// Reasons why the queue takes no rows: their number, their bytes.
const QUEUE_FULL_REASONS: usize = 2;
/// Series of a way in that sees calls of others: seen, decoded, unsampled, in flight, and by reason.
const CALLS_SERIES: usize = 4 + Shed::ALL.len() + Unusable::ALL.len();
/// Series that are there once: of the observer, of the sidecar's state, of the process.
const SINGLE_SERIES: usize = 4 + 15 + 7 + SNAPSHOT_SERIES;
/// Series of the windows kept for a restart: success, failures, ignored by reason.
const SNAPSHOT_SERIES: usize = 2 + 6;

/// Room kept on the page for the series of this file and of the process: with all ways in, push,
/// forward and events.
pub const OWN_SERIES: usize = 3 * SOURCE_SERIES + 2 * CALLS_SERIES + SINGLE_SERIES;

/// What the sidecar knows of itself at a scrape.
#[derive(Clone, Debug, Default)]
pub struct Sidecar {
    /// Version of the program.
    pub version: String,
    /// Source revision it was built from; empty when not known.
    pub revision: String,
    /// Ways in, each once.
    pub sources: Vec<SourceCounts>,
    /// Events without their other half, by `half`; empty where no events are taken.
    pub unpaired_events: Vec<(&'static str, u64)>,
    /// Bytes of calls put aside until decoded, and how many there may be; `None` where none are.
    pub observer_bytes: Option<(u64, u64)>,
    /// Rows in the queue.
    pub queue_rows: u64,
    /// Bytes in the queue.
    pub queue_bytes: u64,
    /// Bytes that the queue can hold.
    pub queue_capacity_bytes: u64,
    /// `--web.max-series`.
    pub series_limit: u64,
    /// Series left out to stay within it.
    pub dropped_series: DroppedSeries,
    /// Hash of the settings in force; empty without settings.
    pub config_hash: String,
    /// Whether the last attempt to load the settings succeeded.
    pub config_last_reload_successful: bool,
    /// When they were last loaded successfully, seconds since the Unix epoch.
    pub config_last_reload_success_timestamp_seconds: Option<f64>,
    /// When the models were last evaluated, seconds since the Unix epoch.
    pub last_evaluation_timestamp_seconds: Option<f64>,
    /// How long that took, in seconds.
    pub evaluation_duration_seconds: Option<f64>,
    /// Panics of the analysis since the start.
    pub analysis_panics: u64,
    /// How the windows were kept for a restart; `None` without a state directory.
    pub snapshots: Option<KeptWindows>,
    /// How often the models are evaluated, in seconds; for the pages only.
    pub evaluation_interval_seconds: Option<f64>,
    /// The time, seconds since the Unix epoch; for the pages only.
    pub now: Option<f64>,
}

/// How the windows were kept for a restart.
#[derive(Clone, Debug, Default)]
pub struct KeptWindows {
    /// When they last were, seconds since the Unix epoch.
    pub last_success_timestamp_seconds: Option<f64>,
    /// Times that they could not be kept.
    pub failures: u64,
    /// Snapshots, or parts of one, that were not restored, by reason.
    pub ignored: Vec<(&'static str, u64)>,
}

impl Sidecar {
    /// What the snapshot itself tells; the rest is empty and for the caller to fill in.
    pub fn of(snapshot: &Snapshot) -> Self {
        let evaluated = snapshot.evaluated_at > 0.0;
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            dropped_series: snapshot.dropped_series,
            config_last_reload_successful: true,
            last_evaluation_timestamp_seconds: evaluated.then_some(snapshot.evaluated_at),
            evaluation_duration_seconds: evaluated.then_some(snapshot.evaluation_seconds),
            analysis_panics: snapshot.panics,
            ..Self::default()
        }
    }
}

/// All families of the sidecar and its process. Register it last: it tells how many samples the
/// page has.
#[derive(Clone, Debug)]
pub struct SidecarCollector {
    sidecar: Sidecar,
    process: Option<Process>,
    samples: Arc<AtomicUsize>,
}

impl SidecarCollector {
    /// `samples` are those written before by all others.
    pub fn new(sidecar: Sidecar, process: Option<Process>, samples: Arc<AtomicUsize>) -> Self {
        Self {
            sidecar,
            process,
            samples,
        }
    }
}

impl Collector for SidecarCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let mut book = Book::new(encoder);
        let sidecar = &self.sidecar;
        let version = [
            ("version", sidecar.version.as_str()),
            ("revision", &sidecar.revision),
        ];
        book.family(&names::BUILD).info(&[], &version)?;
        sources(&mut book, &sidecar.sources)?;
        calls(&mut book, sidecar)?;
        state(&mut book, sidecar)?;
        if let Some(process) = &self.process {
            process::write(&mut book, process)?;
        }
        let samples = self
            .samples
            .fetch_add(book.samples() + 1, Ordering::Relaxed);
        let all = samples + book.samples() + 1;
        book.family(&names::SERIES).whole(&[], &[], all as u64)
    }
}

fn sources(book: &mut Book<'_>, sources: &[SourceCounts]) -> Result<(), Error> {
    for (family, count) in [
        (
            &names::RECEIVED_ROWS,
            (|s| s.received) as fn(&SourceCounts) -> u64,
        ),
        (&names::ACCEPTED_ROWS, |s| s.accepted),
        (&names::DUPLICATE_ROWS, |s| s.duplicate),
        (&names::CLIENT_DROPPED_ROWS, |s| s.client_dropped),
    ] {
        let mut pen = book.family(family);
        for source in sources {
            pen.count(&[("source", source.source)], &[], count(source))?;
        }
    }
    for (family, counts) in [
        (
            &names::SHED_ROWS,
            (|s| &s.shed) as fn(&SourceCounts) -> &Vec<(&'static str, u64)>,
        ),
        (&names::REJECTED_ROWS, |s| &s.rejected),
        (&names::UNDECODABLE_CALLS, |s| &s.undecodable),
    ] {
        let mut pen = book.family(family);
        for source in sources {
            for &(reason, count) in counts(source) {
                let base = [("source", source.source)];
                pen.count(&base, &[("reason", reason)], count)?;
            }
        }
    }
    let mut pen = book.family(&names::CLIENT_MISSING_REQUESTS);
    for source in sources {
        pen.whole(&[("source", source.source)], &[], source.missing_requests)?;
    }
    Ok(())
}

fn calls(book: &mut Book<'_>, sidecar: &Sidecar) -> Result<(), Error> {
    let seen: Vec<([Label<'_>; 1], &CallsSeen)> = sidecar
        .sources
        .iter()
        .filter_map(|source| Some(([("source", source.source)], source.calls.as_ref()?)))
        .collect();
    for (family, count) in [
        (&names::SEEN_CALLS, (|c| c.seen) as fn(&CallsSeen) -> u64),
        (&names::DECODED_CALLS, |c| c.decoded),
        (&names::UNSAMPLED_CALLS, |c| c.unsampled),
    ] {
        let mut pen = book.family(family);
        for (source, calls) in &seen {
            pen.count(source, &[], count(calls))?;
        }
    }
    for (family, counts) in [
        (
            &names::SHED_CALLS,
            (|c| &c.shed) as fn(&CallsSeen) -> &Vec<(&'static str, u64)>,
        ),
        (&names::UNUSABLE_TENSORS, |c| &c.unusable),
    ] {
        let mut pen = book.family(family);
        for (source, calls) in &seen {
            for &(reason, count) in counts(calls) {
                pen.count(source, &[("reason", reason)], count)?;
            }
        }
    }
    let mut pen = book.family(&names::REQUESTS_IN_FLIGHT);
    for (source, calls) in &seen {
        pen.whole(source, &[], calls.in_flight)?;
    }
    let mut pen = book.family(&names::UNPAIRED_EVENTS);
    for &(half, count) in &sidecar.unpaired_events {
        pen.count(&[("half", half)], &[], count)?;
    }
    if let Some((bytes, capacity)) = sidecar.observer_bytes {
        book.family(&names::OBSERVER_BYTES).whole(&[], &[], bytes)?;
        book.family(&names::OBSERVER_CAPACITY)
            .whole(&[], &[], capacity)?;
    }
    Ok(())
}

fn state(book: &mut Book<'_>, sidecar: &Sidecar) -> Result<(), Error> {
    const NONE: &[Label<'static>] = &[];
    for (family, value) in [
        (&names::QUEUE_ROWS, sidecar.queue_rows),
        (&names::QUEUE_BYTES, sidecar.queue_bytes),
        (&names::QUEUE_CAPACITY, sidecar.queue_capacity_bytes),
        (
            &names::CONFIG_RELOAD_SUCCESSFUL,
            u64::from(sidecar.config_last_reload_successful),
        ),
        (&names::SERIES_LIMIT, sidecar.series_limit),
    ] {
        book.family(family).whole(NONE, NONE, value)?;
    }
    for (family, value) in [
        (
            &names::LAST_EVALUATION,
            sidecar.last_evaluation_timestamp_seconds,
        ),
        (
            &names::EVALUATION_DURATION,
            sidecar.evaluation_duration_seconds,
        ),
        (
            &names::CONFIG_RELOAD_TIMESTAMP,
            sidecar.config_last_reload_success_timestamp_seconds,
        ),
    ] {
        book.family(family).gauge(NONE, NONE, value)?;
    }
    book.family(&names::ANALYSIS_PANICS)
        .count(NONE, NONE, sidecar.analysis_panics)?;
    if let Some(kept) = &sidecar.snapshots {
        book.family(&names::SNAPSHOT_LAST_SUCCESS).gauge(
            NONE,
            NONE,
            kept.last_success_timestamp_seconds,
        )?;
        book.family(&names::SNAPSHOT_FAILURES)
            .count(NONE, NONE, kept.failures)?;
        let mut pen = book.family(&names::SNAPSHOT_IGNORED);
        for &(reason, count) in &kept.ignored {
            pen.count(&[("reason", reason)], NONE, count)?;
        }
    }
    if !sidecar.config_hash.is_empty() {
        let hash = [("hash", sidecar.config_hash.as_str())];
        book.family(&names::CONFIG).info(NONE, &hash)?;
    }
    let dropped = sidecar.dropped_series;
    let mut pen = book.family(&names::SERIES_DROPPED);
    for (reason, series) in [
        ("fleet", dropped.fleet),
        ("detail", dropped.detail),
        ("feature", dropped.features),
    ] {
        pen.whole(&[("reason", reason)], NONE, series as u64)?;
    }
    Ok(())
}
