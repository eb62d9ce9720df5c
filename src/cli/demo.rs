//! `driftgauge demo`: the sidecar on its real ports, fed with real data in time-lapse.

mod table;

use std::io::{IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::watch;

use crate::app::{self, App};
use crate::batch::{Batch, Role, Times};
use crate::cli::profile;
use crate::cli::replay::{Pace, Replay, send};
use crate::files::{Dataset, ReadOptions};
use crate::settings::{Flags, Override, Reloader};
use crate::telemetry;

/// Show it at work: the sidecar watches ten months of flights in a minute
#[derive(Clone, Debug, clap::Args)]
#[command(
    about = "Show it at work: the sidecar watches ten months of flights in a minute",
    long_about = "Starts the sidecar on its real ports and sends it real data through its real gRPC \
        port in time-lapse: the flights that left New York from March to December 2013, with the \
        weather and with a classifier's score for \"arrives more than 15 minutes late\". January and \
        February are the reference.\n\n\
        Windows are a day, a week and four weeks long, and their time is that of the flights. The \
        sidecar stays up until Ctrl-C: scrape it, look at its page, ask it for its profile."
)]
pub struct Arguments {
    /// Folder with the two data files.
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Seconds that the ten months take.
    #[arg(long, default_value_t = 60, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// End when all flights are sent, instead of staying up.
    #[arg(long)]
    pub exit: bool,
    /// Settings.
    #[command(flatten)]
    pub flags: Flags,
}

/// Name of the model in the demo.
const MODEL: &str = "flights";
/// Files in the data folder.
const REFERENCE: &str = "flights-reference.parquet";
const TRAFFIC: &str = "flights-traffic.parquet";
/// Flights of one request at most; a model server would send fewer.
const REQUEST_ROWS: usize = 100;

/// Runs the demonstration.
///
/// # Errors
/// The data are not there, or a port is taken.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let data = data_folder(arguments.data.as_deref())?;
    let folder = own_folder()?;
    let result = demonstrate(arguments, &data, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    result
}

fn demonstrate(arguments: &Arguments, data: &Path, folder: &Path) -> anyhow::Result<ExitCode> {
    let reference = folder.join("flights.profile.json");
    say("1. What the model was trained on becomes its profile (driftgauge profile):\n")?;
    profile::run(&profile::Args {
        data: vec![data.join(REFERENCE)],
        output: Some(reference.clone()),
        model: Some(MODEL.into()),
        label: vec!["late".into()],
        ignore: vec!["latency_us".into()],
        ..profile::Args::default()
    })?;
    let settings = folder.join("driftgauge.yml");
    std::fs::write(&settings, settings_text())?;
    let mut source = arguments.flags.source();
    if source.path.is_some() {
        bail!("the demonstration brings its own settings file; use flags instead of --config.file");
    }
    source.path = Some(settings);
    if !source.overrides.iter().any(|said| said.key == "log.level") {
        source.overrides.push(Override {
            key: "log.level".into(),
            value: "warn".into(),
            place: "demo".into(),
        });
    }
    let reloader = Reloader::start(source, true).map_err(|error| anyhow::anyhow!("{error}"))?;
    let level = telemetry::start(&reloader.current().settings.log);
    let dataset = Dataset::open(&[data.join(TRAFFIC)], &read_options())?;
    let runtime = app::runtime().context("cannot start the threads of the sockets")?;
    runtime.block_on(async {
        let app = App::start(reloader, level).await?;
        let outcome = watch_traffic(arguments, &app, &dataset).await;
        app.stop().await;
        outcome
    })
}

