//! What everything is made for: windows, and what counts as bad service.

use crate::settings::{Settings, Span};

/// What rules, alerts and dashboards are made for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Windows of the sidecars, from short to long.
    pub windows: Vec<Window>,
    /// Windows of at least this length are computed over all pods by rules; shorter ones are those
    /// of the sidecars, as rules would evaluate them too seldom.
    pub fleet_from: Span,
    /// Share of calls that must end without a failure of the server, such as 0.999.
    pub error_objective: f64,
    /// Share of calls that must take at most [`latency_bound`](Self::latency_bound).
    pub latency_objective: f64,
    /// In seconds: one of the bounds of `driftgauge_request_duration_seconds`.
    pub latency_bound: f64,
    /// Where the runbook is published; alerts link to its anchors.
    pub runbook_url: String,
}

/// One window, and how rules and alerts of that length behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(pub Span);

impl Window {
    /// The label value, which PromQL reads as a duration too.
    pub fn label(self) -> String {
        self.0.to_string()
    }

    /// How often rules over it are evaluated: a sixtieth of it, from 1 s to 10 min.
    pub fn interval(self) -> Span {
        Span::from_millis((self.0.millis() / 60).clamp(1_000, 600_000) / 1_000 * 1_000)
    }

    /// How long an alert on it must hold before it fires: a quarter of it, at most 1 h.
    pub fn hold(self) -> Span {
        Span::from_millis((self.0.millis() / 4).clamp(1_000, 3_600_000) / 1_000 * 1_000)
    }

    /// How long it goes on firing once it no longer holds, so that one that comes and goes is one
    /// message: a twelfth of it, the step in which the window moves.
    pub fn keep_firing(self) -> Span {
        Span::from_millis((self.0.millis() / 12).clamp(1_000, 3_600_000) / 1_000 * 1_000)
    }
}

impl Plan {
    /// The plan for sidecars with these settings.
    pub fn of(settings: &Settings) -> Self {
        let windows = settings.windows.as_slice().iter();
        Self {
            windows: windows.map(|window| Window(*window)).collect(),
            ..Self::default()
        }
    }

    /// The windows that rules compute over all pods.
    pub fn fleet_windows(&self) -> impl Iterator<Item = Window> + '_ {
        let windows = self.windows.iter().copied();
        windows.filter(|window| window.0 >= self.fleet_from)
    }
}

impl Default for Plan {
    fn default() -> Self {
        let windows = Settings::default().windows;
        Self {
            windows: windows
                .as_slice()
                .iter()
                .map(|span| Window(*span))
                .collect(),
            fleet_from: Span::from_secs(3_600),
            error_objective: 0.999,
            latency_objective: 0.99,
            latency_bound: 0.5,
            runbook_url: "https://github.com/driftgauge/driftgauge/blob/main/deploy/runbook.md"
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_windows_are_evaluated_seldom_and_held_long() {
        let shown = ["12s", "5m", "1h", "1d", "30d"].map(|text| {
            let window = Window(text.parse().unwrap());
            format!(
                "{} {} {}",
                window.interval(),
                window.hold(),
                window.keep_firing()
            )
        });
        assert_eq!(
            shown,
            [
                "1s 3s 1s",
                "5s 75s 25s",
                "1m 15m 5m",
                "10m 1h 1h",
                "10m 1h 1h"
            ]
        );
    }
}
