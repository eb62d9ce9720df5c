//! What is wrong with the sidecar itself, in sentences: as long as there is one, its figures may not
//! be the whole truth.

use super::figures::{Lasting, Thousands};
use crate::export::Sidecar;

/// Stands before them: a sign of its own, ▲ is that of drift. As text, not as a picture.
pub(super) const WARNING: &str = "⚠\u{fe0e}";
/// An evaluation is late after so many intervals,
const LATE_INTERVALS: f64 = 3.0;
/// but not before so many seconds.
const LATE_SECONDS: f64 = 15.0;

/// The sentences, none of which has a name from outside; the worst first.
pub(super) fn troubles(sidecar: &Sidecar) -> Vec<String> {
    let mut troubles = Vec::new();
    if sidecar.analysis_panics > 0 {
        troubles.push(format!(
            "its analysis failed {} times, and models started anew; see the log.",
            Thousands(sidecar.analysis_panics as f64)
        ));
    }
    if let Some(age) = evaluation_age(sidecar).filter(|age| *age > late_after(sidecar)) {
        troubles.push(format!(
            "nothing has been evaluated for {}: all figures are old.",
            Lasting(age)
        ));
    }
    if !sidecar.config_last_reload_successful {
        troubles.push("the settings cannot be used, and others are in force; see the log.".into());
    }
    let of = |counts: fn(&crate::ingest::SourceCounts) -> u64| {
        sidecar.sources.iter().map(counts).sum::<u64>()
    };
    let sum = |reasons: &[(&str, u64)]| reasons.iter().map(|(_, count)| count).sum::<u64>();
    let shed_rows: u64 = sidecar.sources.iter().map(|source| sum(&source.shed)).sum();
    let calls = || sidecar.sources.iter().filter_map(|of| of.calls.as_ref());
    let shed_calls: u64 = calls().map(|calls| sum(&calls.shed)).sum();
    for (shed, all, what) in [
        (shed_rows, of(|source| source.received), "rows"),
        (shed_calls, calls().map(|calls| calls.seen).sum(), "calls"),
    ] {
        if shed > 0 {
            troubles.push(format!(
                "{} of {} {what} were left out for lack of room.",
                Thousands(shed as f64),
                Thousands(all as f64)
            ));
        }
    }
    let undecodable = sidecar.sources.iter().map(|of| sum(&of.undecodable));
    match undecodable.sum::<u64>() {
        0 => {}
        calls => troubles.push(format!(
            "{} calls could not be decoded.",
            Thousands(calls as f64)
        )),
    }
    let dropped = sidecar.dropped_series;
    match dropped.fleet + dropped.detail + dropped.features {
        0 => {}
        series => troubles.push(format!(
            "{} series are left out to keep to {} (web.max_series).",
            Thousands(series as f64),
            Thousands(sidecar.series_limit as f64)
        )),
    }
    troubles
}

/// Seconds since the last evaluation.
fn evaluation_age(sidecar: &Sidecar) -> Option<f64> {
    Some(sidecar.now? - sidecar.last_evaluation_timestamp_seconds?)
}

fn late_after(sidecar: &Sidecar) -> f64 {
    let interval = sidecar.evaluation_interval_seconds.unwrap_or(0.0);
    (LATE_INTERVALS * interval).max(LATE_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::SourceCounts;

    fn healthy() -> Sidecar {
        Sidecar {
            config_last_reload_successful: true,
            last_evaluation_timestamp_seconds: Some(1_000.0),
            evaluation_interval_seconds: Some(10.0),
            now: Some(1_010.0),
            ..Sidecar::default()
        }
    }

    #[test]
    fn a_healthy_sidecar_has_no_trouble() {
        assert_eq!(troubles(&healthy()), Vec::<String>::new());
    }

    #[test]
    fn figures_that_are_old_are_said_to_be() {
        let late = |now| {
            troubles(&Sidecar {
                now: Some(now),
                ..healthy()
            })
        };
        assert!(late(1_029.0).is_empty());
        assert_eq!(
            late(1_300.0),
            ["nothing has been evaluated for 5\u{a0}min: all figures are old."]
        );
    }

    #[test]
    fn what_was_left_out_is_told_with_its_share() {
        let sidecar = Sidecar {
            sources: vec![SourceCounts {
                received: 5_000,
                shed: vec![("queue_rows", 40), ("queue_bytes", 2)],
                undecodable: vec![("malformed", 7)],
                ..SourceCounts::default()
            }],
            ..healthy()
        };
        assert_eq!(
            troubles(&sidecar),
            [
                "42 of 5\u{202f}000 rows were left out for lack of room.",
                "7 calls could not be decoded."
            ]
        );
    }
}