async fn watch_traffic(
    arguments: &Arguments,
    app: &App,
    dataset: &Dataset,
) -> anyhow::Result<ExitCode> {
    let Some(push) = &app.push_address else {
        bail!("the demonstration needs the push port: leave push.listen_address on");
    };
    let web = app.web_address.replace("0.0.0.0", "127.0.0.1");
    say(&introduction(&web, push))?;
    let (first, last) = span(dataset)?;
    let seconds = f64::from(arguments.seconds);
    let replay = Replay {
        to: push.clone(),
        model: MODEL.into(),
        version: "2013-02".into(),
        pace: Pace::TimeLapse((last - first).max(1) as f64 * 1e-6 / seconds),
        request_rows: REQUEST_ROWS,
        stream: false,
        limit: u64::MAX,
        retry_for: Duration::from_secs(10),
        stop: watch::channel(false).1,
    };
    let rows = dataset.batches().map(|batch| batch.map_err(Into::into));
    let sending = send([Ok(rows)], replay, |_| {});
    let mut table = table::Table::new(stdout().is_terminal());
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut sending = std::pin::pin!(sending);
    let mut sent = None;
    let ending = app::asked_to_end();
    let mut ending = std::pin::pin!(ending);
    loop {
        tokio::select! {
            ended = &mut ending => {
                ended.context("cannot receive signals")?;
                break;
            }
            summary = &mut sending, if sent.is_none() => {
                sent = Some(summary?);
                // The last flights are in the figures after one more tick.
                tokio::time::sleep(TICK * 2).await;
                table.show(&app.snapshot.load(), &app.intake.counts())?;
                if arguments.exit {
                    break;
                }
                say(&format!("\nAll flights are sent. Still up at http://{web}/ until Ctrl-C.\n"))?;
            }
            _ = ticks.tick(), if sent.is_none() => {
                table.show(&app.snapshot.load(), &app.intake.counts())?;
            }
        }
    }
    if let Some(summary) = sent {
        say(&format!("\n{summary}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Time between evaluations.
const TICK: Duration = Duration::from_millis(500);

fn settings_text() -> String {
    format!(
        "clock: event\n\
         tick: {}ms\n\
         windows: [1d, 7d, 28d]\n\
         drift:\n  burn_in: 0s\n\
         models:\n  {MODEL}:\n    profile: flights.profile.json\n",
        TICK.as_millis()
    )
}

fn read_options() -> ReadOptions {
    ReadOptions {
        model: MODEL.into(),
        roles: [("late".into(), Role::Label)].into(),
        time: Some("time".into()),
        latency: Some("latency_us".into()),
        ..ReadOptions::default()
    }
}

fn introduction(web: &str, push: &str) -> String {
    format!(
        "\n2. The sidecar is up. Flights go to its gRPC port {push}; look at\n\n   \
         http://{web}/            its page\n   \
         http://{web}/metrics     what Prometheus scrapes\n\n   \
         curl -s http://{web}/metrics | grep driftgauge_feature_drift_ratio\n   \
         curl -s http://{web}/metrics | grep driftgauge_feature_null_ratio\n   \
         curl -s http://{web}/metrics | grep -E 'driftgauge_(latency_seconds|throughput)'\n\n\
         3. What to see: temperature drifts from spring on and hurts nothing; departure delay drifts\n   \
         in summer and December, and matters; cancelled flights and a weather table that ends on\n   \
         30 December show as missing values; latency is that of the real model, and steady.\n\n"
    )
}

/// Row times of the first and last flight, in microseconds.
fn span(dataset: &Dataset) -> anyhow::Result<(i64, i64)> {
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for batch in dataset.batches() {
        if let Batch {
            times: Times::Each(times),
            ..
        } = batch?
        {
            first = times.iter().copied().fold(first, i64::min);
            last = times.iter().copied().fold(last, i64::max);
        }
    }
    if first > last {
        bail!("the flights have no times");
    }
    Ok((first, last))
}

/// The folder with the data: as said, else `demo` here, else that of the source tree.
fn data_folder(said: Option<&Path>) -> anyhow::Result<PathBuf> {
    let candidates = match said {
        Some(folder) => vec![folder.to_owned()],
        None => vec![
            PathBuf::from("demo"),
            Path::new(env!("CARGO_MANIFEST_DIR")).join("demo"),
        ],
    };
    let has_data = |folder: &&PathBuf| folder.join(TRAFFIC).is_file();
    candidates.iter().find(has_data).cloned().with_context(|| {
        format!(
            "{TRAFFIC} is not in {}; run this in the source tree, or say where with --data",
            candidates[0].display()
        )
    })
}

/// A folder of our own for the profile and the settings.
fn own_folder() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("driftgauge-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
