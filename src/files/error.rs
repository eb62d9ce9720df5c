//! Why data files cannot be read: sentences that name the file, the line or row, and what to do.

use std::io;
use std::path::Path;

/// Why a data file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be opened or read.
    #[error("cannot read {file}: {cause}")]
    Read {
        /// The file as it was named.
        file: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is not what its format demands.
    #[error("{file}: {message}")]
    Broken {
        /// The file as it was named.
        file: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A line or row of a file is not what its format or its column demands.
    #[error("{file}, {place}: {message}")]
    Row {
        /// The file as it was named.
        file: String,
        /// `line 17` in text files, the header being line 1, `row 17` in Parquet, from 1.
        place: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The files, or the columns that were asked for, do not fit together.
    #[error("{0}")]
    Mismatch(String),
}

impl FileError {
    /// The system's error on a file.
    pub(super) fn read(file: &Path, cause: io::Error) -> Self {
        Self::Read {
            file: file.display().to_string(),
            cause,
        }
    }

    /// A file that breaks its format.
    pub(super) fn broken(file: &Path, message: impl Into<String>) -> Self {
        Self::Broken {
            file: file.display().to_string(),
            message: message.into(),
        }
    }

    /// A line that breaks its format.
    pub(super) fn line(file: &Path, line: u64, message: impl Into<String>) -> Self {
        Self::Row {
            file: file.display().to_string(),
            place: format!("line {line}"),
            message: message.into(),
        }
    }

    /// A row that breaks its format.
    pub(super) fn row(file: &Path, row: u64, message: impl Into<String>) -> Self {
        Self::Row {
            file: file.display().to_string(),
            place: format!("row {row}"),
            message: message.into(),
        }
    }
}
