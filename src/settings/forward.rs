//! What is seen of calls that are not addressed to the sidecar: the proxy, and the sink of events.

use super::section::section;
use super::text::finite;
use super::{Address, ByteSize, SocketMode, Span};

section! {
    /// The proxy in front of a model server.
    pub struct Forward {
        /// Where clients connect instead of to the model server: `host:port` (127.0.0.1:4597 is the
        /// usual one), `unix:/path` for a Unix socket, or empty for not at all. HTTP/1.1 and HTTP/2,
        /// hence gRPC, are told apart by themselves.
        listen_address: Address = Address::Off,
        /// File mode of the Unix socket, in octal digits.
        socket_mode: SocketMode = SocketMode(0o660),
        /// The model server: where connections with HTTP/2 go on to, `host:port` or `unix:/path`.
        upstream: Address = Address::Off,
        /// Where connections with HTTP/1.1 go on to, for model servers that have another port for
        /// REST. Empty: to `upstream`.
        http_upstream: Address = Address::Off,
        /// Share of inference calls that are looked at; counts of traffic are scaled up
        /// accordingly. All go through. Models can differ. From 0 to 1.
        #[serde(deserialize_with = "finite")]
        sample_rate: f64 = 1.0,
        /// Most bytes of request and response together that are kept of one call to be looked at;
        /// larger ones go through unseen, and are counted. From 4KiB to 1GiB.
        call_bytes: ByteSize = ByteSize::mib(4),
        /// Most bytes that are kept of all calls and events together until they are decoded.
        /// At least `forward.call_bytes`, at most 4GiB.
        buffer_bytes: ByteSize = ByteSize::mib(8),
        /// What a model is called by protocols that do not name it (`/invocations`).
        model: String = "model".into(),
        /// How long calls may take to end once the sidecar is asked to end. A little less than
        /// the pod's grace period. From 0s to 1h.
        drain: Span = Span::from_secs(25),
    }
}

section! {
    /// The HTTP server that takes what others have seen.
    pub struct Http {
        /// Where it listens: `host:port` (127.0.0.1:4598 is the usual one), or empty for not at all.
        /// It is the `url` of the logger, such as `http://localhost:4598`.
        listen_address: Address = Address::Off,
        /// How long one half of a call waits for the other, request for response or the other way
        /// around. From 1s to 1h.
        pairing: Span = Span::from_secs(60),
        /// Most halves that wait; beyond it the oldest goes. From 1 to 1,000,000.
        pending: usize = 4_096,
    }
}
