//! The analysis thread: drains the queue, ticks the engine, publishes snapshots.
//!
//! One plain thread that nobody ever waits for: it polls, because waking a parked thread would cost
//! each sender more than the hand-over itself; readers load a pointer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use crate::batch::Batch;
use crate::engine::{Config, Engine, Snapshot};
use crate::queue::Queue;

/// Pause when the queue is empty.
const IDLE: Duration = Duration::from_millis(10);

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

/// The running thread; [`Running::stop`] ends it after the queue is empty.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Empties the queue, evaluates once more, ends the thread.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        if self.thread.join().is_err() {
            tracing::error!("the analysis thread ended by a panic");
        }
    }
}

impl Analysis {
    /// Starts the thread; `published` is called on it with each new snapshot.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(
        self,
        published: impl FnMut(&Snapshot) + Send + 'static,
    ) -> std::io::Result<Running> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let thread = std::thread::Builder::new()
            .name("analysis".into())
            .spawn(move || self.run(&asked, published))?;
        Ok(Running { stop, thread })
    }

    fn run(&self, stop: &AtomicBool, mut published: impl FnMut(&Snapshot)) {
        let mut config = self.config.load_full();
        let mut engine = Engine::new(config.clone());
        let mut panics = 0;
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
            if Instant::now() >= next_tick || is_last {
                next_tick = Instant::now() + **self.tick.load();
                panics += self.evaluate(&mut engine, &config, panics, &mut published);
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

/// Wall time in microseconds since the Unix epoch.
fn wall_micros() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}
