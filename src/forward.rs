//! The forwarding proxy: passes calls on to the model server as they are, and shows them to
//! [`ingest`](crate::ingest).
//!
//! It stands on the model's path, so the rule of every file here is: a client sees what it would see
//! without it. A connection is carried by one connection to the model server, of the same protocol;
//! nothing is routed by name; bodies stream in both directions at the pace of the slower side; what
//! cannot be looked at passes all the same.
//!
//! A call's way: [`serve_forward`] accepts → `line` (a connection and its counterpart upstream) →
//! `call` (one request, one response) → `body` (what streams), with a `tap` on it if it is watched.

mod answer;
mod body;
mod call;
mod draw;
mod expect;
mod fault;
mod flight;
mod line;
mod serve;
mod tap;
mod target;
mod tunnel;
mod turns;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::ingest::mapping::Sampling;
use crate::ingest::seen::Observer;

pub use serve::serve_forward;
pub use target::Target;

/// Where calls go, and what is seen of them.
#[derive(Clone, Debug)]
pub struct Forward {
    /// Where HTTP/2 connections are carried to: the model server's gRPC port.
    pub upstream: Target,
    /// Where HTTP/1.1 connections are carried to; the same as `upstream` when the server has one port.
    pub http_upstream: Target,
    /// Takes what is seen.
    pub observer: Observer,
    /// Which calls are left out before their bodies are kept.
    pub sampling: Arc<ArcSwap<Sampling>>,
    /// Bytes of request and response of one call that are kept at most; larger ones are not looked at.
    pub call_bytes: usize,
    /// How long calls may take to end once the proxy shuts down; then they are cut.
    pub drain: Duration,
}
