//! What driftgauge exposes, read back by parsers of our own and compared with golden pages.

mod explain;
mod formats;
mod golden;
mod lifecycle;
mod limits;
mod pages;
mod parse;
mod port;
mod series;
mod snapshot;
mod table;
mod web;
