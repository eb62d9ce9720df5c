//! Every setting outside `models` as a flag and an environment variable, named as Prometheus
//! exporters name theirs: `--web.listen-address`, `DRIFTGAUGE_WEB_LISTEN_ADDRESS`.
//!
//! They are made from the manual, so a new setting has its flag, its help and its default at once.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};

use super::manual::{Entry, entries};
use super::{Override, Settings, Source};

/// What the command line and the environment say of settings. Flattened into the commands that run
/// the sidecar.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The settings file.
    pub config_file: Option<PathBuf>,
    /// Whether settings that cannot be used end the program instead of being gone without.
    pub config_strict: bool,
    /// All other settings that were said, in the order of the manual.
    pub overrides: Vec<Override>,
}

impl Flags {
    /// Where settings come from, with these flags.
    pub fn source(&self) -> Source {
        Source {
            path: self.config_file.clone(),
            overrides: self.overrides.clone(),
        }
    }
}

/// A flag's texts, which clap wants to keep for the life of the program.
struct Flag {
    entry: Entry,
    /// Without the two hyphens.
    long: String,
    environment: String,
    value_name: String,
}

static FLAGS: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    let flags = entries().into_iter().map(|entry| Flag {
        long: entry.flag()[2..].to_owned(),
        environment: entry.environment(),
        value_name: entry.field.name.to_uppercase(),
        entry,
    });
    flags.collect()
});

const FILE: &str = "config.file";
const STRICT: &str = "config.strict";
const HEADING: &str = "Settings (each also stands in the settings file)";

impl Flag {
    fn arg(&'static self) -> Arg {
        let doc = self.entry.field.lines().collect::<Vec<_>>().join(" ");
        let default = match self.entry.default_text() {
            text if text.is_empty() => "none".into(),
            text => text,
        };
        let first = doc.split_inclusive(". ").next().unwrap_or(&doc).trim_end();
        let arg = Arg::new(self.long.as_str())
            .long(self.long.as_str())
            .env(self.environment.as_str())
            .hide_env_values(true)
            .value_name(self.value_name.as_str())
            .help(format!("{first} [default: {default}]"))
            .long_help(format!("{doc} [default: {default}]"))
            .help_heading(HEADING)
            .action(ArgAction::Set)
            .value_parser(move |text: &str| self.checked(text));
        if self.entry.default.is_boolean() {
            switch(arg)
        } else {
            arg
        }
    }

    /// The text as it is, if it is a value of this setting.
    fn checked(&self, text: &str) -> Result<String, String> {
        let source = Source {
            path: None,
            overrides: vec![Override {
                key: self.entry.key.clone(),
                value: text.to_owned(),
                place: String::new(),
            }],
        };
        match source.types() {
            Ok(_) => Ok(text.to_owned()),
            Err(error) => {
                let said = error.to_string();
                let said = said.trim_start_matches(": ");
                Err(self.wanted(text, said).unwrap_or_else(|| said.to_owned()))
            }
        }
    }

    /// What to write, where `config` speaks of types of Rust.
    fn wanted(&self, text: &str, said: &str) -> Option<String> {
        let wanted = if said.contains("expected a boolean") {
            "true or false".into()
        } else if said.contains("expected an integer") {
            "a whole number, 0 or more".into()
        } else if said.contains("expected a floating point") {
            "a number".into()
        } else if said.contains("variant constructor") {
            let keys = self.entry.key.rsplit('.');
            let nested = keys.fold(Value::from(text), |value, key| json!({ key: value }));
            let error = serde_json::from_value::<Settings>(nested)
                .err()?
                .to_string();
            error.split_once("expected ")?.1.to_owned()
        } else {
            return None;
        };
        Some(format!("write {wanted}"))
    }

    fn said(&self, matches: &ArgMatches) -> Option<Override> {
        let value: &String = matches.get_one(&self.long)?;
        let place = match matches.value_source(&self.long) {
            Some(ValueSource::EnvVariable) => self.environment.clone(),
            _ => format!("--{}", self.long),
        };
        Some(Override {
            key: self.entry.key.clone(),
            value: value.clone(),
            place,
        })
    }
}

/// `--flag` alone is `--flag=true`.
fn switch(arg: Arg) -> Arg {
    arg.num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .env("DRIFTGAUGE_CONFIG_FILE")
            .hide_env_values(true)
            .value_name("FILE")
            .help("Settings file, YAML; read again when it changes [default: none]")
            .value_parser(PathBufValueParser::new().map(Some));
        let strict = Arg::new(STRICT)
            .long(STRICT)
            .env("DRIFTGAUGE_CONFIG_STRICT")
            .hide_env_values(true)
            .value_name("BOOL")
            .help("Exit at start if settings or profiles cannot be used [default: false]")
            .long_help(
                "Exit at start if settings or profiles cannot be used. Without it, the last good \
                 copy in the state directory holds, else the defaults and these flags, and \
                 driftgauge_config_last_reload_successful is 0: a sidecar should not keep its model \
                 from starting [default: false]",
            )
            .value_parser(clap::builder::BoolishValueParser::new());
        let flags = FLAGS.iter().map(Flag::arg);
        command.arg(file).arg(switch(strict)).args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let file: Option<&Option<PathBuf>> = matches.get_one(FILE);
        if let Some(file) = file {
            self.config_file = file.clone().filter(|path| !path.as_os_str().is_empty());
        }
        if let Some(strict) = matches.get_one(STRICT) {
            self.config_strict = *strict;
        }
        self.overrides = FLAGS.iter().filter_map(|flag| flag.said(matches)).collect();
        Ok(())
    }
}
