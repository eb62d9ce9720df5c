//! `driftgauge replay`: sends rows of files to a sidecar, at a pace, and accounts for each.

mod pace;
mod send;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

pub use self::pace::Pace;
pub use self::send::{Replay, Summary, send};
use crate::batch::Role;
use crate::files::{Dataset, ReadOptions};

/// Send the rows of files to a sidecar, as a model server would.
///
/// Columns that are labels or ignored are not sent. At the end the rows sent, accepted, rejected and
/// lost are printed; the exit code is 1 unless all were accepted.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Parquet, CSV or JSON lines files, in this order
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Where the sidecar takes pushes: HOST:PORT, `http://HOST:PORT` or unix:/PATH
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4599")]
    pub to: String,
    /// Name of the model
    #[arg(long)]
    pub model: String,
    /// Version of the model
    #[arg(long = "version", value_name = "VERSION", default_value = "")]
    pub model_version: String,
    /// Rows per second; without it and without --speed, as fast as they are taken
    #[arg(long, value_name = "ROWS_PER_SECOND", value_parser = above_zero, conflicts_with = "speed")]
    pub rate: Option<f64>,
    /// Time-lapse: this many seconds of the --time column in one second
    #[arg(long, value_name = "FACTOR", value_parser = above_zero, requires = "time")]
    pub speed: Option<f64>,
    /// Rows of one request at most
    #[arg(long, value_name = "ROWS", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub batch: u32,
    /// Send over one stream instead of one call a request
    #[arg(long)]
    pub stream: bool,
    /// Column with the latency of each call, in microseconds
    #[arg(long, value_name = "COLUMN")]
    pub latency_column: Option<String>,
    /// Column that the model predicted; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub prediction: Vec<String>,
    /// Column with a score of the model; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub score: Vec<String>,
    /// Column with the truth, which is not sent; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub label: Vec<String>,
    /// Column that splits rows into groups; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub segment: Vec<String>,
    /// Column that is not sent; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,
    /// Column that identifies the row
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// Column with the time of each row
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// Stop after so many rows
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<u64>,
    /// Send the data so many times; row times go on from one time to the next
    #[arg(long = "loop", value_name = "TIMES", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// Seconds to wait for a sidecar that is away or full, before rows are lost
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub retry: u64,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err("must be above 0".into())
    }
}

impl Args {
    /// How the files are read: which column is what.
    fn read_options(&self) -> ReadOptions {
        let said = [
            (&self.prediction, Role::Prediction),
            (&self.score, Role::Score),
            (&self.label, Role::Label),
            (&self.segment, Role::Segment),
            (&self.ignore, Role::Ignore),
        ];
        let roles = said
            .into_iter()
            .flat_map(|(columns, role)| columns.iter().map(move |column| (column.clone(), role)))
            .chain(self.id.iter().map(|column| (column.clone(), Role::Id)));
        ReadOptions {
            model: self.model.clone(),
            version: self.model_version.clone(),
            roles: roles.collect(),
            time: self.time.clone(),
            latency: self.latency_column.clone(),
            ..ReadOptions::default()
        }
    }

    fn replay(&self, stop: watch::Receiver<bool>) -> Replay {
        Replay {
            to: self.to.clone(),
            model: self.model.clone(),
            version: self.model_version.clone(),
            pace: match (self.rate, self.speed) {
                (Some(rate), _) => Pace::RowsPerSecond(rate),
                (_, Some(speed)) => Pace::TimeLapse(speed),
                _ => Pace::Unlimited,
            },
            request_rows: self.batch as usize,
            stream: self.stream,
            limit: self.limit.unwrap_or(u64::MAX),
            retry_for: Duration::from_secs(self.retry),
            stop,
        }
    }
}

/// Replays the rows of files.
///
/// # Errors
/// When the address makes no sense, or the data cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    let dataset = Dataset::open(&args.data, &args.read_options())?;
    for note in dataset.notes() {
        writeln!(std::io::stderr(), "note: {note}")?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("replay")
        .enable_all()
        .build()?;
    let (stop, stopped) = watch::channel(false);
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.send_replace(true);
            // Whoever asks twice does not want to wait for the last answers.
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        }
        std::future::pending::<()>().await;
    });
    let rows = dataset.rows() * u64::from(args.repeat);
    let progress = progress(rows.min(args.limit.unwrap_or(rows)));
    let rows = || dataset.batches().map(|batch| batch.map_err(Into::into));
    let loops = (0..args.repeat).map(|_| Ok(rows()));
    let summary = runtime.block_on(send(loops, args.replay(stopped), |sent| {
        progress.set_position(sent);
    }));
    progress.finish_and_clear();
    let summary = summary?;
    print!("{summary}");
    Ok(if summary.totals.accepted == summary.totals.sent {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A bar over rows on standard error, if that is a terminal.
fn progress(rows: u64) -> ProgressBar {
    let bar = ProgressBar::new(rows);
    let template = "{bar:40} {human_pos}/{human_len} rows, {per_sec}, {eta}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
