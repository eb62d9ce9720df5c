//! The analysis thread: drains the queue, ticks the engine, publishes snapshots.
//!
//! One plain thread that nobody ever waits for: it polls, because waking a parked thread would cost
//! each sender more than the hand-over itself; readers load a pointer. Only who asks for a re-baseline
//! waits, for it is done between two batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::batch::Batch;
use crate::clock::wall_micros;
use crate::engine::{Config, Engine, Rebaseline, Rebaselined, Refusal, Snapshot};
use crate::queue::Queue;

/// Pause when the queue is empty.
const IDLE: Duration = Duration::from_millis(10);
/// Re-baselines that may wait; it is a rare act.
const WAITING: usize = 4;
/// How long who asks for one waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the analysis shares with the rest.
#[derive(Clone)]
pub struct Analysis {
    /// Where batches come from.
    pub queue: Arc<Queue>,
    /// Where results go.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// What the engine is told; taken over when the pointer changes.
    pub config: Arc<ArcSwap<Config>>,
    /// Time between evaluations.
    pub tick: Arc<ArcSwap<Duration>>,
}

/// Keeps what the engine holds over a restart.
pub trait Keeper: Send + 'static {
    /// Gives a new engine what was kept.
    fn restore(&mut self, engine: &mut Engine);

    /// Whether it is time to keep again, after a tick.
    fn is_due(&self) -> bool;

    /// Keeps what the engine holds, right after a tick; waits for that only if it is the last time.
    fn keep(&mut self, engine: &Engine, is_last: bool);
}

/// The running thread; [`Running::stop`] ends it after the queue is empty.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    rebaseliner: Rebaseliner,
}

/// Asks the analysis for re-baselines. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rebaseliner(SyncSender<Asked>);

/// A re-baseline that is asked for, and where the answer goes.
#[derive(Debug)]
struct Asked {
    what: Rebaseline,
    answer: SyncSender<Result<Rebaselined, Refusal>>,
}

/// Why there is no re-baseline, as a sentence.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotRebaselined {
    /// The engine refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many are waiting already.
    #[error("Several re-baselines are waiting already; ask again in a moment.")]
    Busy,
    /// No answer came in time.
    #[error(
        "The analysis did not answer within 10 s; it may still do what was asked: look at \
         driftgauge_reference_info before you ask again."
    )]
    TooSlow,
    /// The analysis has ended, or failed at it.
    #[error("The analysis could not do it: it is shutting down, or it failed; see the log.")]
    Gone,
}

impl Rebaseliner {
    /// Asks for a re-baseline and waits until it is in force, evaluated and published.
    ///
    /// # Errors
    /// Why there is none, or none yet.
    pub fn rebaseline(&self, what: Rebaseline) -> Result<Rebaselined, NotRebaselined> {
        let (answer, answered) = sync_channel(1);
        let asked = Asked { what, answer };
        self.0.try_send(asked).map_err(|error| match error {
            TrySendError::Full(_) => NotRebaselined::Busy,
            TrySendError::Disconnected(_) => NotRebaselined::Gone,
        })?;
        let answer = answered.recv_timeout(PATIENCE);
        let answer = answer.map_err(|error| match error {
            RecvTimeoutError::Timeout => NotRebaselined::TooSlow,
            RecvTimeoutError::Disconnected => NotRebaselined::Gone,
        })?;
        Ok(answer?)
    }
}

impl Running {
    /// What re-baselines are asked of.
    pub fn rebaseliner(&self) -> Rebaseliner {
        self.rebaseliner.clone()
    }

    /// Empties the queue, evaluates once more, ends the thread.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        if self.thread.join().is_err() {
            tracing::error!("the analysis thread ended by a panic");
        }
    }
}

