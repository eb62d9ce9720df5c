//! Values whose type nobody has said: numbers as long as they are numbers, a mixture from the first
//! value on that is something else.

use super::Stop;
use super::json::{Text, Value};
use crate::batch::{Scalar, ValueType};
use crate::ingest::inference::{Elements, Unusable};
use crate::ingest::room::Room;

/// How whole numbers are given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wholes {
    /// As floats, like all numbers: of one column, one call has 7 where the next has 7.5.
    Floats,
    /// As integers, if all numbers are written as such: so labels are told from measures.
    Integers,
}

/// The values so far.
#[derive(Debug)]
pub(super) struct Values {
    kind: Kind,
    len: usize,
    /// How many numbers there will be at most, if that is known.
    expected: usize,
}

/// Every kind but the first and the last has values of one type only.
#[derive(Debug)]
enum Kind {
    Empty,
    /// The numbers as they were written: little-endian words of one type.
    Integers(Vec<[u8; 8]>),
    Floats(Vec<[u8; 8]>),
    Bools(Vec<u8>),
    Texts(Vec<String>),
    Mixed(Vec<Scalar>),
}

impl Values {
    /// None yet.
    pub(super) fn new() -> Self {
        Self::expecting(0)
    }

    /// None yet; if they are numbers, place is made for so many at once.
    pub(super) fn expecting(count: usize) -> Self {
        Self {
            kind: Kind::Empty,
            len: 0,
            expected: count,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a value; lists and objects are invalid.
    pub(super) fn push(&mut self, value: Value<'_>, room: &mut Room) -> Result<(), Stop> {
        match (&mut self.kind, value) {
            (Kind::Integers(words), Value::Number(number)) => {
                if let Some(integer) = number.integer::<i64>() {
                    room.reserve(words, 1)?;
                    words.push(integer.to_le_bytes());
                } else {
                    self.make_floats();
                    return self.push(value, room);
                }
            }
            (Kind::Floats(words), Value::Number(number)) => {
                room.reserve(words, 1)?;
                words.push(number.float().to_le_bytes());
            }
            (Kind::Bools(bytes), Value::Bool(bool)) => {
                room.reserve(bytes, 1)?;
                bytes.push(u8::from(bool));
            }
            (Kind::Texts(texts), Value::Text(text)) => {
                let Some(text) = self::text(text, room)? else {
                    self.make_mixed(room)?;
                    return self.push(value, room);
                };
                room.reserve(texts, 1)?;
                texts.push(text);
            }
            (Kind::Mixed(scalars), value) => {
                room.reserve(scalars, 1)?;
                scalars.push(scalar(value, room)?);
            }
            (Kind::Empty, value) => {
                self.kind = match value {
                    Value::Number(_) => {
                        let mut words = Vec::new();
                        room.reserve(&mut words, self.expected)?;
                        Kind::Integers(words)
                    }
                    Value::Bool(_) => Kind::Bools(Vec::new()),
                    Value::Text(_) => Kind::Texts(Vec::new()),
                    Value::Null | Value::Array | Value::Object => Kind::Mixed(Vec::new()),
                };
                return self.push(value, room);
            }
            _ => {
                self.make_mixed(room)?;
                return self.push(value, room);
            }
        }
        self.len += 1;
        Ok(())
    }

    /// Adds so many nulls.
    pub(super) fn push_nulls(&mut self, count: usize, room: &mut Room) -> Result<(), Stop> {
        if count == 0 {
            return Ok(());
        }
        self.make_mixed(room)?;
        if let Kind::Mixed(scalars) = &mut self.kind {
            room.reserve(scalars, count)?;
            scalars.resize(scalars.len() + count, Scalar::Null);
            self.len += count;
        }
        Ok(())
    }

    /// Forgets all but the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        match &mut self.kind {
            Kind::Empty => {}
            Kind::Integers(words) | Kind::Floats(words) => words.truncate(len),
            Kind::Bools(bytes) => bytes.truncate(len),
            Kind::Texts(texts) => texts.truncate(len),
            Kind::Mixed(scalars) => scalars.truncate(len),
        }
        self.len = self.len.min(len);
    }

    /// All of them.
    pub(super) fn finish(mut self, wholes: Wholes) -> Elements {
        if wholes == Wholes::Floats {
            self.make_floats();
        }
        let fixed = |value_type, data: Vec<u8>| Elements::Fixed {
            value_type,
            data: data.into(),
        };
        match self.kind {
            Kind::Empty => fixed(ValueType::Float64, Vec::new()),
            Kind::Integers(words) => fixed(ValueType::Int64, words.into_flattened()),
            Kind::Floats(words) => fixed(ValueType::Float64, words.into_flattened()),
            Kind::Bools(bytes) => fixed(ValueType::Bool, bytes),
            Kind::Texts(texts) => Elements::Text(texts),
            Kind::Mixed(scalars) => Elements::Mixed(scalars),
        }
    }

    fn make_floats(&mut self) {
        if let Kind::Integers(words) = &mut self.kind {
            let mut words = std::mem::take(words);
            for word in &mut words {
                *word = (i64::from_le_bytes(*word) as f64).to_le_bytes();
            }
            self.kind = Kind::Floats(words);
        }
    }

    fn make_mixed(&mut self, room: &mut Room) -> Result<(), Stop> {
        if let Kind::Mixed(_) = self.kind {
            return Ok(());
        }
        let mut scalars = Vec::new();
        room.reserve(&mut scalars, self.len + 1)?;
        match std::mem::replace(&mut self.kind, Kind::Empty) {
            Kind::Empty | Kind::Mixed(_) => {}
            Kind::Integers(words) => {
                room.give(words.capacity() * size_of::<[u8; 8]>());
                let number = |word| Scalar::Number(i64::from_le_bytes(word) as f64);
                scalars.extend(words.into_iter().map(number));
            }
            Kind::Floats(words) => {
                room.give(words.capacity() * size_of::<[u8; 8]>());
                let number = |word| Scalar::Number(f64::from_le_bytes(word));
                scalars.extend(words.into_iter().map(number));
            }
            Kind::Bools(bytes) => {
                room.give(bytes.capacity());
                scalars.extend(bytes.into_iter().map(|byte| Scalar::Bool(byte != 0)));
            }
            Kind::Texts(texts) => {
                room.give(texts.capacity() * size_of::<String>());
                scalars.extend(texts.into_iter().map(Scalar::Text));
            }
        }
        self.kind = Kind::Mixed(scalars);
        Ok(())
    }
}

/// A string value; `None` when it is longer than one may be, or cannot be decoded.
pub(super) fn text(text: Text<'_>, room: &mut Room) -> Result<Option<String>, Unusable> {
    let most = room.string_bytes();
    // An escape has at most six bytes for one.
    if text.len() > most.saturating_mul(6) {
        return Ok(None);
    }
    let Some(text) = text.decoded().filter(|text| text.len() <= most) else {
        return Ok(None);
    };
    room.take_text(text.capacity())?;
    Ok(Some(text))
}

/// A value by itself.
pub(super) fn scalar(value: Value<'_>, room: &mut Room) -> Result<Scalar, Stop> {
    Ok(match value {
        Value::Null => Scalar::Null,
        Value::Bool(bool) => Scalar::Bool(bool),
        Value::Number(number) => Scalar::Number(number.float()),
        Value::Text(text) => self::text(text, room)?.map_or(Scalar::Invalid, Scalar::Text),
        Value::Array | Value::Object => Scalar::Invalid,
    })
}
