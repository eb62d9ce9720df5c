//! What the world sees: `/metrics` in three formats, the status page, profiles. Reads snapshots
//! only, so a scrape can never delay the engine.
//!
//! ```text
//! Snapshot ─┐                        ┌─ text.rs (0.0.4)
//! Sidecar ──┼─ collector, own ─ exposition ─ OpenMetrics ─ http.rs ─▶ Prometheus, people
//! Process ──┘   (names.rs)           └─ protobuf
//! ```

pub mod exposition;
pub mod family;
pub mod http;
pub mod names;
pub mod negotiate;
pub mod own;
pub mod process;
pub mod url;

mod collector;
mod exemplars;
mod explain;
mod page;
mod pen;
mod room;
mod routes;
mod status;
mod text;

pub use collector::ModelCollector;
pub use http::{Accept, WebOptions, WebState, serve_web};
pub use own::{KeptWindows, OWN_SERIES, Sidecar};
pub use page::Setting;
pub use process::Process;
pub use text::classic;
