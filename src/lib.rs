//! driftgauge
#![forbid(unsafe_code)]
#![deny(missing_docs)]
pub mod batch;
pub mod cli;
pub mod engine;
pub mod ingest;
pub mod profile;
pub mod settings;
pub mod telemetry;
