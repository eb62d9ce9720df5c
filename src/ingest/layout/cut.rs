//! How many rows a call has, and what of each tensor is one row.

use std::collections::HashMap;
use std::sync::Arc;

use super::look::Row;
use crate::batch::Role;
use crate::ingest::inference::{Elements, Tensor, Unusable};
use crate::ingest::mapping::{BatchDimension, TensorMapping};

/// Whether a tensor is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Settings say that it is not, it has no elements, or it cannot be used.
    Not,
    /// So many elements are.
    Elements(usize),
}

impl Taken {
    /// Whether a tensor is looked at; if it cannot be, the reason goes to `unusable`.
    pub(super) fn of(
        tensor: &Tensor,
        said: Option<&HashMap<Arc<str>, TensorMapping>>,
        unusable: &mut Vec<Unusable>,
    ) -> Self {
        let said = said.and_then(|said| said.get(tensor.name.as_str()));
        if said.is_some_and(|said| said.role == Some(Role::Ignore)) {
            return Self::Not;
        }
        match elements(tensor) {
            Ok(0) => Self::Not,
            Ok(count) => Self::Elements(count),
            Err(reason) => {
                unusable.push(reason);
                Self::Not
            }
        }
    }
}

/// Number of elements of a tensor: as many as its shape says.
fn elements(tensor: &Tensor) -> Result<usize, Unusable> {
    if let Elements::Unusable(reason) = tensor.elements {
        return Err(reason);
    }
    let count = tensor.len().ok_or(Unusable::Shape)?;
    let agrees = match &tensor.elements {
        Elements::Fixed { value_type, data } => {
            value_type.size() > 0 && count.checked_mul(value_type.size()) == Some(data.len())
        }
        Elements::Text(texts) => texts.len() == count,
        Elements::Mixed(values) => values.len() == count,
        Elements::Unusable(_) => false,
    };
    if agrees {
        Ok(count)
    } else {
        Err(Unusable::Length)
    }
}

/// How the tensors of a call are cut into rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Number of rows; 0 when no tensor has any.
    pub(super) rows: usize,
    /// Whether each tensor is one row, whatever its shape.
    pub(super) is_one_row: bool,
    /// Whether the shapes told so: all tensors have one dimension, and there are outputs.
    pub(super) is_told: bool,
}

impl Cut {
    /// Reads it from the shapes. `took_one_row`: the calls of this model that had outputs were one row
    /// each, which a call without outputs cannot show.
    pub(super) fn of(
        inputs: &[Tensor],
        outputs: &[Tensor],
        taken: &[Taken],
        dimension: Option<BatchDimension>,
        inputs_are_columns: bool,
        took_one_row: bool,
    ) -> Self {
        let (of_inputs, of_outputs) = taken.split_at(inputs.len());
        let inputs = || looked_at(inputs, of_inputs);
        let outputs = || looked_at(outputs, of_outputs);
        let mut is_told = false;
        let is_one_row = match dimension.unwrap_or_default() {
            BatchDimension::First => false,
            BatchDimension::None => true,
            BatchDimension::Auto if inputs_are_columns => false,
            BatchDimension::Auto => {
                let is_flat = inputs()
                    .chain(outputs())
                    .all(|tensor| tensor.shape.len() <= 1);
                is_told = is_flat && outputs().next().is_some();
                let mut lengths = inputs()
                    .chain(outputs())
                    .filter_map(|tensor| tensor.shape.first());
                let first = lengths.next();
                let disagree = lengths.any(|length| Some(length) != first);
                is_flat && (disagree || (took_one_row && outputs().next().is_none()))
            }
        };
        let rows = if is_one_row {
            usize::from(inputs().chain(outputs()).next().is_some())
        } else {
            // An input beside the others (a threshold, a switch) may have another length; what
            // inputs and outputs share is the rows.
            let first = |tensor: &Tensor| tensor.shape.first().copied();
            let shared = inputs()
                .filter_map(first)
                .find(|rows| outputs().any(|output| first(output) == Some(*rows)));
            let scalar = || inputs().chain(outputs()).next().map(|_| 1);
            shared
                .or_else(|| inputs().find_map(first))
                .or_else(|| outputs().find_map(first))
                .or_else(scalar)
                .unwrap_or(0)
        };
        Self {
            rows,
            is_one_row,
            is_told,
        }
    }

    /// What one row of a tensor is. One with another number of rows cannot be used.
    pub(super) fn row(self, tensor: &Tensor, taken: Taken, unusable: &mut Vec<Unusable>) -> Row {
        let Taken::Elements(count) = taken else {
            return Row::Nothing;
        };
        let shape = tensor.shape.as_slice();
        let (rows, shape) = if self.is_one_row {
            let ones = shape.iter().take_while(|length| **length == 1).count();
            (1, &shape[ones..])
        } else {
            match shape {
                [] => (1, shape),
                [rows, rest @ ..] => (*rows, rest),
            }
        };
        if rows != self.rows {
            unusable.push(Unusable::Length);
            return Row::Nothing;
        }
        match (count / rows, shape.len()) {
            (1, _) => Row::One,
            (several, 1) => Row::Several(several),
            (several, _) => Row::Block(several),
        }
    }
}

fn looked_at<'a>(tensors: &'a [Tensor], taken: &'a [Taken]) -> impl Iterator<Item = &'a Tensor> {
    let pairs = tensors.iter().zip(taken);
    pairs.filter_map(|(tensor, taken)| (*taken != Taken::Not).then_some(tensor))
}
