//! Ways in: outside bytes → [`Batch`](crate::batch::Batch), one protocol a file.

mod counts;

pub use counts::SourceCounts;
