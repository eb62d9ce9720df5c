//! How somebody wants to look at a model: in which window, against which reference, in which order.

use super::link::Link;
use crate::engine::{Drift, FeatureSnapshot, FeatureWindow, ModelSnapshot};
use crate::export::explain::{Refusal, listed, missing};
use crate::export::url::parameter;

/// What the table of fields is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Drift ratio, the worst first.
    Drift,
    Name,
    /// Share of rows without a usable value.
    Missing,
    /// Share of values out of range or never seen before.
    Unseen,
    State,
    /// When the drift began, the newest first.
    Since,
}

impl Sort {
    /// All of them, the usual one first.
    pub(super) const ALL: [Self; 6] = [
        Self::Drift,
        Self::Name,
        Self::Missing,
        Self::Unseen,
        Self::State,
        Self::Since,
    ];

    /// The value of the parameter `sort`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Name => "name",
            Self::Missing => "null",
            Self::Unseen => "unseen",
            Self::State => "state",
            Self::Since => "since",
        }
    }
}

/// A way to look at a model.
pub(super) struct View<'s> {
    pub model: &'s ModelSnapshot,
    pub sort: Sort,
    /// `None`: each field in the window that says most.
    pub window: Option<&'s str>,
    /// Against which reference fields are judged; `None` when there is none.
    pub reference: Option<&'s str>,
    /// All references that some field is compared with, in order.
    pub references: Vec<&'s str>,
}

impl<'s> View<'s> {
    /// What the parameters `sort`, `window` and `reference` say.
    ///
    /// # Errors
    /// 404 when there is no such thing; with what there is.
    pub(super) fn of(model: &'s ModelSnapshot, query: &str) -> Result<Self, Refusal> {
        let sorts = Sort::ALL.map(Sort::as_str);
        let sort = chosen(query, "sort", "Sorts", &sorts)?;
        let is_chosen = |of: &Sort| Some(of.as_str()) == sort;
        let references = references(model);
        let reference = chosen(query, "reference", "References", &references)?;
        let windows = model.windows.iter().map(|traffic| &*traffic.window);
        let windows: Vec<&str> = windows.collect();
        Ok(Self {
            model,
            sort: Sort::ALL.into_iter().find(is_chosen).unwrap_or(Sort::Drift),
            window: chosen(query, "window", "Windows", &windows)?,
            reference: reference.or(references.first().copied()),
            references,
        })
    }

    /// The drift of a window from the chosen reference.
    pub(super) fn drift(&self, window: &'s FeatureWindow) -> Option<&'s Drift> {
        let reference = self.reference?;
        window
            .drift
            .iter()
            .find(|drift| *drift.reference == *reference)
    }

    /// The ratio of a window to the chosen reference.
    pub(super) fn ratio(&self, window: &'s FeatureWindow) -> Option<f64> {
        self.drift(window)?.ratio.filter(|ratio| ratio.is_finite())
    }

    /// The window of a field that is shown: the one that was chosen, else the longest that has
    /// drifted, else the longest with a ratio, else the longest with values.
    pub(super) fn window(&self, field: &'s FeatureSnapshot) -> Option<&'s FeatureWindow> {
        if let Some(chosen) = self.window {
            return field
                .windows
                .iter()
                .find(|window| *window.window == *chosen);
        }
        let longest_first = || field.windows.iter().rev();
        longest_first()
            .find(|window| self.ratio(window).is_some_and(|ratio| ratio > 1.0))
            .or_else(|| longest_first().find(|window| self.ratio(window).is_some()))
            .or_else(|| longest_first().find(|window| window.values > 0))
            .or_else(|| longest_first().next())
    }

    /// The same view with another order, window or reference.
    pub(super) fn link(&self, sort: Sort, window: Option<&str>, reference: Option<&str>) -> Link {
        let is_usual = reference == self.references.first().copied();
        Link::to_model(self.model)
            .with_some("sort", (sort != Sort::Drift).then(|| sort.as_str()))
            .with_some("window", window)
            .with_some("reference", reference.filter(|_| !is_usual))
    }
}

/// The one of these that a parameter names; `None` when it says nothing.
fn chosen<'s>(
    query: &str,
    key: &str,
    all: &str,
    known: &[&'s str],
) -> Result<Option<&'s str>, Refusal> {
    let Some(said) = parameter(query, key).filter(|said| !said.is_empty()) else {
        return Ok(None);
    };
    let found = known.iter().find(|known| **known == said);
    found
        .map(|found| Some(*found))
        .ok_or_else(|| missing(key, &said, listed(all, known.iter().copied())))
}

/// References that fields are compared with, in the order in which they are met.
fn references(model: &ModelSnapshot) -> Vec<&str> {
    let mut references: Vec<&str> = Vec::new();
    let windows = model.features.iter().flat_map(|field| &field.windows);
    for drift in windows.flat_map(|window| &window.drift) {
        if !references.contains(&&*drift.reference) {
            references.push(&drift.reference);
        }
    }
    references
}
