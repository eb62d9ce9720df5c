//! driftgauge watches a machine-learning model's inputs and outputs from a sidecar and serves what
//! it finds to Prometheus.
//!
//! Everything it remembers of traffic is a sum over rows, so windows, pods and versions add and
//! subtract, and every statistic is a pure function of two sums.
//!
//! ```text
//! bytes ─ingest─▶ Batch ─offer─▶ queue ─apply─▶ tallies ─tick─▶ windows ─evaluate─▶ Snapshot ─collect─▶ /metrics
//!         (tokio)          (bounded, sheds)   (one writer, no locks, no async, `now` is an argument)  (reads one Arc)
//! ```
//!
//! From the top floor down; a floor uses only floors below it (`tests/architecture.rs` holds this):
//!
//! - [`cli`]: one command a file. [`app`] wires the parts and knows them all.
//! - [`export`]: names, collector, HTTP: reads snapshots only.
//! - [`generate`]: rules, alerts and dashboards, made from the table of metrics.
//! - [`client`]: sends batches as a model server would.
//! - [`analysis`]: the one thread that owns the engine.
//! - [`forward`]: passes calls on to the model server untouched, and shows them to [`ingest`].
//! - [`ingest`]: one protocol a file, outside bytes → [`batch`].
//! - [`engine`]: state of all models: batches in, snapshots out.
//! - [`files`]: Parquet, CSV, JSON lines → [`batch`]. [`learn`]: rows → [`profile`].
//! - [`window`]: rings of slices. [`tally`]: the sums.
//! - [`queue`]: the bounded door between sockets and analysis. [`socket`]: ports, and Unix sockets with their files.
//! - [`statistic`]: one pure function a file.
//! - [`settings`]: what an operator may say. [`profile`]: the reference as data.
//! - [`batch`]: the one data type of a model call. [`telemetry`]: logs. [`clock`]: the time.
//! - [`proto`]: messages of the push API and of the Open Inference Protocol, generated.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod analysis;
pub mod app;
pub mod batch;
pub mod cli;
pub mod client;
pub mod clock;
pub mod engine;
pub mod export;
pub mod files;
pub mod forward;
pub mod generate;
pub mod ingest;
pub mod learn;
pub mod profile;
pub mod proto;
pub mod queue;
pub mod settings;
pub mod socket;
pub mod statistic;
pub mod tally;
pub mod telemetry;
pub mod window;
