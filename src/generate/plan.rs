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
    /// Whether figures of single features are watched by the band of their own history too: eight more
    /// recorded series a feature.
    pub feature_bands: bool,
}

/// One window, and how rules and alerts of that length behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(pub Span);

impl Window {
    /// The label value, which PromQL reads as a duration too.
    pub fn label(self) -> String {
        self.0.to_string()
    }

    /// How often rules over it are evaluated: a sixtieth of it, from 1 s to 4 min. Prometheus forgets a
    /// sample after 5: what were recorded more seldom would be there only part of the time.
    pub fn interval(self) -> Span {
        Span::from_millis((self.0.millis() / 60).clamp(1_000, 240_000) / 1_000 * 1_000)
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

    /// The windows that somebody is told about: those of the fleet, else the longest, as the shorter
    /// ones see every hour of the day as another world.
    pub fn alert_windows(&self) -> Vec<Window> {
        let fleet: Vec<Window> = self.fleet_windows().collect();
        match fleet.is_empty() {
            true => self.windows.last().copied().into_iter().collect(),
            false => fleet,
        }
    }

    /// The longest window; a day without any.
    pub fn longest(&self) -> Window {
        let day = Window(Span::from_secs(86_400));
        self.windows.last().copied().unwrap_or(day)
    }

    /// A duration that does not follow from a window, such as an hour of a burn rate or a week of history.
    ///
    /// Where the longest window is below ten minutes time is lapsed, and such a duration shrinks as a
    /// day does to that window, to at least five seconds.
    pub fn lapsed(&self, span: Span) -> Span {
        let longest = self.longest().0.millis();
        if longest >= 600_000 {
            return span;
        }
        let shrunk = u128::from(span.millis()) * u128::from(longest) / 86_400_000;
        let seconds = u64::try_from(shrunk / 1_000).unwrap_or(u64::MAX).max(5);
        Span::from_secs(seconds)
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
            feature_bands: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_written_unless_time_is_lapsed() {
        let plan = |window: &str| Plan {
            windows: vec![Window(window.parse().unwrap())],
            ..Plan::default()
        };
        let week = "7d".parse().unwrap();
        assert_eq!(plan("1d").lapsed(week).to_string(), "7d");
        assert_eq!(plan("1h").lapsed(week).to_string(), "7d");
        assert_eq!(plan("1m").lapsed(week).to_string(), "7m");
        assert_eq!(plan("1m").lapsed("5m".parse().unwrap()).to_string(), "5s");
    }

    #[test]
    fn without_a_fleet_window_the_longest_is_told_about() {
        let windows = |plan: &Plan| -> Vec<String> {
            let windows = plan.alert_windows();
            windows.iter().map(|window| window.label()).collect()
        };
        assert_eq!(windows(&Plan::default()), ["1h", "1d"]);
        let short = Plan {
            windows: ["1m", "5m"]
                .map(|text| Window(text.parse().unwrap()))
                .into(),
            ..Plan::default()
        };
        assert_eq!(windows(&short), ["5m"]);
    }

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
                "4m 1h 1h",
                "4m 1h 1h"
            ]
        );
    }
}
