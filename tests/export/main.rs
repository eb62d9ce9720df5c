//! What driftgauge exposes, read back by parsers of our own and compared with golden pages.

mod explain;
mod formats;
mod golden;
mod parse;
mod series;
mod snapshot;
mod table;
mod web;
