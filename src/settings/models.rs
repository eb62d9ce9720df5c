//! What can be said of single models, versions and features, and what then holds for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::calls::{BatchDimension, CallId};
use super::section::section;
use super::text::{map_or_default, optional_finite, optional_path, optional_text, or_default};
use super::{Address, Detail, Drift, Metrics, References, Settings};
use crate::batch::Role;
use crate::profile::Kind;

section! {
    /// One model.
    pub struct Model {
        /// Its reference, made with `driftgauge profile`: a path, relative to this file. Empty: it
        /// is learned from traffic.
        #[serde(deserialize_with = "optional_path")]
        profile: Option<PathBuf> = None,
        /// What its windows are compared with; unset: as for all models.
        references: Option<References> = None,
        /// Versions that differ, by name.
        #[serde(deserialize_with = "map_or_default")]
        versions: BTreeMap<String, Version> = BTreeMap::new(),
        /// How much is exposed for each feature of this model; unset: as for all models.
        #[serde(deserialize_with = "or_default")]
        metrics: FeatureMetrics = FeatureMetrics::default(),
        /// When drift counts as drift in this model; unset: as for all models.
        #[serde(deserialize_with = "or_default")]
        drift: FeatureDrift = FeatureDrift::default(),
        /// Features, predictions and scores that differ, by name.
        #[serde(deserialize_with = "map_or_default")]
        features: BTreeMap<String, Feature> = BTreeMap::new(),
        /// Share of its calls that are looked at where calls are seen on their way; traffic is
        /// scaled up by it. From 0 (none) to 1. Unset: as for all models.
        #[serde(deserialize_with = "optional_finite")]
        sample_rate: Option<f64> = None,
        /// What identifies a call, so that everyone who samples takes the same ones: `id` (that in
        /// the body of the request), `traceparent`, or `header:` and the name of one. Unset:
        /// nothing, calls are taken at random.
        id: Option<CallId> = None,
        /// What the first dimension of tensors is: `first`, rows; `none`, there are no rows, a
        /// tensor is one; `auto`, rows, unless all tensors have one dimension and not the same
        /// length.
        batch_dimension: BatchDimension = BatchDimension::Auto,
        /// Names of the classes, in the order of the scores. Unset: their numbers, from 0.
        #[serde(deserialize_with = "or_default")]
        classes: Vec<String> = Vec::new(),
        /// The class whose score is followed when there are two: one of `classes`, or `0` or `1`
        /// without them. Unset: the last.
        #[serde(deserialize_with = "optional_text")]
        positive_class: Option<String> = None,
        /// Inputs of calls that are no plain columns, by the name of the tensor (`""` for one that
        /// has none).
        #[serde(deserialize_with = "map_or_default")]
        inputs: BTreeMap<String, Input> = BTreeMap::new(),
        /// Outputs of calls, by the name of the tensor (`""` for one that has none). Unset: words,
        /// truth values and integers are a prediction, fractions a score, several fractions a row
        /// the scores of classes.
        #[serde(deserialize_with = "map_or_default")]
        outputs: BTreeMap<String, Output> = BTreeMap::new(),
    }
}

section! {
    /// One input of a model.
    pub struct Input {
        /// Names of its columns, in order; one name for several columns makes them one vector.
        /// Unset: the name of the tensor; for several columns those of the profile, if it has as
        /// many features and there is no other input, else the name of the tensor with their number.
        #[serde(deserialize_with = "or_default")]
        names: Vec<String> = Vec::new(),
        /// What it is to the model; `ignore`: not looked at. Unset: `feature`.
        role: Option<Role> = None,
    }
}

section! {
    /// One output of a model.
    pub struct Output {
        /// What it is called. Unset: as the tensor; the scores of classes `score[class]`.
        #[serde(deserialize_with = "optional_text")]
        name: Option<String> = None,
        /// Names of its columns, in order, in place of `name`.
        #[serde(deserialize_with = "or_default")]
        names: Vec<String> = Vec::new(),
        /// What it is: `prediction`, `score`, `ignore` (not looked at) or another role, but never
        /// `label`, which is the truth. Unset: as its values look.
        role: Option<Role> = None,
    }
}

section! {
    /// One version of a model.
    pub struct Version {
        /// The reference of this version alone, relative to this file. Empty: that of the model.
        #[serde(deserialize_with = "optional_path")]
        profile: Option<PathBuf> = None,
    }
}

section! {
    /// One field of a model.
    pub struct Feature {
        /// What it is to the model, whatever profile and traffic say: `feature`, `prediction`,
        /// `score`, `label`, `segment`, `time`, `id` or `ignore` (not looked at).
        role: Option<Role> = None,
        /// How it is looked at while a reference is learned: `numeric`, `integer`, `boolean`,
        /// `categorical`, `high_cardinality` or `vector`. Unset: as its values look. A profile's
        /// word stands.
        kind: Option<Kind> = None,
        /// How much it matters to the model, on any scale: more is more. It chooses the features
        /// that are looked at together, and is shown. At least 0. Unset: as its profile says.
        #[serde(deserialize_with = "optional_finite")]
        importance: Option<f64> = None,
        /// How much is exposed of it; unset: as for its model.
        #[serde(deserialize_with = "or_default")]
        metrics: FeatureMetrics = FeatureMetrics::default(),
        /// When its drift counts as drift; unset: as for its model.
        #[serde(deserialize_with = "or_default")]
        drift: FeatureDrift = FeatureDrift::default(),
    }
}

