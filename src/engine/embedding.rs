//! Where the vectors of a field lie: in a window against the reference, as mean embeddings.

use std::sync::Arc;

use super::config::{Config, SIGNIFICANCE, WindowConfig};
use super::discrepancy::{MeanEmbedding, discrepancy};
use super::evaluate::usual_effect;
use super::field::Field;
use super::model_drift::keep_worst;
use super::references::Comparisons;
use super::snapshot::ModelDrift;
use super::version::{Version, rearranged};
use crate::profile::{Cells, FeatureProfile, FourierReference};
use crate::statistic::Sensitivity;
use crate::tally::{EmbeddingMap, JointTally, Points, Tally};
use crate::window::Ring;

/// Sums of Fourier features of one field: since the windows were last fed, and in each window.
pub(super) struct Embedding {
    map: Arc<EmbeddingMap>,
    pending: JointTally,
    pub windows: Vec<Ring<JointTally>>,
}

/// What turns the vectors of a field into sums, if its reference was measured so.
pub(super) fn map_of(feature: &FeatureProfile) -> Option<Arc<EmbeddingMap>> {
    let reference = feature.embedding.as_ref()?;
    match &feature.cells.as_ref()?.cells {
        Cells::Centroids(cells) => Some(Arc::new(EmbeddingMap::of(reference, cells.width()))),
        _ => None,
    }
}

impl Embedding {
    /// What is summed from now on; `old` goes on if it sums the same. Nothing is pending.
    pub fn renewed(
        old: Option<Box<Self>>,
        map: Option<&Arc<EmbeddingMap>>,
        windows: usize,
    ) -> Option<Box<Self>> {
        let map = map?;
        if let Some(old) = old.filter(|old| old.sums_like(map)) {
            return Some(old);
        }
        let pending = map.tally();
        Some(Box::new(Self {
            map: map.clone(),
            windows: vec![Ring::new(&pending); windows],
            pending,
        }))
    }

    fn sums_like(&self, map: &Arc<EmbeddingMap>) -> bool {
        Arc::ptr_eq(&self.map, map) || self.map == *map
    }

    pub fn keep_previous(&mut self, keep: bool) {
        for ring in &mut self.windows {
            ring.keep_previous(keep);
        }
    }

    pub fn fold<'a>(&mut self, vectors: impl IntoIterator<Item = &'a [f32]>, points: &mut Points) {
        self.map.add(vectors, points, &mut self.pending);
    }

    /// Feeds the pending sums to the windows, each at its slice; forgets them.
    pub fn flush(&mut self, slices: &[i64]) {
        if self.pending.rows == 0 {
            return;
        }
        for (ring, &slice) in self.windows.iter_mut().zip(slices) {
            ring.add(slice, &self.pending);
        }
        self.pending.clear();
    }

    /// The wall clock was set back to `at`; nothing is pending.
    pub fn set_back(&mut self, at: i64, windows: &[WindowConfig]) {
        for (ring, window) in self.windows.iter_mut().zip(windows) {
            ring.set_back_to(window.slice(at));
        }
    }

    /// Other windows: those of `kept` stay, at their new places.
    pub fn rearrange(&mut self, kept: &[Option<usize>]) {
        self.windows = rearranged(&self.windows, kept, &self.map.tally());
    }

    /// Bytes of memory held, without the map, which is shared.
    pub fn bytes(&self) -> usize {
        self.pending.bytes() + self.windows.iter().map(Ring::bytes).sum::<usize>()
    }
}

/// What counts as drift in windows of `seconds`. How rows of the field hang together is known from its
/// cells, and so is its wander: in units of a row's variance, of each of their degrees of freedom.
fn sensitivity(
    field: &Field,
    fourier: &FourierReference,
    seconds: f64,
    config: &Config,
) -> Sensitivity {
    let freedom = field.cells().saturating_sub(1).max(1) as f64;
    let usual = usual_effect(field, seconds) / freedom;
    Sensitivity {
        minimum_effect: config.joint.minimum_discrepancy.max(usual) * fourier.trace,
        significance: field.config.significance.unwrap_or(SIGNIFICANCE),
        design_effect: field.variation().design_effect,
    }
}

/// Drift of the field of vectors that drifts most, in each window against each reference that has the
/// same sums. The seasonal reference has no such sums.
pub(super) fn drift(
    version: &Version,
    comparisons: &Comparisons<'_>,
    config: &Config,
) -> Vec<ModelDrift> {
    let mut worst = Vec::new();
    for field in &version.fields {
        let reference = field.reference.as_ref();
        let fourier = reference.and_then(|reference| reference.feature.embedding.as_ref());
        let (Some(sums), Some(fourier)) = (&field.embedding, fourier) else {
            continue;
        };
        let others = comparisons.others().iter().filter_map(|(label, other)| {
            let other = other.field(&field.name)?.embedding.as_ref()?;
            sums.sums_like(&other.map).then_some((label, other))
        });
        let others: Vec<_> = others.collect();
        for (at, (window, ring)) in config.windows.iter().zip(&sums.windows).enumerate() {
            let Some(means) = MeanEmbedding::of_window(ring.total()) else {
                continue;
            };
            let seconds = config.stands_for(window) as f64 * 1e-6;
            let sensitivity = sensitivity(field, fourier, seconds, config);
            let profile = comparisons
                .profile()
                .map(|label| (label, MeanEmbedding::of_reference(fourier)));
            let previous = comparisons.previous().zip(ring.previous());
            let others = others.iter();
            let others = others.map(|(label, other)| (*label, other.windows[at].total()));
            let live = previous.into_iter().chain(others);
            let live = live.filter_map(|(label, sums)| {
                let means = MeanEmbedding::of_window(sums)?;
                Some((label, means))
            });
            for (label, reference) in profile.into_iter().chain(live) {
                if let Some(ratio) = discrepancy(fourier, &means, &reference, &sensitivity) {
                    let drift = ModelDrift {
                        window: window.label.clone(),
                        reference: label.clone(),
                        kind: "embedding",
                        ratio,
                        fields: vec![field.name.clone()],
                    };
                    keep_worst(&mut worst, drift);
                }
            }
        }
    }
    worst
}
