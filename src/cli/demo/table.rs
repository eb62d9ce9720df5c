//! The live table of the demonstration.

use std::fmt::Write as _;
use std::io::{Write, stdout};

use crate::engine::{FeatureSnapshot, ModelSnapshot, Snapshot};
use crate::ingest::SourceCounts;

/// Fields shown.
const ROWS: usize = 9;

/// A table that overwrites itself on a terminal, and elsewhere becomes a line now and then.
pub(super) struct Table {
    on_terminal: bool,
    /// Lines written the last time.
    lines: usize,
    shown: u32,
}

impl Table {
    pub fn new(on_terminal: bool) -> Self {
        Self {
            on_terminal,
            lines: 0,
            shown: 0,
        }
    }

    pub fn show(&mut self, snapshot: &Snapshot, counts: &SourceCounts) -> std::io::Result<()> {
        let Some(model) = snapshot.models.first() else {
            return Ok(());
        };
        self.shown += 1;
        let mut out = stdout().lock();
        if !self.on_terminal {
            if self.shown % 5 == 1 {
                writeln!(out, "{}", line(model, counts))?;
            }
            return out.flush();
        }
        if self.lines > 0 {
            write!(out, "\x1b[{}A\x1b[J", self.lines)?;
        }
        let text = table(model, counts);
        self.lines = text.lines().count();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// The date that the windows stand at.
fn date(model: &ModelSnapshot) -> String {
    let moment = model
        .now
        .and_then(|now| jiff::Timestamp::from_second(now as i64).ok());
    moment.map_or_else(
        || "-".into(),
        |moment| moment.strftime("%-d %b %Y").to_string(),
    )
}

/// Drift ratio in each window.
fn ratios(feature: &FeatureSnapshot) -> Vec<Option<f64>> {
    let ratio = |w: &crate::engine::FeatureWindow| w.drift.first().and_then(|drift| drift.ratio);
    feature.windows.iter().map(ratio).collect()
}

fn worst_first(model: &ModelSnapshot) -> Vec<&FeatureSnapshot> {
    let worst =
        |feature: &FeatureSnapshot| ratios(feature).into_iter().flatten().fold(-1.0, f64::max);
    let mut features: Vec<_> = model.features.iter().filter(|f| f.values > 0).collect();
    features.sort_by(|a, b| worst(b).total_cmp(&worst(a)));
    features
}

/// Where time stands, and what came; `between` parts it from latency and throughput.
fn summary(model: &ModelSnapshot, counts: &SourceCounts, between: &str) -> String {
    let day = model.windows.first();
    let latency = day.and_then(|window| window.latency);
    let millis = |seconds: f64| format!("{:.2} ms", seconds * 1e3);
    format!(
        "{}   {} flights, {} accepted, {} shed{between}latency p50 {} p99 {}   {:.0} flights a day",
        date(model),
        counts.received,
        counts.accepted,
        counts.shed.iter().map(|(_, rows)| rows).sum::<u64>(),
        latency.map_or_else(|| "-".into(), |[p50, _, _]| millis(p50)),
        latency.map_or_else(|| "-".into(), |[_, _, p99]| millis(p99)),
        model.windows.get(1).map_or(0.0, |week| week.throughput) * 86_400.0,
    )
}

fn line(model: &ModelSnapshot, counts: &SourceCounts) -> String {
    let mut line = summary(model, counts, "   ");
    for feature in worst_first(model).iter().take(3) {
        let worst = ratios(feature).into_iter().flatten().fold(0.0, f64::max);
        let _ = write!(line, "   {} {worst:.1}", feature.name);
    }
    line
}

fn table(model: &ModelSnapshot, counts: &SourceCounts) -> String {
    // No line is longer than 80 columns: one that wraps would not be overwritten.
    let mut text = summary(model, counts, "\n");
    let _ = write!(text, "\n\n{:14}", "drift ratio");
    for window in &model.windows {
        let _ = write!(text, "{:>9}", &*window.window);
    }
    let _ = writeln!(text, "{:>12}  above 1 is drift", "missing 7d");
    for feature in worst_first(model).iter().take(ROWS) {
        let _ = write!(text, "{:14}", &*feature.name);
        for ratio in ratios(feature) {
            match ratio {
                Some(ratio) if ratio > 1.0 => {
                    let _ = write!(text, "\x1b[31m{ratio:>9.2}\x1b[0m");
                }
                Some(ratio) => {
                    let _ = write!(text, "{ratio:>9.2}");
                }
                None => {
                    let _ = write!(text, "{:>9}", "few rows");
                }
            }
        }
        let missing = feature.windows.get(1).and_then(|window| window.null_ratio);
        let missing = missing.map_or_else(|| "-".into(), |ratio| format!("{:.1}%", ratio * 100.0));
        let _ = writeln!(text, "{missing:>12}");
    }
    text
}
