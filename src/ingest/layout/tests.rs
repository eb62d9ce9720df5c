//! What becomes of the tensors of a call, rule by rule.

mod inputs;
mod laws;
mod outputs;
mod rows;

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};

use super::*;
use crate::batch::{Numbers, Scalar, ValueType, Values};
use crate::ingest::mapping::{BatchDimension, TensorMapping};
use crate::ingest::seen::Headers;

fn floats(name: &str, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values = (0..count).map(|number| number as f32 + 0.5);
    Tensor {
        name: name.into(),
        shape: shape.into(),
        elements: Elements::Fixed {
            value_type: ValueType::Float32,
            data: values.flat_map(f32::to_le_bytes).collect(),
        },
    }
}

fn integers(name: &str, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor {
        name: name.into(),
        shape: shape.into(),
        elements: Elements::Fixed {
            value_type: ValueType::Int64,
            data: (0..count as i64).flat_map(i64::to_le_bytes).collect(),
        },
    }
}

fn texts(name: &str, shape: &[usize], texts: &[&str]) -> Tensor {
    Tensor {
        name: name.into(),
        shape: shape.into(),
        elements: Elements::Text(texts.iter().map(|text| (*text).to_owned()).collect()),
    }
}

fn mixed(name: &str, shape: &[usize], values: Vec<Scalar>) -> Tensor {
    Tensor {
        name: name.into(),
        shape: shape.into(),
        elements: Elements::Mixed(values),
    }
}

fn unusable(name: &str, shape: &[usize], reason: Unusable) -> Tensor {
    Tensor {
        name: name.into(),
        shape: shape.into(),
        elements: Elements::Unusable(reason),
    }
}

/// A call of the model `m` that took 70 µs.
fn call(inputs: Vec<Tensor>, outputs: Vec<Tensor>) -> Call {
    Call {
        inference: Inference {
            model: "m".into(),
            version: "1".into(),
            id: String::new(),
            inputs,
            outputs,
            outcome: Outcome::Ok,
            inputs_are_columns: false,
        },
        headers: Headers::default(),
        started_micros: 1_000_000,
        latency_micros: Some(70),
        draw: 0.0,
    }
}

fn failed(mut call: Call, code: &'static str) -> Call {
    call.inference.outcome = Outcome::Failed(code);
    call
}

/// Settings that say this of the model `m`.
fn mappings(mapping: Mapping) -> Mappings {
    Mappings {
        models: HashMap::from([("m".into(), Arc::new(mapping))]),
        sample_rate: 1.0,
        tensor_columns: 256,
        unnamed_model: "model".into(),
    }
}

fn said(names: &[&str], role: Option<Role>) -> TensorMapping {
    TensorMapping {
        names: shared(names),
        role,
    }
}

fn shared(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn lay(call: Call, mapping: Mapping) -> Laid {
    Layouts::default().batch(call, &mappings(mapping), &Limits::default())
}

fn batch(call: Call, mapping: Mapping) -> Batch {
    lay(call, mapping).batch.unwrap()
}

/// Names and roles of the fields.
fn fields(batch: &Batch) -> Vec<(&str, Role)> {
    let fields = batch.schema.fields.iter();
    fields.map(|field| (&*field.name, field.role)).collect()
}

fn names(batch: &Batch) -> Vec<&str> {
    fields(batch).into_iter().map(|(name, _)| name).collect()
}

/// The finite numbers of a field.
fn numbers_of(batch: &Batch, name: &str) -> Vec<f64> {
    let mut numbers = Numbers::default();
    column(batch, name).read_numbers(0..batch.rows, &mut numbers);
    numbers.finite
}

/// The values of a field as text, `null`, or `-` for what has no text.
fn texts_of(batch: &Batch, name: &str) -> Vec<String> {
    let mut texts = Vec::new();
    column(batch, name).read_texts(0..batch.rows, |text| {
        texts.push(match text {
            Ok(text) => text.unwrap_or("null").to_owned(),
            Err(_) => "-".into(),
        });
    });
    texts
}

fn column<'b>(batch: &'b Batch, name: &str) -> &'b crate::batch::Column {
    let fields = &batch.schema.fields;
    let at = fields.iter().position(|field| *field.name == *name);
    let at = at.unwrap_or_else(|| panic!("{name} is not among {:?}", names(batch)));
    batch.columns[at].as_ref().unwrap()
}
