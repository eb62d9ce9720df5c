//! What an operator may say, and what holds when nothing is said.
//!
//! [`Settings`] is the whole of it; its fields' comments are the manual, from which the example
//! file, the tables and the help of the flags are rendered. A value comes from the first that says
//! it: flag, environment variable, file, default. [`Source`] reads the file and the profiles that
//! it names into [`Loaded`], [`Reloader`] does so again whenever they change.

mod address;
mod calls;
mod content;
mod duration;
mod error;
mod flags;
mod forward;
mod in_force;
mod last_good;
mod load;
mod locate;
mod manual;
mod models;
mod references;
mod reload;
mod section;
mod size;
mod text;
mod validate;
mod yaml;

pub use address::{Address, SocketMode};
pub use calls::{BatchDimension, CallId};
pub use duration::{Span, Windows};
pub use error::{Problem, SettingsError};
pub use flags::Flags;
pub use forward::{Forward, Http};
pub use in_force::{HIDDEN, InForce, in_force};
pub use load::{Loaded, Override, Source};
pub use manual::{Entry, entries, example_file, markdown_table};
pub use models::{Feature, FeatureDrift, FeatureMetrics, Input, Model, Output, Version};
pub use references::{Reference, References};
pub use reload::{ReloadHandle, ReloadStatus, Reloader, needs_restart};
pub use section::{Field, Section};
pub use size::ByteSize;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use section::section;
use text::{finite, map_or_default, optional_path, or_default};

section! {
    /// Everything that can be set.
    pub struct Settings {
        /// The HTTP server for scrapes, probes and the status page.
        #[serde(deserialize_with = "or_default")]
        web: Web = Web::default(),
        /// The gRPC server that model servers push their calls to.
        #[serde(deserialize_with = "or_default")]
        push: Push = Push::default(),
        /// The proxy in front of a model server: clients connect to it instead, and everything goes
        /// through byte for byte, while inference calls are looked at beside the way.
        #[serde(deserialize_with = "or_default")]
        forward: Forward = Forward::default(),
        /// The HTTP server that takes what others have seen: the CloudEvents of the loggers of
        /// KServe and Seldon.
        #[serde(deserialize_with = "or_default")]
        http: Http = Http::default(),
        /// Bounds on what is taken in; what lies beyond is refused and counted with a reason.
        #[serde(deserialize_with = "or_default")]
        limits: Limits = Limits::default(),
        /// The queue between the servers and the analysis. When it is full, rows are shed and
        /// counted; no sender ever waits.
        #[serde(deserialize_with = "or_default")]
        queue: Queue = Queue::default(),
        /// What is kept over restarts.
        #[serde(deserialize_with = "or_default")]
        state: State = State::default(),
        /// Which time rows belong to: `wall`, the moment they arrive, or `event`, the time they
        /// carry (for demonstrations, replays and backfills).
        clock: Clock = Clock::Wall,
        /// How often windows move on and statistics are evaluated. At least 100ms, at most 5m.
        tick: Span = Span::from_secs(5),
        /// Lengths of the sliding windows that statistics are computed over, 1 to 8 of them, each
        /// at least 12 ticks. Their text is the label `window`.
        windows: Windows = Windows::new(vec![
            Span::from_secs(300),
            Span::from_secs(3_600),
            Span::from_secs(86_400),
        ]),
        /// What windows are compared with, all at once: `profile`; `seasonal`, the same hours of the
        /// seven days before (of windows of at most a day, 18 kB a field); `previous`, the window
        /// before (as much memory again); `versions`, every other version of the model;
        /// `version:` and the name of one. Models can differ.
        references: References = References(vec![Reference::Profile]),
        /// How a reference is learned from traffic for models without a profile.
        #[serde(deserialize_with = "or_default")]
        learning: Learning = Learning::default(),
        /// When drift counts as drift; models and features can differ.
        #[serde(deserialize_with = "or_default")]
        drift: Drift = Drift::default(),
        /// How rows that are unusual as a whole are looked for.
        #[serde(deserialize_with = "or_default")]
        outliers: Outliers = Outliers::default(),
        /// How features are looked at together.
        #[serde(deserialize_with = "or_default")]
        joint: Joint = Joint::default(),
        /// How much is exposed for each feature; models and features can differ.
        #[serde(deserialize_with = "or_default")]
        metrics: Metrics = Metrics::default(),
        /// What driftgauge says about itself on standard error.
        #[serde(deserialize_with = "or_default")]
        log: Log = Log::default(),
        /// Models by name, as traffic calls them. A model need not be here to be watched.
        #[serde(deserialize_with = "map_or_default")]
        models: BTreeMap<String, Model> = BTreeMap::new(),
    }
}

