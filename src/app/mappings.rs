//! What settings and profiles say of the tensors of models → what reads calls is told.

use std::sync::Arc;

use crate::batch::Role;
use crate::ingest::mapping::{BatchDimension, IdSource, Mapping, Mappings, TensorMapping};
use crate::profile::Profile;
use crate::settings::{self, CallId, Loaded};

/// What is said of the tensors of models: by settings, and by the profiles that they name.
pub(super) fn mappings(loaded: &Loaded) -> Mappings {
    let forward = &loaded.settings.forward;
    let models = loaded.settings.models.iter();
    Mappings {
        models: models
            .map(|(name, model)| {
                let mapping = mapping(model, profile_of(loaded, name, model));
                (Arc::from(name.as_str()), Arc::new(mapping))
            })
            .collect(),
        sample_rate: forward.sample_rate,
        tensor_columns: loaded.settings.limits.tensor_columns,
        unnamed_model: forward.model.as_str().into(),
    }
}

/// The profile whose names the tensors of a model may have: its own, else that of its first version
/// that has one.
fn profile_of<'l>(
    loaded: &'l Loaded,
    name: &str,
    model: &settings::Model,
) -> Option<&'l Arc<Profile>> {
    let mut versions = model.versions.keys();
    loaded
        .profile(name, "")
        .or_else(|| versions.find_map(|version| loaded.profile(name, version)))
}

