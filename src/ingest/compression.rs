//! What was compressed, as it was before: messages of gRPC and bodies of HTTP alike.
//!
//! A few bytes can hide gigabytes, so what comes out is bounded, and so is the memory on the way.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Undecodable;
use super::inference::Fault;

/// How something is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Deflate,
}

impl Compression {
    /// By its name in a header; `None` when that is not known.
    pub(super) fn named(name: &str) -> Option<Self> {
        match &name.trim().to_ascii_lowercase()[..] {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    /// What it was before.
    ///
    /// # Errors
    /// It is broken, or hides more bytes than the limit.
    pub(super) fn undo(self, packed: &[u8], limit: usize) -> Result<Bytes, Fault> {
        match self {
            Self::Gzip => inflate(MultiGzDecoder::new(packed), limit),
            Self::Deflate if is_zlib(packed) => inflate(ZlibDecoder::new(packed), limit),
            // Some leave the zlib wrapper out.
            Self::Deflate => inflate(DeflateDecoder::new(packed), limit),
        }
    }
}

/// Whether these bytes begin as gzip does (RFC 1952, section 2.3.1).
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// Whether these bytes begin as zlib does (RFC 1950, section 2.2).
fn is_zlib(bytes: &[u8]) -> bool {
    let header = bytes
        .first_chunk()
        .map(|header| u16::from_be_bytes(*header));
    header.is_some_and(|header| header >> 8 & 0xf == 8 && header % 31 == 0)
}

fn inflate(mut decoder: impl Read, limit: usize) -> Result<Bytes, Fault> {
    let fault = |detail| Fault::new(Undecodable::Compression, detail);
    let mut whole: Vec<u8> = Vec::new();
    let mut piece = [0; 8 << 10];
    loop {
        let read = decoder.read(&mut piece);
        let read = read.map_err(|error| fault(error.to_string()))?;
        if read == 0 {
            return Ok(whole.into());
        }
        let needed = whole.len() + read;
        if needed > limit {
            return Err(fault(format!("more than {limit} bytes once decompressed")));
        }
        // A vector that grows as it likes would go far beyond the limit.
        if needed > whole.capacity() {
            let capacity = needed.max(whole.capacity() * 3 / 2).min(limit);
            whole.reserve_exact(capacity - whole.len());
        }
        whole.extend_from_slice(&piece[..read]);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(data: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap().into()
    }

    fn undone(packed: &[u8], name: &str, limit: usize) -> Result<Bytes, Undecodable> {
        let compression = Compression::named(name).unwrap();
        compression
            .undo(packed, limit)
            .map_err(|fault| fault.reason)
    }

    #[test]
    fn gzip_and_both_kinds_of_deflate_are_undone() {
        let data = b"{\"instances\": [1, 2, 3]}";
        let mut zlib = ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(data).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        raw.write_all(data).unwrap();
        let raw = raw.finish().unwrap();
        for (packed, name) in [
            (&gzip(data)[..], "gzip"),
            (&gzip(data)[..], " X-GZIP"),
            (&[gzip(&data[..9]), gzip(&data[9..])].concat()[..], "gzip"),
            (&zlib[..], "deflate"),
            (&raw[..], "deflate"),
        ] {
            assert_eq!(&undone(packed, name, 100).unwrap()[..], data, "{name}");
        }
        assert!(is_gzip(&gzip(data)) && !is_gzip(&zlib) && !is_gzip(b""));
        for unknown in ["", "identity", "br", "zstd", "gzip, gzip"] {
            assert_eq!(Compression::named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_cannot_be_undone_is_a_fault() {
        let bomb = gzip(&[b'1'; 1_000_000]);
        assert!(bomb.len() < 2_000);
        for (packed, name) in [
            (&bomb[..], "gzip"),
            (&bomb[..100], "gzip"),
            (&b"{}"[..], "gzip"),
            (&bomb[..], "deflate"),
        ] {
            let found = undone(packed, name, 999_999);
            assert_eq!(found, Err(Undecodable::Compression), "{name}");
        }
        assert!(undone(&bomb, "gzip", 1_000_000).is_ok());
    }
}
