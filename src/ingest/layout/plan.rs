//! Which columns the tensors of a call become: found out once for all calls that look alike.

use std::sync::Arc;

use super::look::{Kind, Look, Row};
use super::names::Names;
use super::{inputs, outputs};
use crate::batch::{Field, Role, Schema, ValueType};
use crate::ingest::Limits;
use crate::ingest::inference::{Tensor, Unusable};
use crate::ingest::mapping::Mapping;

/// A call whose columns are asked for.
pub(super) struct Asked<'a> {
    pub(super) model: &'a Arc<str>,
    pub(super) inputs: &'a [Tensor],
    pub(super) outputs: &'a [Tensor],
    /// One entry a tensor, inputs first.
    pub(super) looks: &'a [Look],
    pub(super) inputs_are_columns: bool,
    pub(super) mapping: Option<&'a Arc<Mapping>>,
    pub(super) tensor_columns: usize,
    pub(super) limits: &'a Limits,
}

/// The columns of all calls that look alike.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) schema: Arc<Schema>,
    /// Where the values of each field are.
    pub(super) pieces: Vec<Piece>,
    /// One entry a tensor: whether fields keep its bytes.
    pub(super) is_kept: Vec<bool>,
    /// Fields that there would be; above the limit there are none.
    pub(super) wanted: usize,
    /// Why tensors, usable in themselves, become no field.
    pub(super) unusable: Vec<Unusable>,
}

/// The values of one field.
#[derive(Debug)]
pub(super) struct Piece {
    /// Place of its tensor, inputs first.
    pub(super) tensor: usize,
    /// Which of its values.
    pub(super) take: Take,
}

/// Which values of each row of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// One element.
    Element(usize),
    /// All of them, as one vector.
    All,
    /// The largest.
    Largest,
    /// The place of the largest: the name there, or its number when there are no names.
    Likeliest(Vec<Arc<str>>),
}

/// A tensor whose columns are to be found.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Its place, inputs first.
    pub(super) at: usize,
    pub(super) name: &'a str,
    pub(super) look: Look,
}

/// A schema in the making.
pub(super) struct Plan<'a> {
    pub(super) model: &'a str,
    pub(super) tensor_columns: usize,
    limits: &'a Limits,
    names: Names,
    fields: Vec<Field>,
    pieces: Vec<Piece>,
    wanted: usize,
    unusable: Vec<Unusable>,
    /// Whether features have the profile's names by position.
    pub(super) by_position: bool,
}

impl Layout {
    /// Finds out which columns the tensors of a call become.
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        let mut plan = Plan {
            model: asked.model,
            tensor_columns: asked.tensor_columns,
            limits: asked.limits,
            names: Names::default(),
            fields: Vec::new(),
            pieces: Vec::new(),
            wanted: 0,
            unusable: Vec::new(),
            by_position: false,
        };
        let nothing = Mapping::default();
        let mapping = asked.mapping.map_or(&nothing, |mapping| mapping);
        let tensors = asked.inputs.iter().chain(asked.outputs).zip(asked.looks);
        let seen: Vec<Seen<'_>> = tensors
            .enumerate()
            .map(|(at, (tensor, look))| Seen {
                at,
                name: &tensor.name,
                look: *look,
            })
            .collect();
        let (given, answered) = seen.split_at(asked.inputs.len());
        inputs::plan(&mut plan, given, asked.inputs_are_columns, mapping);
        outputs::plan(&mut plan, answered, mapping);
        if plan.wanted > asked.limits.fields {
            plan.fields.clear();
            plan.pieces.clear();
        }
        let mut is_kept = vec![false; seen.len()];
        for piece in &plan.pieces {
            is_kept[piece.tensor] |= matches!(piece.take, Take::Element(_) | Take::All);
        }
        Self {
            schema: Arc::new(if plan.by_position {
                Schema::named_by_position(plan.fields)
            } else {
                Schema::new(plan.fields)
            }),
            pieces: plan.pieces,
            is_kept,
            wanted: plan.wanted,
            unusable: plan.unusable,
        }
    }
}

impl Plan<'_> {
    /// Adds a field. Beyond the limit they are only counted.
    pub(super) fn add(&mut self, name: &str, role: Role, seen: Seen<'_>, take: Take) {
        self.wanted += 1;
        if self.wanted > self.limits.fields {
            return;
        }
        let (value_type, width) = match &take {
            Take::Element(_) => (seen.look.value_type(), 1),
            Take::All => match (seen.look.kind, seen.look.row) {
                // Values of changing type are made numbers where vectors are wanted.
                (Kind::Mixed { .. }, row) => (ValueType::Float32, row.width()),
                (_, row) => (seen.look.value_type(), row.width()),
            },
            Take::Largest => (ValueType::Float64, 1),
            Take::Likeliest(classes) if classes.is_empty() => (ValueType::Int64, 1),
            Take::Likeliest(_) => (ValueType::Text, 1),
        };
        self.fields.push(Field {
            name: self.names.distinct(name, self.limits.name_bytes),
            role,
            value_type,
            width: width as u32,
        });
        self.pieces.push(Piece {
            tensor: seen.at,
            take,
        });
    }

    /// Adds a tensor of several values a row as columns `base[0]`, `base[1]`, …, or, if they are too
    /// many or have several dimensions, as one vector `base`.
    pub(super) fn add_several(&mut self, base: &str, role: Role, seen: Seen<'_>, most: usize) {
        match seen.look.row {
            Row::Nothing => {}
            Row::One => self.add(base, role, seen, Take::Element(0)),
            Row::Several(width) if width <= most => {
                for element in 0..width {
                    let name = format!("{base}[{element}]");
                    self.add(&name, role, seen, Take::Element(element));
                }
            }
            Row::Several(_) | Row::Block(_) => self.add_vector(base, role, seen),
        }
    }

    /// Adds a tensor as one field. Strings, and more elements than the limit, cannot be one: strings
    /// become columns, if they are not too many, else the tensor is unusable.
    pub(super) fn add_vector(&mut self, name: &str, role: Role, seen: Seen<'_>) {
        let width = seen.look.row.width();
        if seen.look.kind == Kind::Text {
            if width > self.tensor_columns {
                self.unusable.push(Unusable::Shape);
                return;
            }
            for element in 0..width {
                let name = format!("{name}[{element}]");
                self.add(&name, role, seen, Take::Element(element));
            }
        } else if width > self.limits.width {
            self.unusable.push(Unusable::Shape);
        } else {
            self.add(name, role, seen, Take::All);
        }
    }

    /// Adds a tensor with the names that settings give it; `false` if they do not fit.
    pub(super) fn add_named(&mut self, names: &[Arc<str>], role: Role, seen: Seen<'_>) -> bool {
        let width = seen.look.row.width();
        match names {
            [] => return false,
            [name] if width == 1 => self.add(name, role, seen, Take::Element(0)),
            [name] => self.add_vector(name, role, seen),
            names if names.len() == width => {
                for (element, name) in names.iter().enumerate() {
                    self.add(name, role, seen, Take::Element(element));
                }
            }
            names => {
                tracing::warn!(
                    model = self.model,
                    tensor = seen.name,
                    columns = width,
                    names = names.len(),
                    "settings give the columns of a tensor names, but not as many as it has columns: \
                     they are not used"
                );
                return false;
            }
        }
        true
    }
}

impl Row {
    /// Elements of a row.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One => 1,
            Self::Several(count) | Self::Block(count) => count,
        }
    }
}
