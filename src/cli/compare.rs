//! `driftgauge compare`: how far data in files are from a profile, by the engine of the sidecar.

mod course;
mod report;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use crate::batch::{Role, Times};
use crate::cli::progress;
use crate::engine::{
    Config, Detail, Engine, FeatureConfig, JointConfig, Learning, MINIMUM_EFFECT, ModelConfig,
    ModelSnapshot, SIGNIFICANCE, WindowConfig,
};
use crate::files::{Dataset, ReadOptions};
use crate::profile::{Cells, Profile};
use course::name_shapes;
use report::Report;

/// Compare data in files with a profile: the drift of every field, worst first
#[derive(Clone, Debug, clap::Args)]
#[command(
    about = "Compare data in files with a profile: the drift of every field, worst first",
    long_about = "Reads data files and prints how far every field is from a profile: drift (PSI), \
        its threshold at this number of rows, their ratio (above 1 is drift), missing values. The \
        same engine as in the sidecar folds the rows, so the same rows give the same numbers there: \
        to the last digit what comes from counts, and but for the order of addition what comes from \
        means. Of every field that has drifted a sentence says what moved, and of rows that have times \
        how it came about: sudden, gradual, periodic, temporary or permanent.",
    after_long_help = "EXAMPLES\n  \
        driftgauge compare fraud.profile.json last-week.parquet\n  \
        driftgauge compare fraud.profile.json new-*.csv.gz --fail-on-drift || echo 'do not release'\n  \
        driftgauge compare fraud.profile.json new.jsonl --format json | jq '.features[0]'\n\n\
        EXIT CODE\n  \
        0 compared, 1 it could not be compared, 2 with --fail-on-drift: at least one field has \
        drifted or is missing altogether, or the model as a whole has drifted"
)]
pub struct Arguments {
    /// Profile made by `driftgauge profile`.
    pub profile: PathBuf,
    /// Data files: Parquet, CSV or JSON lines.
    #[arg(required = true)]
    pub data: Vec<PathBuf>,
    /// How to print it: a table, or JSON with numbers unrounded.
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// End with exit code 2 when a field has drifted or has no value at all, or how fields hang
    /// together has drifted.
    #[arg(long)]
    pub fail_on_drift: bool,
    /// Smallest PSI worth an alarm, as the setting drift.minimum_effect.
    #[arg(long, value_name = "PSI", default_value_t = MINIMUM_EFFECT, value_parser = zero_to_ten)]
    pub minimum_effect: f64,
    /// How sure an alarm must be, in standard deviations, as the setting drift.significance.
    #[arg(long, value_name = "Z", default_value_t = SIGNIFICANCE, value_parser = zero_to_ten)]
    pub significance: f64,
    /// Columns that are not looked at.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub ignore: Vec<String>,
}

/// The same bounds as those of the settings.
fn zero_to_ten(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=10.0).contains(&value) {
        Ok(value)
    } else {
        Err("must be from 0 to 10".into())
    }
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Exit code when something has drifted and that was asked for.
const DRIFTED: u8 = 2;

/// Label of the one window that holds all rows.
const ALL: &str = "all";

