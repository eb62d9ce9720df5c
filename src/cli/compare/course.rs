//! How drift came about in rows that have times: folded in the order of time, as traffic would be.

use std::sync::Arc;

use crate::batch::{Batch, Times};
use crate::engine::{Clock, Config, Engine, ModelSnapshot, WindowConfig};
use crate::files::Dataset;

/// Parts of the time that the rows span: a long window is an eighth of it, a short one an eighth of
/// that, and both are looked at each time the short one has moved on by a slice.
const PARTS: i64 = 8 * 8 * 12;

/// Names the shape of each field's drift, as it is at the end of rows that span `first` to `last`, in
/// microseconds. Rows that are not in the order of time are left out where they come too late.
///
/// # Errors
/// What reading the rows once more brings.
pub(super) fn name_shapes(
    model: &mut ModelSnapshot,
    dataset: &Dataset,
    config: Config,
    (first, last): (i64, i64),
) -> anyhow::Result<()> {
    let step = last.saturating_sub(first) / PARTS;
    if step == 0 {
        return Ok(());
    }
    let window = |label: &str, slices: i64| WindowConfig {
        label: label.into(),
        micros: step * slices,
    };
    let mut engine = Engine::new(Arc::new(Config {
        windows: vec![window("short", 12), window("long", 8 * 12)],
        clock: Clock::Event,
        ..config
    }));
    let mut next = first.saturating_add(step);
    for batch in dataset.batches() {
        let batch = batch?;
        let mut start = 0;
        while start < batch.rows {
            let end = end_of_step(&batch, start, next);
            if start < end {
                engine.apply(&batch.slice(start..end), next);
            }
            if end < batch.rows {
                engine.tick(next);
                next = next.saturating_add(step);
            }
            start = end;
        }
    }
    let snapshot = engine.tick(next);
    let found = snapshot.models.into_iter().flat_map(|model| model.features);
    for feature in found {
        let same = model.features.iter_mut().find(|of| of.name == feature.name);
        if let Some(same) = same {
            same.shape = feature.shape;
        }
    }
    Ok(())
}

/// First row from `start` on that is not before `next`, or the end.
fn end_of_step(batch: &Batch, start: usize, next: i64) -> usize {
    match &batch.times {
        Times::Each(times) => {
            let later = times[start..].iter().position(|&time| time >= next);
            later.map_or(batch.rows, |rows| start + rows)
        }
        Times::Arrival | Times::At(_) => batch.rows,
    }
}
