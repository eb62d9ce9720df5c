//! Why something was not taken: counted always, logged at most once a minute for each reason.

use std::time::{Duration, Instant};

use super::ModelRefused;
use crate::ingest::SourceCounts;
use crate::queue::Full;

/// Shortest time between two log lines of one reason.
const QUIET: Duration = Duration::from_secs(60);

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them, in the order of their counters.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The label value `reason`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }
        }
    };
}

reasons! {
    /// Why rows can never be taken as they are.
    Reject {
        /// More rows, or calls, than a batch may have.
        LimitRows = "limit_rows",
        /// More fields than a schema may have.
        LimitFields = "limit_fields",
        /// The request exceeds the whole queue.
        LimitQueue = "limit_queue",
        /// The batch does not say which model.
        NoModel = "no_model",
        /// No room for another model.
        TooManyModels = "too_many_models",
        /// No room for another version of the model.
        TooManyVersions = "too_many_versions",
        /// The schema is not known; sent again with its schema, the request is taken.
        UnknownSchema = "unknown_schema",
        /// The server does not know the model, and nothing else was seen of it.
        UnknownModel = "unknown_model",
    }
}

reasons! {
    /// Why a call could not be decoded.
    Undecodable {
        /// The bytes are not what the protocol says.
        Protobuf = "protobuf",
        /// The message has more bytes than the limit.
        MessageTooLarge = "message_too_large",
        /// The unfinished messages of all calls have more bytes than the limit; later there may be room.
        TooMuchArriving = "too_much_arriving",
        /// Decoded, the message would take more memory than the limit.
        TooManyElements = "too_many_elements",
        /// The message ended before its announced length, or there was none.
        Truncated = "truncated",
        /// The message is compressed, which was not agreed.
        Compressed = "compressed",
        /// The call breaks the rules of gRPC in another way.
        Protocol = "protocol",
        /// A batch has values but says that it has no rows.
        NoRows = "no_rows",
        /// The body is not the JSON that it should be.
        Json = "json",
        /// The compression is not known, broken, or hides more bytes than the limit.
        Compression = "compression",
        /// It is not known which protocol this is.
        Format = "format",
        /// A part of the call is missing: its other half never came, or some of it was shed.
        Incomplete = "incomplete",
    }
}

impl From<ModelRefused> for Reject {
    fn from(refused: ModelRefused) -> Self {
        match refused {
            ModelRefused::TooManyModels => Self::TooManyModels,
            ModelRefused::TooManyVersions => Self::TooManyVersions,
        }
    }
}

const SHED: [&str; 2] = ["queue_rows", "queue_bytes"];

/// A log line that is due.
#[derive(Debug)]
pub(super) struct Refusal {
    kind: &'static str,
    reason: &'static str,
    rows: u64,
    detail: String,
}

impl Refusal {
    pub(super) fn log(self, source: &'static str) {
        let Self {
            kind,
            reason,
            rows,
            detail,
        } = self;
        tracing::warn!(
            source,
            kind,
            reason,
            rows,
            detail,
            "refused; said at most once a minute"
        );
    }
}

/// One reason's counter.
#[derive(Clone, Debug, Default)]
struct Counter {
    count: u64,
    logged: Option<Instant>,
}

impl Counter {
    /// Counts, and says whether a log line is due. Nothing is not worth a line.
    fn add(&mut self, count: u64) -> bool {
        self.count = self.count.saturating_add(count);
        let now = Instant::now();
        let due = count > 0 && self.logged.is_none_or(|last| now - last >= QUIET);
        if due {
            self.logged = Some(now);
        }
        due
    }
}

/// The counters of one source. Sums saturate, because clients say how many rows there are.
#[derive(Debug)]
pub(super) struct Counters {
    received: u64,
    accepted: u64,
    duplicate: u64,
    shed: Vec<Counter>,
    rejected: Vec<Counter>,
    undecodable: Vec<Counter>,
}

impl Default for Counters {
    fn default() -> Self {
        let zeros = |count| vec![Counter::default(); count];
        Self {
            received: 0,
            accepted: 0,
            duplicate: 0,
            shed: zeros(SHED.len()),
            rejected: zeros(Reject::ALL.len()),
            undecodable: zeros(Undecodable::ALL.len()),
        }
    }
}

impl Counters {
    pub(super) fn receive(&mut self, rows: u64) {
        self.received = self.received.saturating_add(rows);
    }

    pub(super) fn accept(&mut self, rows: u64) {
        self.accepted = self.accepted.saturating_add(rows);
    }

    pub(super) fn duplicate(&mut self, rows: u64) {
        self.duplicate = self.duplicate.saturating_add(rows);
    }

    pub(super) fn shed(&mut self, full: Full, rows: u64) -> Option<Refusal> {
        let index = usize::from(full == Full::Bytes);
        self.shed[index].add(rows).then(|| Refusal {
            kind: "shed",
            reason: SHED[index],
            rows,
            detail: full.to_string(),
        })
    }

    pub(super) fn reject(&mut self, reason: Reject, rows: u64, detail: &str) -> Option<Refusal> {
        self.rejected[reason as usize].add(rows).then(|| Refusal {
            kind: "rejected",
            reason: reason.as_str(),
            rows,
            detail: detail.to_owned(),
        })
    }

    pub(super) fn undecodable(&mut self, reason: Undecodable, detail: &str) -> Option<Refusal> {
        self.undecodable[reason as usize].add(1).then(|| Refusal {
            kind: "undecodable",
            reason: reason.as_str(),
            rows: 0,
            detail: detail.to_owned(),
        })
    }

    pub(super) fn counts(&self, source: &'static str) -> SourceCounts {
        let list = |names: &mut dyn Iterator<Item = &'static str>, counters: &[Counter]| {
            names
                .zip(counters)
                .map(|(name, counter)| (name, counter.count))
                .collect()
        };
        SourceCounts {
            source,
            received: self.received,
            accepted: self.accepted,
            duplicate: self.duplicate,
            shed: list(&mut SHED.into_iter(), &self.shed),
            rejected: list(
                &mut Reject::ALL.iter().map(|reason| reason.as_str()),
                &self.rejected,
            ),
            undecodable: list(
                &mut Undecodable::ALL.iter().map(|reason| reason.as_str()),
                &self.undecodable,
            ),
            client_dropped: 0,
            missing_requests: 0,
            calls: None,
        }
    }
}
