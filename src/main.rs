//! Command line → exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use driftgauge::cli;

/// Watches machine-learning models from a sidecar and serves drift, data quality, latency and
/// throughput to Prometheus.
#[derive(Debug, Parser)]
#[command(name = "driftgauge", version = VERSION, arg_required_else_help = true)]
struct Command {
    #[command(subcommand)]
    task: Task,
}

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("DRIFTGAUGE_REVISION"),
    ")"
);

#[derive(Debug, Subcommand)]
enum Task {
    Serve(cli::serve::Arguments),
    Profile(cli::profile::Args),
    Compare(cli::compare::Arguments),
    Replay(cli::replay::Args),
    Check(cli::check::Arguments),
    Rebaseline(cli::rebaseline::Arguments),
    Demo(cli::demo::Arguments),
    Top(cli::top::Arguments),
    Generate(cli::generate::Arguments),
}

fn main() -> ExitCode {
    let task = parse().task;
    let gone = match &task {
        Task::Top(_) => ExitCode::SUCCESS,
        Task::Generate(arguments) if !arguments.check => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    };
    let result = match task {
        Task::Serve(arguments) => cli::serve::run(&arguments),
        Task::Profile(arguments) => cli::profile::run(&arguments).map(|()| ExitCode::SUCCESS),
        Task::Compare(arguments) => cli::compare::run(&arguments, &mut std::io::stdout().lock()),
        Task::Replay(arguments) => cli::replay::run(&arguments),
        Task::Rebaseline(arguments) => {
            cli::rebaseline::run(&arguments, &mut std::io::stdout().lock())
        }
        Task::Demo(arguments) => cli::demo::run(&arguments),
        Task::Top(arguments) => cli::top::run(&arguments),
        Task::Generate(arguments) => cli::generate::run(&arguments, &mut std::io::stdout().lock()),
        Task::Check(arguments) => {
            cli::check::run(&arguments, &mut std::io::stdout().lock()).map_err(Into::into)
        }
    };
    result.unwrap_or_else(|error| {
        if reader_has_gone(&error) {
            return gone;
        }
        // Not through the log, which may not have been started; nothing is left to do if it fails.
        let _ = writeln!(std::io::stderr(), "driftgauge: {error:#}");
        ExitCode::FAILURE
    })
}

/// What was asked for. `-1` is the value of the flag before it, of which that can say what is wrong.
fn parse() -> Command {
    let takes_negative_numbers = |argument: Arg| {
        let takes_value = argument.get_action().takes_values() && !argument.is_positional();
        argument.allow_negative_numbers(takes_value)
    };
    let command = Command::command()
        .mut_subcommands(|command| command.mut_args(takes_negative_numbers))
        .get_matches();
    Command::from_arg_matches(&command).unwrap_or_else(|error| error.exit())
}

/// `driftgauge compare … | head`: who closes the pipe has read enough and needs no sentence. A verdict
/// that nobody has read is none, though.
fn reader_has_gone(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
