//! driftgauge
#![forbid(unsafe_code)]
#![deny(missing_docs)]
pub mod batch;
pub mod engine;
pub mod export;
pub mod ingest;
pub mod profile;