section! {
    /// The HTTP server.
    pub struct Web {
        /// Address and port of `/metrics`, probes and the status page. Port 0 lets the system
        /// choose one, which the log then names.
        listen_address: Address = Address::Tcp("0.0.0.0:9599".into()),
        /// Path under which metrics are exposed.
        telemetry_path: String = "/metrics".into(),
        /// Most series that are exposed for all models together. Beyond it detail is left out, at
        /// load and reload only: fleet bins first, then what `standard` shows beyond `lean`, then
        /// whole features. From 100 to 10,000,000.
        max_series: usize = 20_000,
        /// Whether the status page and the API name the most frequent categories that the reference
        /// has never seen. They are values of rows, cut at 64 bytes; never a metric label, and
        /// never of a reference that was learned from traffic.
        new_categories: bool = true,
        /// Whether `POST /-/reload` reads the settings again and `POST /api/v1/rebaseline` makes a
        /// new reference. Off, because whoever reaches the port could call them.
        enable_lifecycle: bool = false,
        /// A Unix socket that serves the same as the port, and on which these two are always
        /// allowed; only its owner may connect (mode 0600). Empty: there is none.
        #[serde(deserialize_with = "optional_path")]
        admin_socket: Option<PathBuf> = None,
    }
}

section! {
    /// The push server.
    pub struct Push {
        /// Where it listens: `host:port`, `unix:/path` for a Unix socket, or empty for not at all.
        /// The default takes calls from the same pod only.
        listen_address: Address = Address::Tcp("127.0.0.1:4599".into()),
        /// File mode of the Unix socket, in octal digits. With a common `fsGroup`, 0660 lets
        /// containers of other users connect.
        socket_mode: SocketMode = SocketMode(0o660),
    }
}

section! {
    /// Bounds on what is taken in.
    pub struct Limits {
        /// Largest message that is read, in bytes. From 4KiB to 1GiB.
        message_bytes: ByteSize = ByteSize::mib(16),
        /// Most rows of one batch. From 1 to 1,048,576.
        batch_rows: usize = 65_536,
        /// Most fields that are followed per model; those beyond are counted only. From 1 to
        /// 20,000.
        fields: usize = 2_000,
        /// Most fields that are followed in all models and versions together, beside those of
        /// profile files; those beyond are counted only. It bounds memory: a field takes 14 kB with
        /// three windows, 30 kB more at detail `full`, and what `references` adds. From 1 to
        /// 1,000,000.
        total_fields: usize = 10_000,
        /// Most columns that an input tensor of two dimensions becomes, unless settings or the profile
        /// name them; one with more is a vector. From 1 to 65,536.
        tensor_columns: usize = 256,
        /// Longest name of a model, version or field in bytes; longer ones are cut and end in a
        /// hash. From 32 to 128.
        name_bytes: usize = 128,
        /// Longest text value in bytes; longer ones count as invalid. From 16 to 65,536.
        string_bytes: usize = 4_096,
        /// Most models that are followed. From 1 to 1,024.
        models: usize = 64,
        /// Most versions that are followed per model. From 1 to 64.
        versions: usize = 8,
    }
}

section! {
    /// The queue between servers and analysis.
    pub struct Queue {
        /// Most rows that wait. At least `limits.batch_rows`, else a large batch could never be
        /// accepted; at most 10,000,000.
        rows: usize = 100_000,
        /// Most bytes that wait. From 64KiB to 4GiB.
        bytes: ByteSize = ByteSize::mib(8),
    }
}

section! {
    /// What is kept over restarts.
    pub struct State {
        /// Folder for learned and re-baselined profiles, all windows, and the last good copy of these settings.
        /// It must be writable. Empty: nothing is kept, and models without a profile learn anew
        /// after a restart.
        #[serde(deserialize_with = "optional_path")]
        directory: Option<PathBuf> = None,
        /// How often all windows are kept there, so that a restart goes on with them: what a crash
        /// loses at most. From 100ms to 1h; at an orderly end they are kept as well.
        snapshot_interval: Span = Span::from_secs(60),
    }
}

