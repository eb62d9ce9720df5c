//! Tensors of a call → rows × named columns.
//!
//! Protocols know tensors, the engine knows columns; which tensor is which field is said by settings
//! ([`Mapping`](super::mapping::Mapping)) or follows from names, shapes and the profile. Deciding that
//! takes names and look-ups, so it is done once for all calls that look alike, and their batches share
//! one [`Schema`](crate::batch::Schema).
//!
//! - **Rows** are the first dimension of the inputs (see [`BatchDimension`](super::mapping::BatchDimension));
//!   if none of them can be used, of the outputs. A call without any is a batch of no rows, so that it
//!   counts as a call.
//! - **An input** of one value a row is a feature of its name. One of several a row is as many columns,
//!   or, when they are too many or have several dimensions themselves, one vector.
//! - **An output** of words, truth values or integers is a prediction, of fractions a score; several
//!   fractions a row are the scores of classes. It is never a label.
//! - **A tensor that cannot be used** is counted and left out: rows then lack its fields, which counts
//!   as absent where the profile names them.

mod cut;
mod fill;
mod inputs;
mod known;
mod look;
mod models;
mod names;
mod outputs;
mod plan;
mod scores;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::cut::{Cut, Taken};
use self::known::Known;
use self::look::{Kind, Look, Row};
use self::models::Models;
use self::plan::{Asked, Layout};
use super::inference::{Call, Elements, Inference, Tensor, Unusable};
use super::mapping::{Mapping, Mappings, trace_id};
use super::{Limits, Refused, Reject};
use crate::batch::{Batch, Calls, Outcome, Role, Times};

/// Largest weight of a row; a larger one would leave nothing of a counter's precision.
const MAX_WEIGHT: f64 = 1e9;

