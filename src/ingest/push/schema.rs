//! Schemas on the wire → [`KnownSchema`]. A field that makes no sense costs only itself.

use std::collections::HashSet;
use std::sync::Arc;

use super::rejections::Rejections;
use crate::batch::{Field, Role, Schema, ValueType, name_within};
use crate::ingest::{KnownSchema, Limits};
use crate::proto::ingest as wire;
use crate::proto::ingest::RejectionCode;

/// The type that a number on the wire stands for; `None` for unspecified and unheard of.
pub(super) fn value_type(wire: i32) -> Option<ValueType> {
    match wire::ValueType::try_from(wire).ok()? {
        wire::ValueType::Unspecified => None,
        wire::ValueType::Bool => Some(ValueType::Bool),
        wire::ValueType::Uint8 => Some(ValueType::UInt8),
        wire::ValueType::Int8 => Some(ValueType::Int8),
        wire::ValueType::Int16 => Some(ValueType::Int16),
        wire::ValueType::Uint16 => Some(ValueType::UInt16),
        wire::ValueType::Uint32 => Some(ValueType::UInt32),
        wire::ValueType::Int32 => Some(ValueType::Int32),
        wire::ValueType::Int64 => Some(ValueType::Int64),
        wire::ValueType::Uint64 => Some(ValueType::UInt64),
        wire::ValueType::Float16 => Some(ValueType::Float16),
        wire::ValueType::Bfloat16 => Some(ValueType::BFloat16),
        wire::ValueType::Float32 => Some(ValueType::Float32),
        wire::ValueType::Float64 => Some(ValueType::Float64),
        wire::ValueType::String => Some(ValueType::Text),
    }
}

fn role(wire: i32) -> Option<Role> {
    Some(match wire::Role::try_from(wire).ok()? {
        wire::Role::Unspecified | wire::Role::Feature => Role::Feature,
        wire::Role::Prediction => Role::Prediction,
        wire::Role::Score => Role::Score,
        wire::Role::Label => Role::Label,
        wire::Role::Segment => Role::Segment,
    })
}

/// Reads a schema that has no more fields than the limit. A field without a name, with the name of
/// another, or of a role or type that does not exist, is rejected; it keeps its place, and its values
/// are invalid (or, of a role or name that cannot be, ignored).
pub(super) fn decode(
    schema: wire::Schema,
    limits: &Limits,
    rejections: &mut Rejections,
) -> KnownSchema {
    let mut fields = Vec::with_capacity(schema.fields.len());
    let mut usable = Vec::with_capacity(schema.fields.len());
    let mut names = HashSet::new();
    for (index, field) in schema.fields.into_iter().enumerate() {
        let mut name = name_within(&field.name, limits.name_bytes);
        let mut fault = None;
        let mut role = role(field.role);
        if role.is_none() {
            fault = Some(format!(
                "field {name:?} has the unknown role {}",
                field.role
            ));
        }
        let value_type = value_type(field.r#type);
        if value_type.is_none() {
            fault = Some(format!("field {name:?} has no type that is known"));
        }
        let width = field.width.max(1);
        if width as usize > limits.width {
            fault = Some(format!(
                "field {name:?} has width {width}; the limit is {}",
                limits.width
            ));
        }
        if width > 1 && value_type == Some(ValueType::Text) {
            fault = Some(format!("field {name:?} is a vector of strings"));
        }
        if name.is_empty() || names.contains(&name) {
            fault = Some(if name.is_empty() {
                format!("field {index} has no name")
            } else {
                format!("the name {name:?} is given twice")
            });
            role = None;
            name = (0..)
                .map(|attempt| Arc::from(format!("field[{index}]{}", "'".repeat(attempt))))
                .find(|name| !names.contains(name))
                .unwrap_or(name);
        }
        usable.push(fault.is_none());
        if let Some(fault) = fault {
            // Its rows are counted where its values are refused.
            rejections.add(RejectionCode::BadSchema, &name, 0, || fault);
        }
        names.insert(name.clone());
        fields.push(Field {
            name,
            role: role.unwrap_or(Role::Ignore),
            value_type: value_type.unwrap_or(ValueType::Text),
            width,
        });
    }
    KnownSchema {
        schema: Arc::new(Schema::new(fields)),
        usable,
    }
}
