//! Which features are listed, with which figures, in which order.

use std::cmp::Ordering;

use super::document::{Feature, Model, Window};
use super::view::{Sort, View};

/// One feature as it is listed.
pub(super) struct Row<'d> {
    pub feature: &'d Feature,
    /// What each window of the model says of its drift.
    pub windows: Vec<Figure<'d>>,
    /// The rest is the worst of the windows in view.
    pub state: &'d str,
    /// The highest ratio, and the reference that it is from.
    pub worst: Option<(f64, &'d str)>,
    pub missing: Option<f64>,
    pub out_of_range: Option<f64>,
    pub new_categories: Option<f64>,
    /// Seconds since when it has drifted.
    pub drifted_for: Option<f64>,
}

/// What a window says of a feature's drift.
pub(super) enum Figure<'d> {
    Ratio(f64),
    /// Why there is none: the state.
    Without(&'d str),
}

/// The state of a feature that has drifted. That is no state for the sidecar, whose states say why
/// there is a ratio or none; but who looks at a table looks for this.
pub(super) const DRIFT: &str = "drift";
const ABSENT: &str = "absent";
const CONSTANT: &str = "constant";

/// The features of a model that the filter lets through, worst first.
pub(super) fn listed<'d>(model: &'d Model, view: &View) -> Vec<Row<'d>> {
    let filter = view.filter.to_lowercase();
    let features = model.features.iter();
    let features =
        features.filter(|feature| feature.feature.to_lowercase().contains(filter.as_str()));
    let mut rows: Vec<Row<'_>> = features
        .map(|feature| Row::of(feature, model, view))
        .collect();
    rows.sort_by(|a, b| {
        let drift = || descending(a.badness(), b.badness());
        let name = || a.feature.feature.cmp(&b.feature.feature);
        let order = match view.sort {
            Sort::Drift => drift(),
            Sort::Missing => descending(a.missing.unwrap_or(-1.0), b.missing.unwrap_or(-1.0)),
            Sort::Since => descending(a.drifted_for.unwrap_or(-1.0), b.drifted_for.unwrap_or(-1.0)),
            Sort::Name => name(),
        };
        order.then_with(drift).then_with(name)
    });
    rows
}

fn descending(a: f64, b: f64) -> Ordering {
    b.total_cmp(&a)
}

impl<'d> Row<'d> {
    fn of(feature: &'d Feature, model: &'d Model, view: &View) -> Self {
        let labels = model.window_labels();
        let of_label = |label: &str| feature.windows.iter().find(|w| &*w.window == label);
        let windows = labels.iter().map(|label| match of_label(label) {
            None => Figure::Without(""),
            Some(window) => match ratio(window, view) {
                Some((ratio, _)) => Figure::Ratio(ratio),
                None => Figure::Without(&window.state),
            },
        });
        let in_view: Vec<&Window> = feature
            .windows
            .iter()
            .filter(|window| view.shows_window(&window.window))
            .collect();
        let ratios = in_view.iter().filter_map(|window| ratio(window, view));
        let worst = ratios.max_by(|a, b| a.0.total_cmp(&b.0));
        // Three rows say little about what is missing.
        let telling = |window: &&&Window| in_view.len() == 1 || &*window.state != "too_few_rows";
        let highest = |figure: fn(&Window) -> Option<f64>| {
            let windows = in_view.iter().filter(telling);
            windows
                .filter_map(|window| figure(window))
                .max_by(f64::total_cmp)
        };
        let drifts = in_view.iter().flat_map(|window| &window.drift);
        let since = drifts
            .filter(|drift| view.shows_reference(&drift.reference))
            .filter_map(|drift| drift.since)
            .min_by(f64::total_cmp);
        Self {
            feature,
            windows: windows.collect(),
            state: state(&in_view, worst.map(|(ratio, _)| ratio)),
            worst,
            missing: highest(|window| window.null_ratio),
            out_of_range: highest(|window| window.out_of_range_ratio),
            new_categories: highest(|window| window.new_category_ratio),
            drifted_for: since.zip(model.now).map(|(since, now)| now - since),
        }
    }

    /// Whether it is above its threshold.
    pub fn has_drifted(&self) -> bool {
        self.worst.is_some_and(|(ratio, _)| ratio > 1.0)
    }

    /// What is gone altogether is worse than what has moved.
    pub fn badness(&self) -> f64 {
        match self.state {
            ABSENT => f64::INFINITY,
            _ => self.worst.map_or(-1.0, |(ratio, _)| ratio),
        }
    }

    /// Whether its state is to be looked at.
    pub fn is_odd(&self) -> bool {
        [ABSENT, CONSTANT].contains(&self.state)
    }
}

/// The highest ratio of a window, and from which reference.
fn ratio<'d>(window: &'d Window, view: &View) -> Option<(f64, &'d str)> {
    let drifts = window.drift.iter();
    let drifts = drifts.filter(|drift| view.shows_reference(&drift.reference));
    let ratios = drifts.filter_map(|drift| Some((drift.ratio?, &*drift.reference)));
    ratios.max_by(|a, b| a.0.total_cmp(&b.0))
}

/// The worst state of several windows; where none is bad that of the longest, which has the most rows.
fn state<'d>(windows: &[&'d Window], worst: Option<f64>) -> &'d str {
    let is_somewhere = |state: &str| windows.iter().any(|window| &*window.state == state);
    match windows.last() {
        _ if is_somewhere(ABSENT) => ABSENT,
        _ if worst.is_some_and(|ratio| ratio > 1.0) => DRIFT,
        _ if is_somewhere(CONSTANT) => CONSTANT,
        Some(longest) => &longest.state,
        None => "",
    }
}
