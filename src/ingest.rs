//! Ways in: outside bytes → [`Batch`](crate::batch::Batch), one protocol a file.
//!
//! Each decodes what it gets, then hands it over through its [`Intake`], which alone decides and
//! counts what becomes of it.

mod counts;
mod grpc_frames;
pub mod inference;
mod intake;
mod limits;
pub mod mapping;
pub mod open_inference;
pub mod push;
pub mod seen;

pub use counts::SourceCounts;
pub use intake::{
    Admission, Decision, HandOver, Intake, KnownSchema, ModelLimits, ModelRefused, Refused, Reject,
    Undecodable, Verdict,
};
pub use limits::Limits;
