//! `driftgauge generate`: rules, alerts, runbook and dashboards for one's own settings.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::engine::DURATION_BUCKETS;
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
    /// What alerts are raised at.
    #[command(flatten)]
    pub objectives: Objectives,
}

/// What alerts about service are raised at, and where they send people.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Objectives {
    /// Share of calls that must not fail through the server's fault [default: 0.999].
    #[arg(long, value_name = "SHARE")]
    pub error_objective: Option<f64>,
    /// Share of calls that must end within --latency-bound [default: 0.99].
    #[arg(long, value_name = "SHARE")]
    pub latency_objective: Option<f64>,
    /// Seconds; a bound of driftgauge_request_duration_seconds [default: 0.5].
    #[arg(long, value_name = "SECONDS")]
    pub latency_bound: Option<f64>,
    /// Where runbook.md is published; alerts link to its headings.
    #[arg(long, value_name = "URL")]
    pub runbook_url: Option<String>,
    /// Watch mean and null ratio of each feature by its own last week as well.
    #[arg(long)]
    pub feature_bands: bool,
}

impl Objectives {
    /// The plan with what was said here.
    ///
    /// # Errors
    /// A share that leaves no budget or is none, or a bound that the histogram does not have.
    pub fn apply(&self, plan: Plan) -> anyhow::Result<Plan> {
        let share = |flag: &str, given: Option<f64>, default: f64| {
            let share = given.unwrap_or(default);
            if share > 0.0 && share < 1.0 {
                return Ok(share);
            }
            bail!("--{flag} {share} is no share of calls: it lies between 0 and 1, such as 0.999")
        };
        let bound = self.latency_bound.unwrap_or(plan.latency_bound);
        if !DURATION_BUCKETS.contains(&bound) {
            bail!(
                "--latency-bound {bound} cannot be seen: calls are counted up to {} seconds; take one of these",
                DURATION_BUCKETS.map(|bound| bound.to_string()).join(", ")
            );
        }
        Ok(Plan {
            error_objective: share(
                "error-objective",
                self.error_objective,
                plan.error_objective,
            )?,
            latency_objective: share(
                "latency-objective",
                self.latency_objective,
                plan.latency_objective,
            )?,
            latency_bound: bound,
            runbook_url: self.runbook_url.clone().unwrap_or(plan.runbook_url),
            feature_bands: self.feature_bands,
            ..plan
        })
    }
}

/// Runs it.
///
/// # Errors
/// Settings that cannot be used, a file of no such name, or a folder that cannot be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let files = generate::files(&arguments.objectives.apply(plan(arguments)?)?);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_that_cannot_be_watched_are_refused_in_a_sentence() {
        let refused = |objectives: Objectives| {
            let refusal = objectives.apply(Plan::default()).unwrap_err();
            refusal.to_string()
        };
        let bound = refused(Objectives {
            latency_bound: Some(0.3),
            ..Objectives::default()
        });
        assert!(
            bound.starts_with("--latency-bound 0.3 cannot be seen"),
            "{bound}"
        );
        assert!(bound.contains("0.25, 0.5, 1, 2.5"), "{bound}");
        for share in [0.0, 1.0, 99.9, f64::NAN] {
            let sentence = refused(Objectives {
                error_objective: Some(share),
                ..Objectives::default()
            });
            assert!(sentence.contains("is no share of calls"), "{sentence}");
        }
    }

    #[test]
    fn what_is_said_here_stands_in_the_files() {
        let objectives = Objectives {
            latency_bound: Some(1.0),
            error_objective: Some(0.99),
            runbook_url: Some("https://example.org/run".into()),
            feature_bands: true,
            ..Objectives::default()
        };
        let files = generate::files(&objectives.apply(Plan::default()).unwrap());
        let text: String = files.into_iter().map(|file| file.text).collect();
        for said in [
            r#"le=~"1([.]0)?""#,
            r#"ratio{window="1h"} > 0.144"#,
            "https://example.org/run#featuredrift",
            "UnusualFeature",
        ] {
            assert!(text.contains(said), "{said}");
        }
    }
}
