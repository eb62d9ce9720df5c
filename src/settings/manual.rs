//! The manual, rendered from the comments of the settings: the example file, a table, and the
//! entries that flags are made of.

use std::fmt::Write as _;

use serde_json::Value;

use super::section::{Field, Section};
use super::{
    Drift, Feature, FeatureDrift, FeatureMetrics, Forward, Http, Input, Joint, Learning, Limits,
    Log, Metrics, Model, Outliers, Output, Push, Queue, Settings, State, Version, Web,
};

/// One setting that a file, a flag or the environment can say.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The dotted key, such as `web.listen_address`.
    pub key: String,
    /// Its last part and its comment.
    pub field: Field,
    /// What holds when nothing is said.
    pub default: Value,
}

impl Entry {
    /// The flag: `--web.listen-address`.
    pub fn flag(&self) -> String {
        format!("--{}", self.key.replace('_', "-"))
    }

    /// The environment variable: `DRIFTGAUGE_WEB_LISTEN_ADDRESS`.
    pub fn environment(&self) -> String {
        format!("DRIFTGAUGE_{}", self.key.replace('.', "_").to_uppercase())
    }

    /// The default as a flag would say it; empty for none.
    pub fn default_text(&self) -> String {
        match &self.default {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                items.join(",")
            }
            other => other.to_string(),
        }
    }
}

/// Sections of their own below the root.
const SECTIONS: [(&str, &[Field]); 13] = [
    ("web", Web::FIELDS),
    ("push", Push::FIELDS),
    ("forward", Forward::FIELDS),
    ("http", Http::FIELDS),
    ("limits", Limits::FIELDS),
    ("queue", Queue::FIELDS),
    ("state", State::FIELDS),
    ("learning", Learning::FIELDS),
    ("drift", Drift::FIELDS),
    ("outliers", Outliers::FIELDS),
    ("joint", Joint::FIELDS),
    ("metrics", Metrics::FIELDS),
    ("log", Log::FIELDS),
];

/// What can be said of single models, below their name.
const PER_MODEL: [(&str, &[Field]); 7] = [
    ("", Model::FIELDS),
    ("versions.<version>.", Version::FIELDS),
    ("features.<name>.", Feature::FIELDS),
    ("[features.<name>.]metrics.", FeatureMetrics::FIELDS),
    ("[features.<name>.]drift.", FeatureDrift::FIELDS),
    ("inputs.<tensor>.", Input::FIELDS),
    ("outputs.<tensor>.", Output::FIELDS),
];

/// The fields of single models.
pub(super) fn fields_of_models() -> impl Iterator<Item = &'static Field> {
    PER_MODEL.iter().flat_map(|(_, fields)| *fields)
}

fn section(name: &str) -> Option<&'static [Field]> {
    let found = SECTIONS.iter().find(|(section, _)| *section == name);
    found.map(|(_, fields)| *fields)
}

fn defaults() -> Value {
    serde_json::to_value(Settings::default()).expect("settings have text keys and finite numbers")
}

/// Every setting but those of single models, in the order of the manual.
pub fn entries() -> Vec<Entry> {
    let defaults = defaults();
    let mut entries = Vec::new();
    for field in Settings::FIELDS {
        let default = &defaults[field.name];
        match section(field.name) {
            Some(fields) => entries.extend(fields.iter().map(|inner| Entry {
                key: format!("{}.{}", field.name, inner.name),
                field: *inner,
                default: default[inner.name].clone(),
            })),
            None if field.name == "models" => {}
            None => entries.push(Entry {
                key: field.name.into(),
                field: *field,
                default: default.clone(),
            }),
        }
    }
    entries
}

/// The settings with their defaults and comments as a settings file, `deploy/driftgauge.example.yml`.
pub fn example_file() -> String {
    let mut yaml = String::from(
        "# Every setting of driftgauge with its default: none is needed.\n\
         #\n\
         # Read with `--config.file`; `driftgauge check FILE` says what is wrong and what it costs.\n\
         # Each setting outside `models` is also a flag (`--web.listen-address`) and an environment\n\
         # variable (`DRIFTGAUGE_WEB_LISTEN_ADDRESS`); a flag stands above the environment, and both\n\
         # above this file. Durations are written 5s, 5m, 1h30m, 1d; sizes 64KiB, 8MiB or in bytes.\n\
         # The file and the profiles it names are read again when they change; addresses,\n\
         # socket modes, clock, state directory, log format and some bounds hold until a restart.\n",
    );
    let defaults = defaults();
    for field in Settings::FIELDS {
        let default = &defaults[field.name];
        yaml.push('\n');
        comment(&mut yaml, 0, field);
        match section(field.name) {
            Some(fields) => {
                let _ = writeln!(yaml, "{}:", field.name);
                for inner in fields {
                    comment(&mut yaml, 1, inner);
                    let _ = writeln!(yaml, "  {}: {}", inner.name, scalar(&default[inner.name]));
                }
            }
            None if field.name == "models" => {
                yaml.push_str("models: {}\n");
                for line in models_example().lines() {
                    let _ = writeln!(yaml, "# {line}");
                }
            }
            None => {
                let _ = writeln!(yaml, "{}: {}", field.name, scalar(default));
            }
        }
    }
    yaml
}

