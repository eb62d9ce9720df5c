//! What happened at one way in, counted: nothing is lost without a number.

/// Rows and calls of one source since the start: received = accepted + shed + rejected + duplicate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Label value `source`: `push`, `forward`, `events`.
    pub source: &'static str,
    /// Rows of requests that could be decoded; a call without rows to a model that no server knows
    /// counts as one.
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
    /// Calls of others that were seen; `None` where calls are addressed to us (`push`).
    pub calls: Option<CallsSeen>,
}

/// Calls of others that one source has seen since the start: seen = decoded + undecodable + shed +
/// unsampled, and those that still wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallsSeen {
    /// Calls worth looking at.
    pub seen: u64,
    /// Calls that were decoded.
    pub decoded: u64,
    /// Calls not looked at for lack of room, by reason; all reasons are there from the start.
    pub shed: Vec<(&'static str, u64)>,
    /// Calls that sampling left out.
    pub unsampled: u64,
    /// Calls that have begun and not ended.
    pub in_flight: u64,
    /// Tensors of decoded calls whose values cannot be used, by reason; all reasons are there from
    /// the start.
    pub unusable: Vec<(&'static str, u64)>,
}
