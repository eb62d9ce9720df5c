//! The settings in force as people may see them: every value with where it was said, and no secret.

use serde::Serialize;
use serde_json::Value;

use super::manual::{Entry, entries, fields_of_models};
use super::{Loaded, Model, Settings, needs_restart};

/// What stands in place of a secret.
pub const HIDDEN: &str = "<hidden>";

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Its dotted key.
    pub key: String,
    /// Its value as a flag would say it; [`HIDDEN`] where it is secret.
    pub value: String,
    /// Where it was said: a line of the file, a flag, an environment variable; `None`: it is the
    /// default.
    pub place: Option<String>,
    /// What the file says by now, where that holds only after a restart.
    pub after_restart: Option<String>,
    /// What it means; empty for those of single models.
    pub about: String,
}

/// All of them in the order of the manual, then those of single models that are said.
pub fn in_force(loaded: &Loaded, at_start: &Settings) -> Vec<InForce> {
    let (current, start) = (json(&*loaded.settings), json(at_start));
    let waiting = needs_restart(at_start, &loaded.settings);
    let mut all = Vec::new();
    for entry in entries() {
        let of = |settings: &Value| {
            let pointer = format!("/{}", entry.key.replace('.', "/"));
            settings.pointer(&pointer).cloned().unwrap_or_default()
        };
        let (now, before) = (of(&current), of(&start));
        let waits = waiting.contains(&&*entry.key);
        let is_default = now == entry.default;
        all.push(InForce {
            value: text(&entry, if waits { &before } else { &now }),
            after_restart: waits.then(|| text(&entry, &now)),
            place: place(loaded, &entry.key, is_default),
            about: entry.field.lines().collect::<Vec<_>>().join(" "),
            key: entry.key,
        });
    }
    let mut of_models = Vec::new();
    for (name, model) in &loaded.settings.models {
        let usual = json(&Model::default());
        let said = json(model);
        let fields = said.as_object().into_iter().flatten();
        for (key, value) in fields.filter(|(key, value)| usual[*key] != **value) {
            leaves(format!("models.{name}.{key}"), value, &mut of_models);
        }
    }
    let is_secret = |key: &str| {
        let name = key.rsplit('.').next();
        fields_of_models().any(|field| field.is_secret && Some(field.name) == name)
    };
    all.extend(of_models.into_iter().map(|(key, value)| InForce {
        value: shown(&value, is_secret(&key)),
        place: place(loaded, &key, false),
        after_restart: None,
        about: String::new(),
        key,
    }));
    all
}

fn json(settings: &impl Serialize) -> Value {
    serde_json::to_value(settings).expect("settings have text keys and finite numbers")
}

/// The place of the key, or of the nearest section around it for what is written in braces.
fn place(loaded: &Loaded, key: &str, is_default: bool) -> Option<String> {
    let around = key.match_indices('.').map(|(dot, _)| &key[..dot]);
    let around = around.filter(|_| !is_default).rev();
    std::iter::once(key)
        .chain(around)
        .find_map(|key| loaded.places.get(key).cloned())
}

fn text(entry: &Entry, value: &Value) -> String {
    shown(value, entry.field.is_secret)
}

/// A value as a flag would say it, without what is secret.
fn shown(value: &Value, is_secret: bool) -> String {
    let said = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| shown(item, false)).collect();
            items.join(",")
        }
        other => other.to_string(),
    };
    if is_secret && !said.is_empty() {
        HIDDEN.into()
    } else {
        without_userinfo(&said)
    }
}

/// `https://name:password@host` without name and password, wherever such an address is said.
fn without_userinfo(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['/', '?', '#', ' ', ',']).unwrap_or(part.len());
        let kept = match part[..end].rfind('@') {
            Some(at) => format!("{HIDDEN}{}", &part[at..]),
            None => part.to_owned(),
        };
        clean.push_str("://");
        clean.push_str(&kept);
    }
    clean
}

/// Every value that is said, with its key.
fn leaves(key: String, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                leaves(format!("{key}.{name}"), value, found);
            }
        }
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        value => found.push((key, value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::section::{Section, section};
    use super::super::{Override, Source};
    use super::*;

    section! {
        /// A service that asks who is there.
        pub struct Login {
            /// Who we are.
            name: String = "driftgauge".into(),
            /// How we prove it.
            #[secret = true]
            #[serde(skip_serializing_if = "String::is_empty")]
            password: String = String::new(),
        }
    }

    #[test]
    fn a_marked_setting_is_hidden_unless_it_is_empty() {
        let is_secret: Vec<_> = Login::FIELDS
            .iter()
            .map(|f| (f.name, f.is_secret))
            .collect();
        assert_eq!(is_secret, [("name", false), ("password", true)]);
        assert_eq!(shown(&"hunter2".into(), true), HIDDEN);
        assert_eq!(shown(&"".into(), true), "");
    }

    #[test]
    fn addresses_lose_names_and_passwords() {
        for (said, told) in [
            ("https://a:b@host:1/x@y", "https://<hidden>@host:1/x@y"),
            (
                "http://token@h,ftp://u:p@w@i/",
                "http://<hidden>@h,ftp://<hidden>@i/",
            ),
            ("127.0.0.1:4599", "127.0.0.1:4599"),
            ("https://host/a@b", "https://host/a@b"),
        ] {
            assert_eq!(without_userinfo(said), told);
        }
    }

    #[test]
    fn every_value_says_where_it_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("driftgauge.yml");
        let text = "tick: 1s\nweb:\n  max_series: 500\ndrift: {significance: 5}\nmodels:\n  a.b:\n    \
                    drift: {minimum_effect: 0.1}\n    classes: [\"http://u:p@h\"]\n";
        std::fs::write(&path, text).unwrap();
        let source = Source {
            path: Some(path.clone()),
            overrides: vec![Override {
                key: "tick".into(),
                value: "2s".into(),
                place: "--tick".into(),
            }],
        };
        let loaded = source.load().unwrap();
        let mut at_start = Settings::clone(&loaded.settings);
        at_start.web.telemetry_path = "/old".into();
        let all = in_force(&loaded, &at_start);
        let of = |key: &str| all.iter().find(|setting| setting.key == key).unwrap();
        let said = |key: &str| {
            let place = of(key).place.as_deref().unwrap_or("default");
            let place = place.replace(&*path.to_string_lossy(), "file");
            format!("{} {place}", of(key).value)
        };
        assert_eq!(said("tick"), "2s --tick");
        assert_eq!(said("web.max_series"), "500 file:3");
        assert_eq!(said("web.new_categories"), "true default");
        assert_eq!(said("drift.significance"), "5.0 file:4");
        assert_eq!(said("drift.minimum_effect"), "0.02 default");
        assert_eq!(said("windows"), "5m,1h,1d default");
        assert_eq!(said("models.a.b.drift.minimum_effect"), "0.1 file:7");
        assert_eq!(said("models.a.b.classes"), "http://<hidden>@h file:8");
        assert_eq!(said("web.telemetry_path"), "/old default");
        assert_eq!(
            of("web.telemetry_path").after_restart.as_deref(),
            Some("/metrics")
        );
        assert!(
            !all.iter()
                .any(|setting| setting.key.ends_with("a.b.profile"))
        );
        assert!(of("tick").about.starts_with("How often windows move on"));
    }
}
