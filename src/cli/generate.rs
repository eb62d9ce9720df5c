//! `driftgauge generate`: rules, alerts, runbook and dashboards for one's own settings.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::engine::DURATION_BUCKETS;
use crate::generate::rules::service::fastest_page;
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
    /// A share that leaves no budget, or one that cannot burn fast enough, or is none; a bound that
    /// the histogram does not have; a URL to which no heading can be added.
    pub fn apply(&self, plan: Plan) -> anyhow::Result<Plan> {
        let factor = fastest_page();
        let limit = 1.0 - 1.0 / factor;
        let share = |flag: &str, given: Option<f64>, default: f64| {
            let share = given.unwrap_or(default);
            if !(share > 0.0 && share < 1.0) {
                bail!(
                    "--{flag} {share} is no share of calls: it lies between 0 and 1, such as 0.999"
                )
            }
            if share <= limit {
                bail!(
                    "--{flag} {share} can never page: not even if all calls were bad would its budget burn {factor} \
                     times too fast; say {} or more, such as 0.99",
                    (limit * 1e4).ceil() / 1e4
                )
            }
            Ok(share)
        };
        let bound = self.latency_bound.unwrap_or(plan.latency_bound);
        if !DURATION_BUCKETS.contains(&bound) {
            bail!(
                "--latency-bound {bound} cannot be seen: calls are counted up to {} seconds; take one of these",
                DURATION_BUCKETS.map(|bound| bound.to_string()).join(", ")
            );
        }
        let runbook_url = self.runbook_url.clone().unwrap_or(plan.runbook_url);
        if !is_page(&runbook_url) {
            bail!(
                "--runbook-url {runbook_url:?} cannot be linked to: say an address that begins with http:// or \
                 https://, without braces, blanks, control characters and #; alerts add their heading to it"
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
            runbook_url,
            feature_bands: self.feature_bands,
            ..plan
        })
    }
}

/// Whether a heading can be added to it; templates of Prometheus and Grafana read braces.
fn is_page(url: &str) -> bool {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || "{}#".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(is_wrong))
}

/// Runs it.
///
/// # Errors
/// Settings that cannot be used, a file of no such name, or a folder that cannot be written.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let files = generate::files(&arguments.objectives.apply(plan(arguments)?)?);
    if let Some(path) = arguments.output.as_ref().filter(|path| path.is_file()) {
        bail!("--output {} is a file: say a folder", path.display());
    }
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
    if wanted.is_empty() {
        bail!("say which file: `driftgauge generate` lists them");
    }
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

/// All of them, or as many as can be, and then which: a reader that has gone keeps none from being written.
fn write_all(files: &[File], folder: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let mut written = Vec::new();
    let result = files.iter().try_for_each(|file| {
        written.push(write(file, folder)?);
        Ok(())
    });
    for path in &written {
        writeln!(out, "{}", path.display())?;
    }
    let all = files.len();
    result.map_err(|error: anyhow::Error| {
        error.context(format!(
            "only {} of {all} files were written",
            written.len()
        ))
    })
}

fn write(file: &File, folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join(file.path);
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    fs::write(&path, &file.text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
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
    fn an_objective_whose_budget_cannot_burn_fast_enough_to_page_is_refused() {
        let of = |share: f64| {
            let objectives = Objectives {
                error_objective: Some(share),
                latency_objective: Some(share),
                ..Objectives::default()
            };
            objectives.apply(Plan::default())
        };
        let limit = 1.0 - 1.0 / 14.4;
        for share in [0.1, limit] {
            let sentence = of(share).unwrap_err().to_string();
            assert!(sentence.contains("can never page"), "{sentence}");
            assert!(sentence.contains("say 0.9306 or more"), "{sentence}");
        }
        for share in [0.9306, 0.999] {
            assert!(of(share).is_ok(), "{share}");
        }
    }

    #[test]
    fn a_runbook_is_at_an_address_to_which_a_heading_can_be_added() {
        let of = |url: &str| {
            let objectives = Objectives {
                runbook_url: Some(url.into()),
                ..Objectives::default()
            };
            objectives
                .apply(Plan::default())
                .map(|plan| plan.runbook_url)
        };
        for url in [
            "https://a",
            "http://a:1/b?c=d&e",
            "https://wiki.example/Störung",
        ] {
            assert_eq!(of(url).unwrap(), url);
        }
        for url in [
            "",
            "runbook.md",
            "ftp://a/b",
            "javascript:alert(1)",
            "https://",
            "https:///b",
            "https://a/{{ b }}",
            "https://a b",
            "https://a\u{a0}b",
            "https://a/\n",
            "https://a/\u{7}",
            "https://a/#b",
        ] {
            let sentence = of(url).unwrap_err().to_string();
            assert!(
                sentence.starts_with(&format!("--runbook-url {url:?}")),
                "{sentence}"
            );
            assert!(sentence.contains("http:// or https://"), "{sentence}");
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
