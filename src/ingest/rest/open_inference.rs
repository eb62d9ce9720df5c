//! Tensors of the Open Inference Protocol (KServe v2), as JSON or as bytes behind it.
//!
//! [Specification](https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md),
//! [binary tensor data extension](https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md).

use bytes::Bytes;

use super::json::{Reader, Text, Value};
use super::plain::each;
use super::seldon::each_key;
use super::{Stop, datatype};
use crate::batch::ValueType;
use crate::ingest::extensions::{
    CLASSIFICATION, CONTENT_TYPE, DATA_FRAME, Requested, SHARED_MEMORY, Wanted,
};
use crate::ingest::inference::{Elements, Tensor, Unusable, elements};
use crate::ingest::room::Room;
use crate::ingest::tensor_bytes;

/// Dimensions at most, as many as NumPy has.
const MAX_DIMENSIONS: usize = 64;

/// What a body says of one tensor.
#[derive(Debug)]
struct Described<'a> {
    name: String,
    value_type: Option<ValueType>,
    /// `None`: nothing is said.
    shape: Option<Result<Vec<usize>, Unusable>>,
    data: Option<Reader<'a>>,
    parameters: Parameters<'a>,
}

/// The parameters that say where values are, or how they are meant; of a tensor or of a request.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a> {
    binary_bytes: Option<Result<usize, Unusable>>,
    is_shared: bool,
    classifies: bool,
    content_type: Option<Text<'a>>,
}

/// Whether this is a list of tensors; else it is that of another protocol.
pub(super) fn is_tensors(value: Reader<'_>) -> Result<bool, Stop> {
    let mut inside = value;
    if inside.value()? != Value::Array {
        return Ok(false);
    }
    if inside.peek() == Some(b']') {
        return Ok(true);
    }
    if inside.value()? != Value::Object {
        return Ok(false);
    }
    let mut is_first = true;
    while let Some(key) = inside.next_key(is_first)? {
        is_first = false;
        if key.is("datatype") {
            return Ok(true);
        }
        inside.skip()?;
    }
    Ok(false)
}

/// Reads a list of tensors; `binary` is what follows the JSON.
///
/// # Errors
/// There are more tensors than there is room for, or it is no JSON. What is wrong with one tensor is
/// said in its place.
pub(super) fn read(
    tensors: Reader<'_>,
    mut binary: Bytes,
    room: &mut Room,
) -> Result<Vec<Tensor>, Stop> {
    let mut read = Vec::new();
    // As soon as the place of one tensor's bytes is not known, that of all further ones is not either.
    let mut is_lost = false;
    each(tensors, |at| {
        let described = Described::read(at)?;
        room.reserve(&mut read, 1)?;
        room.take(described.bytes())?;
        let bytes = match described.parameters.binary_bytes {
            Some(Ok(length)) if !is_lost && length <= binary.len() => {
                Some(Ok(binary.split_to(length)))
            }
            Some(_) => {
                is_lost = true;
                Some(Err(Unusable::Length))
            }
            None => None,
        };
        read.push(described.with_values(bytes, room)?);
        Ok(())
    })?;
    Ok(read)
}

/// Reads what a request asks of the outputs; what is no list asks nothing.
///
/// # Errors
/// There is more than there is room for, or it is no JSON.
pub(super) fn requested(outputs: Reader<'_>, room: &mut Room) -> Result<Requested, Stop> {
    let mut read = Requested::default();
    if { outputs }.peek() != Some(b'[') {
        return Ok(read);
    }
    each(outputs, |at| {
        let output = at.skip()?;
        let (mut name, mut wanted) = (String::new(), Wanted::default());
        each_key(output, |key, mut value| {
            if key.is("name") {
                name = text(&mut value)?.map(Text::to_name).unwrap_or_default();
            } else if key.is("parameters") {
                let parameters = Parameters::read(value)?;
                wanted.is_shared = parameters.is_shared;
                wanted.classifies = parameters.classifies;
            }
            Ok(())
        })?;
        // A table that grows by doubling may have twice the room that it needs.
        room.take(2 * size_of::<(String, Wanted)>())?;
        room.take_text(name.capacity())?;
        read.note(name, wanted);
        Ok(())
    })?;
    Ok(read)
}

impl<'a> Described<'a> {
    fn read(at: &mut Reader<'a>) -> Result<Self, Stop> {
        let mut described = Self {
            name: String::new(),
            value_type: None,
            shape: None,
            data: None,
            parameters: Parameters::default(),
        };
        if at.value()? != Value::Object {
            return Err(Stop::Unknown("a tensor that is no object"));
        }
        let mut is_first = true;
        while let Some(key) = at.next_key(is_first)? {
            is_first = false;
            let mut value = at.skip()?;
            if key.is("name") {
                described.name = text(&mut value)?.map(Text::to_name).unwrap_or_default();
            } else if key.is("datatype") {
                let name = text(&mut value)?.map(Text::to_name);
                described.value_type = name.and_then(|name| tensor_bytes::value_type(&name));
            } else if key.is("shape") {
                described.shape = shape(value)?;
            } else if key.is("data") {
                described.data = (value.peek() != Some(b'n')).then_some(value);
            } else if key.is("parameters") {
                described.parameters = Parameters::read(value)?;
            }
        }
        Ok(described)
    }

