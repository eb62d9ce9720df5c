//! Bodies that are compressed.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::ingest::inference::Fault;
use crate::ingest::{Limits, Undecodable};

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// The body as it was before it was compressed, at most [`Limits::decoded_bytes`].
///
/// Whoever repeats a call as an event may leave out what it was compressed with (as the KServe agent
/// does); gzip is known by its first bytes, which no other body here has.
///
/// # Errors
/// The compression is not known, is broken, or hides more bytes than the limit.
pub(super) fn uncompressed(
    body: Bytes,
    encoding: Option<&str>,
    limits: &Limits,
) -> Result<Bytes, Fault> {
    let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
    match &encoding[..] {
        "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(&body[..]), limits),
        "deflate" if is_zlib(&body) => inflate(ZlibDecoder::new(&body[..]), limits),
        // Some leave the zlib wrapper out.
        "deflate" => inflate(DeflateDecoder::new(&body[..]), limits),
        "" if body.starts_with(GZIP_MAGIC) => inflate(MultiGzDecoder::new(&body[..]), limits),
        "" | "identity" => Ok(body),
        _ => Err(fault(format!("content encoding {encoding:?}"))),
    }
}

/// Whether a body has the header of RFC 1950, section 2.2.
fn is_zlib(body: &[u8]) -> bool {
    let header = body.first_chunk().map(|header| u16::from_be_bytes(*header));
    header.is_some_and(|header| header >> 8 & 0xf == 8 && header % 31 == 0)
}

fn inflate(mut decoder: impl Read, limits: &Limits) -> Result<Bytes, Fault> {
    let limit = limits.decoded_bytes;
    let mut body: Vec<u8> = Vec::new();
    let mut piece = [0; 8 << 10];
    loop {
        let read = decoder.read(&mut piece);
        let read = read.map_err(|error| fault(error.to_string()))?;
        if read == 0 {
            return Ok(body.into());
        }
        let needed = body.len() + read;
        if needed > limit {
            return Err(fault(format!("more than {limit} bytes once decompressed")));
        }
        // A vector that grows as it likes would go far beyond the limit.
        if needed > body.capacity() {
            let capacity = needed.max(body.capacity() * 3 / 2).min(limit);
            body.reserve_exact(capacity - body.len());
        }
        body.extend_from_slice(&piece[..read]);
    }
}

fn fault(detail: String) -> Fault {
    Fault::new(Undecodable::Compression, detail)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn limits(decoded_bytes: usize) -> Limits {
        Limits {
            decoded_bytes,
            ..Limits::default()
        }
    }

    fn gzip(data: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn gzip_and_both_kinds_of_deflate_are_undone() {
        let data = b"{\"instances\": [1, 2, 3]}";
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(data).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(data).unwrap();
        for (body, encoding) in [
            (gzip(data), Some("gzip")),
            (gzip(data), Some(" X-GZIP")),
            (gzip(data), None),
            (zlib.finish().unwrap().into(), Some("deflate")),
            (raw.finish().unwrap().into(), Some("deflate")),
            (Bytes::from_static(data), Some("identity")),
            (Bytes::from_static(data), None),
        ] {
            let found = uncompressed(body, encoding, &limits(100)).unwrap();
            assert_eq!(&found[..], data, "{encoding:?}");
        }
    }

    #[test]
    fn what_cannot_be_undone_is_a_fault() {
        let bomb = gzip(&[b'1'; 1_000_000]);
        assert!(bomb.len() < 2_000);
        for (body, encoding) in [
            (bomb.clone(), "gzip"),
            (bomb.slice(..100), "gzip"),
            (Bytes::from_static(b"{}"), "gzip"),
            (Bytes::from_static(b"{}"), "br"),
            (Bytes::from_static(b"{}"), "zstd"),
            (gzip(&gzip(b"{}")), "gzip, gzip"),
        ] {
            let found = uncompressed(body, Some(encoding), &limits(999_999));
            assert_eq!(found.unwrap_err().reason, Undecodable::Compression);
        }
        assert!(uncompressed(bomb, None, &limits(1_000_000)).is_ok());
    }
}