/// Compares and prints to `out`.
///
/// # Errors
/// A sentence: a file cannot be read or is no profile.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let profile = Arc::new(Profile::load(&arguments.profile)?);
    let options = read_options(&profile, &arguments.ignore);
    let bar = progress::bar();
    let dataset = Dataset::open_observed(&arguments.data, &options, &mut |read, total| {
        progress::show(&bar, "checking", read, total);
    })?;
    let sensitivity = FeatureConfig {
        minimum_effect: Some(arguments.minimum_effect),
        significance: Some(arguments.significance),
        ..FeatureConfig::default()
    };
    let ignored = arguments.ignore.iter().map(String::as_str);
    let model = evaluate(profile.clone(), &dataset, sensitivity, ignored, |read| {
        progress::show(&bar, "comparing", read, dataset.bytes());
    })?;
    bar.finish_and_clear();
    for note in dataset.notes() {
        writeln!(io::stderr(), "note: {note}")?;
    }
    let report = Report::of(&model, &profile, options.model.as_str());
    match arguments.format {
        Format::Table => write!(out, "{report}")?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    if arguments.fail_on_drift && report.has_drifted() {
        return Ok(ExitCode::from(DRIFTED));
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads files as the profile says its fields are.
pub fn read_options(profile: &Profile, ignore: &[String]) -> ReadOptions {
    let mut roles: HashMap<_, _> = profile
        .features
        .iter()
        .map(|feature| (feature.name.clone(), feature.role))
        .collect();
    roles.extend(ignore.iter().map(|column| (column.clone(), Role::Ignore)));
    let kinds = profile.features.iter();
    let vectors = profile.features.iter().filter_map(|feature| {
        let Cells::Centroids(cells) = &feature.cells.as_ref()?.cells else {
            return None;
        };
        Some((feature.name.clone(), u32::try_from(cells.width()).ok()?))
    });
    ReadOptions {
        model: profile.model.clone().unwrap_or_else(|| "model".into()),
        roles,
        kinds: kinds.map(|f| (f.name.clone(), f.kind)).collect(),
        widths: vectors.collect(),
        ..ReadOptions::default()
    }
}

/// Folds all rows into one window of the engine. Fields that are `ignored` are not missed either.
fn evaluate<'a>(
    profile: Arc<Profile>,
    dataset: &Dataset,
    sensitivity: FeatureConfig,
    ignored: impl Iterator<Item = &'a str>,
    mut told: impl FnMut(u64),
) -> anyhow::Result<ModelSnapshot> {
    // All rows at one moment, in a window that never moves on.
    const NOW: i64 = 0;
    let ignore = FeatureConfig {
        role: Some(Role::Ignore),
        ..FeatureConfig::default()
    };
    let ignored: HashMap<_, _> = ignored.map(|name| (Arc::from(name), ignore)).collect();
    let mut batches = dataset.batches();
    let mut engine: Option<(Engine, Config)> = None;
    let mut span: Option<(i64, i64)> = None;
    while let Some(batch) = batches.next() {
        let batch = batch?;
        if let Times::Each(times) = &batch.times {
            for &time in times {
                let (first, last) = span.unwrap_or((time, time));
                span = Some((first.min(time), last.max(time)));
            }
        }
        let (engine, _) = engine.get_or_insert_with(|| {
            let model = ModelConfig {
                profile: Some(profile.clone()),
                feature: FeatureConfig {
                    detail: Some(Detail::Full),
                    ..sensitivity
                },
                features: ignored.clone(),
                ..ModelConfig::default()
            };
            let config = Config {
                windows: vec![WindowConfig::of_seconds(ALL, 12)],
                models: [(batch.model.clone(), model)].into(),
                // What the profile lacks is not to be learned from what is compared with it.
                learning: Learning {
                    rows: u64::MAX,
                    bytes: usize::MAX,
                },
                // Nor is how features hang together.
                joint: JointConfig {
                    features: profile
                        .joint
                        .as_ref()
                        .map_or(0, |joint| joint.features.len()),
                    ..JointConfig::default()
                },
                // Nor how it varies.
                burn_in_micros: 0,
                max_series: usize::MAX,
                max_fields: usize::MAX,
                max_total_fields: usize::MAX,
                ..Config::default()
            };
            (Engine::new(Arc::new(config.clone())), config)
        });
        engine.apply(&batch, NOW);
        told(batches.position());
    }
    let (mut engine, config) = engine.context("there is no row to compare")?;
    // Rows of a month wander less than those of an hour.
    engine.reconfigure(Arc::new(Config {
        rows_span: span.map(|(first, last)| last.saturating_sub(first)),
        ..config.clone()
    }));
    let mut models = engine.tick(NOW).models.into_iter();
    let mut model = models.next().context("there is no row to compare")?;
    if let Some(span) = span {
        name_shapes(&mut model, dataset, config, span)?;
    }
    Ok(model)
}
