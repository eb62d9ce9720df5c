//! What the operating system says about this process: the standard `process_*` families.
//!
//! Read from `/proc`, so only on Linux; elsewhere the families are absent.

use std::fmt::Error;
use std::fs;

use super::names;
use super::pen::Book;

/// Clock ticks per second in `/proc`: `USER_HZ`, 100 on every architecture that Rust's standard
/// library runs on under Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Figures of a process; `None` where they cannot be had.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Processor time, user and system.
    pub cpu_seconds: Option<f64>,
    /// Resident memory.
    pub resident_bytes: Option<u64>,
    /// Virtual memory.
    pub virtual_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_fds: Option<u64>,
    /// Limit on them; `None` also when there is none.
    pub max_fds: Option<u64>,
    /// Start, seconds since the Unix epoch.
    pub start_time_seconds: Option<f64>,
    /// Threads.
    pub threads: Option<u64>,
}

impl Process {
    /// The running process.
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let stat = text("/proc/self/stat");
        let status = text("/proc/self/status");
        let boot = parse_boot_time(&text("/proc/stat"));
        let after_boot = field(&stat, 22).map(|ticks| ticks / TICKS_PER_SECOND);
        Self {
            cpu_seconds: (|| Some((field(&stat, 14)? + field(&stat, 15)?) / TICKS_PER_SECOND))(),
            resident_bytes: kilobytes(&status, "VmRSS:"),
            virtual_bytes: kilobytes(&status, "VmSize:"),
            // The directory that is being listed is open itself.
            open_fds: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|entries| (entries.count() as u64).saturating_sub(1)),
            max_fds: parse_max_fds(&text("/proc/self/limits")),
            start_time_seconds: boot.zip(after_boot).map(|(boot, after)| boot + after),
            threads: word(&status, "Threads:").and_then(|word| word.parse().ok()),
        }
    }
}

/// Field of `/proc/[pid]/stat` by its number in proc(5), from 3 on. The second, the name, is in
/// parentheses and may hold anything.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

fn parse_boot_time(stat: &str) -> Option<f64> {
    word(stat, "btime")?.parse().ok()
}

fn parse_max_fds(limits: &str) -> Option<u64> {
    word(limits, "Max open files")?.parse().ok()
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    word(status, key)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// First word after a key at the start of a line.
fn word<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()
}

pub(super) fn write(book: &mut Book<'_>, process: &Process) -> Result<(), Error> {
    if let Some(seconds) = process.cpu_seconds {
        book.family(&names::PROCESS_CPU)
            .counter(&[], &[], seconds)?;
    }
    for (family, value) in [
        (&names::PROCESS_RESIDENT_MEMORY, process.resident_bytes),
        (&names::PROCESS_VIRTUAL_MEMORY, process.virtual_bytes),
        (&names::PROCESS_OPEN_FDS, process.open_fds),
        (&names::PROCESS_MAX_FDS, process.max_fds),
        (&names::PROCESS_THREADS, process.threads),
    ] {
        if let Some(value) = value {
            book.family(family).whole(&[], &[], value)?;
        }
    }
    book.family(&names::PROCESS_START_TIME)
        .gauge(&[], &[], process.start_time_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a b) c)) S 1 1 1 0 -1 0 0 0 0 0 250 50 0 0 20 0 3 0 1000 4096 9";
        assert_eq!(field(stat, 14), Some(250.0));
        assert_eq!(field(stat, 15), Some(50.0));
        assert_eq!(field(stat, 22), Some(1000.0));
        assert_eq!(field("", 14), None);
    }

    #[test]
    fn an_unlimited_number_of_files_is_no_number() {
        let limits = "Limit  Soft  Hard  Units\nMax open files            1024  4096  files\n";
        assert_eq!(parse_max_fds(limits), Some(1024));
        assert_eq!(
            parse_max_fds("Max open files  unlimited unlimited files"),
            None
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_very_process_can_be_read() {
        let process = Process::read();
        let resident = process.resident_bytes.unwrap();
        assert!(resident > 100_000 && resident < process.virtual_bytes.unwrap());
        assert!(process.cpu_seconds.unwrap() >= 0.0);
        assert!(process.threads.unwrap() >= 1 && process.open_fds.unwrap() >= 3);
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        let age = now - process.start_time_seconds.unwrap();
        assert!((-2.0..3600.0 * 24.0).contains(&age), "{age}");
    }
}
