//! driftgauge
#![forbid(unsafe_code)]
#![deny(missing_docs)]
pub mod batch;
pub mod cli;
pub mod engine;
pub mod files;
pub mod ingest;
pub mod learn;
pub mod profile;
