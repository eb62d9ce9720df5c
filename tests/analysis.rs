//! The analysis goes on whatever keeps its windows does: rows are counted, and panics are, too.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use common::{batch, config, model, numeric, profile};
use driftgauge::analysis::{Analysis, Keeper};
use driftgauge::batch::{Batch, Role, Values};
use driftgauge::clock::wall_micros;
use driftgauge::engine::{Engine, Snapshot};
use driftgauge::queue::Queue;

/// Panics at the first so many calls of each kind.
#[derive(Clone, Default)]
struct Clumsy {
    restores: usize,
    keeps: usize,
    kept: Arc<AtomicUsize>,
    last: Arc<AtomicUsize>,
}

impl Keeper for Clumsy {
    fn restore(&mut self, engine: &mut Engine) {
        // Half done: what is there by now must not be seen.
        engine.apply(&rows(7), wall_micros());
        assert!(self.restores == 0, "on purpose");
    }

    fn is_due(&self) -> bool {
        true
    }

    fn keep(&mut self, _: &Engine, is_last: bool) {
        self.last.fetch_add(usize::from(is_last), Ordering::Relaxed);
        let before = self.kept.fetch_add(1, Ordering::Relaxed);
        assert!(before >= self.keeps, "on purpose");
    }
}

fn rows(count: usize) -> Batch {
    batch(vec![(
        "x",
        Role::Feature,
        Values::Numbers(vec![0.5; count]),
    )])
}

/// What is said at the end, when `rows` came after `keeper` had been asked four times.
fn watched(keeper: &Clumsy, count: usize) -> Arc<Snapshot> {
    let analysis = Analysis {
        queue: Arc::new(Queue::new(1_000, 1 << 20)),
        snapshot: Arc::default(),
        config: Arc::new(ArcSwap::from_pointee(config(profile(vec![numeric(
            "x", 4, 100,
        )])))),
        tick: Arc::new(ArcSwap::from_pointee(Duration::from_secs(60))),
    };
    let running = analysis.clone().start(Some(keeper.clone()), |_| ());
    let deadline = Instant::now() + Duration::from_secs(20);
    while keeper.kept.load(Ordering::Relaxed) < 4 {
        assert!(Instant::now() < deadline, "it has ended");
        std::thread::yield_now();
    }
    analysis.queue.offer(vec![rows(count)]).unwrap();
    running.unwrap().stop();
    analysis.snapshot.load_full()
}

#[test]
fn a_panic_while_windows_are_kept_is_counted_and_the_next_are_kept() {
    let keeper = Clumsy {
        keeps: 2,
        ..Clumsy::default()
    };
    let snapshot = watched(&keeper, 30);
    assert_eq!(snapshot.panics, 2);
    let found = model(&snapshot, "m", "1");
    assert_eq!((found.windows[0].rows, found.predictions), (37, 37.0));
    assert_eq!(keeper.last.load(Ordering::Relaxed), 1);
}

#[test]
fn a_panic_while_windows_are_restored_leaves_none_of_them() {
    let keeper = Clumsy {
        restores: 1,
        ..Clumsy::default()
    };
    let snapshot = watched(&keeper, 30);
    assert_eq!(snapshot.panics, 1);
    assert_eq!(model(&snapshot, "m", "1").windows[0].rows, 30);
}
