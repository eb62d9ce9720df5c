//! From sums to figures: pure, once a tick.

use super::LATENCY_QUANTILES;
use super::burn_in::BurnIn;
use super::config::{Config, MINIMUM_EFFECT, MOST_LEARNED_EFFECT, SIGNIFICANCE, WindowConfig};
use super::field::{Field, Reference};
use super::references::Comparisons;
use super::snapshot::{
    Detail, FeatureReference, FeatureSnapshot, FeatureWindow, State, TrafficWindow,
};
use super::version::Version;
use crate::batch::Role;
use crate::learn::tolerated_effect;
use crate::profile::{Cells, Kind, ReferenceCells};
use crate::statistic::{self, Sensitivity};
use crate::tally::FeatureTally;
use crate::window::Ring;

/// Traffic of one window at `now`.
pub(super) fn traffic(
    version: &Version,
    at: usize,
    window: &WindowConfig,
    now: i64,
) -> TrafficWindow {
    let total = version.traffic[at].total();
    let covered_seconds = covered_micros(window, version.started_at, now) as f64 * 1e-6;
    let latency = total.latency.as_ref().and_then(|latency| {
        let mut quantiles = [0.0; LATENCY_QUANTILES.len()];
        for (quantile, q) in quantiles.iter_mut().zip(LATENCY_QUANTILES) {
            *quantile = latency.quantile(q)?;
        }
        Some(quantiles)
    });
    TrafficWindow {
        window: window.label.clone(),
        rows: total.rows,
        covered_seconds,
        throughput: if covered_seconds > 0.0 {
            total.weighted_rows / covered_seconds
        } else {
            0.0
        },
        error_ratio: (total.calls > 0).then(|| total.failed_calls as f64 / total.calls as f64),
        latency,
    }
}

/// Microseconds from the start of the oldest slice, or from the first row if that is later, to `now`.
pub(super) fn covered_micros(window: &WindowConfig, started_at: Option<i64>, now: i64) -> i64 {
    let Some(started_at) = started_at else {
        return 0;
    };
    now.saturating_sub(window.start(now).max(started_at)).max(0)
}

/// A field with all its windows. `is_learning` says whether its reference is being learned.
pub(super) fn feature(
    field: &Field,
    config: &Config,
    comparisons: &Comparisons<'_>,
    traffic: &[TrafficWindow],
    is_learning: bool,
    exposure: (Detail, bool),
) -> FeatureSnapshot {
    let windows = config.windows.iter().zip(traffic).zip(&field.windows);
    let longest = super::version::longest(&config.windows);
    let (detail, fleet) = exposure;
    FeatureSnapshot {
        name: field.name.clone(),
        role: field.role,
        importance: field.importance(),
        detail,
        fleet,
        values: field.since_start.values,
        missing: field.since_start.missing,
        below: field.since_start.below,
        above: field.since_start.above,
        far: field.since_start.far,
        cells: field.since_start.cells.to_vec(),
        reference: field.reference.as_ref().map(|reference| FeatureReference {
            feature: reference.feature.clone(),
            profile: reference.profile.clone(),
            learned: reference.learned,
            variation: field.variation(),
            burn_in: field.burn_in.done(),
            significance: field.config.significance.unwrap_or(SIGNIFICANCE),
        }),
        new_categories: field.new_names.top(),
        shape: None,
        windows: windows
            .enumerate()
            .map(|(at, ((window, traffic), ring))| {
                let reference = field.reference.as_ref();
                // Labels come later and apart: rows without any are not rows without a value.
                let rows = match field.role {
                    Role::Label => ring.total().rows(),
                    _ => traffic.rows,
                };
                let seconds = config.stands_for(window) as f64 * 1e-6;
                let usual = usual_effect(field, seconds);
                let sensitivity = sensitivity(field, usual);
                let distinct = field.distinct.as_ref().filter(|_| at == longest);
                FeatureWindow {
                    distinct: distinct.map(|distinct| distinct.window.total().estimate()),
                    drift: comparisons.drifts(field, at, &sensitivity, usual),
                    ..in_window(window, ring, reference, &sensitivity, rows, is_learning)
                }
            })
            .collect(),
    }
}

