//! Which format a file has, by its name and its first bytes, and its bytes without compression.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::FileError;

/// Longest record of a text file in bytes: a quote that is never closed must not read the whole
/// file into memory.
pub const MAX_RECORD_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes that are looked at to tell the format.
const SNIFFED_BYTES: u64 = 4_096;

/// Layout of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values (or by another byte) with a line of names.
    Csv {
        /// The byte between two values.
        delimiter: u8,
    },
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// The name for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Csv { .. } => "CSV",
            Self::JsonLines => "JSON lines",
        }
    }
}

/// One file of a data set.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as it was given.
    pub path: PathBuf,
    /// Its layout.
    pub format: Format,
    /// Whether it is compressed as a whole by gzip.
    pub gzip: bool,
    /// Its size on disk.
    pub bytes: u64,
}

impl Source {
    /// Looks at a file: its name decides, its first bytes overrule where they are unmistakable.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let read = |cause| FileError::read(path, cause);
        let metadata = std::fs::metadata(path).map_err(read)?;
        if !metadata.is_file() {
            return Err(FileError::broken(
                path,
                "is no regular file; name a file, because it is read more than once",
            ));
        }
        let mut first = Vec::new();
        let file = File::open(path).map_err(read)?;
        file.take(SNIFFED_BYTES)
            .read_to_end(&mut first)
            .map_err(read)?;
        if first.is_empty() {
            return Err(FileError::broken(path, "is empty"));
        }
        let gzip = first.starts_with(&[0x1f, 0x8b]);
        if gzip {
            let file = File::open(path).map_err(read)?;
            first.clear();
            // A broken end shows up later, with a line number.
            let _ = MultiGzDecoder::new(file)
                .take(SNIFFED_BYTES)
                .read_to_end(&mut first);
        }
        let format = detect(path, &first)?;
        if gzip && format == Format::Parquet {
            return Err(FileError::broken(
                path,
                "is Parquet inside gzip; unpack it first (gzip -d), Parquet is compressed inside",
            ));
        }
        Ok(Self {
            path: path.into(),
            format,
            gzip,
            bytes: metadata.len(),
        })
    }

    /// The bytes of a text file without compression, in records of bounded size; `position` follows
    /// the bytes read on disk.
    pub fn text(&self, position: &Arc<AtomicU64>) -> Result<RecordBytes, FileError> {
        let file = File::open(&self.path).map_err(|cause| FileError::read(&self.path, cause))?;
        let counted = BufReader::with_capacity(
            1 << 16,
            Counted {
                file,
                position: position.clone(),
            },
        );
        let bytes: Box<dyn Read + Send> = if self.gzip {
            Box::new(MultiGzDecoder::new(counted))
        } else {
            Box::new(counted)
        };
        Ok(RecordBytes {
            bytes,
            left: MAX_RECORD_BYTES,
        })
    }
}

fn detect(path: &Path, first: &[u8]) -> Result<Format, FileError> {
    if first.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    let visible = text.iter().find(|byte| !byte.is_ascii_whitespace());
    match (ending, visible) {
        ("parquet" | "pq", _) => Err(FileError::broken(
            path,
            "does not begin like a Parquet file (PAR1); was it written to the end?",
        )),
        ("jsonl" | "ndjson" | "json", Some(b'[')) => Err(FileError::broken(
            path,
            "is a JSON array; one object a line is wanted (`jq -c '.[]'` makes it)",
        )),
        ("jsonl" | "ndjson" | "json", _) => Ok(Format::JsonLines),
        ("tsv", _) => Ok(Format::Csv { delimiter: b'\t' }),
        ("csv", _) => Ok(Format::Csv {
            delimiter: delimiter(text),
        }),
        (_, Some(b'{')) => Ok(Format::JsonLines),
        _ if text.contains(&0) => Err(FileError::broken(
            path,
            "is neither Parquet nor text; Parquet, CSV and JSON lines can be read",
        )),
        _ => Ok(Format::Csv {
            delimiter: delimiter(text),
        }),
    }
}

/// The byte that parts the names in the first line: comma, unless there are more of another.
fn delimiter(text: &[u8]) -> u8 {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or(text);
    let count = |wanted| line.iter().filter(|&&byte| byte == wanted).count();
    let mut best = b',';
    for other in [b';', b'\t', b'|'] {
        if count(other) > count(best) {
            best = other;
        }
    }
    best
}

struct Counted {
    file: File,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Bytes of a text file that fail when a record is longer than [`MAX_RECORD_BYTES`].
pub struct RecordBytes {
    bytes: Box<dyn Read + Send>,
    left: u64,
}

impl RecordBytes {
    /// To be called at the end of each record.
    pub fn next_record(&mut self) {
        self.left = MAX_RECORD_BYTES;
    }
}

impl Read for RecordBytes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(format!(
                "a record is longer than {} MiB; is a quote not closed?",
                MAX_RECORD_BYTES / 1024 / 1024
            )));
        }
        let most = into
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.bytes.read(&mut into[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}
