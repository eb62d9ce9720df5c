//! Events in which the sidecars of model servers tell of calls: the loggers of KServe, Seldon Core
//! and ModelMesh.
//!
//! An event's way: [`serve_events`] answers it before anybody looks at it, and hands it over as it
//! was posted; [`Pairs`], on the decoding thread, reads it (`cloud_event`, `model_mesh` → `half`),
//! waits for the other half of its call and makes an
//! [`Exchange`](super::seen::Exchange) of both (`exchange`). From there on it is a call like any
//! other: which protocol its bodies have, they tell the decoder themselves.

mod cloud_event;
mod counts;
mod exchange;
mod half;
mod metadata;
mod model_mesh;
mod pairs;
mod post;
mod serve;

pub use counts::EventCounts;
pub use pairs::Pairs;
pub use serve::serve_events;

#[cfg(test)]
mod tests;