/// How the tensors of calls become columns, as found out so far. Bounded: what was not used for longest
/// is forgotten, and found out anew.
#[derive(Debug, Default)]
pub struct Layouts {
    known: Known,
    models: Models,
    /// What the tensors of the call at hand look like; kept for its memory.
    looks: Vec<Look>,
    taken: Vec<Taken>,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Laid {
    /// Its rows; or, when they can never be taken, why and how many.
    pub batch: Result<Batch, Refused>,
    /// One entry for each tensor that could not be used.
    pub unusable: Vec<Unusable>,
}

impl Layouts {
    /// The rows of a call. Sampling has been decided before; here it becomes their weight.
    ///
    /// A call that failed has no outputs. One that failed because the server does not know the model,
    /// or the version, makes none: it belongs to a version that has answered before, or to none, and
    /// whether it counts is for the [`Intake`](super::Intake) to say.
    pub fn batch(&mut self, call: Call, mappings: &Mappings, limits: &Limits) -> Laid {
        let Call {
            inference,
            headers,
            started_micros,
            latency_micros,
            draw: _,
        } = call;
        let Inference {
            model: said_model,
            version,
            id: _,
            inputs,
            mut outputs,
            outcome,
            inputs_are_columns,
        } = inference;
        let mapping = mappings.of(&said_model);
        let model = self.models.name(&said_model, limits.name_bytes);
        if outcome != Outcome::Ok {
            outputs.clear();
        }

        let mut unusable = Vec::new();
        let tensors = inputs.iter().chain(&outputs);
        self.taken.clear();
        self.taken.extend(tensors.enumerate().map(|(at, tensor)| {
            let said = side(mapping, at < inputs.len());
            Taken::of(tensor, said, &mut unusable)
        }));
        let cut = Cut::of(
            &inputs,
            &outputs,
            &self.taken,
            mapping.map(|mapping| mapping.batch_dimension),
            inputs_are_columns,
            self.models.takes_one_row(&model),
        );
        let refuse = |reason, detail| Refused {
            reason,
            rows: cut.rows as u64,
            detail,
        };
        let fault = if model.is_empty() {
            Some(refuse(Reject::NoModel, "the call names no model".into()))
        } else if cut.rows > limits.batch_rows {
            let detail = format!(
                "{} rows in a call; the limit is {} (limits.batch_rows)",
                cut.rows, limits.batch_rows
            );
            Some(refuse(Reject::LimitRows, detail))
        } else {
            None
        };
        if let Some(fault) = fault {
            return Laid {
                batch: Err(fault),
                unusable,
            };
        }

        self.looks.clear();
        for (at, tensor) in inputs.iter().chain(&outputs).enumerate() {
            let row = cut.row(tensor, self.taken[at], &mut unusable);
            let is_output = at >= inputs.len();
            let kind = kind(tensor, row, is_output, &model, &mut self.models);
            self.looks.push(Look { kind, row });
        }
        if outcome == Outcome::Ok {
            self.models.note(&model, &cut);
        }
        let asked = Asked {
            model: &model,
            inputs: &inputs,
            outputs: &outputs,
            looks: &self.looks,
            inputs_are_columns,
            mapping,
            tensor_columns: mappings.tensor_columns,
            limits,
        };
        let layout = match self.known.find(&asked) {
            Some(layout) => layout,
            None => {
                let layout = Arc::new(Layout::of(&asked));
                if layout.schema.names_by_position && self.models.tell_names(&model) {
                    tracing::info!(
                        model = &*model,
                        "its calls do not name the features: they take the names of the profile by \
                         their position; check that the order is right, or name them in settings"
                    );
                }
                // A name that nothing has answered to may be anything.
                if self.models.knows(&model) {
                    self.known.remember(&asked, layout.clone());
                }
                layout
            }
        };
        unusable.extend_from_slice(&layout.unusable);
        if layout.wanted > limits.fields {
            let detail = format!(
                "the tensors of the call are {} fields; the limit is {} (limits.fields)",
                layout.wanted, limits.fields
            );
            return Laid {
                batch: Err(refuse(Reject::LimitFields, detail)),
                unusable,
            };
        }
        let version = self.models.version(&model, &version, outcome, limits);
        let (columns, bytes) = fill::columns(&layout, inputs, outputs, cut.rows, limits);
        let calls = Calls {
            rows: vec![cut.rows as u32],
            latency_micros: latency_micros.into_iter().collect(),
            outcomes: if outcome == Outcome::Ok {
                Vec::new()
            } else {
                vec![outcome]
            },
            trace_ids: trace_id(&headers).map(Some).into_iter().collect(),
            are_labels: false,
        };
        let batch = Batch {
            model,
            version,
            schema: layout.schema.clone(),
            rows: cut.rows,
            columns,
            calls,
            times: Times::At(started_micros),
            weight: weight(mappings.sample_rate_of(&said_model)),
            bytes: size_of::<Batch>() + bytes,
        };
        Laid {
            batch: Ok(batch),
            unusable,
        }
    }
}

/// What is said of the tensors of one side of a call.
fn side(
    mapping: Option<&Arc<Mapping>>,
    is_input: bool,
) -> Option<&std::collections::HashMap<Arc<str>, super::mapping::TensorMapping>> {
    let side = mapping.map(|mapping| {
        if is_input {
            &mapping.inputs
        } else {
            &mapping.outputs
        }
    });
    side.filter(|said| !said.is_empty())
}

/// Calls that each one stands for that is looked at.
fn weight(sample_rate: f64) -> f64 {
    if sample_rate > 0.0 {
        (1.0 / sample_rate).clamp(1.0, MAX_WEIGHT)
    } else {
        1.0
    }
}

/// What the values of a tensor are. Those of changing type show it only in the values, which may look
/// like integers by chance, so a fraction is remembered.
fn kind(tensor: &Tensor, row: Row, is_output: bool, model: &Arc<str>, models: &mut Models) -> Kind {
    match &tensor.elements {
        Elements::Fixed { value_type, .. } => Kind::Fixed(*value_type),
        Elements::Text(_) => Kind::Text,
        Elements::Mixed(values) => Kind::Mixed {
            are_classes: is_output
                && row != Row::Nothing
                && match look::evidence(values) {
                    look::Evidence::Words => true,
                    look::Evidence::Fractions => {
                        models.note_fractions(model, &tensor.name);
                        false
                    }
                    look::Evidence::Whole => {
                        row == Row::One && !models.has_fractions(model, &tensor.name)
                    }
                },
        },
        Elements::Unusable(_) => Kind::Text,
    }
}

/// What a field is when this is said of its tensor; outputs are never labels.
fn output_role(said: Option<Role>) -> Option<Role> {
    said.filter(|role| *role != Role::Label)
}
