//! A comparison in words: which way a field moved, from how much to how much.
//!
//! On the number line the run of cells that gained most and the one that lost most say it; among
//! categories those that contribute most.

use std::fmt::Write;
use std::ops::Range;

use super::{Bin, Explanation};
use crate::engine::snapshot::{FeatureSnapshot, FeatureWindow, State};
use crate::profile::{Cells, Kind, NumericCells};
use crate::statistic::minimum_rows;

/// Categories that a sentence names.
const MOST_NAMED: usize = 3;
/// Part of the drift that a category must contribute to be named.
const WORTH_NAMING: f64 = 0.1;
/// Part of what a run of cells lost (or gained) that must be found on each side of it to speak of
/// two directions.
const BOTH_WAYS: f64 = 0.25;

/// What to tell people.
pub(super) fn summary(
    explanation: &Explanation<'_>,
    feature: &FeatureSnapshot,
    window: &FeatureWindow,
) -> String {
    let mut text = verdict(explanation, feature, window);
    let rates = &explanation.rates;
    // Writing to a string cannot fail.
    if let Some(rate) = rates.missing.filter(|rate| rate.raised) {
        let (now, was) = (percent(rate.window), percent(rate.reference));
        let _ = write!(text, " {now} of rows have no usable value (was {was}).");
    }
    let range = feature.reference.as_ref().and_then(|r| r.feature.moments);
    if let (Some(rate), Some(range)) = (rates.out_of_range.filter(|rate| rate.raised), range) {
        let (now, low, high) = (percent(rate.window), number(range.min), number(range.max));
        let _ = write!(
            text,
            " {now} are outside {low} to {high}, all that the reference has."
        );
    }
    let is_said = names_new(explanation, feature);
    if let Some(rate) = rates.new_category.filter(|rate| rate.raised && !is_said) {
        let (now, was) = (percent(rate.window), percent(rate.reference));
        let _ = write!(text, " {now} are categories never seen before (was {was}).");
    }
    text
}

/// Whether the verdict itself says how many values were never seen before.
fn names_new(explanation: &Explanation<'_>, feature: &FeatureSnapshot) -> bool {
    let reference = feature.reference.as_ref();
    let cells = reference.and_then(|of| of.feature.cells.as_ref());
    explanation.ratio.is_some_and(|ratio| ratio > 1.0)
        && matches!(cells.map(|of| &of.cells), Some(Cells::Categorical(_)))
        && shifted(explanation).any(|(_, bin)| &*bin.bin == "new")
}

fn verdict(
    explanation: &Explanation<'_>,
    feature: &FeatureSnapshot,
    window: &FeatureWindow,
) -> String {
    let (name, label) = (&feature.name, &window.window);
    match (window.state, explanation.ratio) {
        (State::Learning, _) => format!("The reference of {name} is still being learned."),
        (State::Unknown, _) => {
            format!("The reference lacks {name}: there is nothing to compare it with.")
        }
        (State::NoData, _) => format!("No rows of {name} in {label}."),
        (State::Absent, _) => {
            let rows = window.missing.total();
            format!("{name} is absent: {rows} rows in {label}, none with a usable value.")
        }
        (_, Some(ratio)) if ratio > 1.0 => match &feature.reference {
            Some(reference) => match reference.feature.cells.as_ref().map(|c| &c.cells) {
                Some(Cells::Numeric(cells)) => {
                    movement(explanation, cells, reference.feature.kind, window)
                }
                Some(cells) => shift(explanation, cells),
                None => format!("{name} has drifted."),
            },
            None => format!("{name} has drifted."),
        },
        (_, Some(ratio)) => {
            let drift = explanation.drift.unwrap_or(0.0);
            format!("{name} is within its threshold: drift {drift:.4} is {ratio:.2} of it.")
        }
        (_, None) => too_few(explanation, feature, window),
    }
}

fn too_few(
    explanation: &Explanation<'_>,
    feature: &FeatureSnapshot,
    window: &FeatureWindow,
) -> String {
    let (name, label, rows) = (&feature.name, &window.window, window.values);
    let Some(reference) = &feature.reference else {
        return format!("{name} has {rows} values in {label}.");
    };
    let design_effect = reference.variation.design_effect;
    let least = minimum_rows(window.cells.len().max(1), design_effect);
    if rows < least {
        format!("{name} has {rows} values in {label}, too few to judge: it takes {least}.")
    } else {
        let known = explanation.reference.as_ref().map_or(0, |of| of.rows);
        format!("The reference of {name} has {known} values, too few to judge: it takes {least}.")
    }
}

/// Where a number went.
fn movement(
    explanation: &Explanation<'_>,
    cells: &NumericCells,
    kind: Kind,
    window: &FeatureWindow,
) -> String {
    let name = explanation.feature;
    let bins = &explanation.bins;
    if let (State::Constant, Some(value)) = (window.state, window.min) {
        return format!("{name} is constant: always {}.", number(value));
    }
    let change = |bin: &Bin| bin.window_share - bin.reference_share;
    let changes: Vec<f64> = bins.iter().map(change).collect();
    let losses: Vec<f64> = changes.iter().map(|change| -change).collect();
    let (gained, lost) = (greatest_run(&changes), greatest_run(&losses));
    let way = if has_both_ways(&changes, &lost) {
        "spread out"
    } else if has_both_ways(&losses, &gained) {
        "gathered"
    } else if gained.start > lost.start {
        "moved up"
    } else {
        "moved down"
    };
    let was = Was::of(explanation);
    let gain = share_of(bins, &gained, &was);
    let loss = share_of(bins, &lost, &was);
    let (gain_place, loss_place) = (place(cells, kind, &gained), place(cells, kind, &lost));
    format!(
        "{name} {way}: {} of rows are now {gain_place} ({}), {} {loss_place} ({}).",
        gain.0, gain.1, loss.0, loss.1
    )
}