/// What counts as drift where so much is usual.
pub(super) fn sensitivity(field: &Field, usual: f64) -> Sensitivity {
    let config = &field.config;
    Sensitivity {
        minimum_effect: config.minimum_effect.unwrap_or(MINIMUM_EFFECT).max(usual),
        significance: config.significance.unwrap_or(SIGNIFICANCE),
        design_effect: field.variation().design_effect,
    }
}

/// The effect that wander of the field brings in windows of `seconds`.
pub(super) fn usual_effect(field: &Field, seconds: f64) -> f64 {
    let usual = tolerated_effect(&field.variation(), seconds);
    match field.burn_in {
        BurnIn::Off => usual,
        _ => usual.min(MOST_LEARNED_EFFECT),
    }
}

fn in_window(
    window: &WindowConfig,
    ring: &Ring<FeatureTally>,
    reference: Option<&Reference>,
    sensitivity: &Sensitivity,
    rows: u64,
    is_learning: bool,
) -> FeatureWindow {
    let tally = ring.total();
    let n = tally.values;
    let profile = reference.map(|reference| &*reference.feature);
    let cells = profile.and_then(|profile| profile.cells.as_ref());
    let moments = profile
        .and_then(|profile| profile.moments.as_ref())
        .filter(|_| n > 0);
    let ratio = |count: u64| (n > 0).then(|| count as f64 / n as f64);
    let all = n + tally.missing.total();
    FeatureWindow {
        window: window.label.clone(),
        state: state(tally, reference, sensitivity, rows, is_learning),
        values: n,
        missing: tally.missing,
        null_ratio: (all > 0).then(|| tally.missing.total() as f64 / all as f64),
        out_of_range_ratio: moments.and_then(|_| ratio(tally.below + tally.above)),
        new_category_ratio: match cells.map(|reference| &reference.cells) {
            Some(Cells::Categorical(cells)) => ratio(tally.cells[cells.new_cell()]),
            _ => None,
        },
        mean: moments.and_then(|reference| tally.mean(reference)),
        stddev: moments.and_then(|reference| tally.stddev(reference)),
        min: moments.map(|_| tally.moments.min),
        max: moments.map(|_| tally.moments.max),
        distinct: None,
        minimum_effect: profile.map(|_| sensitivity.minimum_effect),
        cells: tally.cells.to_vec(),
        drift: Vec::new(),
    }
}

/// The first state that holds, in the order of their definition.
fn state(
    tally: &FeatureTally,
    reference: Option<&Reference>,
    sensitivity: &Sensitivity,
    rows: u64,
    is_learning: bool,
) -> State {
    let Some(reference) = reference else {
        return if is_learning {
            State::Learning
        } else {
            State::Unknown
        };
    };
    // Rows that concern the field leave a value or a reason; labels that have not come, outputs of
    // failed calls and rows before the reference was in force leave nothing.
    if rows == 0 || tally.is_empty() {
        return State::NoData;
    }
    if tally.values == 0 {
        return State::Absent;
    }
    let cells = reference.feature.cells.as_ref();
    match cells {
        None if reference.feature.kind == Kind::Vector => State::Ok,
        None => State::TooFewRows,
        Some(cells) if !enough(cells, tally.values, sensitivity) => State::TooFewRows,
        Some(cells) if is_constant(tally, reference, cells) => State::Constant,
        Some(_) => State::Ok,
    }
}

/// Whether both sides have n_min values.
fn enough(reference: &ReferenceCells, values: u64, sensitivity: &Sensitivity) -> bool {
    let least = statistic::minimum_rows(reference.cells.len(), sensitivity.design_effect);
    values >= least && reference.total() >= least
}

/// Whether all live values are the same while those of the reference are not.
fn is_constant(tally: &FeatureTally, reference: &Reference, cells: &ReferenceCells) -> bool {
    match (&cells.cells, &reference.feature.moments) {
        (Cells::Numeric(_), Some(moments)) => {
            tally.moments.min == tally.moments.max && moments.min < moments.max
        }
        (Cells::Categorical(categories), _) => {
            let kept = &tally.cells[..categories.kept().len()];
            kept.contains(&tally.values) && reference.feature.distinct > 1
        }
        _ => false,
    }
}
