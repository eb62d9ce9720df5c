//! `driftgauge top`: the status of a running sidecar as a live table in the terminal.

mod ask;
mod document;
mod figures;
mod frame;
mod head;
mod keys;
mod live;
mod once;
mod rows;
mod screen;
mod style;
mod table;
mod text;
mod view;

use std::io::{IsTerminal, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

use super::sidecar::{Place, explained};
use crate::clock;
use view::{Sort, View};

/// Watch a running sidecar in the terminal: its features, worst first.
///
/// Like `top`: the table is drawn anew every two seconds, and keys choose what it shows; `?` lists
/// them. Each column of a window (5m, 1h, 1d …) has the drift ratio of the feature in it. Above 1 is
/// drift and has a `!`; where there is no ratio it says why: few rows, absent, learning. The other
/// columns tell of the same windows:
///
///   missing       share of the rows without a usable value
///   out of range  share of the numbers beyond the smallest and largest of the reference
///   new           share of the categories that the reference never saw
///   state         drift; or absent, constant, too few rows, learning, unknown, no data; or ok
///   since         for how long it has drifted, by the clock of the rows
///   shape         how it came: sudden, gradual, periodic, temporary, permanent
///
/// By default all windows and references count, and each figure is the worst of them; w and r (or
/// --window and --reference) choose one. What the model's features do together (dependence, mmd,
/// unusual rows), its traffic and what the sidecar had to shed stand above the table.
///
/// A sidecar that does not answer is asked again and again, with its last figures in sight. With
/// --once, or when the output is no terminal, one plain table of all models is printed, and the exit
/// code is 1 if the sidecar does not answer. It is asked for nothing but GET /api/v1/status. NO_COLOR
/// is respected.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The sidecar's web port, or unix:/PATH of its --web.admin-socket
    #[arg(long, value_name = "ADDRESS", default_value = "localhost:9599")]
    pub to: Place,
    /// Seconds from one look to the next
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub interval: Duration,
    /// Print one plain table and end
    #[arg(long)]
    pub once: bool,
    /// By what to sort
    #[arg(long, value_enum, default_value = "drift")]
    pub sort: Sort,
    /// Only this window counts, such as 1h
    #[arg(long)]
    pub window: Option<String>,
    /// Only this reference counts, such as profile or previous
    #[arg(long)]
    pub reference: Option<String>,
    /// Only this model; else the worst one, and with --once all
    #[arg(long)]
    pub model: Option<String>,
    /// Only features with this in their name
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// With --once, at most so many features of each model
    #[arg(long, value_name = "N")]
    pub lines: Option<usize>,
}

/// Shows the table until `q`, or prints it once.
///
/// # Errors
/// In the plain form: the sidecar cannot be reached or understood, or there is no such window or
/// model. In the live form: the terminal cannot be used.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let view = view_of(arguments);
    if arguments.once || !can_be_live() {
        runtime.block_on(print_once(arguments, &view))?;
    } else {
        runtime.block_on(live::run(&arguments.to, arguments.interval, view))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is shown is made harmless, so what is searched for is too.
fn view_of(arguments: &Arguments) -> View {
    let harmless = |said: &Option<String>| {
        let said = said.as_deref();
        said.map(|said| text::Text::from(said).to_string())
    };
    View {
        sort: arguments.sort,
        window: harmless(&arguments.window),
        reference: harmless(&arguments.reference),
        model: harmless(&arguments.model).map(|model| (model, None)),
        filter: harmless(&arguments.filter).unwrap_or_default(),
        ..View::default()
    }
}

fn can_be_live() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    stdout().is_terminal() && !is_dumb
}

async fn print_once(arguments: &Arguments, view: &View) -> Result<()> {
    let place = &arguments.to;
    let document = ask::status(place).await;
    let document = document.map_err(|error| explained(error, "--to"))?;
    if let Some(why) = view.complaint(&document) {
        bail!(why);
    }
    let mut out = stdout().lock();
    let width = match out.is_terminal() {
        true => ratatui::crossterm::terminal::size().map_or(80, |(columns, _)| columns.into()),
        false => usize::MAX,
    };
    let now = clock::wall_micros() as f64 * 1e-6;
    let (place, lines) = (place.to_string(), arguments.lines);
    once::print(&mut out, &document, &place, view, now, width, lines)?;
    Ok(out.flush()?)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<f64>();
    match seconds {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("say a number of seconds from 0.1 to 3600".into()),
    }
}
