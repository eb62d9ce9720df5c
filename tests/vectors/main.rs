//! Vectors from rows to figures: cells around reference centroids, the cosine to the reference mean
//! as a field of its own, and the mean embedding.

#[path = "../common/mod.rs"]
mod common;

mod calibration;
mod cosines;
mod drift;
mod embedding;
mod learning;
mod profile;
mod watch;
mod world;
mod wrong_values;
