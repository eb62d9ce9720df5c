//! The frames of a gRPC body: five bytes that say how long the message is, then the message.
//!
//! Only copies are cut and unpacked here, so what is wrong with them is a fault that is counted and
//! nothing that a client notices.
//! [Specification](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

use bytes::{Buf, Bytes, BytesMut};

use super::compression::Compression;
use super::inference::Fault;
use super::seen::Headers;
use super::{Limits, Undecodable};

/// Bytes before each message: whether it is compressed, then its length (four bytes, big-endian).
const PREFIX: usize = 5;

/// A message as it was on the wire.
#[derive(Debug)]
pub(super) struct Frame {
    compressed: bool,
    message: Bytes,
}

/// Cuts frames out of the pieces of one direction of a stream, wherever those are cut.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    /// The beginning of a frame whose end has not come. It grows with what comes, never with what is
    /// announced.
    unfinished: BytesMut,
}

/// The one message of a body; `None` when the body is empty.
///
/// # Errors
/// The body is cut off, has several messages, or its message is too large or cannot be unpacked.
pub(super) fn only_message(
    mut body: Bytes,
    headers: &Headers,
    limits: &Limits,
) -> Result<Option<Bytes>, Fault> {
    if body.is_empty() {
        return Ok(None);
    }
    let Some(frame) = next(&mut body, limits)? else {
        let detail = "the body ends before its message does";
        return Err(Fault::new(Undecodable::Truncated, detail));
    };
    if !body.is_empty() {
        let detail = "a call with one message has more bytes after it";
        return Err(Fault::new(Undecodable::Protocol, detail));
    }
    frame.open(headers, limits).map(Some)
}

/// How many frames a body of unknown protocol is made of; `None` when it is not made of frames.
pub(super) fn frames_in(mut body: &[u8]) -> Option<usize> {
    let mut frames = 0;
    while !body.is_empty() {
        let ([flag, length @ ..], after) = body.split_first_chunk::<PREFIX>()?;
        let length = u32::from_be_bytes(*length) as usize;
        body = after.get(length..).filter(|_| *flag <= 1)?;
        frames += 1;
    }
    (frames > 0).then_some(frames)
}

/// Takes the first frame off `bytes`; `None` when its end has not come.
fn next(bytes: &mut Bytes, limits: &Limits) -> Result<Option<Frame>, Fault> {
    let Some((compressed, length)) = prefix(bytes, limits)? else {
        return Ok(None);
    };
    if bytes.len() - PREFIX < length {
        return Ok(None);
    }
    bytes.advance(PREFIX);
    Ok(Some(Frame {
        compressed,
        message: bytes.split_to(length),
    }))
}

/// Whether the first message is compressed, and how long it is; `None` when that has not come.
fn prefix(bytes: &[u8], limits: &Limits) -> Result<Option<(bool, usize)>, Fault> {
    let Some([flag, length @ ..]) = bytes.first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    if *flag > 1 {
        let detail = "a frame begins with neither 0 nor 1";
        return Err(Fault::new(Undecodable::Protocol, detail));
    }
    let length = u32::from_be_bytes(*length) as usize;
    if length > limits.message_bytes {
        let detail = format!("a message of {length} bytes");
        return Err(Fault::new(Undecodable::MessageTooLarge, detail));
    }
    Ok(Some((*flag == 1, length)))
}

impl Frame {
    /// Bytes of the frame on the wire.
    pub(super) fn len(&self) -> usize {
        PREFIX + self.message.len()
    }

    /// The message, unpacked if it is compressed, as the headers of its direction say.
    ///
    /// # Errors
    /// The compression was not agreed, is not known or is broken, or there is more inside than
    /// [`Limits::message_bytes`].
    pub(super) fn open(self, headers: &Headers, limits: &Limits) -> Result<Bytes, Fault> {
        if !self.compressed {
            return Ok(self.message);
        }
        let name = match headers.get("grpc-encoding") {
            None | Some("identity") => {
                let detail = "a message is compressed, but no header says how";
                return Err(Fault::new(Undecodable::Compressed, detail));
            }
            Some(name) => name,
        };
        let Some(compression) = Compression::named(name) else {
            let detail = "grpc-encoding is neither gzip nor deflate";
            return Err(Fault::new(Undecodable::Compression, detail));
        };
        compression.undo(&self.message, limits.message_bytes)
    }
}

impl Reassembly {
    /// Adds to `frames` those that `piece` completes.
    ///
    /// # Errors
    /// A frame breaks the rules or is too large; what follows it cannot be understood.
    pub(super) fn feed(
        &mut self,
        mut piece: Bytes,
        limits: &Limits,
        frames: &mut Vec<Frame>,
    ) -> Result<(), Fault> {
        while !piece.is_empty() {
            if self.unfinished.is_empty() {
                match next(&mut piece, limits)? {
                    Some(frame) => frames.push(frame),
                    None => {
                        self.unfinished.extend_from_slice(&piece);
                        return Ok(());
                    }
                }
                continue;
            }
            let wanted =
                prefix(&self.unfinished, limits)?.map_or(PREFIX, |(_, length)| PREFIX + length);
            let missing = wanted - self.unfinished.len();
            let taken = piece.split_to(missing.min(piece.len()));
            self.unfinished.extend_from_slice(&taken);
            if let Some((compressed, length)) = prefix(&self.unfinished, limits)?
                && self.unfinished.len() == PREFIX + length
            {
                let mut whole = std::mem::take(&mut self.unfinished).freeze();
                whole.advance(PREFIX);
                frames.push(Frame {
                    compressed,
                    message: whole,
                });
            }
        }
        Ok(())
    }

