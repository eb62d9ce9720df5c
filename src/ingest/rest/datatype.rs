//! JSON values of the datatypes of the Open Inference Protocol.
//!
//! The datatype says what the model was given, whatever the digits look like: 7 of an FP32 tensor is
//! a float, and 5.1 is the float that is nearest to it in 32 bits.

use half::{bf16, f16};

use super::Stop;
use super::json::{Number, Reader, Value};
use super::leaves::Leaves;
use super::values::{self, scalar};
use crate::batch::{Scalar, ValueType};
use crate::ingest::inference::{Elements, Unusable};
use crate::ingest::room::Room;

/// Reads values of a type, nested or not; with the shape that the arrays have if that must be known.
///
/// Nulls, and values that the type cannot have, make a mixture of them all; numbers among those that
/// the type cannot have are invalid.
pub(super) fn read(
    data: Reader<'_>,
    value_type: ValueType,
    expected: Option<usize>,
    room: &mut Room,
) -> Result<Shaped<Elements>, Stop> {
    let mut reading = Reading {
        data,
        expected,
        room,
    };
    let packed = match value_type {
        ValueType::Bool => reading.packed(|value| truth(value).map(|bool| [u8::from(bool)])),
        ValueType::Int8 => reading.packed(|value| integer(value).map(i8::to_le_bytes)),
        ValueType::Int16 => reading.packed(|value| integer(value).map(i16::to_le_bytes)),
        ValueType::Int32 => reading.packed(|value| integer(value).map(i32::to_le_bytes)),
        ValueType::Int64 => reading.packed(|value| integer(value).map(i64::to_le_bytes)),
        ValueType::UInt8 => reading.packed(|value| integer(value).map(u8::to_le_bytes)),
        ValueType::UInt16 => reading.packed(|value| integer(value).map(u16::to_le_bytes)),
        ValueType::UInt32 => reading.packed(|value| integer(value).map(u32::to_le_bytes)),
        ValueType::UInt64 => reading.packed(|value| integer(value).map(u64::to_le_bytes)),
        ValueType::Float16 => {
            reading.packed(|value| float(value).map(|float| f16::from_f64(float).to_le_bytes()))
        }
        ValueType::BFloat16 => {
            reading.packed(|value| float(value).map(|float| bf16::from_f64(float).to_le_bytes()))
        }
        ValueType::Float32 => {
            reading.packed(|value| float(value).map(|float| (float as f32).to_le_bytes()))
        }
        ValueType::Float64 => reading.packed(|value| float(value).map(f64::to_le_bytes)),
        ValueType::Text => return reading.texts(),
    }?;
    match packed {
        Some((data, shape)) => {
            let data = data.into();
            Ok((Elements::Fixed { value_type, data }, shape))
        }
        None => reading.mixed(value_type),
    }
}

/// Something with the shape that its arrays have; the shape is empty where it need not be known.
type Shaped<T> = (T, Vec<usize>);

struct Reading<'a, 'r> {
    data: Reader<'a>,
    /// How many values there should be, if that is known.
    expected: Option<usize>,
    room: &'r mut Room,
}

impl<'a> Reading<'a, '_> {
    /// The values side by side, and their shape; `None` if `pack` cannot take one of them.
    fn packed<const SIZE: usize>(
        &mut self,
        pack: impl Fn(Value<'_>) -> Option<[u8; SIZE]>,
    ) -> Result<Option<Shaped<Vec<u8>>>, Stop> {
        let mut values: Vec<[u8; SIZE]> = Vec::new();
        let mut leaves = self.begin(&mut values)?;
        while let Some(leaf) = leaves.next()? {
            let Some(value) = pack(leaf) else {
                self.room.give(values.capacity() * SIZE);
                return Ok(None);
            };
            self.push(&mut values, value)?;
        }
        let shape = self.end(&leaves, values.len())?;
        Ok(Some((values.into_flattened(), shape)))
    }

    fn texts(&mut self) -> Result<Shaped<Elements>, Stop> {
        let mut texts: Vec<String> = Vec::new();
        let mut leaves = self.begin(&mut texts)?;
        let mut bytes = 0;
        while let Some(leaf) = leaves.next()? {
            let text = match leaf {
                Value::Text(text) => values::text(text, self.room)?,
                _ => None,
            };
            let Some(text) = text else {
                self.room
                    .give(bytes + texts.capacity() * size_of::<String>());
                drop(texts);
                return self.mixed(ValueType::Text);
            };
            bytes += text.capacity();
            self.push(&mut texts, text)?;
        }
        let shape = self.end(&leaves, texts.len())?;
        Ok((Elements::Text(texts), shape))
    }

    fn mixed(&mut self, value_type: ValueType) -> Result<Shaped<Elements>, Stop> {
        let mut scalars = Vec::new();
        let mut leaves = self.begin(&mut scalars)?;
        while let Some(leaf) = leaves.next()? {
            let scalar = match leaf {
                Value::Number(number) if !has_number(value_type, number) => Scalar::Invalid,
                leaf => scalar(leaf, self.room)?,
            };
            self.push(&mut scalars, scalar)?;
        }
        let shape = self.end(&leaves, scalars.len())?;
        Ok((Elements::Mixed(scalars), shape))
    }

    fn begin<T>(&mut self, values: &mut Vec<T>) -> Result<Leaves<'a>, Stop> {
        let at_most = self.data.values_at_most();
        let count = self.expected.unwrap_or(at_most).min(at_most);
        self.room.reserve(values, count)?;
        Ok(Leaves::of(self.data))
    }

    fn push<T>(&mut self, values: &mut Vec<T>, value: T) -> Result<(), Stop> {
        if self.expected == Some(values.len()) {
            return Err(Unusable::Length.into());
        }
        self.room.reserve(values, 1)?;
        values.push(value);
        Ok(())
    }

    fn end(&self, leaves: &Leaves<'_>, count: usize) -> Result<Vec<usize>, Stop> {
        match self.expected {
            None => Ok(leaves.shape()?),
            Some(expected) if expected == count => Ok(Vec::new()),
            Some(_) => Err(Unusable::Length.into()),
        }
    }
}

fn truth(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(bool),
        Value::Number(number) => match number.integer::<u8>()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        _ => None,
    }
}

fn float(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => Some(number.float()),
        _ => None,
    }
}

/// An integer that may be written as a float, as long as it is one.
fn integer<T: std::str::FromStr + TryFrom<i64>>(value: Value<'_>) -> Option<T> {
    let Value::Number(number) = value else {
        return None;
    };
    number.integer().or_else(|| {
        let float = number.float();
        // Up to here every integer is a float.
        let is_exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
        is_exact.then_some(float as i64)?.try_into().ok()
    })
}

fn has_number(value_type: ValueType, number: Number<'_>) -> bool {
    let value = Value::Number(number);
    match value_type {
        ValueType::Bool => truth(value).is_some(),
        ValueType::Int8 => integer::<i8>(value).is_some(),
        ValueType::Int16 => integer::<i16>(value).is_some(),
        ValueType::Int32 => integer::<i32>(value).is_some(),
        ValueType::Int64 => integer::<i64>(value).is_some(),
        ValueType::UInt8 => integer::<u8>(value).is_some(),
        ValueType::UInt16 => integer::<u16>(value).is_some(),
        ValueType::UInt32 => integer::<u32>(value).is_some(),
        ValueType::UInt64 => integer::<u64>(value).is_some(),
        ValueType::Float16 | ValueType::BFloat16 | ValueType::Float32 | ValueType::Float64 => true,
        ValueType::Text => false,
    }
}
