//! x
pub mod budget;
mod snapshot;
pub use snapshot::*;
/// Upper bounds of `driftgauge_request_duration_seconds`.
pub const DURATION_BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Upper bounds of `driftgauge_request_rows`.
pub const REQUEST_ROWS_BUCKETS: [f64; 7] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];
/// Quantiles of `driftgauge_latency_seconds`.
pub const LATENCY_QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
