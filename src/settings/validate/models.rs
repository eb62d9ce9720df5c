//! What is said of models: names, versions, features, and the tensors of their calls.

use std::collections::BTreeSet;

use super::Check;
use crate::batch::Role;
use crate::settings::{Feature, FeatureDrift, Input, Model, Output, Settings};

impl Check {
    pub(super) fn models(&mut self, settings: &Settings) {
        let limits = &settings.limits;
        let count = settings.models.len();
        if count > limits.models {
            self.say(
                &["models"],
                format!(
                    "has {count} entries, more than limits.models ({}): raise the limit",
                    limits.models
                ),
            );
        }
        for (name, model) in &settings.models {
            let path = ["models", name.as_str()];
            self.name(&path, limits.name_bytes);
            let Model {
                profile: _,
                references,
                versions,
                metrics: _,
                drift,
                features,
                sample_rate: _,
                id: _,
                batch_dimension: _,
                classes: _,
                positive_class: _,
                inputs: _,
                outputs: _,
            } = model;
            self.calls(&path, model, limits.name_bytes);
            if let Some(references) = references {
                self.references(&[&path[..], &["references"]].concat(), references);
            }
            if versions.len() > limits.versions {
                self.say(
                    &[&path[..], &["versions"]].concat(),
                    format!(
                        "has {} entries, more than limits.versions ({}): raise the limit",
                        versions.len(),
                        limits.versions
                    ),
                );
            }
            for version in versions.keys() {
                self.name(
                    &[&path[..], &["versions", version]].concat(),
                    limits.name_bytes,
                );
            }
            self.feature_drift(&[&path[..], &["drift"]].concat(), drift);
            if features.len() > limits.fields {
                self.say(
                    &[&path[..], &["features"]].concat(),
                    format!(
                        "has {} entries, more than limits.fields ({}): raise the limit",
                        features.len(),
                        limits.fields
                    ),
                );
            }
            for (feature, said) in features {
                let path = [&path[..], &["features", feature]].concat();
                self.name(&path, limits.name_bytes);
                let Feature {
                    role: _,
                    kind: _,
                    importance,
                    metrics: _,
                    drift,
                } = said;
                if let Some(importance) = importance.filter(|importance| *importance < 0.0) {
                    self.say(
                        &[&path[..], &["importance"]].concat(),
                        format!("is {importance}: write a number from 0 on"),
                    );
                }
                self.feature_drift(&[&path[..], &["drift"]].concat(), drift);
            }
        }
    }

    /// How calls are read that are seen on their way.
    fn calls(&mut self, path: &[&str; 2], model: &Model, most: usize) {
        let at = |key| [&path[..], &[key]].concat();
        if let Some(rate) = model.sample_rate.filter(|rate| !(0.0..=1.0).contains(rate)) {
            self.say(
                &at("sample_rate"),
                format!("is {rate}: write a number from 0 to 1, such as 0.1"),
            );
        }
        self.names(&at("classes"), &model.classes, most);
        if let Some(positive) = &model.positive_class {
            let classes = &model.classes;
            if classes.is_empty() && !["0", "1"].contains(&positive.as_str()) {
                self.say(
                    &at("positive_class"),
                    format!("is {positive:?}: write 0 or 1, or give both names as classes"),
                );
            } else if !classes.is_empty() && !classes.contains(positive) {
                self.say(
                    &at("positive_class"),
                    format!("is {positive:?}, which is not in classes: write one of them"),
                );
            }
        }
        for (tensor, said) in &model.inputs {
            let Input { names, role: _ } = said;
            let path = [&path[..], &["inputs", tensor]].concat();
            self.names(&[&path[..], &["names"]].concat(), names, most);
        }
        for (tensor, said) in &model.outputs {
            let Output { name, names, role } = said;
            let path = [&path[..], &["outputs", tensor]].concat();
            let at = |key| [&path[..], &[key]].concat();
            self.names(&at("names"), names, most);
            self.names(&at("name"), name.as_slice(), most);
            if name.is_some() && !names.is_empty() {
                self.say(&at("name"), "is given beside names: remove one of the two");
            }
            if *role == Some(Role::Label) {
                self.say(
                    &at("role"),
                    "is label, which is the truth, and no model answers it: write prediction, score \
                     or ignore",
                );
            }
        }
    }

    /// Names in a list: within the limit, none empty, none twice.
    fn names(&mut self, path: &[&str], names: &[String], most: usize) {
        let mut seen = BTreeSet::new();
        for name in names {
            if name.is_empty() {
                self.say(path, "has an empty name: write one");
            } else if name.len() > most {
                self.say(
                    path,
                    format!(
                        "has a name of {} bytes: names are cut at {most}; shorten it",
                        name.len()
                    ),
                );
            } else if !seen.insert(name) {
                self.say(path, format!("has {name:?} twice: write distinct names"));
            }
        }
    }

    fn feature_drift(&mut self, path: &[&str], drift: &FeatureDrift) {
        self.drift(path, drift.minimum_effect, drift.significance);
    }

    fn name(&mut self, path: &[&str], most: usize) {
        let name = path[path.len() - 1];
        if name.is_empty() {
            self.say(path, "is an empty name: write one");
        } else if name.len() > most {
            self.say(
                path,
                format!(
                    "is a name of {} bytes: names are cut at {most}, so it would match nothing; \
                     shorten it",
                    name.len()
                ),
            );
        }
    }
}
