//! What driftgauge says about itself on standard error: logfmt or JSON, at a level that can change,
//! and warnings that are written at most once a minute and counted always.

mod limited;
mod logfmt;

pub use limited::{allow, suppressed_warnings};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, reload};

use crate::settings::{Log, LogFormat, LogLevel};

/// Changes the level while the program runs.
#[derive(Clone, Debug)]
pub struct LevelHandle(reload::Handle<Targets, Registry>);

impl LevelHandle {
    /// Writes messages of this level and above from now on.
    pub fn set(&self, level: LogLevel) {
        // It fails only when the subscriber is gone, and then there is nothing to be said.
        let _ = self.0.reload(targets(level));
    }
}

/// Starts to write messages as the settings say. Once per process; where something else receives
/// them already (a test), that stays.
pub fn start(log: &Log) -> LevelHandle {
    let (filter, handle) = reload::Layer::new(targets(log.level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match log.format {
        LogFormat::Logfmt => lines
            .event_format(logfmt::Logfmt)
            .fmt_fields(logfmt::Pairs)
            .boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = Registry::default().with(layer.with_filter(filter));
    let _ = subscriber.try_init();
    LevelHandle(handle)
}

/// Our own messages at this level; those of libraries from `info` up at most, because their `debug`
/// has a line for every frame of every connection.
fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("driftgauge", level)
}
