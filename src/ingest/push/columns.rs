//! Blocks and columns on the wire → one [`Column`] a field, every length and code checked.
//!
//! What is wrong becomes [`Values::Invalid`] for the fields concerned and a rejection that names
//! them; the other fields and the rows stay.

use bytes::Bytes;

use super::rejections::Rejections;
use super::schema::value_type;
use crate::batch::{Column, Field, Presence, Scalar, ValueType, Values};
use crate::ingest::{KnownSchema, Limits};
use crate::proto::ingest as wire;
use crate::proto::ingest::RejectionCode::{self, BadSchema, BadValue, LengthMismatch, Limit};
use wire::RejectionCode::TypeMismatch;
use wire::column::Values as WireValues;

/// Takes up the columns of one batch.
pub(super) struct Columns<'a> {
    schema: &'a KnownSchema,
    rows: usize,
    limits: &'a Limits,
    rejections: &'a mut Rejections,
    /// Whether slices are copied, so that the message can go.
    copy: bool,
    columns: Vec<Option<Column>>,
    /// Bytes of memory of strings and codes, and of copied slices.
    bytes: usize,
}

impl<'a> Columns<'a> {
    /// No columns yet, for `rows` rows.
    pub(super) fn new(
        schema: &'a KnownSchema,
        rows: usize,
        copy: bool,
        limits: &'a Limits,
        rejections: &'a mut Rejections,
    ) -> Self {
        let columns = vec![None; schema.schema.fields.len()];
        Self {
            schema,
            rows,
            limits,
            rejections,
            copy,
            bytes: columns.len() * size_of::<Option<Column>>(),
            columns,
        }
    }

    /// One entry a field, and the bytes of memory they take beside the message.
    pub(super) fn finish(self) -> (Vec<Option<Column>>, usize) {
        (self.columns, self.bytes)
    }

