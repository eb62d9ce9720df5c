//! Ways in: outside bytes → [`Batch`](crate::batch::Batch), one protocol a file.
//!
//! Each decodes what it gets, then hands it over through its [`Intake`], which alone decides and
//! counts what becomes of it.

mod compression;
mod counts;
pub mod decoding;
pub mod events;
mod extensions;
mod grpc_frames;
pub mod inference;
mod intake;
pub mod layout;
mod limits;
pub mod mapping;
pub mod open_inference;
pub mod push;
pub mod rest;
mod room;
pub mod seen;
mod tensor_bytes;

pub use counts::{CallsSeen, SourceCounts};
pub use intake::{
    Admission, Decision, HandOver, Intake, KnownSchema, ModelLimits, ModelRefused, Refused, Reject,
    Undecodable, Verdict,
};
pub use limits::Limits;
