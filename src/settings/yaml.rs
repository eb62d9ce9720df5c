//! YAML in and out: a settings file to [`Settings`], with messages that an operator can act on, and
//! [`Settings`] to the values that `config` layers.

use std::borrow::Cow;
use std::path::Path;

use config::{Map, Value, ValueKind};
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::locate::key_at;
use super::{Settings, SettingsError};

/// Reads a settings file that is called `name`. Only types and keys are judged.
///
/// # Errors
/// [`SettingsError::Yaml`].
pub(super) fn parse(text: &str, name: &Path) -> Result<Settings, SettingsError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location();
        let line = location.map_or(0, |at| at.line() as usize);
        let name = name.display().to_string();
        let options = serde_saphyr::render_options! {
            formatter: &Sentences,
            source_name: Some(name.as_str()),
        };
        let column = location.map_or(0, |at| at.column() as usize);
        let message = Sentences.format_message(error.without_snippet());
        // A title and a place of its own; what follows is the offending lines with a caret.
        let rendered = error.render_with_options(options);
        let excerpt: String = rendered
            .lines()
            .skip(2)
            .map(|line| format!("\n{}", line.trim_end_matches(&*message).trim_end()))
            .collect();
        SettingsError::Yaml {
            line,
            column,
            key: key_at(text, line),
            rendered: format!("{name}:{line}:{column}: {message}{excerpt}"),
            message: message.into_owned(),
        }
    })
}

/// All settings as a layer of `config`. Its own reader of YAML would lose the lines of errors, and
/// what a value was before it was resolved (`0660`, relative paths).
pub(super) fn to_layer(settings: &Settings) -> Map<String, Value> {
    let json = serde_json::to_value(settings).expect("settings have text keys and finite numbers");
    match from_json(json).kind {
        ValueKind::Table(table) => table,
        _ => unreachable!("settings are a table"),
    }
}

fn from_json(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    let kind = match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(value) => ValueKind::Boolean(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => ValueKind::I64(value),
            (None, Some(value)) => ValueKind::Float(value),
            (None, None) => ValueKind::String(number.to_string()),
        },
        Json::String(text) => ValueKind::String(text),
        Json::Array(items) => ValueKind::Array(items.into_iter().map(from_json).collect()),
        Json::Object(entries) => ValueKind::Table(
            entries
                .into_iter()
                .map(|(key, value)| (key, from_json(value)))
                .collect(),
        ),
    };
    Value::new(None, kind)
}

/// Says what is wrong in the words of this manual, where the parser speaks of types of Rust.
struct Sentences;

impl MessageFormatter for Sentences {
    fn format_message<'a>(&self, error: &'a Error) -> Cow<'a, str> {
        match error {
            Error::SerdeUnknownField {
                field, expected, ..
            } => unknown(field, expected).into(),
            Error::SerdeUnknownVariant {
                variant, expected, ..
            } => format!("`{variant}` is not known here: write {}", either(expected)).into(),
            Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("`{key}` is there twice: remove one").into()
            }
            Error::InvalidScalar { ty, .. } => wanted(ty).into(),
            Error::InvalidBooleanStrict { .. } => wanted("bool").into(),
            Error::NullIntoString { .. } => "no value: write one, or remove the key".into(),
            Error::Unexpected { expected, .. } if expected.contains("mapping") => {
                "a section with keys of its own is expected here".into()
            }
            Error::Unexpected { expected, .. } if expected.contains("scalar") => {
                "a single value is expected here".into()
            }
            Error::SerdeInvalidType { expected, .. }
            | Error::SerdeInvalidValue { expected, .. } => {
                format!("{expected} is expected here").into()
            }
            other => UserMessageFormatter.format_message(other),
        }
    }
}

fn unknown(field: &str, expected: &[&str]) -> String {
    let distance = |name: &&&str| strsim::damerau_levenshtein(field, name);
    let nearest = expected
        .iter()
        .min_by_key(distance)
        .filter(|name| distance(name) <= 1 + field.len().min(name.len()) / 3)
        .copied()
        .or_else(|| {
            let mut parts = expected
                .iter()
                .filter(|name| field.len() > 3 && (name.contains(field) || field.contains(**name)));
            parts.next().copied()
        });
    match nearest {
        Some(name) => format!("unknown key `{field}`: did you mean `{name}`?"),
        None => format!("unknown key `{field}`: write {}", either(expected)),
    }
}

fn either(names: &[&str]) -> String {
    match names {
        [] => "nothing".into(),
        [one] => (*one).into(),
        [some @ .., last] => format!("{} or {last}", some.join(", ")),
    }
}

fn wanted(rust_type: &str) -> &'static str {
    match rust_type {
        ty if ty.starts_with('b') => "true or false is expected here",
        ty if ty.starts_with('f') => "a number is expected here",
        ty if ty.starts_with(['u', 'i']) => "a whole number, 0 or more, is expected here",
        _ => "a value of another type is expected here",
    }
}
