//! The commands, one file each.

pub mod check;
pub mod compare;
pub mod demo;
pub mod generate;
pub mod profile;
mod progress;
pub mod rebaseline;
pub mod replay;
pub mod serve;
mod sidecar;
pub mod top;
