//! What types cannot say: ranges, and settings that must fit each other.

mod models;

use super::{Address, ByteSize, Drift, References, Settings, Span};
use crate::batch::MAX_NAME_BYTES;

/// A key and what is wrong with it.
pub(super) type Finding = (Vec<String>, String);

/// Everything that cannot work, in the order of the manual.
pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let mut check = Check(Vec::new());
    check.servers(settings);
    check.forward(settings);
    check.bounds(settings);
    check.windows(settings);
    check.references(&["references"], &settings.references);
    check.learning(settings);
    let Drift {
        minimum_effect,
        significance,
        burn_in,
    } = settings.drift;
    if burn_in.millis() > 0 && !(3_600_000..=366 * 86_400_000).contains(&burn_in.millis()) {
        check.say(
            &["drift", "burn_in"],
            format!("is {burn_in}: write a duration from 1h to 366d, or 0s for none"),
        );
    }
    check.drift(&["drift"], Some(minimum_effect), Some(significance));
    check.outliers(settings);
    check.joint(settings);
    check.models(settings);
    check.0
}

struct Check(Vec<Finding>);

impl Check {
    fn say(&mut self, path: &[&str], sentence: impl Into<String>) {
        let path = path.iter().map(|&key| key.to_owned()).collect();
        self.0.push((path, sentence.into()));
    }

    fn range(&mut self, path: &[&str], value: usize, least: usize, most: usize) {
        if !(least..=most).contains(&value) {
            self.say(
                path,
                format!("is {value}: write a number from {least} to {most}"),
            );
        }
    }

    fn size(&mut self, path: &[&str], value: ByteSize, least: ByteSize, most: ByteSize) {
        if !(least..=most).contains(&value) {
            self.say(
                path,
                format!("is {value}: write a size from {least} to {most}"),
            );
        }
    }

    fn span(&mut self, path: &[&str], value: Span, least_secs: u64, most_secs: u64) {
        let (least, most) = (Span::from_secs(least_secs), Span::from_secs(most_secs));
        if !(least..=most).contains(&value) {
            self.say(
                path,
                format!("is {value}: write a duration from {least} to {most}"),
            );
        }
    }

    fn servers(&mut self, settings: &Settings) {
        match &settings.web.listen_address {
            Address::Tcp(_) => {}
            Address::Off => self.say(
                &["web", "listen_address"],
                "is empty: write host:port, such as 0.0.0.0:9599; without it nothing could be \
                 scraped",
            ),
            Address::Unix(_) => self.say(
                &["web", "listen_address"],
                "is a Unix socket, which Prometheus cannot scrape: write host:port, such as \
                 0.0.0.0:9599",
            ),
        }
        let path = settings.web.telemetry_path.as_str();
        let taken = ["/", "/feature", "/-/", "/api/"];
        let is_plain = path.starts_with('/')
            && path
                .chars()
                .all(|c| c.is_ascii_graphic() && !"?#%".contains(c));
        if !is_plain {
            self.say(
                &["web", "telemetry_path"],
                format!("is {path:?}: write a path that begins with / and needs no escapes, such as /metrics"),
            );
        } else if taken[..2].contains(&path)
            || taken[2..].iter().any(|taken| path.starts_with(taken))
        {
            self.say(
                &["web", "telemetry_path"],
                format!("is {path:?}, which is taken: /, /feature, /-/… and /api/… serve other things; write another path, such as /metrics"),
            );
        }
        self.range(
            &["web", "max_series"],
            settings.web.max_series,
            100,
            10_000_000,
        );
    }

    fn forward(&mut self, settings: &Settings) {
        let forward = &settings.forward;
        let kib = |count: usize| ByteSize(count << 10);
        match (&forward.listen_address, &forward.upstream) {
            (Address::Off, Address::Off) | (_, Address::Tcp(_) | Address::Unix(_)) => {}
            (_, Address::Off) => self.say(
                &["forward", "upstream"],
                "is empty, but forward.listen_address is not: write where the model server listens, \
                 such as 127.0.0.1:8001",
            ),
        }
        if forward.listen_address != Address::Off && forward.listen_address == forward.upstream {
            self.say(
                &["forward", "upstream"],
                format!(
                    "is {}, where driftgauge itself listens: write where the model server listens",
                    forward.upstream
                ),
            );
        }
        if !(0.0..=1.0).contains(&forward.sample_rate) {
            self.say(
                &["forward", "sample_rate"],
                format!("is {}: write a number from 0 to 1", forward.sample_rate),
            );
        }
        let (call, all) = (forward.call_bytes, forward.buffer_bytes);
        self.size(&["forward", "call_bytes"], call, kib(4), ByteSize(1 << 30));
        if all < call {
            self.say(
                &["forward", "buffer_bytes"],
                format!(
                    "is {all}, less than forward.call_bytes ({call}): the largest call could never \
                     be kept; raise one or lower the other"
                ),
            );
        } else {
            self.size(&["forward", "buffer_bytes"], all, kib(4), ByteSize(4 << 30));
        }
        if forward.model.is_empty() {
            self.say(&["forward", "model"], "is empty: write a name");
        }
        self.span(&["forward", "drain"], forward.drain, 0, 3_600);
        if let Address::Unix(_) = settings.http.listen_address {
            self.say(
                &["http", "listen_address"],
                "is a Unix socket, to which no logger posts: write host:port, such as 127.0.0.1:4598",
            );
        }
        self.span(&["http", "pairing"], settings.http.pairing, 1, 3_600);
        self.range(&["http", "pending"], settings.http.pending, 1, 1_000_000);
    }