section! {
    /// What [`Metrics`] may be for one model or feature.
    pub struct FeatureMetrics {
        /// `lean`, `standard` or `full`.
        detail: Option<Detail> = None,
        /// Whether counters per reference cell are exposed. Never in `lean`.
        fleet: Option<bool> = None,
    }
}

section! {
    /// What [`Drift`] may be for one model or feature.
    pub struct FeatureDrift {
        /// Smallest population stability index worth an alarm. From 0 to 10.
        #[serde(deserialize_with = "optional_finite")]
        minimum_effect: Option<f64> = None,
        /// How sure an alarm must be, in standard deviations. From 0 to 10.
        #[serde(deserialize_with = "optional_finite")]
        significance: Option<f64> = None,
    }
}

impl Settings {
    /// Whether calls are seen on their way to others: by the proxy, or told in events.
    pub fn sees_calls(&self) -> bool {
        let listens = [&self.forward.listen_address, &self.http.listen_address];
        listens.into_iter().any(|address| *address != Address::Off)
    }

    /// Where the profile of a version is, as the settings say: its own, else that of its model.
    pub fn profile_path(&self, model: &str, version: &str) -> Option<&Path> {
        let model = self.models.get(model)?;
        let own = model.versions.get(version);
        own.and_then(|version| version.profile.as_deref())
            .or(model.profile.as_deref())
    }

    /// What is said of a field.
    pub fn feature(&self, model: &str, feature: &str) -> Option<&Feature> {
        self.models.get(model)?.features.get(feature)
    }

    /// What a field is to the model: what is said here, else `otherwise`, the word of profile or
    /// traffic.
    pub fn role_of(&self, model: &str, feature: &str, otherwise: Role) -> Role {
        let said = self.feature(model, feature);
        said.and_then(|said| said.role).unwrap_or(otherwise)
    }

    /// How much is exposed of a field: what is said of it, else of its model, else of all. `fleet`
    /// is off in `lean`.
    pub fn metrics_of(&self, model: &str, feature: &str) -> Metrics {
        let model = self.models.get(model);
        let feature = model.and_then(|model| model.features.get(feature));
        let said = [feature.map(|f| &f.metrics), model.map(|m| &m.metrics)];
        let said = said.into_iter().flatten();
        let detail = said.clone().find_map(|metrics| metrics.detail);
        let fleet = said.clone().find_map(|metrics| metrics.fleet);
        let detail = detail.unwrap_or(self.metrics.detail);
        let fleet = fleet.unwrap_or(self.metrics.fleet) && detail > Detail::Lean;
        Metrics { detail, fleet }
    }

    /// When drift of a field counts: what is said of it, else of its model, else of all.
    pub fn drift_of(&self, model: &str, feature: &str) -> Drift {
        let model = self.models.get(model);
        let feature = model.and_then(|model| model.features.get(feature));
        let mut drift = self.drift.clone();
        let said = [model.map(|m| &m.drift), feature.map(|f| &f.drift)];
        for said in said.into_iter().flatten() {
            drift.minimum_effect = said.minimum_effect.unwrap_or(drift.minimum_effect);
            drift.significance = said.significance.unwrap_or(drift.significance);
        }
        drift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        serde_saphyr::from_str(
            "
metrics: {detail: lean}
drift: {significance: 4}
models:
  fraud:
    profile: fraud.json
    metrics: {detail: full, fleet: false}
    drift: {minimum_effect: 0.1}
    versions: {v2: {profile: fraud-v2.json}, v3: {}}
    features:
      amount: {role: feature, metrics: {fleet: true}, drift: {significance: 3}}
      city: {metrics: {detail: lean, fleet: true}}
  empty:
",
        )
        .unwrap()
    }

    #[test]
    fn the_nearest_word_holds() {
        let settings = settings();
        let metrics = |model, feature| {
            let metrics = settings.metrics_of(model, feature);
            (metrics.detail, metrics.fleet)
        };
        assert_eq!(metrics("fraud", "amount"), (Detail::Full, true));
        assert_eq!(metrics("fraud", "other"), (Detail::Full, false));
        assert_eq!(metrics("other", "amount"), (Detail::Lean, false));
        let drift = |model, feature| {
            let drift = settings.drift_of(model, feature);
            (drift.minimum_effect, drift.significance)
        };
        assert_eq!(drift("fraud", "amount"), (0.1, 3.0));
        assert_eq!(drift("fraud", "other"), (0.1, 4.0));
        assert_eq!(drift("other", "amount"), (0.02, 4.0));
    }

    #[test]
    fn a_role_that_is_said_overrules() {
        let settings = settings();
        let role = |feature| settings.role_of("fraud", feature, Role::Label);
        assert_eq!(role("amount"), Role::Feature);
        assert_eq!(role("city"), Role::Label);
    }

    #[test]
    fn fleet_counters_are_never_lean() {
        let metrics = settings().metrics_of("fraud", "city");
        assert!(!metrics.fleet, "{metrics:?}");
    }

    #[test]
    fn a_version_without_a_profile_has_that_of_its_model() {
        let settings = settings();
        let path = |model, version| settings.profile_path(model, version);
        assert_eq!(path("fraud", "v1"), Some(Path::new("fraud.json")));
        assert_eq!(path("fraud", "v2"), Some(Path::new("fraud-v2.json")));
        assert_eq!(path("fraud", "v3"), Some(Path::new("fraud.json")));
        assert_eq!(path("empty", "v1"), None);
        assert_eq!(path("other", "v1"), None);
    }
}
