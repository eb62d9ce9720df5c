//! What features do together: in a window against the rows of the reference, or where it lacks that,
//! against the first rows of production.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::config::{Config, SIGNIFICANCE};
use super::discrepancy::{self, MeanEmbedding};
use super::installed::Installed;
use super::references::Comparisons;
use super::row_sums::{CodedFields, RowFold};
use super::snapshot::ModelDrift;
use super::version::Version;
use crate::batch::Role;
use crate::learn::{JointLearner, joint_features, tolerated_effect};
use crate::profile::{FeatureProfile, JointFeature, JointReference};
use crate::statistic::{self, MeanProducts, Sensitivity};
use crate::tally::{JointScorer, JointTally, MOST_JOINT_FEATURES};

/// How features hang together in the reference, and what turns rows into the same sums. Shared by
/// all versions of a model.
#[derive(Debug)]
pub(super) struct MeasuredJoint {
    pub reference: JointReference,
    /// Whether it was learned from live rows: a few minutes, of which nobody knows how they wander.
    is_of_minutes: bool,
    scorer: Arc<JointScorer>,
}

impl MeasuredJoint {
    pub fn of(reference: &JointReference) -> Self {
        Self {
            is_of_minutes: false,
            scorer: Arc::new(JointScorer::of(reference)),
            reference: reference.clone(),
        }
    }
}

/// Sums what features do together, and learns it where the profile does not say.
pub(super) struct Joint {
    /// Hash of the profile whose cells are scored.
    profile: Arc<str>,
    /// Name of each feature and the number of its cells.
    features: Vec<(Arc<str>, usize)>,
    scorer: Arc<JointScorer>,
    measured: Option<Arc<MeasuredJoint>>,
    learner: Option<Box<JointLearner>>,
    /// Rows to learn from.
    wanted: u64,
    /// One row in so many is looked at.
    sample: usize,
    /// Runs of rows seen.
    runs: u64,
}

impl Joint {
    /// Sums that are compared with a profile; `None` when that is switched off, or fewer than two
    /// of its features have cells.
    pub fn of(installed: &Installed, model: &str, config: &Config) -> Option<Self> {
        let said = config.joint;
        if said.features == 0 {
            return None;
        }
        let joint = |features: &[JointFeature], scorer: &Arc<JointScorer>| {
            let features = features.iter();
            Self {
                profile: installed.hash.clone(),
                features: features
                    .map(|of| (of.name.as_str().into(), of.scores.len()))
                    .collect(),
                scorer: scorer.clone(),
                measured: None,
                learner: None,
                wanted: 0,
                sample: said.sample.max(1),
                runs: 0,
            }
        };
        if let Some(measured) = &installed.joint {
            return Some(Self {
                measured: Some(measured.clone()),
                ..joint(&measured.reference.features, &measured.scorer)
            });
        }
        let wanted = config.learning.rows;
        if wanted == 0 {
            return None;
        }
        let is_feature = |feature: &&FeatureProfile| is_feature(&feature.name, model, config);
        let features = installed.profile.features.iter().filter(is_feature);
        let features: Vec<FeatureProfile> = features.cloned().collect();
        let places = joint_features(&features, said.features);
        let learner = JointLearner::new(places.iter().map(|&place| &features[place]), wanted)?;
        let joint = joint(learner.features(), learner.scorer());
        Some(Self {
            wanted,
            learner: Some(Box::new(learner)),
            ..joint
        })
    }

    /// Whether rows are summed in the same way, so that windows can be compared.
    fn sums_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.scorer, &other.scorer)
            || self.profile == other.profile && self.features == other.features
    }

    /// What was learned here, once it is complete.
    pub fn learned(&self) -> Option<(Arc<str>, &Arc<MeasuredJoint>)> {
        let measured = self.measured.as_ref().filter(|_| self.wanted > 0)?;
        Some((self.profile.clone(), measured))
    }

    fn learn(&mut self, codes: &[Option<&[u8]>], first: usize, rows: usize) {
        let Some(learner) = &mut self.learner else {
            return;
        };
        let left = self.wanted.saturating_sub(learner.rows());
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let end = first.saturating_add(left.saturating_mul(self.sample));
        learner.observe(codes, first..end.min(rows), self.sample);
        if learner.rows() < self.wanted {
            return;
        }
        let reference = self.learner.take().and_then(|learner| learner.finish());
        self.measured = reference.map(|reference| {
            Arc::new(MeasuredJoint {
                is_of_minutes: true,
                reference,
                scorer: self.scorer.clone(),
            })
        });
    }
}

