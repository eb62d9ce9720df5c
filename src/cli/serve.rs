//! `driftgauge serve`: the sidecar itself.

mod allocator;

use std::process::ExitCode;

use anyhow::Context;

use crate::app::{self, App};
use crate::settings::{Flags, Reloader};
use crate::telemetry;

/// Watches models: takes their calls in, serves what it finds on /metrics.
///
/// Works without any settings: each model's first rows then become its reference. With a settings
/// file, profiles made by `driftgauge profile` are the reference. Ends on SIGTERM or Ctrl-C, reads
/// its settings again on SIGHUP and when they change.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Settings.
    #[command(flatten)]
    pub flags: Flags,
}

/// Runs the sidecar until it is asked to end.
///
/// # Errors
/// Settings that cannot be used at all, or a port that cannot be opened.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    allocator::give_back();
    let flags = &arguments.flags;
    let reloader = Reloader::start(flags.source(), flags.config_strict)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let level = telemetry::start(&reloader.current().settings.log);
    let runtime = app::runtime().context("cannot start the threads of the sockets")?;
    runtime.block_on(async {
        let ending = app::asked_to_end();
        let app = App::start(reloader, level).await?;
        ending.await.context("cannot receive signals")?;
        tracing::info!("asked to end: taking no more calls");
        app.stop().await;
        tracing::info!("ended");
        Ok(ExitCode::SUCCESS)
    })
}