    /// Takes up block number `number`.
    pub(super) fn block(&mut self, number: usize, block: &wire::Block) {
        let fields = &self.schema.schema.fields;
        let first = block.first_field as usize;
        let count = block.field_count as usize;
        let Some(members) = first
            .checked_add(count)
            .filter(|end| *end <= fields.len() && count > 0)
            .map(|end| &fields[first..end])
        else {
            self.reject(LengthMismatch, &format!("blocks[{number}]"), || {
                format!(
                    "blocks[{number}] holds fields {first} to {} of a schema of {}",
                    first as u64 + count as u64,
                    fields.len()
                )
            });
            let claimed = first.min(fields.len())..first.saturating_add(count).min(fields.len());
            for index in claimed {
                self.place(index, Column::full(Values::Invalid));
            }
            return;
        };

        let bits = self.bits(&block.validity, self.rows.checked_mul(count));
        let presence = |index: usize, bits: &Presence| match bits {
            Presence::All => Presence::All,
            Presence::Bits { bits, .. } => Presence::Bits {
                bits: bits.clone(),
                first: index,
                stride: count,
            },
        };
        let block_type = value_type(block.r#type).filter(|kind| *kind != ValueType::Text);
        let layout = block_type.and_then(|kind| {
            let width: u64 = members.iter().map(|field| u64::from(field.width)).sum();
            let stride = usize::try_from(width).ok()?.checked_mul(kind.size())?;
            Some((kind, stride, stride.checked_mul(self.rows)?))
        });
        let fault = match (&layout, &bits) {
            (None, _) => Some((
                TypeMismatch,
                "has no type that a block can have".to_string(),
            )),
            (Some((kind, _, wanted)), _) if *wanted != block.data.len() => Some((
                LengthMismatch,
                format!(
                    "has {} bytes of data where {} rows of {kind:?} take {wanted}",
                    block.data.len(),
                    self.rows
                ),
            )),
            (_, None) => Some((LengthMismatch, self.bits_fault(&block.validity, count))),
            _ => None,
        };
        let data = if fault.is_none() {
            self.keep(&block.data)
        } else {
            Bytes::new()
        };

        let bits = bits.unwrap_or(Presence::All);
        let mut offset = 0;
        for (index, field) in members.iter().enumerate() {
            let mut values = Values::Invalid;
            if let Some((code, fault)) = &fault {
                self.reject(*code, &field.name, || format!("blocks[{number}] {fault}"));
            } else if let Some((kind, stride, _)) = layout {
                let width = field.width as usize;
                if self.is_usable(first + index, field) {
                    if field.value_type == kind {
                        values = Values::Fixed {
                            data: data.clone(),
                            value_type: kind,
                            offset,
                            stride,
                            width,
                        };
                    } else {
                        self.reject(TypeMismatch, &field.name, || {
                            format!(
                                "{:?} is {:?} in the schema and {kind:?} in blocks[{number}]",
                                field.name, field.value_type
                            )
                        });
                    }
                }
                offset += width * kind.size();
            }
            let presence = presence(index, &bits);
            self.place(first + index, Column { values, presence });
        }
    }

    /// Takes up column number `number`.
    pub(super) fn column(&mut self, number: usize, column: wire::Column) {
        let index = column.field as usize;
        let schema = self.schema;
        let Some(field) = schema.schema.fields.get(index) else {
            self.reject(LengthMismatch, &format!("columns[{number}]"), || {
                format!(
                    "columns[{number}] is of field {index} in a schema of {}",
                    schema.schema.fields.len()
                )
            });
            return;
        };
        let Some(presence) = self.bits(&column.validity, Some(self.rows)) else {
            let fault = self.bits_fault(&column.validity, 1);
            self.reject(LengthMismatch, &field.name, || {
                format!("{:?} {fault}", field.name)
            });
            self.place(index, Column::full(Values::Invalid));
            return;
        };
        let mut values = Values::Invalid;
        if self.is_usable(index, field) {
            match self.values(field, column.values, &presence) {
                Ok(read) => values = read,
                Err((code, fault)) => {
                    self.reject(code, &field.name, || format!("{:?} {fault}", field.name));
                }
            }
        }
        self.place(index, Column { values, presence });
    }

    fn values(
        &mut self,
        field: &Field,
        values: Option<WireValues>,
        presence: &Presence,
    ) -> Result<Values, (RejectionCode, String)> {
        let rows = self.rows;
        let is_text = field.value_type == ValueType::Text;
        let of_rows = |what: &str, found: usize| {
            if found == rows {
                Ok(())
            } else {
                Err((
                    LengthMismatch,
                    format!("has {found} {what} for {rows} rows"),
                ))
            }
        };
        match values {
            None => Err((LengthMismatch, "has no values".into())),
            Some(WireValues::Fixed(_)) if is_text => Err((
                TypeMismatch,
                "is a string in the schema and fixed in its column".into(),
            )),
            Some(WireValues::Fixed(data)) => {
                let stride = field.value_type.size() * field.width as usize;
                if stride.checked_mul(rows) != Some(data.len()) {
                    return Err((
                        LengthMismatch,
                        format!(
                            "has {} bytes where {rows} rows of {stride} bytes are wanted",
                            data.len()
                        ),
                    ));
                }
                Ok(Values::Fixed {
                    data: self.keep(&data),
                    value_type: field.value_type,
                    offset: 0,
                    stride,
                    width: field.width as usize,
                })
            }
            Some(WireValues::Strings(_) | WireValues::Dictionary(_)) if !is_text => Err((
                TypeMismatch,
                format!(
                    "is {:?} in the schema and a string in its column",
                    field.value_type
                ),
            )),
            Some(WireValues::Strings(strings)) => {
                of_rows("strings", strings.values.len())?;
                self.count_strings(&strings.values);
                Ok(self.strings(field, strings.values, presence))
            }
            Some(WireValues::Dictionary(wire::DictionaryValues {
                mut dictionary,
                mut codes,
            })) => {
                of_rows("codes", codes.len())?;
                for (row, code) in codes.iter_mut().enumerate() {
                    if *code as usize >= dictionary.len() {
                        if presence.has(row) {
                            return Err((
                                BadValue,
                                format!(
                                    "has code {code} in row {row} with a dictionary of {}",
                                    dictionary.len()
                                ),
                            ));
                        }
                        // What a row without a value says is not looked at.
                        *code = 0;
                    }
                }
                if dictionary.is_empty() {
                    dictionary.push(String::new());
                }
                self.count_strings(&dictionary);
                self.bytes += codes.len() * size_of::<u32>();
                let too_long = |text: &String| text.len() > self.limits.string_bytes;
                if !dictionary.iter().any(too_long) {
                    return Ok(Values::Dictionary { dictionary, codes });
                }
                let spelled = codes.iter().map(|code| {
                    let text = &dictionary[*code as usize];
                    if too_long(text) {
                        None
                    } else {
                        Some(text.clone())
                    }
                });
                let spelled = spelled.collect();
                Ok(self.some_invalid(field, spelled, presence))
            }
        }
    }

    /// One string a row; those that are too long are invalid, row by row.
    fn strings(&mut self, field: &Field, strings: Vec<String>, presence: &Presence) -> Values {
        let longest = self.limits.string_bytes;
        if strings.iter().all(|text| text.len() <= longest) {
            return Values::Text(strings);
        }
        let within = strings
            .into_iter()
            .map(|text| (text.len() <= longest).then_some(text))
            .collect();
        self.some_invalid(field, within, presence)
    }

    /// Strings of which some, `None`, are too long.
    fn some_invalid(
        &mut self,
        field: &Field,
        strings: Vec<Option<String>>,
        presence: &Presence,
    ) -> Values {
        let limit = self.limits.string_bytes;
        let invalid = strings
            .iter()
            .enumerate()
            .filter(|(row, text)| text.is_none() && presence.has(*row))
            .count() as u64;
        if invalid > 0 {
            self.rejections.add(Limit, &field.name, invalid, || {
                format!("{:?} has strings of more than {limit} bytes", field.name)
            });
        }
        self.bytes += strings.len() * size_of::<Scalar>();
        let strings = strings.into_iter();
        Values::Mixed(
            strings
                .map(|text| text.map_or(Scalar::Invalid, Scalar::Text))
                .collect(),
        )
    }

    /// Puts a column in its place. Of a field that is given twice nobody knows which is right.
    fn place(&mut self, index: usize, column: Column) {
        if self.columns[index].is_some() {
            let schema = self.schema;
            let name = &schema.schema.fields[index].name;
            self.reject(LengthMismatch, name, || {
                format!("{name:?} is given twice, in blocks or columns")
            });
            self.columns[index] = Some(Column::full(Values::Invalid));
        } else {
            self.columns[index] = Some(column);
        }
    }

    /// Whether the schema makes sense of the field.
    fn is_usable(&mut self, index: usize, field: &Field) -> bool {
        let usable = self.schema.usable[index];
        if !usable {
            self.reject(BadSchema, &field.name, || {
                format!(
                    "the schema makes no sense of field {index} {:?}",
                    field.name
                )
            });
        }
        usable
    }

    /// Presence by `count` bits; `None` if there are more or fewer.
    fn bits(&mut self, validity: &Bytes, count: Option<usize>) -> Option<Presence> {
        if validity.is_empty() {
            return Some(Presence::All);
        }
        (count?.div_ceil(8) == validity.len()).then(|| Presence::Bits {
            bits: self.keep(validity),
            first: 0,
            stride: 1,
        })
    }

    fn bits_fault(&self, validity: &Bytes, fields: usize) -> String {
        format!(
            "has {} bytes of validity for {} rows × {fields} fields",
            validity.len(),
            self.rows
        )
    }

    fn keep(&mut self, bytes: &Bytes) -> Bytes {
        if self.copy {
            self.bytes += bytes.len();
            Bytes::copy_from_slice(bytes)
        } else {
            bytes.clone()
        }
    }

    fn count_strings(&mut self, strings: &[String]) {
        let text: usize = strings.iter().map(String::capacity).sum();
        self.bytes += text + size_of_val(strings);
    }

    fn reject(&mut self, code: RejectionCode, field: &str, detail: impl FnOnce() -> String) {
        self.rejections.add(code, field, self.rows as u64, detail);
    }
}