section! {
    /// How a reference is learned.
    pub struct Learning {
        /// Rows of a model that become its reference. 0: nothing is learned, models without a
        /// profile show traffic and missing values but no drift. Else from 100 to 1,000,000.
        rows: usize = 5_000,
        /// Most memory for the rows of one model while it learns, in bytes; when it is full, the
        /// rows so far are the reference. More than four models that learn at once share four times
        /// as much. From 64KiB to 1GiB.
        bytes: ByteSize = ByteSize::mib(8),
    }
}

section! {
    /// When drift counts as drift.
    pub struct Drift {
        /// Smallest population stability index worth an alarm, δ. 0: any change that is beyond
        /// chance, however small. From 0 to 10; 0.1 is often called a moderate and 0.25 a large
        /// change.
        #[serde(deserialize_with = "finite")]
        minimum_effect: f64 = 0.02,
        /// How sure an alarm must be, z, in standard deviations of a normal distribution,
        /// one-sided. 4.75 is one false alarm in a million evaluations. 0: half of all evaluations
        /// at the minimum effect alarm. From 0 to 10.
        #[serde(deserialize_with = "finite")]
        significance: f64 = 4.75,
        /// How long production learns how rows hang together where the profile has not measured it:
        /// clusters then raise no false alarms, and what comes and goes in these first days counts
        /// as usual, up to a drift of 0.1. Then it is frozen. 0s: nothing is learned. Else from 1h
        /// to 366d.
        burn_in: Span = Span::from_secs(7 * 86_400),
    }
}

section! {
    /// How unusual rows are looked for.
    pub struct Outliers {
        /// Features that a row is judged by, at most; of a profile with more, the most important
        /// ones, else the first. 0: outliers are not looked for. From 0 to 64.
        features: usize = 64,
        /// One run of rows (a batch, or 4,096 rows of a longer one) in so many is looked at, at
        /// random. 0: outliers are not looked for. From 0 to 1,000,000.
        sample: u64 = 1,
    }
}

section! {
    /// How features are looked at together.
    pub struct Joint {
        /// Most features that are looked at together where that is learned from traffic: the most
        /// important ones, else the first. A profile file made by `driftgauge profile` says itself
        /// which. 0: dependence and distance are not looked at. From 0 to 16, but not 1.
        features: usize = 16,
        /// One row in so many is looked at: 10 costs a tenth, and sees what 1 sees in a tenth of
        /// the rows. From 1 to 1,000,000.
        sample: usize = 1,
        /// Smallest change of the mean product of two normal scores (about their rank
        /// correlation) worth an alarm. From 0 to 2.
        #[serde(deserialize_with = "finite")]
        minimum_correlation: f64 = 0.1,
        /// Smallest squared distance between the mean embeddings of rows (MMD²) worth an alarm, in
        /// units of the variance of one row's embedding. 0: any change that is beyond chance; only
        /// then dependence that leaves all correlations as they are shows. From 0 to 2.
        #[serde(deserialize_with = "finite")]
        minimum_discrepancy: f64 = 0.000_3,
    }
}

section! {
    /// How much is exposed.
    pub struct Metrics {
        /// `lean`: drift ratio, null ratio, state, values and missing values. `standard`: what the
        /// dashboards need. `full`: every statistic.
        detail: Detail = Detail::Standard,
        /// Whether counters per reference cell are exposed, from which Prometheus computes the
        /// drift of all pods together. Never in `lean`.
        fleet: bool = true,
    }
}

section! {
    /// What driftgauge says about itself.
    pub struct Log {
        /// Least severe message that is written: `error`, `warn`, `info`, `debug` or `trace`.
        level: LogLevel = LogLevel::Info,
        /// `logfmt`: lines of key=value. `json`: one object a line.
        format: LogFormat = LogFormat::Logfmt,
    }
}

/// Which time rows belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The moment they arrive.
    Wall,
    /// The time they carry.
    Event,
}

/// How much of a feature is exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Drift ratio, null ratio, state, values and missing.
    Lean,
    /// What dashboards need.
    Standard,
    /// Everything.
    Full,
}

/// Least severe message that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something is broken.
    Error,
    /// Something is not as it should be.
    #[serde(alias = "warning")]
    Warn,
    /// Milestones.
    Info,
    /// What happens.
    Debug,
    /// Everything.
    Trace,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Lines of key=value.
    Logfmt,
    /// One JSON object a line.
    Json,
}