impl RowFold for Joint {
    type Sums = JointTally;

    fn fields(&self) -> Vec<(Arc<str>, usize)> {
        self.features.clone()
    }

    fn empty(&self) -> JointTally {
        self.scorer.tally()
    }

    fn continues(&self, old: &Self) -> bool {
        self.profile == old.profile
            && self.sample == old.sample
            && self.features == old.features
            && match (&self.measured, &old.measured) {
                (Some(new), Some(old)) => Arc::ptr_eq(new, old),
                (None, None) => true,
                _ => false,
            }
    }

    fn is_learning(&self) -> bool {
        self.learner.is_some()
    }

    fn fold(&mut self, rows: &CodedFields<'_>, sums: &mut JointTally) {
        // Not each so-manieth row of all: sources may take turns.
        let first = match self.sample {
            1 => 0,
            sample => (xxh3_64(&self.runs.to_le_bytes()) % sample as u64) as usize,
        };
        self.runs += 1;
        if first >= rows.rows() {
            return;
        }
        let mut codes = [None; MOST_JOINT_FEATURES];
        for (feature, codes) in codes[..self.features.len()].iter_mut().enumerate() {
            *codes = rows.of(feature);
        }
        self.learn(&codes, first, rows.rows());
        self.scorer
            .fold(&codes, first..rows.rows(), self.sample, sums);
    }
}

/// Whether the settings leave it a feature.
fn is_feature(name: &str, model: &str, config: &Config) -> bool {
    let said = config.feature(model, name).role;
    said.is_none_or(|role| role == Role::Feature)
}

/// Means of one side of a comparison.
struct Means {
    rows: u64,
    products: Vec<f64>,
    fourier: MeanEmbedding,
}

impl Means {
    /// Of the rows of the reference.
    fn of_reference(joint: &JointReference) -> Self {
        Self {
            rows: joint.rows,
            products: joint.products.iter().map(|product| product.mean).collect(),
            fourier: MeanEmbedding::of_reference(&joint.fourier),
        }
    }

    /// Of the rows of a window; `None` when it has none.
    fn of_window(sums: &JointTally) -> Option<Self> {
        let mean = |sum: &f64| sum / sums.rows as f64;
        Some(Self {
            rows: sums.rows,
            fourier: MeanEmbedding::of_window(sums)?,
            products: sums.products.iter().map(mean).collect(),
        })
    }
}

/// How sure and how large a change must be, and which features count.
struct Judgement<'a> {
    joint: &'a JointReference,
    /// Whether each feature is looked at; the settings may take some away.
    is_followed: Vec<bool>,
    /// Length of the window.
    seconds: f64,
    significance: f64,
    minimum_correlation: f64,
    minimum_discrepancy: f64,
}

impl<'a> Judgement<'a> {
    /// For windows of so many seconds.
    fn new(joint: &'a JointReference, model: &str, seconds: f64, config: &Config) -> Self {
        let features = joint.features.iter();
        Self {
            is_followed: features
                .map(|feature| is_feature(&feature.name, model, config))
                .collect(),
            seconds,
            significance: config
                .model_feature(model)
                .significance
                .unwrap_or(SIGNIFICANCE),
            minimum_correlation: config.joint.minimum_correlation,
            minimum_discrepancy: config.joint.minimum_discrepancy,
            joint,
        }
    }

    /// Whether both sides have n_min rows: 5 for each feature, as a feature needs 5 for each cell.
    fn are_enough(&self, a: &Means, b: &Means, design_effect: f64) -> bool {
        let least = statistic::minimum_rows(self.joint.features.len(), design_effect);
        a.rows.min(b.rows) >= least
    }
}

/// The pair whose dependence changed most, with its ratio.
fn dependence(judgement: &Judgement<'_>, a: &Means, b: &Means) -> Option<(f64, [usize; 2])> {
    let joint = judgement.joint;
    let design_effect = joint.variation.design_effect;
    if !judgement.are_enough(a, b, design_effect) {
        return None;
    }
    let features = joint.features.len();
    let pairs = (0..features).flat_map(|i| (i + 1..features).map(move |j| [i, j]));
    let pairs: Vec<[usize; 2]> = pairs.collect();
    // A pair without variance is left out.
    let is_followed = |pair: &[usize; 2]| pair.iter().all(|&at| judgement.is_followed[at]);
    let variances = joint.products.iter().zip(&pairs);
    let variances = variances.map(|(product, pair)| match is_followed(pair) {
        true => product.variance,
        false => 0.0,
    });
    // Wander is that of all pairs together, in units of their variances.
    let wander = tolerated_effect(&joint.variation, judgement.seconds) / pairs.len() as f64;
    let margins = joint.products.iter().map(|product| {
        let wanders = (wander * product.variance).sqrt();
        judgement.minimum_correlation.max(wanders)
    });
    let (variances, margins): (Vec<_>, Vec<_>) = variances.zip(margins).unzip();
    let products = MeanProducts {
        reference: &b.products,
        variances: &variances,
        window: &a.products,
        margins: &margins,
        m: b.rows,
        n: a.rows,
    };
    let (ratio, pair) = statistic::dependence(&products, design_effect, judgement.significance)?;
    Some((ratio, pairs[pair]))
}

