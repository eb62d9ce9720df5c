//! The commands, one file each.

pub mod check;
pub mod compare;
pub mod profile;
mod progress;
pub mod replay;
pub mod serve;
