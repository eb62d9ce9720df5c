//! Units of figures.

use serde::{Serialize, Serializer};

/// Units, by their ids in Grafana. A misspelt id would be shown as a suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number, such as a drift ratio.
    Number,
    /// A count, shortened: 12.3 K.
    Count,
    /// A share from 0 to 1, shown in per cent.
    Share,
    /// Seconds.
    Seconds,
    /// Bytes, in powers of 1024.
    Bytes,
    /// Per cent from 0 to 100, as GPU exporters count.
    Percent,
    /// Rows a second.
    RowsPerSecond,
    /// Calls a second.
    CallsPerSecond,
    /// Processors in use.
    Cores,
    /// A moment, in milliseconds since 1970, shown as the time since.
    Ago,
}

impl Unit {
    const fn id(self) -> &'static str {
        match self {
            Self::Number | Self::Cores => "none",
            Self::Count => "short",
            Self::Share => "percentunit",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Percent => "percent",
            Self::RowsPerSecond => "rowsps",
            Self::CallsPerSecond => "reqps",
            Self::Ago => "dateTimeFromNow",
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
