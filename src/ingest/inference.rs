//! What a call to a model said, whatever its protocol: tensors with names, not yet columns.

use bytes::Bytes;

use super::Undecodable;
use super::seen::Headers;
use crate::batch::{Outcome, Scalar, ValueType};

/// A decoded call.
#[derive(Clone, Debug)]
pub struct Inference {
    /// Name of the model; never empty.
    pub model: String,
    /// Version: what the response says, else the request; empty when neither does.
    pub version: String,
    /// What the client calls this call; empty: nothing.
    pub id: String,
    /// What the model was given.
    pub inputs: Vec<Tensor>,
    /// What it answered; empty when it failed.
    pub outputs: Vec<Tensor>,
    /// How the call ended.
    pub outcome: Outcome,
    /// The client says that each input is a column (MLServer's `pd` codec, data frames).
    pub inputs_are_columns: bool,
}

/// A decoded call with what is known beside its bodies.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it said.
    pub inference: Inference,
    /// Headers of its request.
    pub headers: Headers,
    /// When it began, in microseconds since the Unix epoch.
    pub started_micros: i64,
    /// How long it took, in microseconds; `None` when not known.
    pub latency_micros: Option<u32>,
    /// See [`Exchange::draw`](super::seen::Exchange::draw).
    pub draw: f64,
}

/// Why a call cannot be decoded at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The reason that is counted.
    pub reason: Undecodable,
    /// A sentence for people; never a value of a row.
    pub detail: String,
}

impl Fault {
    /// A reason and what there is to say about it.
    pub fn new(reason: Undecodable, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

/// Values under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name; empty where the protocol has none (`instances`).
    pub name: String,
    /// Elements along each dimension. Their product is the number of `elements`, which has been
    /// checked.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub elements: Elements,
}

/// The values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Fixed-width little-endian values, exactly as many as the shape says.
    Fixed {
        /// Type of each; not text.
        value_type: ValueType,
        /// The bytes.
        data: Bytes,
    },
    /// Strings.
    Text(Vec<String>),
    /// Values of changing type, with nulls (JSON).
    Mixed(Vec<Scalar>),
    /// They cannot be seen, for a reason that is counted; the shape is what the message said.
    Unusable(Unusable),
}

/// Why the values of a tensor cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// They lie in memory that client and server share.
    SharedMemory,
    /// A dimension is negative, there are more elements than can be, or more a row than a field can
    /// have.
    Shape,
    /// There are more or fewer values, or bytes, than the shape says.
    Length,
    /// The datatype is not known, or cannot have such values.
    Datatype,
    /// A string is cut off, or is no UTF-8.
    Text,
    /// There are neither contents nor raw contents for it.
    NoContents,
    /// Decoded, it would take more memory than the limit.
    TooLarge,
    /// A further reply to a request of a stream: only the first with values is looked at.
    FurtherReply,
}

impl Unusable {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 8] = [
        Self::SharedMemory,
        Self::Shape,
        Self::Length,
        Self::Datatype,
        Self::Text,
        Self::NoContents,
        Self::TooLarge,
        Self::FurtherReply,
    ];

    /// The label value `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SharedMemory => "shared_memory",
            Self::Shape => "shape",
            Self::Length => "length",
            Self::Datatype => "datatype",
            Self::Text => "text",
            Self::NoContents => "no_contents",
            Self::TooLarge => "too_large",
            Self::FurtherReply => "further_reply",
        }
    }
}

/// Elements of a tensor of this shape; `None` when there cannot be so many.
pub(super) fn elements<D: Copy>(shape: &[D]) -> Option<usize>
where
    usize: TryFrom<D>,
{
    shape.iter().try_fold(1_usize, |product, &dimension| {
        product.checked_mul(usize::try_from(dimension).ok()?)
    })
}

impl Tensor {
    /// Number of elements that the shape says; `None` when that overflows.
    pub fn len(&self) -> Option<usize> {
        elements(&self.shape)
    }

    /// Whether the shape says that there are none.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }
}