    /// Bytes of the frame whose end has not come.
    pub(super) fn unfinished(&self) -> usize {
        self.unfinished.len()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::{GzEncoder, ZlibEncoder};
    use http::{HeaderMap, HeaderName};
    use proptest::prelude::*;

    use super::*;

    fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[flag], &length[..], message].concat()
    }

    fn encoding(name: &str) -> Headers {
        let header = HeaderName::from_static("grpc-encoding");
        Headers::of(
            &HeaderMap::from_iter([(header, name.parse().unwrap())]),
            &[],
        )
    }

    fn gzip(message: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(message).unwrap();
        encoder.finish().unwrap()
    }

    fn only(body: Vec<u8>, headers: &Headers) -> Result<Option<Bytes>, Undecodable> {
        let limits = Limits {
            message_bytes: 1_000,
            ..Limits::default()
        };
        only_message(body.into(), headers, &limits).map_err(|fault| fault.reason)
    }

    #[test]
    fn a_body_holds_exactly_one_message() {
        let plain = Headers::default();
        assert_eq!(only(frame(0, b"hey"), &plain), Ok(Some("hey".into())));
        assert_eq!(only(frame(0, b""), &plain), Ok(Some(Bytes::new())));
        assert_eq!(only(vec![], &plain), Ok(None));
        for length in 1..8 {
            let cut = frame(0, b"hey")[..length].to_vec();
            assert_eq!(only(cut, &plain), Err(Undecodable::Truncated), "{length}");
        }
        let two = [frame(0, b"a"), frame(0, b"b")].concat();
        assert_eq!(only(two, &plain), Err(Undecodable::Protocol));
        assert_eq!(only(frame(2, b"a"), &plain), Err(Undecodable::Protocol));
        let large = only(vec![0, 0xff, 0xff, 0xff, 0xff], &plain);
        assert_eq!(large, Err(Undecodable::MessageTooLarge));
    }

    #[test]
    fn a_body_of_frames_is_told_by_their_lengths() {
        let two = [frame(0, b"a"), frame(1, b"")].concat();
        assert_eq!(frames_in(&two), Some(2));
        for length in [0, 1, 5, 7, 10] {
            assert_eq!(frames_in(&two[..length]), None, "{length}");
        }
        assert_eq!(frames_in(&two[..6]), Some(1));
        assert_eq!(frames_in(&frame(2, b"a")), None);
        assert_eq!(frames_in(b"{\"instances\": [1]}"), None);
    }

    #[test]
    fn a_message_is_unpacked_as_its_header_says() {
        let body = || frame(1, &gzip(b"hey"));
        assert_eq!(only(body(), &encoding("gzip")), Ok(Some("hey".into())));
        let mut zlib = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"hey").unwrap();
        let zlib = frame(1, &zlib.finish().unwrap());
        assert_eq!(only(zlib, &encoding("deflate")), Ok(Some("hey".into())));
        // The header allows compression, the flag says whether it is used.
        assert_eq!(
            only(frame(0, b"hey"), &encoding("gzip")),
            Ok(Some("hey".into()))
        );
        for (headers, reason) in [
            (Headers::default(), Undecodable::Compressed),
            (encoding("identity"), Undecodable::Compressed),
            (encoding("zstd"), Undecodable::Compression),
            (encoding("deflate"), Undecodable::Compression),
        ] {
            assert_eq!(only(body(), &headers), Err(reason), "{headers:?}");
        }
        let cut = frame(1, &gzip(b"hey")[..12]);
        assert_eq!(only(cut, &encoding("gzip")), Err(Undecodable::Compression));
    }

    #[test]
    fn a_small_message_cannot_hide_a_large_one() {
        let full = frame(1, &gzip(&[0; 1_000]));
        assert_eq!(only(full, &encoding("gzip")).unwrap().unwrap().len(), 1_000);
        let bomb = frame(1, &gzip(&vec![0; 500_000]));
        assert!(bomb.len() < 1_000);
        assert_eq!(only(bomb, &encoding("gzip")), Err(Undecodable::Compression));
    }

    proptest! {
        #[test]
        fn frames_come_out_whole_wherever_the_pieces_are_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            cuts in prop::collection::vec(1_usize..30, 1..20),
        ) {
            let mut rest: Bytes = messages.iter().flat_map(|message| frame(0, message)).collect();
            let (mut reassembly, mut frames) = (Reassembly::default(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let piece = rest.split_to((*cut).min(rest.len()));
                reassembly.feed(piece, &Limits::default(), &mut frames).unwrap();
            }
            prop_assert_eq!(reassembly.unfinished(), 0);
            let found: Vec<_> = frames.iter().map(|frame| frame.message.to_vec()).collect();
            prop_assert_eq!(found, messages);
        }
    }
}
