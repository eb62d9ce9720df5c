//! The engine with `clock: event`: rows belong to their own time.

mod common;

use std::sync::Arc;

use common::{SECOND, batch, config, feature, model, numeric, profile};
use driftgauge::batch::{Batch, Role, Times, Values};
use driftgauge::engine::{Clock, Config, Engine, WindowConfig};

const NOW: i64 = 1_700_000_000 * SECOND;

fn engine(config: Config) -> Engine {
    Engine::new(Arc::new(config))
}

fn numbers(values: Vec<f64>) -> Batch {
    batch(vec![("x", Role::Feature, Values::Numbers(values))])
}

fn event_config() -> Config {
    Config {
        clock: Clock::Event,
        windows: vec![
            WindowConfig::of_seconds("1h", 3_600),
            WindowConfig::of_seconds("1d", 86_400),
        ],
        ..config(profile(vec![numeric("x", 20, 500)]))
    }
}

fn timed(times: &[i64]) -> Batch {
    let mut batch = numbers(vec![1.0; times.len()]);
    batch.times = Times::Each(times.iter().map(|seconds| seconds * SECOND).collect());
    batch
}

#[test]
fn in_event_time_rows_go_to_their_own_slice_and_the_newest_row_is_now() {
    let mut engine = engine(event_config());
    let start = 1_600_000_000 / 3_600 * 3_600;
    engine.apply(&timed(&[start, start + 600, start + 7_200]), NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!((m.windows[0].rows, m.windows[1].rows), (1, 3));
    assert_eq!(
        m.last_row_at,
        Some(1_700_000_000.0),
        "timestamps are wall time"
    );
    // Late: out of the hour, still in the day.
    engine.apply(&timed(&[start + 60]), NOW);
    // Too old for the longest window; too far in the future.
    engine.apply(&timed(&[start - 86_400, start + 10 * 86_400]), NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!((m.windows[0].rows, m.windows[1].rows), (1, 4));
    assert_eq!((m.too_old_rows, m.too_new_rows), (1, 1));
    assert_eq!(feature(m, "x").values, 4);
}

#[test]
fn in_event_time_the_order_of_rows_does_not_matter() {
    let start = 1_600_000_000 / 3_600 * 3_600;
    let mut times: Vec<i64> = (0..500).map(|i| start + i * 97 % 80_000).collect();
    let figures = |times: &[i64]| {
        let mut engine = engine(event_config());
        // The newest first, so that now is the same from the start.
        engine.apply(&timed(&[start + 80_000]), NOW);
        engine.apply(&timed(times), NOW);
        let snapshot = engine.tick(NOW);
        let m = model(&snapshot, "m", "1");
        (
            m.windows[0].rows,
            m.windows[1].rows,
            feature(m, "x").windows[0].cells.clone(),
        )
    };
    let sorted = figures(&times);
    times.reverse();
    assert_eq!(figures(&times), sorted);
    times.sort_by_key(|time| time * 7_919 % 1_009);
    assert_eq!(figures(&times), sorted);
}

#[test]
fn a_gap_in_event_time_is_believed_once_many_rows_are_beyond_it() {
    let mut engine = engine(event_config());
    let start = 1_600_000_000;
    engine.apply(&timed(&[start]), NOW);
    let beyond = start + 3 * 86_400;
    engine.apply(&timed(&vec![beyond; 999]), NOW);
    let snapshot = engine.tick(NOW);
    assert_eq!(model(&snapshot, "m", "1").too_new_rows, 999);
    engine.apply(&timed(&[start + 1]), NOW);
    engine.apply(&timed(&vec![beyond; 999]), NOW);
    let snapshot = engine.tick(NOW);
    assert_eq!(
        model(&snapshot, "m", "1").too_new_rows,
        1_998,
        "not in a row"
    );
    engine.apply(&timed(&[beyond, beyond + 60]), NOW);
    let snapshot = engine.tick(NOW);
    let m = model(&snapshot, "m", "1");
    assert_eq!((m.too_new_rows, m.windows[1].rows), (1_998, 2));
}
