//! What is seen of calls that are not addressed to us: kept as bytes, to be decoded later.
//!
//! Forwarding and events only put aside what passes and hand it over; the decoding thread
//! (`decoding`) makes tensors of it and batches of those. So nothing on a model's path decodes.

mod budget;
mod calls;
mod exchange;
mod observer;
mod watched;

pub use budget::{Budget, Held};
pub use calls::{CallCounts, Shed};
pub use exchange::{Ending, Event, Exchange, Headers, Message, Seen, Side, StreamPart, Transport};
pub use observer::Observer;
pub use watched::Watched;
