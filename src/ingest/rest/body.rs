//! What one body says. Its keys tell the protocol; the path need not be known.

use bytes::Bytes;

use super::json::{Reader, Value};
use super::open_inference::{self, Parameters};
use super::plain::{self, Plain};
use super::values::Wholes;
use super::{Stop, csv, seldon};
use crate::ingest::compression::{Compression, is_gzip};
use crate::ingest::extensions::Requested;
use crate::ingest::inference::{Fault, Tensor, Unusable};
use crate::ingest::room::Room;
use crate::ingest::seen::Message;
use crate::ingest::{Limits, Undecodable};

/// Length of the JSON before binary tensors.
const JSON_LENGTH: &str = "inference-header-content-length";

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The model; empty: nothing.
    pub(super) model: String,
    /// Its version; empty: nothing.
    pub(super) version: String,
    /// What the call is called; empty: nothing.
    pub(super) id: String,
    /// Inputs, or outputs.
    pub(super) tensors: Vec<Tensor>,
    /// Each tensor is a column.
    pub(super) are_columns: bool,
    /// What a request asks of outputs.
    pub(super) requested: Requested,
}

/// The keys that matter, with what stands behind them.
#[derive(Debug, Default)]
struct Keys<'a> {
    inputs: Option<Reader<'a>>,
    outputs: Option<Reader<'a>>,
    instances: Option<Reader<'a>>,
    predictions: Option<Reader<'a>>,
    frame_split: Option<Reader<'a>>,
    frame_records: Option<Reader<'a>>,
    data: Option<Reader<'a>>,
    opaque: Option<&'static str>,
    parameters: Parameters<'a>,
}

/// Reads the body of a message.
///
/// # Errors
/// It is compressed in an unknown way, is no JSON, is of no known protocol, or has more tensors than
/// there is room for.
pub(super) fn read(message: Message, side: Side, limits: &Limits) -> Result<Said, Fault> {
    let headers = message.headers.clone();
    let encoding = headers.get("content-encoding");
    let body = uncompressed(message.into_body(), encoding, limits)?;
    let content_type = headers.get("content-type").unwrap_or_default();
    let mut room = Room::new(limits);
    let said = if side == Side::Request && content_type.starts_with("text/csv") {
        let table = csv::read(&body, &mut room);
        table.map(|table| Said::default().with(table))
    } else {
        of_json(&body, headers.get(JSON_LENGTH), side, &mut room)
    };
    said.map_err(|stop| stop.fault(side))
}

/// The body as it was before it was compressed.
///
/// Whoever repeats a call as an event may leave out what it was compressed with (as the KServe agent
/// does); gzip is known by its first bytes, which no other body here has.
fn uncompressed(body: Bytes, encoding: Option<&str>, limits: &Limits) -> Result<Bytes, Fault> {
    let compression = match encoding.unwrap_or_default().trim() {
        "" if is_gzip(&body) => Compression::Gzip,
        "" => return Ok(body),
        name if name.eq_ignore_ascii_case("identity") => return Ok(body),
        name => Compression::named(name).ok_or_else(|| {
            let detail = "content-encoding is neither gzip nor deflate";
            Fault::new(Undecodable::Compression, detail)
        })?,
    };
    compression.undo(&body, limits.decoded_bytes)
}

fn of_json(
    body: &Bytes,
    json_length: Option<&str>,
    side: Side,
    room: &mut Room,
) -> Result<Said, Stop> {
    let json_bytes = match json_length {
        Some(length) => length.parse().ok().filter(|length| *length <= body.len()),
        None => Some(body.len()),
    };
    let json_bytes = json_bytes.ok_or(Stop::Unknown("a JSON length that it does not have"))?;
    let mut reader = Reader::new(&body[..json_bytes]);
    let whole = reader.skip()?;
    let binary_start = match json_length {
        Some(_) => json_bytes,
        None => reader.position(),
    };
    let mut said = Said::default();
    let mut inside = whole;
    let keys = match inside.value()? {
        Value::Object => Keys::read(&mut inside, &mut said)?,
        // MLflow before its version 2, and many that are home-made.
        Value::Array => return Ok(said.with(side.plain(whole, room)?)),
        _ => return Err(Stop::Unknown("neither an object nor an array")),
    };
    let tensors = match side {
        Side::Request => keys.inputs,
        Side::Response => keys.outputs,
    };
    if let Some(tensors) = tensors
        && open_inference::is_tensors(tensors)?
    {
        said.tensors = open_inference::read(tensors, body.slice(binary_start..), room)?;
        said.are_columns = keys.parameters.says_columns();
        if let (Side::Request, Some(outputs)) = (side, keys.outputs) {
            said.requested = open_inference::requested(outputs, room)?;
        }
        return Ok(said);
    }
    let found = match keys.plain(side, whole, room) {
        Err(Stop::Unusable(why)) => Plain::unusable(side.unnamed(), why),
        found => found?,
    };
    Ok(said.with(found))
}

