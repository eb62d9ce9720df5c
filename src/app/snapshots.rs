//! Windows in the state directory: kept now and then and at the end, restored at the start.
//!
//! The analysis only turns them into bytes; a thread of its own writes those, and while it is busy
//! the next snapshot is left out, never queued. The file is replaced as a whole, so that it is
//! either the one before or the new one, whenever the process ends.

mod file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::analysis::Keeper;
use crate::clock::wall_micros;
use crate::engine::{Engine, Saved, Unfit};
use crate::export::KeptWindows;

/// Name of the file in the state directory.
const NAME: &str = "windows.snapshot";
/// A clock may be set back so far between two runs, as time services do.
const TOLERATED_MICROS: i64 = 60_000_000;

/// What became of snapshots.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Wall time in microseconds; 0 before the first.
    last_success: AtomicU64,
    failures: AtomicU64,
    ignored: [AtomicU64; Ignored::ALL.len()],
}

/// Why a snapshot, or a part of it, is not restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ignored {
    Unreadable,
    Damaged,
    Format,
    Future,
    Settings,
    Profile,
}

impl Ignored {
    const ALL: [(Self, &str); 6] = [
        (Self::Unreadable, "unreadable"),
        (Self::Damaged, "damaged"),
        (Self::Format, "format"),
        (Self::Future, "future"),
        (Self::Settings, "settings"),
        (Self::Profile, "profile"),
    ];
}

impl From<Unfit> for Ignored {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Settings => Self::Settings,
            Unfit::Profile => Self::Profile,
        }
    }
}

impl Counts {
    fn ignore(&self, why: Ignored, sentence: &str) {
        self.ignored[why as usize].fetch_add(1, Ordering::Relaxed);
        tracing::warn!("of the windows that were kept: {sentence}");
    }

    /// As they are exposed.
    pub fn kept(&self) -> KeptWindows {
        let last = self.last_success.load(Ordering::Relaxed);
        let ignored = Ignored::ALL.iter().zip(&self.ignored);
        KeptWindows {
            last_success_timestamp_seconds: (last > 0).then_some(last as f64 * 1e-6),
            failures: self.failures.load(Ordering::Relaxed),
            ignored: ignored
                .map(|((_, reason), count)| (*reason, count.load(Ordering::Relaxed)))
                .collect(),
        }
    }
}

/// Keeps all windows in one file.
pub(super) struct Snapshots {
    path: PathBuf,
    interval: Duration,
    due: Instant,
    is_busy: Arc<AtomicBool>,
    writer: Option<(SyncSender<Vec<u8>>, JoinHandle<()>)>,
    counts: Arc<Counts>,
}

impl Snapshots {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(directory: &Path, interval: Duration) -> std::io::Result<Self> {
        let path = directory.join(NAME);
        let counts = Arc::new(Counts::default());
        let is_busy = Arc::new(AtomicBool::new(false));
        let (sender, snapshots) = sync_channel(1);
        let thread = {
            let (path, counts, is_busy) = (path.clone(), counts.clone(), is_busy.clone());
            std::thread::Builder::new()
                .name("snapshots".into())
                .spawn(move || write_all(&snapshots, &path, &counts, &is_busy))?
        };
        Ok(Self {
            path,
            interval,
            due: Instant::now() + interval,
            is_busy,
            writer: Some((sender, thread)),
            counts,
        })
    }

    /// What became of snapshots, now and later.
    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }

    fn read(&self) -> Result<Option<Vec<u8>>, (Ignored, String)> {
        let shown = self.path.display();
        file::read(&self.path).map_err(|error| {
            (
                Ignored::Unreadable,
                format!("{shown} cannot be read: {error}"),
            )
        })
    }
}

/// What the bytes of a file hold, if they may be restored at `now`.
fn saved(bytes: &[u8], now: i64) -> Result<Saved<'_>, (Ignored, String)> {
    let saved = file::decode(bytes).map_err(|error| {
        let why = match error {
            file::Unusable::Damaged => Ignored::Damaged,
            file::Unusable::Format(_) => Ignored::Format,
        };
        (why, format!("{error}; all windows begin empty"))
    })?;
    if saved.at > now.saturating_add(TOLERATED_MICROS) {
        let sentence =
            "they are from the future, so the clock was set back; all windows begin empty";
        return Err((Ignored::Future, sentence.into()));
    }
    Ok(saved)
}

impl Keeper for Snapshots {
    fn restore(&mut self, engine: &mut Engine) {
        let begun = Instant::now();
        let bytes = match self.read() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err((why, sentence)) => return self.counts.ignore(why, &sentence),
        };
        let now = wall_micros();
        match saved(&bytes, now) {
            Ok(saved) => {
                let age = (now.saturating_sub(saved.at)) as f64 * 1e-6;
                for left_out in engine.restore(saved) {
                    self.counts.ignore(left_out.why.into(), &left_out.sentence);
                }
                tracing::info!(
                    age_seconds = age,
                    bytes = bytes.len(),
                    took_seconds = begun.elapsed().as_secs_f64(),
                    "windows go on from the last snapshot"
                );
            }
            Err((why, sentence)) => self.counts.ignore(why, &sentence),
        }
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    fn keep(&mut self, engine: &Engine, is_last: bool) {
        self.due = Instant::now() + self.interval;
        if self.is_busy.load(Ordering::Acquire) && !is_last {
            return;
        }
        let Some((sender, _)) = &self.writer else {
            return;
        };
        match file::encode(&engine.save(wall_micros())) {
            // The one place is free, for the writer is idle; at the end it is waited for.
            Ok(bytes) => {
                self.is_busy.store(true, Ordering::Release);
                drop(sender.send(bytes));
            }
            Err(error) => {
                self.counts.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!("the windows cannot be kept: {error}");
            }
        }
        if is_last && let Some((sender, thread)) = self.writer.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Writes snapshots as they come, until there will be no more.
fn write_all(snapshots: &Receiver<Vec<u8>>, path: &Path, counts: &Counts, is_busy: &AtomicBool) {
    let mut failed = false;
    for bytes in snapshots {
        match file::write(path, &bytes) {
            Ok(()) => {
                let now = u64::try_from(wall_micros()).unwrap_or(0);
                counts.last_success.store(now, Ordering::Relaxed);
                failed = false;
            }
            Err(error) => {
                counts.failures.fetch_add(1, Ordering::Relaxed);
                if !std::mem::replace(&mut failed, true) {
                    tracing::error!(
                        "the windows cannot be kept in {}, so a restart loses them: {error}; make room, \
                         or make it writable",
                        path.display()
                    );
                }
            }
        }
        is_busy.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_from_the_future_are_left_out_and_those_of_a_clock_that_was_corrected_are_not() {
        let now = 1_700_000_000_000_000;
        let bytes = file::encode(&Engine::new(Arc::default()).save(now)).unwrap();
        let why = |now| {
            saved(&bytes, now)
                .map(|saved| saved.at)
                .map_err(|(why, _)| why)
        };
        assert_eq!(why(now), Ok(now));
        assert_eq!(why(now - TOLERATED_MICROS), Ok(now));
        assert_eq!(why(now - TOLERATED_MICROS - 1), Err(Ignored::Future));
    }
}
