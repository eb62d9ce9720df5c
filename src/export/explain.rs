//! Which comparison a request asks to have explained: `GET /api/v1/explain` and `/feature`.
//!
//! Only model and feature must be said; whoever asks for what is not there is told what is.

use http::StatusCode;

use super::url::parameter;
use crate::engine::{Drift, Explanation, FeatureSnapshot, FeatureWindow, ModelSnapshot, Snapshot};

/// Names that a sentence lists.
const MOST_LISTED: usize = 20;

/// What a request is about.
#[derive(Clone, Copy)]
pub(super) struct Chosen<'s> {
    pub model: &'s ModelSnapshot,
    pub feature: &'s FeatureSnapshot,
    pub window: &'s FeatureWindow,
    /// `None` when there is nothing to compare the window with.
    pub drift: Option<&'s Drift>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub why: String,
}

impl<'s> Chosen<'s> {
    /// What the parameters `model`, `version` (when there are several), `feature`, `window` (else
    /// the longest with a ratio) and `reference` (else the first, `profile`) say.
    ///
    /// # Errors
    /// 400 when too little is said, 404 when there is no such thing; with what there is.
    pub fn by(snapshot: &'s Snapshot, query: &str) -> Result<Self, Refusal> {
        let said = |key| parameter(query, key).filter(|value| !value.is_empty());
        let model = model(snapshot, said("model"), said("version"))?;
        let feature = feature(model, said("feature"))?;
        let window = window(feature, said("window"))?;
        let drift = match said("reference") {
            None => window.drift.first(),
            Some(reference) => {
                let found = window.drift.iter().find(|d| *d.reference == *reference);
                let there_are = || {
                    let known = window.drift.iter().map(|drift| &*drift.reference);
                    listed("References of this window", known)
                };
                Some(found.ok_or_else(|| missing("reference", &reference, there_are()))?)
            }
        };
        Ok(Self {
            model,
            feature,
            window,
            drift,
        })
    }

    /// It in full.
    pub fn explanation(&self) -> Explanation<'s> {
        Explanation::of(self.model, self.feature, self.window, self.drift)
    }
}

/// The document, ending in a line feed.
pub(super) fn render(chosen: &Chosen<'_>) -> Vec<u8> {
    let mut json = serde_json::to_vec(&chosen.explanation()).unwrap_or_default();
    json.push(b'\n');
    json
}

/// The window that is shown unless another one is asked for: the longest with a ratio, else the
/// longest with values.
pub(super) fn default_window(feature: &FeatureSnapshot) -> Option<&FeatureWindow> {
    let longest_first = || feature.windows.iter().rev();
    let has_ratio = |window: &&FeatureWindow| window.drift.iter().any(|d| d.ratio.is_some());
    longest_first()
        .find(has_ratio)
        .or_else(|| longest_first().find(|window| window.values > 0))
        .or_else(|| longest_first().next())
}

/// The model of this name and, if there are several, version.
///
/// # Errors
/// When there is none, or it is not said which one.
pub(super) fn model(
    snapshot: &Snapshot,
    name: Option<String>,
    version: Option<String>,
) -> Result<&ModelSnapshot, Refusal> {
    let mut names: Vec<&str> = snapshot.models.iter().map(|model| &*model.model).collect();
    names.dedup();
    let Some(name) = name else {
        return Err(unsaid("model", listed("Models", names.into_iter())));
    };
    let of_name = || snapshot.models.iter().filter(|model| *model.model == *name);
    let versions = || listed("Versions", of_name().map(|model| &*model.version));
    let Some(first) = of_name().next() else {
        return Err(missing("model", &name, listed("Models", names.into_iter())));
    };
    match version {
        Some(version) => of_name()
            .find(|model| *model.version == *version)
            .ok_or_else(|| missing("version", &version, versions())),
        None if of_name().count() > 1 => Err(unsaid("version", versions())),
        None => Ok(first),
    }
}

fn feature(model: &ModelSnapshot, name: Option<String>) -> Result<&FeatureSnapshot, Refusal> {
    let watched = || model.features.iter().filter(|f| f.role.is_watched());
    let there_are = || listed("Features", watched().map(|feature| &*feature.name));
    let name = name.ok_or_else(|| unsaid("feature", there_are()))?;
    watched()
        .find(|feature| *feature.name == *name)
        .ok_or_else(|| missing("feature", &name, there_are()))
}

fn window(feature: &FeatureSnapshot, name: Option<String>) -> Result<&FeatureWindow, Refusal> {
    let there_are = || listed("Windows", feature.windows.iter().map(|w| &*w.window));
    match name {
        None => default_window(feature).ok_or_else(|| unsaid("window", there_are())),
        Some(name) => feature
            .windows
            .iter()
            .find(|window| *window.window == *name)
            .ok_or_else(|| missing("window", &name, there_are())),
    }
}

fn unsaid(what: &str, there_are: String) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        why: format!("Say which {what}: add {what}=<{what}> to the address. {there_are}"),
    }
}

/// There is none of this name, but there are those.
pub(super) fn missing(what: &str, name: &str, there_are: String) -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        why: format!("There is no {what} {name:?}. {there_are}"),
    }
}

/// A sentence with the first few names.
pub(super) fn listed<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        return format!("{what}: none.");
    }
    let shown: Vec<_> = names.iter().take(MOST_LISTED).copied().collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(MOST_LISTED) {
        0 => format!("{what}: {shown}."),
        more => format!("{what}: {shown} and {more} more; /api/v1/status lists all."),
    }
}
