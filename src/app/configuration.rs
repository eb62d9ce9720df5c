//! Settings, as an operator writes them → what each part is told.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::{
    self, BurntIn, Clock, Config, FeatureConfig, JointConfig, Learning, ModelConfig, OtherVersions,
    OutlierConfig, References, WindowConfig,
};
use crate::export::OWN_SERIES;
use crate::ingest::{Admission, Limits, ModelLimits};
use crate::profile::Profile;
use crate::settings::{
    self, Detail, Feature, FeatureDrift, FeatureMetrics, Loaded, Reference, Settings,
};

/// What burn-ins have found, by version and feature.
type BurnIns = HashMap<Arc<str>, HashMap<Arc<str>, BurntIn>>;

/// What the engine is told. `learned` and `rebaselined` are references, `burn_ins` what burn-ins have
/// found, kept from before, by model.
pub(crate) fn engine_config<'k>(
    loaded: &Loaded,
    learned: &HashMap<Arc<str>, Arc<Profile>>,
    rebaselined: impl Iterator<Item = (&'k Arc<str>, &'k Arc<Profile>)>,
    burn_ins: &HashMap<Arc<str>, BurnIns>,
) -> Config {
    let settings = &*loaded.settings;
    let mut models: HashMap<Arc<str>, ModelConfig> = settings
        .models
        .iter()
        .map(|(name, model)| (Arc::from(name.as_str()), model_config(loaded, name, model)))
        .collect();
    for (name, profile) in learned {
        models.entry(name.clone()).or_default().learned = Some(profile.clone());
    }
    for (name, profile) in rebaselined {
        let model = models.entry(name.clone()).or_default();
        model.rebaselined.push(profile.clone());
    }
    for (name, found) in burn_ins {
        // Without any reference it fits nothing.
        if let Some(model) = models.get_mut(name) {
            model.burnt_in.clone_from(found);
        }
    }
    let windows = settings.windows.as_slice().iter().map(|span| WindowConfig {
        label: span.to_string().into(),
        micros: span.micros(),
    });
    Config {
        windows: windows.collect(),
        clock: match settings.clock {
            settings::Clock::Wall => Clock::Wall,
            settings::Clock::Event => Clock::Event,
        },
        references: references(&settings.references),
        learning: Learning {
            rows: settings.learning.rows as u64,
            bytes: settings.learning.bytes.bytes(),
        },
        burn_in_micros: settings.drift.burn_in.micros(),
        feature: FeatureConfig {
            role: None,
            kind: None,
            importance: None,
            detail: Some(detail(settings.metrics.detail)),
            fleet: Some(settings.metrics.fleet),
            minimum_effect: Some(settings.drift.minimum_effect),
            significance: Some(settings.drift.significance),
        },
        joint: JointConfig {
            features: settings.joint.features,
            sample: settings.joint.sample,
            minimum_correlation: settings.joint.minimum_correlation,
            minimum_discrepancy: settings.joint.minimum_discrepancy,
        },
        outliers: OutlierConfig {
            features: settings.outliers.features,
            sample: settings.outliers.sample,
        },
        models,
        max_fields: settings.limits.fields,
        max_total_fields: settings.limits.total_fields,
        max_series: settings.web.max_series.saturating_sub(OWN_SERIES),
        rows_span: None,
        name_new_categories: settings.web.new_categories,
        http_codes: settings.sees_calls(),
    }
}

fn model_config(loaded: &Loaded, name: &str, model: &settings::Model) -> ModelConfig {
    let versions = model.versions.iter().filter_map(|(version, said)| {
        said.profile.as_ref()?;
        let profile = loaded.profile(name, version)?;
        Some((Arc::from(version.as_str()), profile.clone()))
    });
    let features = model.features.iter().map(|(feature, said)| {
        let Feature {
            role,
            kind,
            importance,
            metrics,
            drift,
        } = said;
        let config = FeatureConfig {
            role: *role,
            kind: *kind,
            importance: *importance,
            ..feature_config(metrics, drift)
        };
        (Arc::from(feature.as_str()), config)
    });
    ModelConfig {
        profile: model
            .profile
            .as_ref()
            .and_then(|_| loaded.profile(name, "").cloned()),
        learned: None,
        rebaselined: Vec::new(),
        burnt_in: HashMap::new(),
        versions: versions.collect(),
        references: model.references.as_ref().map(references),
        feature: feature_config(&model.metrics, &model.drift),
        features: features.collect(),
    }
}

fn references(said: &settings::References) -> References {
    let has = |reference| said.0.contains(&reference);
    let named = said.0.iter().filter_map(|reference| match reference {
        Reference::Version(name) => Some(Arc::from(name.as_str())),
        _ => None,
    });
    let named: Vec<_> = named.collect();
    References {
        profile: has(Reference::Profile),
        seasonal: has(Reference::Seasonal),
        previous: has(Reference::Previous),
        versions: if has(Reference::Versions) {
            OtherVersions::All
        } else if named.is_empty() {
            OtherVersions::None
        } else {
            OtherVersions::Named(named)
        },
    }
}

fn feature_config(metrics: &FeatureMetrics, drift: &FeatureDrift) -> FeatureConfig {
    FeatureConfig {
        role: None,
        kind: None,
        importance: None,
        detail: metrics.detail.map(detail),
        fleet: metrics.fleet,
        minimum_effect: drift.minimum_effect,
        significance: drift.significance,
    }
}

fn detail(detail: Detail) -> engine::Detail {
    match detail {
        Detail::Lean => engine::Detail::Lean,
        Detail::Standard => engine::Detail::Standard,
        Detail::Full => engine::Detail::Full,
    }
}

/// What sources may bring.
pub(super) fn limits(settings: &Settings) -> Limits {
    let said = &settings.limits;
    let queue_bytes = settings.queue.bytes.bytes();
    Limits {
        // A message that fills the queue may arrive while an eighth of the queue is full.
        buffer_bytes: queue_bytes.saturating_add(queue_bytes / 8),
        // What takes more would not get into an empty queue.
        decoded_bytes: queue_bytes,
        message_bytes: said.message_bytes.bytes(),
        batch_rows: said.batch_rows,
        fields: said.fields,
        name_bytes: said.name_bytes,
        string_bytes: said.string_bytes,
        ..Limits::default()
    }
}

/// How many models there is room for.
pub(super) fn model_limits(settings: &Settings) -> ModelLimits {
    ModelLimits {
        models: settings.limits.models,
        versions: settings.limits.versions,
    }
}

/// Lets the models that settings name in, always.
pub(super) fn name_models(admission: &Admission, settings: &Settings) {
    let models = settings.models.iter().flat_map(|(name, model)| {
        let versions = model.versions.keys();
        std::iter::once((name.as_str(), None))
            .chain(versions.map(|version| (name.as_str(), Some(version.as_str()))))
    });
    admission.set_named(models);
}