/// MMD² of two mean embeddings in units of its threshold.
fn discrepancy(judgement: &Judgement<'_>, a: &Means, b: &Means) -> Option<f64> {
    let fourier = &judgement.joint.fourier;
    // An embedding has all features or it is another one.
    if !judgement.is_followed.iter().all(|&is_followed| is_followed) {
        return None;
    }
    let variation = fourier.variation.unwrap_or_default();
    let tolerated = judgement.minimum_discrepancy * fourier.trace;
    let sensitivity = Sensitivity {
        minimum_effect: tolerated.max(tolerated_effect(&variation, judgement.seconds)),
        significance: judgement.significance,
        design_effect: variation.design_effect,
    };
    discrepancy::discrepancy(fourier, &a.fourier, &b.fourier, &sensitivity)
}

/// What is said of one window against one other side, labelled `reference`.
fn compare(
    judgement: &Judgement<'_>,
    window: &Arc<str>,
    (reference, is_of_minutes): (&Arc<str>, bool),
    a: &Means,
    b: &Means,
) -> impl Iterator<Item = ModelDrift> + use<> {
    let drift = |kind, ratio, fields| ModelDrift {
        window: window.clone(),
        reference: reference.clone(),
        kind,
        ratio,
        fields,
    };
    let name = |at: usize| Arc::from(judgement.joint.features[at].name.as_str());
    let dependence = dependence(judgement, a, b);
    let dependence =
        dependence.map(|(ratio, pair)| drift("dependence", ratio, pair.map(name).to_vec()));
    // An embedding has no margin but its wander: against a few minutes of a world whose means move by
    // a tenth of a standard deviation it would nearly always be in alarm.
    let discrepancy = discrepancy(judgement, a, b).filter(|_| !is_of_minutes);
    let discrepancy = discrepancy.map(|ratio| drift("mmd", ratio, Vec::new()));
    dependence.into_iter().chain(discrepancy)
}

/// Drift of every window of a version from each reference that has the same sums; none until it is
/// known how features hang together. The seasonal reference has no such sums.
pub(super) fn drift(
    version: &Version,
    model: &str,
    comparisons: &Comparisons<'_>,
    config: &Config,
) -> Vec<ModelDrift> {
    let Some(sum) = &version.row_sums.joint else {
        return Vec::new();
    };
    let Some(measured) = &sum.fold.measured else {
        return Vec::new();
    };
    let joint = &measured.reference;
    let others = comparisons.others().iter().filter_map(|(label, other)| {
        let other = other.row_sums.joint.as_ref()?;
        sum.fold.sums_like(&other.fold).then_some((label, other))
    });
    let others: Vec<_> = others.collect();
    let mut drifts = Vec::new();
    for (at, (window, ring)) in config.windows.iter().zip(&sum.windows).enumerate() {
        let Some(means) = Means::of_window(ring.total()) else {
            continue;
        };
        let seconds = config.stands_for(window) as f64 * 1e-6;
        let judgement = Judgement::new(joint, model, seconds, config);
        let profile = comparisons
            .profile()
            .map(|label| (label, Means::of_reference(joint)));
        let previous = comparisons.previous().zip(ring.previous());
        let previous = previous.map(|(label, sums)| (label, measured.is_of_minutes, sums));
        // Other versions see the same moment, however the world wanders.
        let others = others.iter();
        let others = others.map(|(label, other)| (*label, false, other.windows[at].total()));
        let windows = previous.into_iter().chain(others);
        let windows = windows.filter_map(|(label, of_minutes, sums)| {
            Some((label, of_minutes, Means::of_window(sums)?))
        });
        let profile = profile.map(|(label, means)| (label, measured.is_of_minutes, means));
        for (label, of_minutes, reference) in profile.into_iter().chain(windows) {
            let side = (label, of_minutes);
            drifts.extend(compare(&judgement, &window.label, side, &means, &reference));
        }
    }
    drifts
}
