//! Drift of a model as a whole, as far as it follows from that of its fields.

use std::sync::Arc;

use super::snapshot::{Drift, DriftedFields, FeatureSnapshot, ModelDrift};
use crate::batch::Role;

/// The field with the largest ratio, in each window against each reference.
pub(super) fn worst_features(features: &[FeatureSnapshot]) -> Vec<ModelDrift> {
    let mut worst: Vec<ModelDrift> = Vec::new();
    for (feature, window, drift, ratio) in judged(features.iter()) {
        let drift = ModelDrift {
            window: window.clone(),
            reference: drift.reference.clone(),
            kind: "worst_feature",
            ratio,
            fields: vec![feature.name.clone()],
        };
        keep_worst(&mut worst, drift);
    }
    worst
}

/// Keeps the larger ratio of each window and reference, all of one kind.
pub(super) fn keep_worst(worst: &mut Vec<ModelDrift>, drift: ModelDrift) {
    let known = worst
        .iter_mut()
        .find(|known| known.window == drift.window && known.reference == drift.reference);
    match known {
        Some(known) if known.ratio >= drift.ratio => {}
        Some(known) => *known = drift,
        None => worst.push(drift),
    }
}

/// How many fields have drifted, in each window against each reference: of what the model gets and
/// gives. Labels are told later, and cosines are those of a vector that counts itself.
pub(super) fn drifted_fields(features: &[FeatureSnapshot]) -> Vec<DriftedFields> {
    let mut counts: Vec<DriftedFields> = Vec::new();
    let own = |feature: &&FeatureSnapshot| {
        let reference = feature.reference.as_ref();
        feature.role != Role::Label && reference.is_none_or(|of| of.feature.derived_from.is_none())
    };
    for (_, window, drift, ratio) in judged(features.iter().filter(own)) {
        let place = counts
            .iter()
            .position(|known| known.window == *window && known.reference == drift.reference);
        let place = place.unwrap_or_else(|| {
            counts.push(DriftedFields {
                window: window.clone(),
                reference: drift.reference.clone(),
                drifted: 0,
                judged: 0,
            });
            counts.len() - 1
        });
        counts[place].judged += 1;
        counts[place].drifted += usize::from(ratio > 1.0);
    }
    counts
}

/// How much of the burn-in is done where least is; labels, which may never come, apart. `None` where
/// nothing has one.
pub(super) fn burn_in(features: &[FeatureSnapshot]) -> Option<f64> {
    let features = features.iter().filter(|field| field.role != Role::Label);
    let done = features.filter_map(|field| field.reference.as_ref()?.burn_in);
    done.min_by(f64::total_cmp)
}

/// Every comparison with a ratio.
fn judged<'s>(
    features: impl Iterator<Item = &'s FeatureSnapshot>,
) -> impl Iterator<Item = (&'s FeatureSnapshot, &'s Arc<str>, &'s Drift, f64)> {
    features.flat_map(|feature| {
        feature.windows.iter().flat_map(move |window| {
            let drifts = window.drift.iter();
            drifts.filter_map(move |drift| Some((feature, &window.window, drift, drift.ratio?)))
        })
    })
}