impl Analysis {
    /// Starts the thread; `published` is called on it with each new snapshot, before `keeper`.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(
        self,
        keeper: Option<impl Keeper>,
        published: impl FnMut(&Snapshot) + Send + 'static,
    ) -> std::io::Result<Running> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let (rebaseliner, rebaselines) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("analysis".into())
            .spawn(move || self.run(&asked, &rebaselines, keeper, published))?;
        Ok(Running {
            stop,
            thread,
            rebaseliner: Rebaseliner(rebaseliner),
        })
    }

    fn run(
        &self,
        stop: &AtomicBool,
        rebaselines: &Receiver<Asked>,
        mut keeper: Option<impl Keeper>,
        mut published: impl FnMut(&Snapshot),
    ) {
        let mut config = self.config.load_full();
        let mut engine = Engine::new(config.clone());
        let mut panics = 0;
        if let Some(keeper) = &mut keeper
            && catch_unwind(AssertUnwindSafe(|| keeper.restore(&mut engine))).is_err()
        {
            tracing::error!("a panic while restoring windows; all models begin anew");
            panics += 1;
            engine = Engine::new(config.clone());
        }
        let mut batches = Vec::new();
        let mut next_tick = Instant::now();
        loop {
            let latest = self.config.load_full();
            if !Arc::ptr_eq(&latest, &config) {
                config = latest;
                let changed = catch_unwind(AssertUnwindSafe(|| engine.reconfigure(config.clone())));
                if changed.is_err() {
                    panics += 1;
                    engine = Engine::new(config.clone());
                }
                next_tick = Instant::now();
            }
            let stopping = stop.load(Ordering::Acquire);
            let drained = self.queue.drain(&mut batches);
            for batch in batches.drain(..) {
                panics += apply(&mut engine, &batch);
            }
            let is_last = stopping && drained == 0;
            let mut answers = Vec::new();
            for Asked { what, answer } in rebaselines.try_iter() {
                match rebaseline(&mut engine, &what) {
                    Some(result) => answers.push((answer, result)),
                    None => panics += 1,
                }
            }
            let is_due = is_last || keeper.as_ref().is_some_and(Keeper::is_due);
            if Instant::now() >= next_tick || is_due || !answers.is_empty() {
                next_tick = Instant::now() + **self.tick.load();
                let failed = self.evaluate(&mut engine, &config, panics, &mut published);
                panics += failed;
                if let Some(keeper) = &mut keeper
                    && is_due
                    && failed == 0
                {
                    let kept = catch_unwind(AssertUnwindSafe(|| keeper.keep(&engine, is_last)));
                    if kept.is_err() {
                        tracing::error!("a panic while keeping windows; a restart loses them");
                        panics += 1;
                    }
                }
            }
            for (answer, result) in answers {
                // Who asked may have lost patience.
                let _ = answer.send(result);
            }
            if is_last {
                return;
            }
            if drained == 0 {
                std::thread::sleep(IDLE.min(next_tick.saturating_duration_since(Instant::now())));
            }
        }
    }

    /// Ticks and publishes; returns the number of panics, after which all models begin anew.
    fn evaluate(
        &self,
        engine: &mut Engine,
        config: &Arc<Config>,
        panics: u64,
        published: &mut impl FnMut(&Snapshot),
    ) -> u64 {
        let begun = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| engine.tick(wall_micros()))) {
            Ok(mut snapshot) => {
                snapshot.evaluation_seconds = begun.elapsed().as_secs_f64();
                snapshot.panics = panics;
                let snapshot = Arc::new(snapshot);
                self.snapshot.store(snapshot.clone());
                published(&snapshot);
                0
            }
            Err(_) => {
                tracing::error!("a panic while evaluating; all models begin anew");
                *engine = Engine::new(config.clone());
                1
            }
        }
    }
}

/// Folds a batch in; returns the number of panics, after which its model begins anew.
fn apply(engine: &mut Engine, batch: &Batch) -> u64 {
    match catch_unwind(AssertUnwindSafe(|| engine.apply(batch, wall_micros()))) {
        Ok(()) => 0,
        Err(_) => {
            tracing::error!(model = %batch.model, "a panic while analysing; the model begins anew");
            engine.reset_model(&batch.model);
            1
        }
    }
}

/// Re-baselines; `None` after a panic, after which the model begins anew.
fn rebaseline(engine: &mut Engine, what: &Rebaseline) -> Option<Result<Rebaselined, Refusal>> {
    let done = catch_unwind(AssertUnwindSafe(|| engine.rebaseline(what, wall_micros())));
    if done.is_err() {
        tracing::error!(model = %what.model, "a panic while re-baselining; the model begins anew");
        engine.reset_model(&what.model);
    }
    done.ok()
}