fn mapping(model: &settings::Model, profile: Option<&Arc<Profile>>) -> Mapping {
    let shared = |names: &[String]| names.iter().map(|name| Arc::from(name.as_str())).collect();
    let fields = profile.map_or(&[][..], |profile| &profile.features);
    let of_role = |role| {
        // What is derived from another field comes in no call.
        let fields = fields.iter().filter(|field| field.derived_from.is_none());
        let said = |name: &str| model.features.get(name).and_then(|said| said.role);
        fields
            .filter(|field| said(&field.name).unwrap_or(field.role) == role)
            .map(|field| Arc::from(field.name.as_str()))
            .collect()
    };
    let inputs = model.inputs.iter().map(|(tensor, said)| {
        let said = TensorMapping {
            names: shared(&said.names),
            role: said.role,
        };
        (Arc::from(tensor.as_str()), said)
    });
    let outputs = model.outputs.iter().map(|(tensor, said)| {
        let names = said.name.as_slice().iter().chain(&said.names);
        let said = TensorMapping {
            names: names.map(|name| Arc::from(name.as_str())).collect(),
            role: said.role,
        };
        (Arc::from(tensor.as_str()), said)
    });
    Mapping {
        sample_rate: model.sample_rate,
        id: match &model.id {
            None => IdSource::Nothing,
            Some(CallId::Body) => IdSource::Body,
            Some(CallId::Trace) => IdSource::Trace,
            // Settings take only names that headers can have.
            Some(CallId::Header(name)) => name.parse().map_or(IdSource::Nothing, IdSource::Header),
        },
        batch_dimension: match model.batch_dimension {
            settings::BatchDimension::Auto => BatchDimension::Auto,
            settings::BatchDimension::First => BatchDimension::First,
            settings::BatchDimension::None => BatchDimension::None,
        },
        classes: shared(&model.classes),
        positive_class: model.positive_class.as_deref().map(Arc::from),
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        profile_features: of_role(Role::Feature),
        profile_predictions: of_role(Role::Prediction),
        profile_scores: of_role(Role::Score),
        profile_labels: of_role(Role::Label),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::profile::FeatureProfile;
    use crate::settings::Settings;

    fn profile(fields: &[(&str, Role)]) -> Arc<Profile> {
        let field = |(name, role): &(&str, Role)| FeatureProfile {
            name: (*name).into(),
            role: *role,
            kind: crate::profile::Kind::Numeric,
            missing: Default::default(),
            cells: None,
            moments: None,
            distinct: 0,
            variation: Default::default(),
            importance: None,
            derived_from: name.ends_with("cosine").then(|| "text".into()),
            embedding: None,
        };
        Arc::new(Profile {
            features: fields.iter().map(field).collect(),
            ..Profile::default()
        })
    }

    /// What is told with these settings and profiles.
    fn told(settings: &str, profiles: &[(&str, Arc<Profile>)]) -> Mappings {
        let settings: Settings = serde_saphyr::from_str(settings).unwrap();
        let profiles = profiles.iter();
        let loaded = Loaded {
            settings: Arc::new(settings),
            profiles: profiles
                .map(|(path, profile)| ((*path).into(), profile.clone()))
                .collect(),
            hash: String::new(),
            places: Default::default(),
        };
        mappings(&loaded)
    }

    fn names(names: &[Arc<str>]) -> Vec<&str> {
        names.iter().map(|name| &**name).collect()
    }

    #[test]
    fn names_of_the_profile_come_in_its_order_by_the_roles_that_hold() {
        let fields = [
            ("amount", Role::Feature),
            ("verdict", Role::Feature),
            ("text", Role::Feature),
            ("text cosine", Role::Feature),
            ("p", Role::Score),
            ("age", Role::Feature),
            ("truth", Role::Label),
        ];
        let settings = "
models:
  fraud:
    profile: fraud.json
    features: {verdict: {role: prediction}, other: {role: feature}}
";
        let mappings = told(settings, &[("fraud.json", profile(&fields))]);
        let fraud = mappings.of("fraud").unwrap();
        assert_eq!(names(&fraud.profile_features), ["amount", "text", "age"]);
        assert_eq!(names(&fraud.profile_predictions), ["verdict"]);
        assert_eq!(names(&fraud.profile_scores), ["p"]);
    }

    #[test]
    fn without_a_profile_of_the_model_that_of_its_first_version_gives_names() {
        let settings = "
models:
  fraud: {versions: {a: {}, b: {profile: b.json}, c: {profile: c.json}}}
  other:
";
        let b = profile(&[("x", Role::Feature)]);
        let c = profile(&[("y", Role::Feature)]);
        let mappings = told(settings, &[("b.json", b), ("c.json", c)]);
        let features = |model| names(&mappings.of(model).unwrap().profile_features).len();
        assert_eq!(
            names(&mappings.of("fraud").unwrap().profile_features),
            ["x"]
        );
        assert_eq!(features("other"), 0);
    }

    #[test]
    fn what_is_said_of_a_model_is_told() {
        let settings = "
limits: {tensor_columns: 9}
forward: {sample_rate: 0.5, model: house}
models:
  fraud:
    sample_rate: 0.25
    id: header:X-Request-ID
    batch_dimension: none
    classes: [no, yes]
    positive_class: no
    inputs: {x: {names: [a, b]}, junk: {role: ignore}}
    outputs: {y: {name: verdict, role: prediction}, z: {names: [p, q]}}
  other: {id: traceparent}
";
        let mappings = told(settings, &[]);
        assert_eq!((mappings.sample_rate, mappings.tensor_columns), (0.5, 9));
        assert_eq!(&*mappings.unnamed_model, "house");
        assert_eq!(mappings.of("other").unwrap().id, IdSource::Trace);
        let said = |names: &[&str], role| TensorMapping {
            names: names.iter().map(|name| Arc::from(*name)).collect(),
            role,
        };
        let expected = Mapping {
            sample_rate: Some(0.25),
            id: IdSource::Header("x-request-id".parse().unwrap()),
            batch_dimension: BatchDimension::None,
            classes: vec!["no".into(), "yes".into()],
            positive_class: Some("no".into()),
            inputs: HashMap::from([
                ("x".into(), said(&["a", "b"], None)),
                ("junk".into(), said(&[], Some(Role::Ignore))),
            ]),
            outputs: HashMap::from([
                ("y".into(), said(&["verdict"], Some(Role::Prediction))),
                ("z".into(), said(&["p", "q"], None)),
            ]),
            ..Mapping::default()
        };
        assert_eq!(**mappings.of("fraud").unwrap(), expected);
    }
}