    fn bounds(&mut self, settings: &Settings) {
        let limits = &settings.limits;
        let kib = |count: usize| ByteSize(count << 10);
        let (message, rows) = (limits.message_bytes, limits.batch_rows);
        self.size(
            &["limits", "message_bytes"],
            message,
            kib(4),
            ByteSize(1 << 30),
        );
        self.range(&["limits", "batch_rows"], rows, 1, 1 << 20);
        self.range(&["limits", "fields"], limits.fields, 1, 20_000);
        self.range(
            &["limits", "total_fields"],
            limits.total_fields,
            1,
            1_000_000,
        );
        self.range(
            &["limits", "name_bytes"],
            limits.name_bytes,
            32,
            MAX_NAME_BYTES,
        );
        self.range(
            &["limits", "tensor_columns"],
            limits.tensor_columns,
            1,
            65_536,
        );
        self.range(&["limits", "string_bytes"], limits.string_bytes, 16, 65_536);
        self.range(&["limits", "models"], limits.models, 1, 1_024);
        self.range(&["limits", "versions"], limits.versions, 1, 64);
        let queue = &settings.queue;
        if queue.rows < rows {
            self.say(
                &["queue", "rows"],
                format!(
                    "is {}, less than limits.batch_rows ({rows}): the largest batch could never be \
                     accepted; raise one or lower the other",
                    queue.rows
                ),
            );
        } else {
            self.range(&["queue", "rows"], queue.rows, 1, 10_000_000);
        }
        self.size(&["queue", "bytes"], queue.bytes, kib(64), ByteSize(4 << 30));
    }

    fn windows(&mut self, settings: &Settings) {
        let tick = settings.tick;
        if !(100..=300_000).contains(&tick.millis()) {
            self.say(
                &["tick"],
                format!("is {tick}: write a duration from 100ms to 5m"),
            );
            return;
        }
        let interval = settings.state.snapshot_interval;
        if !(100..=3_600_000).contains(&interval.millis()) {
            self.say(
                &["state", "snapshot_interval"],
                format!("is {interval}: write a duration from 100ms to 1h"),
            );
        }
        let windows = settings.windows.as_slice();
        if windows.is_empty() || windows.len() > 8 {
            self.say(
                &["windows"],
                format!(
                    "has {} entries: write 1 to 8 durations, such as [5m, 1h, 1d]",
                    windows.len()
                ),
            );
        }
        for pair in windows.windows(2).filter(|pair| pair[0] == pair[1]) {
            self.say(&["windows"], format!("has {} twice: remove one", pair[0]));
        }
        for window in windows {
            if window.millis() < 12 * tick.millis() {
                self.say(
                    &["windows"],
                    format!(
                        "has {window}, which is less than 12 ticks of {tick}: write at least {}, or \
                         lower tick",
                        super::Span::from_millis(12 * tick.millis())
                    ),
                );
            }
            if window.millis() > 366 * 86_400_000 {
                self.say(&["windows"], format!("has {window}: write at most 366d"));
            }
        }
    }

    fn references(&mut self, path: &[&str], references: &References) {
        if references.0.is_empty() {
            self.say(path, "is empty: write at least one, such as [profile]");
        }
        if let Some(repeated) = references.repeated() {
            self.say(path, format!("has {repeated} twice: remove one"));
        }
    }

    fn learning(&mut self, settings: &Settings) {
        let learning = &settings.learning;
        if learning.rows == 0 {
            return;
        }
        if !(100..=1_000_000).contains(&learning.rows) {
            self.say(
                &["learning", "rows"],
                format!(
                    "is {}: write a number from 100 to 1000000, or 0 to learn nothing",
                    learning.rows
                ),
            );
        }
        self.size(
            &["learning", "bytes"],
            learning.bytes,
            ByteSize(64 << 10),
            ByteSize(1 << 30),
        );
    }

    fn drift(&mut self, path: &[&str], minimum_effect: Option<f64>, significance: Option<f64>) {
        let values = [
            ("minimum_effect", minimum_effect),
            ("significance", significance),
        ];
        for (key, value) in values {
            if let Some(value) = value.filter(|value| !(0.0..=10.0).contains(value)) {
                let path = [path, &[key]].concat();
                self.say(&path, format!("is {value}: write a number from 0 to 10"));
            }
        }
    }

    fn outliers(&mut self, settings: &Settings) {
        let outliers = &settings.outliers;
        self.range(&["outliers", "features"], outliers.features, 0, 64);
        let sample = outliers.sample as usize;
        self.range(&["outliers", "sample"], sample, 0, 1_000_000);
    }

    fn joint(&mut self, settings: &Settings) {
        let joint = &settings.joint;
        self.range(&["joint", "features"], joint.features, 0, 16);
        if joint.features == 1 {
            self.say(
                &["joint", "features"],
                "is 1: it takes two to hang together; write 0 for none, or 2 to 16",
            );
        }
        self.range(&["joint", "sample"], joint.sample, 1, 1_000_000);
        let values = [
            ("minimum_correlation", joint.minimum_correlation),
            ("minimum_discrepancy", joint.minimum_discrepancy),
        ];
        for (key, value) in values {
            if !(0.0..=2.0).contains(&value) {
                let sentence = format!("is {value}: write a number from 0 to 2");
                self.say(&["joint", key], sentence);
            }
        }
    }
}
