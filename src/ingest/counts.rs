//! What happened at one way in, counted: nothing is lost without a number.

/// Rows and calls of one source since the start: received = accepted + shed + rejected + duplicate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Label value `source`: `push`.
    pub source: &'static str,
    /// Rows of requests that could be decoded.
    pub received: u64,
    /// Rows taken over into the queue.
    pub accepted: u64,
    /// Rows of retries of a request that was accepted before.
    pub duplicate: u64,
    /// Rows refused for lack of room, by reason; all reasons are there from the start.
    pub shed: Vec<(&'static str, u64)>,
    /// Rows that can never be taken, by reason; all reasons are there from the start.
    pub rejected: Vec<(&'static str, u64)>,
    /// Calls that could not be decoded, so that their rows are not known, by reason.
    pub undecodable: Vec<(&'static str, u64)>,
    /// Rows that clients say they dropped before sending.
    pub client_dropped: u64,
    /// Requests that clients have numbered but that never came.
    pub missing_requests: u64,
}
