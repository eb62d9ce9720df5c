//! What settings and profiles say of a model's tensors: which is which feature, what outputs are.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderName;

use crate::batch::Role;

/// What is said of all models.
#[derive(Clone, Debug, Default)]
pub struct Mappings {
    /// By model; others have [`Mapping::default`].
    pub models: HashMap<Arc<str>, Arc<Mapping>>,
    /// Share of calls that are looked at, of models that say nothing else, 0 … 1.
    pub sample_rate: f64,
    /// An [N, D] tensor with more columns is one vector, unless its columns have names.
    pub tensor_columns: usize,
}

/// What is said of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// Share of its calls that are looked at, 0 … 1; `None`: as of all.
    pub sample_rate: Option<f64>,
    /// What identifies a call.
    pub id: IdSource,
    /// What the first dimension of tensors is.
    pub batch_dimension: BatchDimension,
    /// Names of the classes, in the order of the scores.
    pub classes: Vec<Arc<str>>,
    /// The class whose score is followed when there are two; `None`: the last.
    pub positive_class: Option<Arc<str>>,
    /// What is said of inputs, by tensor name.
    pub inputs: HashMap<Arc<str>, TensorMapping>,
    /// What is said of outputs, by tensor name.
    pub outputs: HashMap<Arc<str>, TensorMapping>,
    /// Features of the model's profile, in its order; empty without a profile.
    pub profile_features: Vec<Arc<str>>,
    /// Predictions of the profile.
    pub profile_predictions: Vec<Arc<str>>,
    /// Scores of the profile.
    pub profile_scores: Vec<Arc<str>>,
}

/// What is said of one tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorMapping {
    /// Names of its columns, in order; empty: nothing is said.
    pub names: Vec<Arc<str>>,
    /// What it is; `None`: an input is a feature, an output what its values look like.
    pub role: Option<Role>,
}

/// What identifies a call, so that the same call is sampled alike everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdSource {
    /// The id in the body of the request.
    #[default]
    Body,
    /// A header of the request.
    Header(HeaderName),
    /// The trace id of the header `traceparent`.
    Trace,
}

/// What the first dimension of tensors is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchDimension {
    /// Rows, unless all tensors have one dimension and do not agree on its length.
    #[default]
    Auto,
    /// Rows, always.
    First,
    /// There is none: a tensor is one row.
    None,
}

impl Mappings {
    /// What is said of a model.
    pub fn of(&self, model: &str) -> Option<&Arc<Mapping>> {
        self.models.get(model)
    }

    /// Share of the calls of a model that are looked at.
    pub fn sample_rate_of(&self, model: &str) -> f64 {
        let said = self.of(model).and_then(|mapping| mapping.sample_rate);
        said.unwrap_or(self.sample_rate)
    }

    /// The largest share of any model: a call beyond it is not looked at, whatever its model is.
    pub fn highest_sample_rate(&self) -> f64 {
        let said = self.models.values().filter_map(|model| model.sample_rate);
        said.fold(self.sample_rate, f64::max)
    }

    /// Headers of requests that identify calls of some model.
    pub fn id_headers(&self) -> Vec<HeaderName> {
        let mut names: Vec<HeaderName> = Vec::new();
        for mapping in self.models.values() {
            if let IdSource::Header(name) = &mapping.id
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }
}
