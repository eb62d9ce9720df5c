//! Clustered rows and wandering distributions: measured from rows with times, and false alarms kept
//! at their rate by what was measured.

#[path = "../common/mod.rs"]
mod common;

mod alarms;
mod burn_in;
mod offline;
mod world;
