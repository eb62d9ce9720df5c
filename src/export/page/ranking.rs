//! The fields of a model in the order that somebody wants to see them.

use std::cmp::Ordering;

use super::view::{Sort, View};
use crate::engine::{Drift, FeatureSnapshot, FeatureWindow, Rate, Rates, State};

/// A field as the table shows it.
pub(super) struct Row<'s> {
    pub field: &'s FeatureSnapshot,
    /// The window that all but the ratios are of.
    pub window: &'s FeatureWindow,
    /// Its drift from the chosen reference.
    pub drift: Option<&'s Drift>,
    pub rates: Rates,
    /// Since when some window differs from some reference, seconds since the Unix epoch.
    pub since: Option<f64>,
    /// Larger is worse.
    badness: f64,
}

impl<'s> Row<'s> {
    fn of(view: &View<'s>, field: &'s FeatureSnapshot) -> Option<Self> {
        let window = view.window(field)?;
        Some(Self {
            field,
            window,
            drift: view.drift(window),
            rates: Rates::of(field.reference.as_ref(), window),
            since: since(field),
            badness: badness(view, field),
        })
    }

    /// Whether the field differs from the chosen reference in the window shown.
    pub(super) fn has_drifted(&self) -> bool {
        let ratio = self.drift.and_then(|drift| drift.ratio);
        ratio.is_some_and(|ratio| ratio > 1.0)
    }

    /// The rate of values that the reference has never had, and what to call them.
    pub(super) fn unseen(&self) -> Option<(Rate, &'static str)> {
        let out_of_range = self.rates.out_of_range.map(|rate| (rate, "out of range"));
        out_of_range.or(self.rates.new_category.map(|rate| (rate, "new")))
    }

    /// Whether there is something to tell of it in words.
    pub(super) fn is_remarkable(&self) -> bool {
        let is_raised = |rate: Option<Rate>| rate.is_some_and(|rate| rate.raised);
        self.has_drifted()
            || is_raised(self.rates.missing)
            || self.unseen().is_some_and(|(rate, _)| rate.raised)
            || matches!(self.window.state, State::Absent | State::Constant)
    }
}

/// The watched fields of a model, sorted; outputs apart from what they are made of.
pub(super) struct Ranking<'s> {
    pub outputs: Vec<Row<'s>>,
    pub inputs: Vec<Row<'s>>,
}

impl<'s> Ranking<'s> {
    pub(super) fn of(view: &View<'s>) -> Self {
        let watched = view.model.features.iter().filter(|f| f.role.is_watched());
        let mut rows: Vec<Row<'s>> = watched.filter_map(|field| Row::of(view, field)).collect();
        // Equals stay as they are: worst first, then in the order of the profile.
        rows.sort_by(|a, b| b.badness.total_cmp(&a.badness));
        rows.sort_by(|a, b| compare(view.sort, a, b));
        let is_output = |row: &Row<'s>| row.field.role.is_output();
        let (outputs, inputs) = rows.into_iter().partition(is_output);
        Self { outputs, inputs }
    }
}

fn compare(sort: Sort, a: &Row<'_>, b: &Row<'_>) -> Ordering {
    let falling = |a: Option<f64>, b: Option<f64>| {
        let of = |figure: Option<f64>| figure.unwrap_or(-1.0);
        of(b).total_cmp(&of(a))
    };
    let unseen = |row: &Row<'_>| row.unseen().map(|(rate, _)| rate.window);
    match sort {
        Sort::Drift => Ordering::Equal,
        Sort::Name => a.field.name.cmp(&b.field.name),
        Sort::Missing => falling(a.window.null_ratio, b.window.null_ratio),
        Sort::Unseen => falling(unseen(a), unseen(b)),
        Sort::State => (!a.has_drifted(), a.window.state.as_str())
            .cmp(&(!b.has_drifted(), b.window.state.as_str())),
        Sort::Since => falling(a.since, b.since),
    }
}

/// A field without any value is worse than any drift, one without a ratio better. In the chosen
/// window, else in all of them.
fn badness<'s>(view: &View<'s>, field: &'s FeatureSnapshot) -> f64 {
    let is_meant = |window: &&FeatureWindow| view.window.is_none_or(|w| *window.window == *w);
    let windows = field.windows.iter().filter(is_meant);
    let worst = windows.map(|window| match window.state {
        State::Absent => f64::INFINITY,
        _ => view.ratio(window).unwrap_or(-1.0),
    });
    worst.fold(-1.0, f64::max)
}

fn since(field: &FeatureSnapshot) -> Option<f64> {
    let drifts = field.windows.iter().flat_map(|window| &window.drift);
    let begun = drifts.filter_map(|drift| drift.since);
    begun.min_by(f64::total_cmp)
}
