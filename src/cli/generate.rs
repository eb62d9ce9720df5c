//! `driftgauge generate`: rules, alerts, runbook and dashboards for one's own settings.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::generate::{self, File, Plan};
use crate::settings::{Settings, Source, Span};

/// Writes what Prometheus, Alertmanager, Grafana and Kubernetes need around the sidecar.
///
/// Rules, alerts, runbook and dashboards, made for the windows of a settings file; without one, for
/// the defaults, which is what deploy/ and grafana-dashboards/ of the project hold. Without --output
/// it lists the files; `driftgauge generate PATH` prints one.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Print this one file, such as deploy/prometheus/driftgauge-rules.yml (its last part is enough).
    pub file: Option<String>,
    /// Settings of the sidecars, YAML; only their windows matter.
    #[arg(long = "config.file", value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Compute windows of at least this length over all pods; 1h unless told otherwise.
    #[arg(long, value_name = "DURATION", hide = true)]
    pub fleet_from: Option<Span>,
    /// Write all files into this folder.
    #[arg(long, short, value_name = "FOLDER", conflicts_with = "file")]
    pub output: Option<PathBuf>,
    /// Write nothing, and fail if a file in the folder of --output differs or is missing.
    #[arg(long, requires = "output")]
    pub check: bool,
}

/// Runs it.
///
/// # Errors
/// Settings that cannot be used, a file of no such name, or a folder that cannot be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let files = generate::files(&plan(arguments)?);
    match (&arguments.file, &arguments.output) {
        (Some(wanted), _) => {
            let file = find(&files, wanted)?;
            out.write_all(file.text.as_bytes())?;
        }
        (None, Some(folder)) if arguments.check => return check(&files, folder, out),
        (None, Some(folder)) => write_all(&files, folder, out)?,
        (None, None) => {
            for file in &files {
                writeln!(out, "{}", file.path)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(arguments: &Arguments) -> anyhow::Result<Plan> {
    let mut plan = plan_of_settings(arguments)?;
    plan.fleet_from = arguments.fleet_from.unwrap_or(plan.fleet_from);
    Ok(plan)
}

fn plan_of_settings(arguments: &Arguments) -> anyhow::Result<Plan> {
    let Some(path) = &arguments.config_file else {
        return Ok(Plan::of(&Settings::default()));
    };
    let source = Source {
        path: Some(path.clone()),
        overrides: Vec::new(),
    };
    let loaded = source
        .load_without_broken_profiles()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Plan::of(&loaded.settings))
}

fn find<'f>(files: &'f [File], wanted: &str) -> anyhow::Result<&'f File> {
    let is_it = |file: &&File| Path::new(file.path).ends_with(wanted);
    let mut found = files.iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        (Some(_), Some(_)) => bail!("more than one file is called {wanted}: say its whole path"),
        (None, _) => bail!("there is no {wanted}: `driftgauge generate` lists the files"),
    }
}

fn check(files: &[File], folder: &Path, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let differs = |file: &&File| {
        fs::read_to_string(folder.join(file.path)).map_or(true, |found| found != file.text)
    };
    let other: Vec<&File> = files.iter().filter(differs).collect();
    for file in &other {
        writeln!(
            out,
            "{} is not what `driftgauge generate` writes",
            file.path
        )?;
    }
    Ok(if other.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn write_all(files: &[File], folder: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    for file in files {
        let path = folder.join(file.path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}
