//! `driftgauge check FILE`: whether settings and profiles work, and what they will cost.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::app::configuration::engine_config;
use crate::engine::Engine;
use crate::export::OWN_SERIES;
use crate::profile::{Kind, Profile, short};
use crate::settings::{Loaded, Model, Reference, Settings, Source, Span};
use crate::statistic::normal_tail;

/// Checks a settings file and the profiles it names, and says what they cost.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Settings file, YAML.
    pub file: PathBuf,
    /// Also print the settings in force, with all defaults, as JSON.
    #[arg(long)]
    pub print: bool,
}

/// Writes the findings to `out`: failure if the settings cannot be used, success with warnings.
///
/// # Errors
/// Only if `out` cannot be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> io::Result<ExitCode> {
    let source = Source {
        path: Some(arguments.file.clone()),
        overrides: Vec::new(),
    };
    let loaded = match source.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            writeln!(out, "{error}")?;
            writeln!(out, "FAILED: {} cannot be used", arguments.file.display())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    if arguments.print {
        let json = serde_json::to_string_pretty(&*loaded.settings)?;
        writeln!(out, "{json}")?;
    }
    let now = jiff::Timestamp::now();
    for (model, version, profile) in references(&loaded) {
        write_model(out, &loaded.settings, model, version, profile, now)?;
    }
    let cost = Cost::of(&loaded);
    let mut warnings = warnings(&loaded);
    warnings.extend(cost.warning(&loaded.settings));
    for warning in &warnings {
        writeln!(out, "warning: {warning}")?;
    }
    cost.write(out, &loaded.settings)?;
    let hash = short(&loaded.hash);
    match warnings.len() {
        0 => writeln!(out, "OK: settings {hash}")?,
        1 => writeln!(out, "OK with 1 warning: settings {hash}")?,
        count => writeln!(out, "OK with {count} warnings: settings {hash}")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Every model, and every version with a profile of its own, in order of their names.
fn references(loaded: &Loaded) -> Vec<(&str, Option<&str>, Option<&Profile>)> {
    let mut references = Vec::new();
    for (name, model) in &loaded.settings.models {
        let profile = model
            .profile
            .as_ref()
            .and_then(|path| loaded.profiles.get(path));
        references.push((name.as_str(), None, profile.map(AsRef::as_ref)));
        for (version, said) in &model.versions {
            let own = said
                .profile
                .as_ref()
                .and_then(|path| loaded.profiles.get(path));
            if let Some(own) = own {
                references.push((name.as_str(), Some(version.as_str()), Some(own.as_ref())));
            }
        }
    }
    references
}

fn write_model(
    out: &mut impl Write,
    settings: &Settings,
    model: &str,
    version: Option<&str>,
    profile: Option<&Profile>,
    now: jiff::Timestamp,
) -> io::Result<()> {
    let version = version.map_or(String::new(), |version| format!(" version {version}"));
    let Some(profile) = profile else {
        return match settings.learning.rows {
            0 => writeln!(
                out,
                "model {model}{version}: no profile, and nothing is learned"
            ),
            rows => writeln!(
                out,
                "model {model}{version}: no profile; its first {rows} rows are its reference"
            ),
        };
    };
    let watched: Vec<_> = profile
        .features
        .iter()
        .filter(|feature| {
            settings
                .role_of(model, &feature.name, feature.role)
                .is_watched()
        })
        .collect();
    let kinds = [
        Kind::Numeric,
        Kind::Integer,
        Kind::Boolean,
        Kind::Categorical,
        Kind::HighCardinality,
        Kind::Vector,
    ];
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter_map(|kind| {
            let count = watched
                .iter()
                .filter(|feature| feature.kind == kind)
                .count();
            (count > 0).then(|| format!("{count} {}", kind.as_str()))
        })
        .collect();
    let age = match profile.provenance.created.parse::<jiff::Timestamp>() {
        Ok(created) => {
            let days = (now.as_second() - created.as_second()).max(0) / 86_400;
            format!("{days} days old")
        }
        Err(_) => "age unknown".into(),
    };
    writeln!(
        out,
        "model {model}{version}: profile {}, {} rows, {} fields ({}), {age}",
        short(&profile.hash()),
        profile.rows,
        watched.len(),
        kinds.join(", ")
    )?;
    let judged = watched.iter().filter(|feature| feature.cells.is_some());
    let chances = judged.map(|feature| {
        let z = settings.drift_of(model, &feature.name).significance;
        normal_tail(z)
    });
    let lengths = settings.windows.as_slice().iter().map(|w| w.seconds());
    let alarms = false_alarms_a_week(lengths, chances);
    let alarms = if alarms < 0.1 {
        format!("{alarms:.0e}")
    } else {
        format!("{alarms:.1}")
    };
    writeln!(
        out,
        "model {model}{version}: about {alarms} false alarms a week at most (drift.significance)"
    )
}

/// How often a window of unchanged rows comes to alarm in its own length, in units of the chance that
/// it does at one moment: twelve slices of it are not one test, nor twelve.
const EPISODES_A_WINDOW: f64 = 6.0;

/// False alarms to expect in a week: A = Σ α × Σ (week / window) × 6, with windows of these lengths in
/// seconds and fields that alarm by chance with these α.
fn false_alarms_a_week(
    lengths: impl Iterator<Item = f64>,
    chances: impl Iterator<Item = f64>,
) -> f64 {
    const WEEK: f64 = 7.0 * 86_400.0;
    let windows: f64 = lengths.map(|seconds| WEEK / seconds).sum();
    windows * EPISODES_A_WINDOW * chances.sum::<f64>()
}

/// What works but is probably not meant.
/// What is said of tensors holds for calls that are seen, and for no others.
fn useless_tensors(settings: &Settings, name: &str, model: &Model) -> Option<String> {
    let says_something = !model.inputs.is_empty() || !model.outputs.is_empty();
    (says_something && !settings.sees_calls()).then(|| {
        format!(
            "model {name}: inputs and outputs are those of calls that are seen, but neither \
             forward.listen_address nor http.listen_address is set here"
        )
    })
}

/// Inputs under names that the profile does not have are compared with nothing.
fn unknown_columns(loaded: &Loaded, name: &str, model: &Model) -> Vec<String> {
    let Some(profile) = loaded.profile(name, "") else {
        return Vec::new();
    };
    let knows = |column: &str| {
        let mut fields = profile.features.iter();
        fields.any(|field| field.name == *column)
    };
    let columns = model.inputs.values().flat_map(|input| &input.names);
    columns
        .filter(|column| !knows(column))
        .map(|column| format!("model {name}: inputs name {column}, which its profile lacks"))
        .collect()
}

fn warnings(loaded: &Loaded) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(useless_season(&loaded.settings));
    for (name, model) in &loaded.settings.models {
        warnings.extend(useless_tensors(&loaded.settings, name, model));
        warnings.extend(unknown_columns(loaded, name, model));
    }
    for (model, version, profile) in references(loaded) {
        let Some(profile) = profile else { continue };
        let of_version = version.map_or(String::new(), |version| format!(" version {version}"));
        let name = format!("model {model}{of_version}");
        let has_output = profile.features.iter().any(|feature| {
            loaded
                .settings
                .role_of(model, &feature.name, feature.role)
                .is_output()
        });
        if !has_output {
            warnings.push(format!(
                "{name}: its profile has neither a prediction nor a score, so these are learned \
                 from traffic, apart in each pod; make the profile from data with the model's output"
            ));
        }
        if let Some(other) = profile.model.as_deref().filter(|other| *other != model) {
            warnings.push(format!(
                "{name}: its profile was made for the model {other}"
            ));
        }
        if profile.features.len() > loaded.settings.limits.fields {
            warnings.push(format!(
                "{name}: its profile has {} fields, more than limits.fields ({}): the last ones \
                 are not followed",
                profile.features.len(),
                loaded.settings.limits.fields
            ));
        }
        let said = &loaded.settings.models[model].features;
        for (field, said) in said {
            match profile
                .features
                .iter()
                .find(|feature| feature.name == *field)
            {
                None => warnings.push(format!(
                    "{name}: settings name the field {field}, which its profile lacks"
                )),
                Some(feature) if said.kind.is_some_and(|kind| kind != feature.kind) => {
                    warnings.push(format!(
                        "{name}: the kind that settings give the field {field} has no effect: its \
                         profile says {}",
                        feature.kind.as_str()
                    ));
                }
                Some(_) => {}
            }
        }
    }
    warnings
}

