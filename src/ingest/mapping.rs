//! What settings and profiles say of a model's tensors: which is which feature, what outputs are.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

use super::seen::Headers;
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
    /// What the model is called in protocols that do not name it (`/invocations`).
    pub unnamed_model: Arc<str>,
}

/// What is said of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    /// Share of its calls that are looked at, 0 … 1; `None`: as of all.
    pub sample_rate: Option<f64>,
    /// What identifies a call, so that sampling decides on the same call alike everywhere.
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
    /// Labels of the profile: what a model answers is never one of them.
    pub profile_labels: Vec<Arc<str>>,
}

/// What is said of one tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorMapping {
    /// Names of its columns, in order; empty: nothing is said.
    pub names: Vec<Arc<str>>,
    /// What it is; `None`: an input is a feature, an output what its values look like.
    pub role: Option<Role>,
}

/// What identifies a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdSource {
    /// Nothing: calls are sampled at random.
    #[default]
    Nothing,
    /// The id in the body of the request. It is known only once the body is, so sampling saves
    /// decoding but not the copy.
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

    /// What to know to sample calls before their bodies are seen.
    pub fn sampling(&self) -> Sampling {
        let said = |mapping: &Arc<Mapping>| match mapping.id {
            IdSource::Body => Some(1.0),
            _ => mapping.sample_rate,
        };
        let rates = self.models.values().filter_map(said);
        Sampling {
            rate: rates.fold(self.sample_rate, f64::max),
            id_headers: self.id_headers(),
            by_trace: self
                .models
                .values()
                .any(|model| model.id == IdSource::Trace),
        }
    }
}

impl Mapping {
    /// Where a call stands among all, 0 … 1: it is looked at if that is below the rate. `random` is
    /// for calls that nothing identifies.
    pub fn draw(&self, random: f64, headers: &Headers, body_id: &str) -> f64 {
        let id = match &self.id {
            IdSource::Nothing => None,
            IdSource::Body => Some(body_id),
            IdSource::Header(name) => headers.get(name.as_str()),
            IdSource::Trace => headers.get(TRACEPARENT).and_then(trace_part),
        };
        id.filter(|id| !id.is_empty()).map_or(random, draw_of)
    }
}

/// How calls are sampled before it is known which model they are for.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// The largest share of any model.
    pub rate: f64,
    /// Headers that identify calls of some model.
    pub id_headers: Vec<HeaderName>,
    /// Whether the trace identifies those of some model.
    pub by_trace: bool,
}

impl Sampling {
    /// Whether a call with these headers may be looked at, whatever its model is; `random` is its
    /// [`Exchange::draw`](super::seen::Exchange::draw). Those of which it is certain that they are
    /// left out need not be kept.
    pub fn may_take(&self, random: f64, headers: &HeaderMap) -> bool {
        if random < self.rate {
            return true;
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let named = self
            .id_headers
            .iter()
            .filter_map(|name| text(name.as_str()));
        let trace = self
            .by_trace
            .then(|| text(TRACEPARENT).and_then(trace_part));
        named
            .chain(trace.flatten())
            .any(|id| draw_of(id) < self.rate)
    }
}

const TRACEPARENT: &str = "traceparent";

/// The trace id in the text of a `traceparent` header
/// ([W3C Trace Context](https://www.w3.org/TR/trace-context/), section 3.2).
fn trace_part(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1).filter(|id| id.len() == 32)
}

/// The trace id of a `traceparent` header; `None` when it is not valid.
pub fn trace_id(headers: &Headers) -> Option<[u8; 16]> {
    let text = trace_part(headers.get(TRACEPARENT)?)?;
    let id = u128::from_str_radix(text, 16).ok()?;
    (id != 0).then(|| id.to_be_bytes())
}

/// A number from 0 to 1 made of a text: the same everywhere, and spread evenly.
pub(super) fn draw_of(text: &str) -> f64 {
    // 53 bits, as many as a float has.
    (xxhash_rust::xxh3::xxh3_64(text.as_bytes()) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(name: &'static str, value: &str) -> (HeaderMap, Headers) {
        let name = HeaderName::from_static(name);
        let map = HeaderMap::from_iter([(name.clone(), value.parse().unwrap())]);
        let few = Headers::of(&map, &[name]);
        (map, few)
    }

    #[test]
    fn the_trace_id_is_read_where_it_is_valid() {
        let of = |text: &str| trace_id(&headers("traceparent", text).1);
        let id = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128;
        assert_eq!(of(TRACE), Some(id.to_be_bytes()));
        for wrong in ["", "00", "00-xyz-1-01", &TRACE.replace('4', "g")] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(
            of(&format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32))),
            None
        );
    }

    #[test]
    fn what_a_model_takes_is_never_left_out_before() {
        let mut mappings = Mappings {
            sample_rate: 0.1,
            ..Mappings::default()
        };
        let by_header = Mapping {
            id: IdSource::Header(HeaderName::from_static("x-request-id")),
            sample_rate: Some(0.3),
            ..Mapping::default()
        };
        mappings.models.insert("m".into(), Arc::new(by_header));
        let sampling = mappings.sampling();
        assert_eq!(sampling.rate, 0.3);
        let mut taken = 0;
        for number in 0..10_000 {
            let (map, few) = headers("x-request-id", &format!("call {number}"));
            let model = &mappings.models["m"];
            let draw = model.draw(0.99, &few, "");
            if draw < mappings.sample_rate_of("m") {
                assert!(sampling.may_take(0.99, &map));
                taken += 1;
            }
        }
        assert!((2_800..3_200).contains(&taken), "{taken}");
    }

    #[test]
    fn an_id_in_the_body_can_only_be_judged_with_the_body() {
        let mut mappings = Mappings::default();
        let by_body = Mapping {
            id: IdSource::Body,
            sample_rate: Some(0.01),
            ..Mapping::default()
        };
        mappings.models.insert("m".into(), Arc::new(by_body));
        assert!(mappings.sampling().may_take(0.999, &HeaderMap::new()));
        let draw = |id| mappings.models["m"].draw(0.5, &Headers::default(), id);
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
        assert_eq!(draw(""), 0.5, "nothing identifies it");
    }
}