/// Which categories came and went.
fn shift(explanation: &Explanation<'_>, cells: &Cells) -> String {
    let was = Was::of(explanation);
    let named = shifted(explanation).map(|(cell, bin)| {
        let label = match (cells, &*bin.bin) {
            (Cells::Categorical(_), "new") => "categories never seen before".to_owned(),
            (Cells::Categorical(_), "other") => "rare categories".to_owned(),
            (_, label) => match &bin.range {
                Some(range) => range.clone(),
                None => format!("category {label}"),
            },
        };
        let (now, before) = share_of(&explanation.bins, &(cell..cell + 1), &was);
        format!("{label} {now} of rows ({before})")
    });
    let named: Vec<_> = named.collect();
    format!("{} shifted: now {}.", explanation.feature, named.join(", "))
}

/// The cells that a sentence names, those that contribute most first.
fn shifted<'e>(explanation: &'e Explanation<'_>) -> impl Iterator<Item = (usize, &'e Bin)> {
    let drift = explanation.drift.unwrap_or(0.0);
    let mut worst: Vec<(usize, &Bin)> = explanation.bins.iter().enumerate().collect();
    worst.sort_by(|(_, a), (_, b)| b.contribution.total_cmp(&a.contribution));
    let first = worst.first().map(|(cell, _)| *cell);
    worst.retain(|(cell, bin)| bin.contribution >= WORTH_NAMING * drift || Some(*cell) == first);
    worst.into_iter().take(MOST_NAMED)
}

/// How the other side is spoken of.
enum Was<'s> {
    Before,
    Version(&'s str),
}

impl<'s> Was<'s> {
    fn of(explanation: &Explanation<'s>) -> Self {
        let source = explanation.reference.as_ref().map_or("", |of| of.source);
        match source.strip_prefix("version:") {
            Some(version) => Self::Version(version),
            None => Self::Before,
        }
    }
}

/// Share of the rows in a run of cells, and what it was.
fn share_of(bins: &[Bin], run: &Range<usize>, was: &Was<'_>) -> (String, String) {
    let bins = &bins[run.clone()];
    let now = bins.iter().map(|bin| bin.window_share).sum();
    let before = percent(bins.iter().map(|bin| bin.reference_share).sum());
    let before = match was {
        Was::Before => format!("was {before}"),
        Was::Version(version) => format!("{before} in version {version}"),
    };
    (percent(now), before)
}

/// The neighbouring cells whose changes have the greatest sum.
fn greatest_run(changes: &[f64]) -> Range<usize> {
    let (mut best, mut best_sum) = (0..0, 0.0);
    let (mut start, mut sum) = (0, 0.0);
    for (at, change) in changes.iter().enumerate() {
        if sum <= 0.0 {
            (start, sum) = (at, 0.0);
        }
        sum += change;
        if sum > best_sum {
            (best, best_sum) = (start..at + 1, sum);
        }
    }
    best
}

/// Whether what left `run` is found on both sides of it.
fn has_both_ways(changes: &[f64], run: &Range<usize>) -> bool {
    let sum = |run: Range<usize>| changes[run].iter().sum::<f64>();
    let (below, above) = (sum(0..run.start), sum(run.end..changes.len()));
    below.min(above) > BOTH_WAYS * (below + above)
}

/// Where on the number line a run of cells is.
pub(super) fn place(cells: &NumericCells, kind: Kind, run: &Range<usize>) -> String {
    let edges = cells.edges();
    let low = run.start.checked_sub(1).and_then(|at| edges.get(at));
    let high = run.end.checked_sub(1).and_then(|at| edges.get(at));
    match (low.copied(), high.copied()) {
        (None, Some(_)) if kind == Kind::Boolean && edges.len() == 1 => "false".into(),
        (Some(_), None) if kind == Kind::Boolean && edges.len() == 1 => "true".into(),
        (None, None) => "anywhere".into(),
        (Some(low), None) if kind == Kind::Integer => {
            format!("{} or more", number(low.floor() + 1.0))
        }
        (None, Some(high)) if kind == Kind::Integer => format!("{} or less", number(high.floor())),
        (Some(low), Some(high)) if kind == Kind::Integer => {
            let (low, high) = (low.floor() + 1.0, high.floor());
            if low == high {
                number(low)
            } else {
                format!("{} to {}", number(low), number(high))
            }
        }
        (Some(low), None) => format!("above {}", number(low)),
        (None, Some(high)) => format!("at most {}", number(high)),
        (Some(low), Some(high)) => format!("between {} and {}", number(low), number(high)),
    }
}

/// A share for people: `31 %`, `0.4 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 9.95 {
        format!("{percent:.0} %")
    } else if percent >= 0.05 || percent == 0.0 {
        let text = format!("{percent:.1}");
        format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
    } else {
        "under 0.1 %".into()
    }
}

/// A number for people: whole digits in full, six digits in all where there are fewer.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor();
    if !(-6.0..15.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = (5.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}