/// A seasonal reference for which every window is too long.
fn useless_season(settings: &Settings) -> Option<String> {
    let of_models = settings.models.values();
    let of_models = of_models.filter_map(|model| model.references.as_ref());
    let mut said = std::iter::once(&settings.references).chain(of_models);
    let day = Span::from_secs(86_400);
    let is_too_long = settings
        .windows
        .as_slice()
        .iter()
        .all(|window| *window > day);
    (is_too_long && said.any(|said| said.0.contains(&Reference::Seasonal))).then(|| {
        format!("the reference seasonal has no effect: it needs a window of at most {day}")
    })
}

/// What settings and profiles cost before any row has come, by the engine itself. Models that learn
/// are not in it: their fields are not known yet.
struct Cost {
    /// Series that each model and version asks for.
    series: Vec<(Arc<str>, Arc<str>, usize)>,
    /// Memory of their sums in bytes.
    bytes: usize,
}

impl Cost {
    fn of(loaded: &Loaded) -> Self {
        let engine = Engine::new(Arc::new(engine_config(
            loaded,
            &HashMap::new(),
            std::iter::empty(),
            &HashMap::new(),
        )));
        Self {
            series: engine.series_asked(),
            bytes: engine.bytes(),
        }
    }

    fn total(&self) -> usize {
        OWN_SERIES
            + self
                .series
                .iter()
                .map(|(_, _, series)| series)
                .sum::<usize>()
    }

    fn warning(&self, settings: &Settings) -> Option<String> {
        let (series, most) = (self.total(), settings.web.max_series);
        (series > most).then(|| {
            format!(
                "{series} series are more than web.max_series ({most}): fleet bins of the last \
                 features are left out first, then detail, then whole features"
            )
        })
    }

    fn write(&self, out: &mut impl Write, settings: &Settings) -> io::Result<()> {
        for (model, version, series) in &self.series {
            writeln!(
                out,
                "model {model} version {version}: up to {series} series"
            )?;
        }
        let most = settings.web.max_series;
        writeln!(
            out,
            "up to {} series in all, of {most} that web.max_series allows",
            self.total()
        )?;
        let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        writeln!(
            out,
            "{:.1} MiB of memory for sums and windows, up to {:.1} MiB more for the queue{}",
            mebibytes(self.bytes),
            mebibytes(settings.queue.bytes.bytes()),
            if settings.sees_calls() {
                let bytes = settings.forward.buffer_bytes.bytes();
                format!(" and {:.1} MiB for calls that are seen", mebibytes(bytes))
            } else {
                String::new()
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_fields_at_one_in_a_million_raise_a_tenth_of_an_alarm_a_week_over_an_hour_and_a_day() {
        let alarms = false_alarms_a_week([3_600.0, 86_400.0].into_iter(), [1e-6; 90].into_iter());
        assert!((alarms - 0.0945).abs() < 1e-12, "{alarms}");
    }
}
