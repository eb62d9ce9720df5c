//! A tensor of a message → a [`Tensor`], with everything that it claims checked.
//!
//! Nothing is allocated for what a shape says, only for what is there; raw values of fixed width stay
//! where they are in the message.

use bytes::Bytes;

use crate::batch::ValueType;
use crate::ingest::inference::{Elements, Tensor, Unusable, elements};
use crate::ingest::room::Room;
use crate::ingest::tensor_bytes::{self, value_type};
use crate::proto::inference::InferTensorContents;

/// What a message says of one tensor, of a request or a response.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) datatype: String,
    pub(super) shape: Vec<i64>,
    /// Its values lie in memory that client and server share.
    pub(super) is_shared: bool,
    pub(super) contents: Option<InferTensorContents>,
}

/// The tensors of a message with their values.
///
/// Servers do not agree on what belongs to what: MLServer sets empty `contents` beside raw ones,
/// KServe sends one tensor typed and the next raw, with one raw entry for the two, and Triton sends
/// an empty raw entry for an output in shared memory. So raw entries go to the tensors without typed
/// values: those that are not shared, if there are just as many, else all of them, if there are just
/// as many, else by position. Where none of that fits, it is unknown which values are whose.
pub(super) fn tensors(described: Vec<Described>, raw: Vec<Bytes>, room: &mut Room) -> Vec<Tensor> {
    let unseen = described.iter().filter(|tensor| tensor.is_unseen());
    let (visible, unseen) = (
        unseen.clone().filter(|tensor| !tensor.is_shared).count(),
        unseen.count(),
    );
    let tensors = described.len();
    let takes = |tensor: &Described, entries: usize| {
        if entries == visible {
            tensor.is_unseen() && !tensor.is_shared
        } else if entries == unseen {
            tensor.is_unseen()
        } else {
            entries == tensors
        }
    };
    let entries = raw.len();
    let mut raw = raw.into_iter();
    let each = described.into_iter().map(|tensor| {
        let own = takes(&tensor, entries).then(|| raw.next()).flatten();
        let source = if !tensor.is_unseen() {
            Source::Typed
        } else if tensor.is_shared {
            Source::Nowhere(Unusable::SharedMemory)
        } else if let Some(own) = own {
            Source::Raw(own)
        } else if entries > 0 {
            Source::Nowhere(Unusable::Length)
        } else {
            Source::Nowhere(Unusable::NoContents)
        };
        tensor.with_values(source, room)
    });
    each.collect()
}

/// Where the values of a tensor are.
enum Source {
    Typed,
    Raw(Bytes),
    Nowhere(Unusable),
}

impl Described {
    /// Whether there are no typed values; contents may be there all the same, and empty.
    fn is_unseen(&self) -> bool {
        let contents = self.contents.as_ref();
        contents.is_none_or(|contents| lengths(contents) == [0; LISTS])
    }

    fn with_values(self, source: Source, room: &mut Room) -> Tensor {
        let count = elements(&self.shape);
        let elements = match (count, source) {
            (None, _) => Err(Unusable::Shape),
            (Some(_), Source::Nowhere(Unusable::SharedMemory)) => Err(Unusable::SharedMemory),
            (Some(count), source) => match value_type(&self.datatype) {
                None => Err(Unusable::Datatype),
                Some(value_type) => match source {
                    Source::Raw(data) => tensor_bytes::read(data, value_type, count, room),
                    Source::Typed => {
                        typed(self.contents.unwrap_or_default(), value_type, count, room)
                    }
                    // Typed values of no element are no values.
                    Source::Nowhere(_) if count == 0 => {
                        tensor_bytes::read(Bytes::new(), value_type, 0, room)
                    }
                    Source::Nowhere(reason) => Err(reason),
                },
            },
        };
        // A negative dimension is that of an unusable tensor.
        let shape = self
            .shape
            .iter()
            .map(|&dimension| usize::try_from(dimension).unwrap_or(0));
        Tensor {
            name: self.name,
            shape: shape.collect(),
            elements: elements.unwrap_or_else(Elements::Unusable),
        }
    }
}

const LISTS: usize = 8;

/// How many values each list has, in the order of their field numbers.
fn lengths(contents: &InferTensorContents) -> [usize; LISTS] {
    [
        contents.bool_contents.len(),
        contents.int_contents.len(),
        contents.int64_contents.len(),
        contents.uint_contents.len(),
        contents.uint64_contents.len(),
        contents.fp32_contents.len(),
        contents.fp64_contents.len(),
        contents.bytes_contents.len(),
    ]
}

fn typed(
    contents: InferTensorContents,
    value_type: ValueType,
    count: usize,
    room: &mut Room,
) -> Result<Elements, Unusable> {
    let own = match value_type {
        ValueType::Bool => 0,
        ValueType::Int8 | ValueType::Int16 | ValueType::Int32 => 1,
        ValueType::Int64 => 2,
        ValueType::UInt8 | ValueType::UInt16 | ValueType::UInt32 => 3,
        ValueType::UInt64 => 4,
        ValueType::Float32 => 5,
        ValueType::Float64 => 6,
        ValueType::Text => 7,
        // They have no list: raw only.
        ValueType::Float16 | ValueType::BFloat16 => return Err(Unusable::Datatype),
    };
    let lengths = lengths(&contents);
    if (0..LISTS).any(|list| list != own && lengths[list] > 0) {
        return Err(Unusable::Datatype);
    }
    if lengths[own] != count {
        return Err(Unusable::Length);
    }
    let data = match value_type {
        ValueType::Bool => plain(&contents.bool_contents, |value| Some([u8::from(value)])),
        ValueType::Int8 => plain(&contents.int_contents, |value| {
            Some(i8::try_from(value).ok()?.to_le_bytes())
        }),
        ValueType::Int16 => plain(&contents.int_contents, |value| {
            Some(i16::try_from(value).ok()?.to_le_bytes())
        }),
        ValueType::Int32 => plain(&contents.int_contents, |value| Some(value.to_le_bytes())),
        ValueType::Int64 => plain(&contents.int64_contents, |value| Some(value.to_le_bytes())),
        ValueType::UInt8 => plain(&contents.uint_contents, |value| {
            Some(u8::try_from(value).ok()?.to_le_bytes())
        }),
        ValueType::UInt16 => plain(&contents.uint_contents, |value| {
            Some(u16::try_from(value).ok()?.to_le_bytes())
        }),
        ValueType::UInt32 => plain(&contents.uint_contents, |value| Some(value.to_le_bytes())),
        ValueType::UInt64 => plain(&contents.uint64_contents, |value| Some(value.to_le_bytes())),
        ValueType::Float32 => plain(&contents.fp32_contents, |value| Some(value.to_le_bytes())),
        ValueType::Float64 => plain(&contents.fp64_contents, |value| Some(value.to_le_bytes())),
        ValueType::Text | ValueType::Float16 | ValueType::BFloat16 => {
            let strings = contents.bytes_contents.iter().map(|string| &string[..]);
            return tensor_bytes::texts(strings, count, room);
        }
    };
    let data = data.ok_or(Unusable::Datatype)?;
    Ok(Elements::Fixed { value_type, data })
}

/// Values as the bytes that they would be raw; `None` when one is no value of the type.
fn plain<T: Copy, const SIZE: usize>(
    values: &[T],
    bytes_of: impl Fn(T) -> Option<[u8; SIZE]>,
) -> Option<Bytes> {
    let mut data = Vec::with_capacity(values.len() * SIZE);
    for &value in values {
        data.extend_from_slice(&bytes_of(value)?);
    }
    Some(data.into())
}
