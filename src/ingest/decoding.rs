//! The decoding thread: what was seen → calls → batches → the queue.
//!
//! One plain thread that nobody waits for. It polls, like the analysis: waking a parked thread costs
//! who hands over more than the hand-over itself, and who hands over is on a model's path.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::events::Pairs;
use super::inference::{Call, Fault};
use super::layout::Layouts;
use super::mapping::Mappings;
use super::open_inference::{self, Streams};
use super::seen::{CallCounts, Exchange, Observer, Seen, Transport};
use super::{HandOver, Intake, Limits, Undecodable, rest};
use crate::clock::wall_micros;

/// Pause when nothing waits.
const IDLE: Duration = Duration::from_millis(10);
/// Calls that are taken up before anything else is looked at.
const MOST_AT_ONCE: usize = 1_024;

/// What the decoding thread is given.
pub struct Decoding {
    /// What was seen, each with its source.
    pub seen: Receiver<(&'static str, Seen)>,
    /// The sources.
    pub sources: Vec<Source>,
    /// What settings and profiles say of models; taken over when the pointer changes.
    pub mappings: Arc<ArcSwap<Mappings>>,
    /// Bounds on what is decoded.
    pub limits: Limits,
    /// Where halves of calls wait for each other.
    pub pairs: Pairs,
}

/// One source of calls: the door that they come through, and the one to the queue.
#[derive(Clone, Debug)]
pub struct Source {
    /// Hands over what was seen.
    pub observer: Observer,
    /// Hands over what was decoded.
    pub intake: Arc<Intake>,
}

/// The running thread.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Decodes what waits, then ends the thread.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        if self.thread.join().is_err() {
            tracing::error!("the decoding thread ended by a panic");
        }
    }
}

impl Decoding {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(self) -> io::Result<Running> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = std::thread::Builder::new()
            .name("decoding".into())
            .spawn(move || Decoder::of(self).run(&stopping))?;
        Ok(Running { stop, thread })
    }
}

/// What belongs to the thread alone.
struct Decoder {
    given: Decoding,
    streams: Streams,
    layouts: Layouts,
}

impl Decoder {
    fn of(given: Decoding) -> Self {
        Self {
            given,
            streams: Streams::default(),
            layouts: Layouts::default(),
        }
    }

    fn run(mut self, stop: &AtomicBool) {
        let sources = std::mem::take(&mut self.given.sources);
        let find = |name: &str| {
            sources
                .iter()
                .find(|source| source.observer.source() == name)
        };
        loop {
            let is_last = stop.load(Ordering::Acquire);
            let mappings = self.given.mappings.load_full();
            // New settings should not wait for a pause.
            let waiting: Vec<_> = self.given.seen.try_iter().take(MOST_AT_ONCE).collect();
            let is_idle = waiting.is_empty();
            for (name, seen) in waiting {
                if let Some(source) = find(name) {
                    self.safely(source, |decoder| decoder.take(source, seen, &mappings));
                }
            }
            // Also while there is no pause: halves must not wait for the proxy's calls to end.
            let is_over = is_last && is_idle;
            let now = if is_over { i64::MAX } else { wall_micros() };
            let expired = self.given.pairs.expire(now);
            if let Some(events) = find("events") {
                for exchange in expired {
                    self.safely(events, |decoder| {
                        decoder.paired(events, exchange, &mappings)
                    });
                }
            }
            if !is_idle {
                continue;
            }
            if is_last {
                return;
            }
            std::thread::sleep(IDLE);
        }
    }

    /// Does something for a call; a panic costs this call, and what was known of others.
    fn safely(&mut self, source: &Source, work: impl FnOnce(&mut Self)) {
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        if done.is_err() {
            tracing::error!("a panic while decoding a call");
            let detail = "decoding it failed by a mistake of ours; please report it";
            source.intake.undecodable(Undecodable::Panic, detail);
            self.streams = Streams::default();
            self.layouts = Layouts::default();
        }
    }

    fn take(&mut self, source: &Source, seen: Seen, mappings: &Mappings) {
        let limits = &self.given.limits;
        match seen {
            Seen::Call(exchange) => {
                let call = decode(*exchange, mappings, limits);
                self.hand_over(source, call, mappings);
            }
            Seen::Stream { stream, part } => {
                for call in self
                    .streams
                    .part(stream, part, &mappings.unnamed_model, limits)
                {
                    source.observer.counts().see();
                    self.hand_over(source, call, mappings);
                }
            }
            Seen::Event(event) => {
                for exchange in self.given.pairs.event(*event, wall_micros(), limits) {
                    self.paired(source, exchange, mappings);
                }
            }
        }
    }

    /// Takes up a call made of two events.
    fn paired(&mut self, source: &Source, paired: Result<Exchange, Fault>, mappings: &Mappings) {
        source.observer.counts().see();
        let limits = &self.given.limits;
        let call = paired.and_then(|exchange| decode(exchange, mappings, limits));
        self.hand_over(source, call, mappings);
    }

    fn hand_over(&mut self, source: &Source, call: Result<Call, Fault>, mappings: &Mappings) {
        let counts: &CallCounts = source.observer.counts();
        let call = match call {
            Ok(call) => call,
            Err(Fault { reason, detail }) => return source.intake.undecodable(reason, &detail),
        };
        let model = &call.inference.model;
        let draw = mappings.of(model).map_or(call.draw, |mapping| {
            mapping.draw(call.draw, &call.headers, &call.inference.id)
        });
        if draw >= mappings.sample_rate_of(model) {
            return counts.leave_out();
        }
        counts.decode();
        let laid = self.layouts.batch(call, mappings, &self.given.limits);
        for reason in laid.unusable {
            counts.unusable(reason);
        }
        let mut request = HandOver::default();
        match laid.batch {
            Ok(batch) => request.batches.push(batch),
            Err(refused) => request.refused.push(refused),
        }
        source.intake.hand_over(request);
    }
}

fn decode(exchange: Exchange, mappings: &Mappings, limits: &Limits) -> Result<Call, Fault> {
    let unnamed = &mappings.unnamed_model;
    match exchange.transport {
        Transport::Grpc => open_inference::decode(exchange, unnamed, limits),
        Transport::Http => rest::decode(exchange, unnamed, limits),
    }
}
