//! The file of a snapshot: a header that proves it whole, and the windows.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::engine::Saved;

const MAGIC: &[u8; 8] = b"dgwindow";
/// To be raised whenever what is kept changes its form.
const FORMAT: u32 = 1;
/// Magic, format, length and checksum of what follows.
const HEADER: usize = 8 + 4 + 8 + 8;
/// Longer files are not read.
const MOST_BYTES: u64 = 256 << 20;

/// Why bytes are no snapshot.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("the file is damaged")]
    Damaged,
    #[error("the file has format {0}, of another version of the program")]
    Format(u32),
}

/// The bytes of a file.
pub(super) fn encode(saved: &Saved<'_>) -> Result<Vec<u8>, postcard::Error> {
    let mut bytes = postcard::to_extend(saved, vec![0; HEADER])?;
    let (header, body) = bytes.split_at_mut(HEADER);
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    header[12..20].copy_from_slice(&(body.len() as u64).to_le_bytes());
    header[20..].copy_from_slice(&xxh3_64(body).to_le_bytes());
    Ok(bytes)
}

/// What a file holds.
pub(super) fn decode(bytes: &[u8]) -> Result<Saved<'_>, Unusable> {
    let parts = bytes.split_first_chunk::<8>();
    let (_, rest) = parts
        .filter(|(m, _)| *m == MAGIC)
        .ok_or(Unusable::Damaged)?;
    let (format, rest) = rest.split_first_chunk().ok_or(Unusable::Damaged)?;
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(Unusable::Format(format));
    }
    let (length, rest) = rest.split_first_chunk().ok_or(Unusable::Damaged)?;
    let (checksum, body) = rest.split_first_chunk().ok_or(Unusable::Damaged)?;
    let is_whole = u64::from_le_bytes(*length) == body.len() as u64
        && u64::from_le_bytes(*checksum) == xxh3_64(body);
    if !is_whole {
        return Err(Unusable::Damaged);
    }
    postcard::from_bytes(body).map_err(|_| Unusable::Damaged)
}

/// Reads a file as a whole; `None` where there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it has more than 256 MiB"));
    }
    Ok(Some(bytes))
}

/// Puts a file in the place of the one before, at once, readable by its owner alone.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = path.with_extension("tmp");
    // A draft left by a crash may have other rights.
    let _ = std::fs::remove_file(&draft);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written {
        let _ = std::fs::remove_file(&draft);
        return Err(error);
    }
    std::fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::Engine;

    fn whole() -> Vec<u8> {
        encode(&Engine::new(Arc::default()).save(1_700_000_000_000_000)).unwrap()
    }

    #[test]
    fn a_file_of_another_format_is_told_apart_from_a_damaged_one() {
        let mut bytes = whole();
        bytes[8] += 1;
        assert_eq!(decode(&bytes).err(), Some(Unusable::Format(FORMAT + 1)));
        assert_eq!(decode(b"").err(), Some(Unusable::Damaged));
        assert!(decode(&whole()).is_ok());
    }

    #[test]
    fn no_beginning_of_a_file_is_taken_for_the_whole() {
        let bytes = whole();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_flipped_bit_goes_unnoticed(at: prop::sample::Index, bit in 0_u32..8) {
            let mut bytes = whole();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn what_only_looks_whole_never_panics(body: Vec<u8>) {
            let mut bytes = Vec::from(MAGIC);
            bytes.extend(FORMAT.to_le_bytes());
            bytes.extend((body.len() as u64).to_le_bytes());
            bytes.extend(xxh3_64(&body).to_le_bytes());
            bytes.extend(body);
            let _ = decode(&bytes);
        }
    }
}
