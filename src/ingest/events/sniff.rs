//! What a body is, told by its bytes: events do not say it reliably (KServe gives a response the
//! content type of its request), and never the path of the call.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

/// The first bytes of gzip (RFC 1952, section 2.3.1).
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// How many gRPC frames the body is made of; `None` when it is not made of frames. Compressed
/// messages count.
pub(super) fn grpc_frames(body: &[u8]) -> Option<usize> {
    let mut rest = body;
    let mut frames = 0;
    while !rest.is_empty() {
        let (prefix, after) = rest.split_first_chunk::<5>()?;
        let [flag, length @ ..] = *prefix;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        rest = after.get(length..).filter(|_| flag <= 1)?;
        frames += 1;
    }
    (frames > 0).then_some(frames)
}

/// Whether these bytes are compressed by gzip.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP)
}

/// The body without compression, cut where it exceeds `limit`.
pub(super) fn plain(body: &[u8], limit: usize) -> Cow<'_, [u8]> {
    if !is_gzip(body) {
        return body.into();
    }
    let mut plain = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    // What can be had of broken ones is enough here; whoever decodes them counts the fault.
    let _ = MultiGzDecoder::new(body)
        .take(limit)
        .read_to_end(&mut plain);
    plain.into()
}

/// Which protocol the body of a request over HTTP belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// KServe v1, TensorFlow Serving.
    V1,
    /// Open Inference.
    V2,
    /// Seldon Core v1.
    Seldon,
    /// MLflow.
    Invocations,
}

/// What can be told of a JSON object without parsing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Which protocol its members belong to; `None` when to no known one.
    pub(super) protocol: Option<Protocol>,
    /// Where it ends; `None` when it does not.
    pub(super) end: Option<usize>,
}

impl Outline {
    /// Looks at the members of the object that the body begins with.
    ///
    /// Only brackets and quotes are followed, so that a bare `NaN` (Python writes it) does not hide
    /// the rest.
    pub(super) fn of(body: &[u8]) -> Self {
        let mut outline = Self::default();
        let mut depth = 0_usize;
        let mut last_string: &[u8] = &[];
        let mut at = 0;
        while let Some(&byte) = body.get(at) {
            match byte {
                b'"' => {
                    let start = at + 1;
                    at = end_of_string(body, start);
                    if depth == 1 {
                        last_string = body.get(start..at).unwrap_or_default();
                    }
                }
                b':' if depth == 1 => {
                    let found = Protocol::of_member(last_string, &body[at + 1..]);
                    outline.protocol = Protocol::stronger(outline.protocol, found);
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        outline.end = Some(at + 1);
                        return outline;
                    }
                }
                _ if depth == 0 && !byte.is_ascii_whitespace() => return outline,
                _ => {}
            }
            at += 1;
        }
        outline
    }

    /// Where binary tensors begin behind the object, if there are any.
    pub(super) fn binary_from(&self, body: &[u8]) -> Option<usize> {
        let end = self.end?;
        let (json, tail) = body.split_at_checked(end)?;
        if tail.is_empty() {
            return None;
        }
        let is_blank = tail.iter().all(u8::is_ascii_whitespace);
        // Tensors may look blank.
        (!is_blank || contains(json, b"\"binary_data_size\"")).then_some(end)
    }
}

impl Protocol {
    /// What a member of this name with this value belongs to.
    fn of_member(name: &[u8], value: &[u8]) -> Option<Self> {
        Some(match name {
            b"instances" => Self::V1,
            b"inputs" if is_array_of_objects(value) => Self::V2,
            b"inputs" => Self::V1,
            b"data" | b"strData" | b"jsonData" | b"binData" => Self::Seldon,
            b"dataframe_split" | b"dataframe_records" => Self::Invocations,
            _ => return None,
        })
    }

    /// Of two members that do not agree, `data` says less than any other.
    fn stronger(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        match (first, second) {
            (None | Some(Self::Seldon), Some(_)) => second,
            _ => first,
        }
    }
}

/// The place of the quote that ends the string, or the end of the body.
fn end_of_string(body: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn is_array_of_objects(value: &[u8]) -> bool {
    let inside = value.trim_ascii_start().strip_prefix(b"[");
    inside.is_some_and(|inside| inside.trim_ascii_start().starts_with(b"{"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