/// A model with all that can be said of it, in place of `models: {}`.
pub(super) fn models_example() -> String {
    let mut yaml = String::from("models:\n  fraud:\n");
    for field in Model::FIELDS {
        match field.name {
            "versions" => {
                heading(&mut yaml, 2, field);
                yaml.push_str("      \"2\":\n");
                leaves(&mut yaml, 4, Version::FIELDS);
            }
            "features" => {
                heading(&mut yaml, 2, field);
                yaml.push_str("      amount:\n");
                for inner in Feature::FIELDS {
                    model_field(&mut yaml, 4, inner);
                }
            }
            "inputs" => {
                heading(&mut yaml, 2, field);
                yaml.push_str("      input-0:\n");
                leaves(&mut yaml, 4, Input::FIELDS);
            }
            "outputs" => {
                heading(&mut yaml, 2, field);
                yaml.push_str("      predict:\n");
                leaves(&mut yaml, 4, Output::FIELDS);
            }
            _ => model_field(&mut yaml, 2, field),
        }
    }
    yaml
}

fn model_field(yaml: &mut String, depth: usize, field: &Field) {
    match field.name {
        "metrics" => {
            heading(yaml, depth, field);
            leaves(yaml, depth + 1, FeatureMetrics::FIELDS);
        }
        "drift" => {
            heading(yaml, depth, field);
            leaves(yaml, depth + 1, FeatureDrift::FIELDS);
        }
        _ => leaves(yaml, depth, std::slice::from_ref(field)),
    }
}

fn heading(yaml: &mut String, depth: usize, field: &Field) {
    comment(yaml, depth, field);
    let _ = writeln!(yaml, "{:width$}{}:", "", field.name, width = 2 * depth);
}

fn leaves(yaml: &mut String, depth: usize, fields: &[Field]) {
    for field in fields {
        comment(yaml, depth, field);
        let example = match field.name {
            "profile" => "fraud.profile.json",
            "references" => "[profile, previous, versions]",
            "role" => "feature",
            "kind" => "numeric",
            "detail" => "full",
            "fleet" => "true",
            "importance" => "0.31",
            "minimum_effect" => "0.1",
            "significance" => "4.75",
            "sample_rate" => "0.1",
            "id" => "header:x-request-id",
            "batch_dimension" => "auto",
            "classes" => "[genuine, fraud]",
            "positive_class" => "fraud",
            "name" => "verdict",
            "names" => "[]",
            _ => "",
        };
        let width = 2 * depth;
        let _ = writeln!(yaml, "{:width$}{}: {example}", "", field.name);
    }
}

fn comment(yaml: &mut String, depth: usize, field: &Field) {
    for line in field.lines() {
        let _ = writeln!(yaml, "{:width$}# {line}", "", width = 2 * depth);
    }
}

/// A value as YAML: text only bare where it cannot be read as anything else.
fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".into(),
        Value::String(text) => {
            let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic());
            let is_unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
            let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric());
            if is_plain && (is_word || is_unit) {
                text.clone()
            } else {
                format!("{text:?}")
            }
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(scalar).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// The settings as a table of Markdown, `deploy/settings.md`.
pub fn markdown_table() -> String {
    let mut table = String::from(
        "| key | flag | default | meaning |\n\
         |---|---|---|---|\n",
    );
    for entry in entries() {
        let default = match entry.default_text() {
            text if text.is_empty() => "empty".into(),
            text => format!("`{text}`"),
        };
        row(
            &mut table,
            &entry.key,
            &format!("`{}`", entry.flag()),
            &default,
            &entry.field,
        );
    }
    for (prefix, fields) in PER_MODEL {
        for field in fields {
            row(
                &mut table,
                &format!("models.<name>.{prefix}{}", field.name),
                "",
                "",
                field,
            );
        }
    }
    table
}

fn row(table: &mut String, key: &str, flag: &str, default: &str, field: &Field) {
    let meaning = field
        .lines()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|");
    let _ = writeln!(table, "| `{key}` | {flag} | {default} | {meaning} |");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of a value, without those of empty tables.
    fn leaves_of(prefix: &str, value: &Value, keys: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let key = format!("{prefix}.{name}");
                    leaves_of(key.trim_start_matches('.'), inner, keys);
                }
            }
            _ => keys.push(prefix.into()),
        }
    }

    #[test]
    fn the_manual_has_exactly_the_settings_there_are() {
        let mut expected = Vec::new();
        leaves_of("", &defaults(), &mut expected);
        let mut documented: Vec<_> = entries().into_iter().map(|entry| entry.key).collect();
        expected.sort();
        documented.sort();
        assert_eq!(documented, expected);
    }

    #[test]
    fn the_example_file_says_the_defaults() {
        let settings: Settings = serde_saphyr::from_str(&example_file()).unwrap();
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn the_example_of_a_model_can_be_uncommented() {
        let settings: Settings = serde_saphyr::from_str(&models_example()).unwrap();
        let feature = &settings.models["fraud"].features["amount"];
        assert_eq!(feature.drift.minimum_effect, Some(0.1));
        assert!(settings.models["fraud"].versions["2"].profile.is_some());
        let output = &settings.models["fraud"].outputs["predict"];
        assert_eq!(output.name.as_deref(), Some("verdict"));
    }

    #[test]
    fn every_comment_is_a_sentence() {
        let models = [
            Model::FIELDS,
            Version::FIELDS,
            Feature::FIELDS,
            Input::FIELDS,
            Output::FIELDS,
        ];
        let all = entries().into_iter().map(|entry| entry.field);
        for field in all.chain(models.concat()) {
            let doc = field.lines().collect::<Vec<_>>().join(" ");
            assert!(
                doc.len() > 20 && doc.ends_with('.'),
                "{}: {doc}",
                field.name
            );
        }
    }
}