    /// Memory that this takes beside its values.
    fn bytes(&self) -> usize {
        let shape = self.shape.as_ref().and_then(|shape| shape.as_ref().ok());
        self.name.capacity() + shape.map_or(0, |shape| shape.capacity() * size_of::<usize>())
    }

    fn with_values(
        self,
        binary: Option<Result<Bytes, Unusable>>,
        room: &mut Room,
    ) -> Result<Tensor, Stop> {
        let Self {
            name,
            value_type,
            shape,
            data,
            parameters,
        } = self;
        let said = shape.clone().and_then(Result::ok).unwrap_or_default();
        let read = || {
            if parameters.is_shared {
                return Err(Unusable::SharedMemory.into());
            }
            let value_type = value_type.ok_or(Unusable::Datatype)?;
            let shape = shape.transpose()?;
            let count = |shape| elements(shape).ok_or(Unusable::Shape);
            let expected = shape.as_deref().map(count).transpose()?;
            if let Some(bytes) = binary {
                let expected = expected.ok_or(Unusable::Shape)?;
                let elements = tensor_bytes::read(bytes?, value_type, expected, room)?;
                return Ok((elements, shape.unwrap_or_default()));
            }
            let Some(data) = data else {
                return match expected {
                    Some(0) => Ok((empty(value_type), shape.unwrap_or_default())),
                    _ => Err(Unusable::NoContents.into()),
                };
            };
            let (elements, found) = datatype::read(data, value_type, expected, room)?;
            Ok((elements, shape.unwrap_or(found)))
        };
        let (elements, shape) = match read() {
            Ok(read) => read,
            Err(Stop::Unusable(why)) => (Elements::Unusable(why), said),
            Err(stop) => return Err(stop),
        };
        Ok(Tensor {
            name,
            shape,
            elements,
        })
    }
}

impl<'a> Parameters<'a> {
    /// Reads an object of parameters; KServe writes `null` where there are none.
    pub(super) fn read(value: Reader<'a>) -> Result<Self, Stop> {
        let mut parameters = Self::default();
        let mut inside = value;
        if inside.value()? != Value::Object {
            return Ok(parameters);
        }
        let mut is_first = true;
        while let Some(key) = inside.next_key(is_first)? {
            is_first = false;
            let mut value = inside.skip()?;
            if key.is("binary_data_size") {
                let bytes = match value.value()? {
                    Value::Number(number) => number.integer(),
                    _ => None,
                };
                parameters.binary_bytes = Some(bytes.ok_or(Unusable::Length));
            } else if key.is(SHARED_MEMORY) {
                parameters.is_shared = true;
            } else if key.is(CLASSIFICATION) {
                parameters.classifies = match value.value()? {
                    Value::Number(classes) => classes.integer::<u64>().is_some_and(|n| n > 0),
                    _ => false,
                };
            } else if key.is(CONTENT_TYPE) {
                parameters.content_type = text(&mut value)?;
            }
        }
        Ok(parameters)
    }

    /// Whether each input is a column (MLServer's codec for pandas).
    pub(super) fn says_columns(&self) -> bool {
        self.content_type.is_some_and(|kind| kind.is(DATA_FRAME))
    }
}

/// A string; `None` when it is something else.
fn text<'a>(value: &mut Reader<'a>) -> Result<Option<Text<'a>>, Stop> {
    match value.value()? {
        Value::Text(text) => Ok(Some(text)),
        _ => Ok(None),
    }
}

/// A list of lengths; `None` when it is `null`.
fn shape(mut value: Reader<'_>) -> Result<Option<Result<Vec<usize>, Unusable>>, Stop> {
    if value.peek() == Some(b'n') {
        return Ok(None);
    }
    let mut shape = Vec::new();
    let read = each(value, |at| {
        let dimension = match at.value()? {
            Value::Number(number) => number.integer(),
            _ => None,
        };
        let is_bounded = shape.len() < MAX_DIMENSIONS;
        let dimension = dimension.filter(|_| is_bounded);
        shape.push(dimension.ok_or(Unusable::Shape)?);
        Ok(())
    });
    match read {
        Ok(()) => Ok(Some(Ok(shape))),
        Err(Stop::Unusable(why)) => Ok(Some(Err(why))),
        Err(stop) => Err(stop),
    }
}

fn empty(value_type: ValueType) -> Elements {
    match value_type {
        ValueType::Text => Elements::Text(Vec::new()),
        value_type => Elements::Fixed {
            value_type,
            data: Bytes::new(),
        },
    }
}
