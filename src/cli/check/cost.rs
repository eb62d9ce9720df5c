//! What settings and profiles cost in series and in memory, counted from the metric contract before
//! any row has come. One version per model is assumed, and one reference.

use crate::export::OWN_SERIES;
use crate::profile::{Cells, FeatureProfile, Profile};
use crate::settings::{Detail, Loaded, Settings};

/// Memory of the program before any model: code, runtime, buffers of connections.
const OWN_BYTES: usize = 12 << 20;
/// Slices of one window.
const SLICES: usize = 12;

/// Series of all models with a profile, and of the sidecar itself. Models that learn are not in it:
/// their fields are not known yet.
pub fn estimate_series(loaded: &Loaded) -> usize {
    let settings = &loaded.settings;
    let of_models: usize = profiles(loaded)
        .map(|(model, profile)| model_series(settings, model, profile))
        .sum();
    OWN_SERIES + of_models
}

/// Series of one version of a model.
pub(super) fn model_series(settings: &Settings, model: &str, profile: &Profile) -> usize {
    let windows = settings.windows.as_slice().len();
    // predictions, requests, last row, reference info and its age; failed calls by 9 codes; two
    // histograms of 14 and 7 bounds with +Inf, sum and count
    let fixed = 5 + 9 + (14 + 3) + (7 + 3);
    // rows, throughput, errors, three latencies, worst feature, drifted features
    let windowed = 8 * windows;
    let followed = profile.features.iter().take(settings.limits.fields);
    let features: usize = followed
        .filter(|feature| {
            let role = settings.role_of(model, &feature.name, feature.role);
            role.is_watched()
        })
        .map(|feature| feature_series(settings, model, feature, windows))
        .sum();
    fixed + windowed + features
}

fn feature_series(
    settings: &Settings,
    model: &str,
    feature: &FeatureProfile,
    windows: usize,
) -> usize {
    let metrics = settings.metrics_of(model, &feature.name);
    let cells = feature.cells.as_ref().map(|reference| &reference.cells);
    let is_numeric = feature.kind.is_numeric();
    let is_categorical = matches!(cells, Some(Cells::Categorical(_)));
    // values, five reasons; state and null ratio, drift ratio
    let mut series = 6 + windows * if cells.is_some() { 3 } else { 2 };
    if metrics.detail >= Detail::Standard {
        // rows of the window; the reference's null ratio
        series += windows + 1;
        if cells.is_some() {
            // drift, threshold, excess, Jensen–Shannon
            series += 4 * windows;
        }
        if is_numeric {
            // out of range, mean, standard deviation; below and above; the reference's three
            series += 3 * windows + 2 + 3;
        }
        if is_categorical {
            series += windows + 1;
        }
    }
    if metrics.detail >= Detail::Full {
        // distinct
        series += 1;
        if cells.is_some() {
            // L1, L∞, Hellinger, impact
            series += 4 * windows;
        }
        if is_numeric {
            // Kolmogorov–Smirnov, Wasserstein, mean shift; min and max
            series += 5 * windows;
        }
    }
    match cells {
        Some(cells) if metrics.fleet => series + 2 * cells.len() + 3,
        _ => series,
    }
}

/// Memory when every queue and every learning model is full.
pub(super) fn estimate_bytes(loaded: &Loaded) -> usize {
    let settings = &loaded.settings;
    let rings = settings.windows.as_slice().len() * (SLICES + 1);
    let of_profiles: usize = profiles(loaded)
        .flat_map(|(_, profile)| &profile.features)
        .map(|feature| {
            let cells = feature
                .cells
                .as_ref()
                .map_or(0, |reference| reference.cells.len());
            // per slice a count per cell, five missing reasons, range and moments; per cell the
            // reference's own figures; names and hash tables
            rings * 8 * (cells + 16) + cells * 48 + 512
        })
        .sum();
    let learners = settings.models.len() - models_with_profile(loaded);
    let learning = match settings.learning.rows {
        0 => 0,
        _ => learners * settings.learning.bytes.bytes(),
    };
    let snapshots = 2 * 64 * estimate_series(loaded);
    OWN_BYTES + settings.queue.bytes.bytes() + of_profiles + learning + snapshots
}

fn models_with_profile(loaded: &Loaded) -> usize {
    let models = loaded.settings.models.values();
    models.filter(|model| model.profile.is_some()).count()
}

/// Every reference with its model: that of the model, and those of versions of their own.
fn profiles(loaded: &Loaded) -> impl Iterator<Item = (&str, &Profile)> {
    loaded.settings.models.iter().flat_map(|(name, model)| {
        let versions = model.versions.values().map(|version| &version.profile);
        let paths = std::iter::once(&model.profile).chain(versions).flatten();
        paths.filter_map(|path| Some((name.as_str(), loaded.profiles.get(path)?.as_ref())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Role;
    use crate::profile::{Kind, Missing, NumericCells, ReferenceCells};

    fn numeric(cells: usize) -> FeatureProfile {
        let edges = (1..cells).map(|edge| edge as f64).collect();
        FeatureProfile {
            name: "x".into(),
            role: Role::Feature,
            kind: Kind::Numeric,
            missing: Missing::default(),
            cells: Some(ReferenceCells {
                cells: Cells::Numeric(NumericCells::new(edges).unwrap()),
                rows: vec![1; cells],
                means: vec![0.0; cells],
            }),
            moments: None,
            distinct: cells as u64,
            design_effect: 1.0,
        }
    }

    fn series(yaml: &str, cells: usize) -> usize {
        let settings: Settings = serde_saphyr::from_str(yaml).unwrap();
        feature_series(&settings, "m", &numeric(cells), 3)
    }

    #[test]
    fn a_feature_costs_what_the_metric_contract_says() {
        assert_eq!(series("metrics: {detail: lean}", 24), 15);
        assert_eq!(series("metrics: {fleet: false}", 24), 45);
        assert_eq!(series("", 24), 45 + 2 * 24 + 3);
        let full = series("metrics: {detail: full, fleet: false}", 24);
        assert_eq!(full, 45 + 1 + 9 * 3);
    }
}