impl<'a> Keys<'a> {
    /// Reads the keys of an object whose opening brace has been read.
    fn read(inside: &mut Reader<'a>, said: &mut Said) -> Result<Self, Stop> {
        let mut keys = Self::default();
        let mut is_first = true;
        while let Some(key) = inside.next_key(is_first)? {
            is_first = false;
            let value = inside.skip()?;
            let place = if key.is("inputs") {
                &mut keys.inputs
            } else if key.is("outputs") {
                &mut keys.outputs
            } else if key.is("instances") {
                &mut keys.instances
            } else if key.is("predictions") {
                &mut keys.predictions
            } else if key.is("dataframe_split") {
                &mut keys.frame_split
            } else if key.is("dataframe_records") {
                &mut keys.frame_records
            } else if key.is("data") {
                &mut keys.data
            } else {
                if key.is("id") {
                    said.id = word(value)?;
                } else if key.is("model_name") {
                    said.model = word(value)?;
                } else if key.is("model_version") {
                    said.version = word(value)?;
                } else if key.is("parameters") {
                    keys.parameters = Parameters::read(value)?;
                } else if key.is("meta") {
                    said.id = identity(value)?.unwrap_or(std::mem::take(&mut said.id));
                } else if let Some(opaque) = seldon::OPAQUE.iter().find(|known| key.is(known)) {
                    keys.opaque = Some(opaque);
                }
                continue;
            };
            *place = Some(value);
        }
        Ok(keys)
    }

    /// The values of protocols without datatypes.
    fn plain(&self, side: Side, whole: Reader<'a>, room: &mut Room) -> Result<Plain, Stop> {
        let wholes = side.wholes();
        if let Some(frame) = self.frame_split {
            return plain::data_frame(frame, wholes, room);
        }
        if let Some(records) = self.frame_records {
            let records = plain::read(records, "", wholes, room)?;
            return Ok(Plain {
                are_columns: true,
                ..records
            });
        }
        let values = match side {
            Side::Request => self.instances.or(self.inputs),
            Side::Response => self.predictions.or(self.outputs),
        };
        if let Some(values) = values {
            return side.plain(values, room);
        }
        if let Some(mut data) = self.data {
            if data.peek() == Some(b'[') {
                return plain::data_frame(whole, wholes, room);
            }
            let are_columns = side == Side::Request;
            return seldon::read(data, are_columns, side.unnamed(), wholes, room);
        }
        if let Some(name) = self.opaque {
            return Ok(Plain::unusable(name, Unusable::Datatype));
        }
        Err(Stop::Unknown("none of the keys of a known protocol"))
    }
}

impl Side {
    /// What is called so that has no name.
    fn unnamed(self) -> &'static str {
        match self {
            Self::Request => "",
            Self::Response => "predictions",
        }
    }

    /// Outputs that are whole numbers are labels; inputs are what the model makes of them.
    fn wholes(self) -> Wholes {
        match self {
            Self::Request => Wholes::Floats,
            Self::Response => Wholes::Integers,
        }
    }

    fn plain(self, values: Reader<'_>, room: &mut Room) -> Result<Plain, Stop> {
        plain::read(values, self.unnamed(), self.wholes(), room)
    }
}

impl Said {
    fn with(self, plain: Plain) -> Self {
        Self {
            tensors: plain.tensors,
            are_columns: plain.are_columns,
            ..self
        }
    }
}

impl Stop {
    /// Why nothing can be made of the body.
    fn fault(self, side: Side) -> Fault {
        let side = match side {
            Side::Request => "request",
            Side::Response => "response",
        };
        match self {
            Self::Malformed(wrong) => Fault::new(Undecodable::Json, format!("{side}: {wrong}")),
            Self::Unknown(what) => Fault::new(Undecodable::Format, format!("{side}: {what}")),
            Self::Unusable(why) => Fault::new(
                Undecodable::TooManyElements,
                format!("{side}: {}", why.as_str()),
            ),
        }
    }
}

/// A string, or a number as it is written; empty for anything else.
fn word(mut value: Reader<'_>) -> Result<String, Stop> {
    Ok(match value.value()? {
        Value::Text(text) => text.to_name(),
        Value::Number(number) => number.as_str().to_owned(),
        _ => String::new(),
    })
}

/// The `puid` in the `meta` of a message of Seldon.
fn identity(meta: Reader<'_>) -> Result<Option<String>, Stop> {
    let mut id = None;
    seldon::each_key(meta, |key, value| {
        if key.is("puid") {
            id = Some(word(value)?);
        }
        Ok(())
    })?;
    Ok(id)
}
