//! Calls, as burn rates of objectives and comparisons with last week need them.

use super::super::promql::sum_over_pods;
use super::super::{Group, Plan, Record, Rule, Window, series};
use crate::export::names;
use crate::settings::Span;

/// Failures that are the caller's fault, of gRPC and of HTTP: 429 is not, as it says that the server has no room.
pub const CALLERS_FAULT: &str = "INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|UNAUTHENTICATED|\
                             FAILED_PRECONDITION|OUT_OF_RANGE|CANCELLED|4([013-9].|2[0-8])";

/// A burn rate that empties the budget of 30 days too early: both windows must show it, the long one
/// that it matters, the short one that it still goes on.
#[derive(Clone, Copy, Debug)]
pub struct Burn {
    /// Times faster than the budget allows.
    pub factor: f64,
    /// The long window.
    pub long: Span,
    /// The short window.
    pub short: Span,
    /// How long both must show it.
    pub hold: Span,
    /// Whether it pages.
    pub pages: bool,
}

/// The table that Kubernetes' own alerts use.
pub fn burns(plan: &Plan) -> [Burn; 4] {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    [
        (14.4, HOUR, 5 * MINUTE, 2 * MINUTE, true),
        (6.0, 6 * HOUR, 30 * MINUTE, 15 * MINUTE, true),
        (3.0, 24 * HOUR, 2 * HOUR, HOUR, false),
        (1.0, 72 * HOUR, 6 * HOUR, 3 * HOUR, false),
    ]
    .map(|(factor, long, short, hold, pages)| Burn {
        factor,
        long: plan.lapsed(Span::from_secs(long)),
        short: plan.lapsed(Span::from_secs(short)),
        hold: plan.lapsed(Span::from_secs(hold)),
        pages,
    })
}

/// The fastest burn that pages.
pub fn fastest_page() -> f64 {
    let pages = burns(&Plan::default()).into_iter().filter(|b| b.pages);
    pages.map(|burn| burn.factor).fold(1.0, f64::max)
}

pub(super) fn groups(plan: &Plan) -> Vec<Group> {
    let mut windows: Vec<Span> = burns(plan).iter().flat_map(|b| [b.long, b.short]).collect();
    windows.sort();
    windows.dedup();
    let (short, long): (Vec<Span>, Vec<Span>) =
        windows.into_iter().partition(|w| w.millis() <= 7_200_000);
    let mut rules = vec![calls(plan)];
    rules.extend(plan.alert_windows().into_iter().map(steadiness));
    rules.extend(short.into_iter().flat_map(|window| of_window(plan, window)));
    let mut groups = vec![Group {
        name: "driftgauge-service".into(),
        interval: None,
        rules,
    }];
    let seldom = Group {
        name: "driftgauge-service-long".into(),
        interval: Some(plan.lapsed(Span::from_secs(180))),
        rules: long
            .into_iter()
            .flat_map(|window| of_window(plan, window))
            .collect(),
    };
    groups.extend((!seldom.rules.is_empty()).then_some(seldom));
    groups
}

fn calls(plan: &Plan) -> Rule {
    let window = plan.lapsed(Span::from_secs(300));
    let calls = sum_over_pods(&format!("rate({}[{window}])", names::REQUESTS.series()));
    Record::rule(
        series::MODEL_CALLS,
        format!("sum without (version) ({calls})"),
        [],
    )
}

/// From the first quarter of a window to its last.
fn steadiness(window: Window) -> Rule {
    let quarter = Span::from_millis((window.0.millis() / 4).max(1_000));
    let before = Span::from_millis(window.0.millis() - quarter.millis());
    let share = |offset: &str| {
        let rows = format!("avg_over_time({}[{quarter}]{offset})", series::THROUGHPUT);
        format!("({rows} / ignoring (version) group_left () sum without (version) ({rows}))")
    };
    Record::rule(
        series::VERSION_STEADINESS,
        format!("{} / {}", share(""), share(&format!(" offset {before}"))),
        [("window", &window.label())],
    )
}

fn of_window(plan: &Plan, window: Span) -> Vec<Rule> {
    let label = window.to_string();
    let label = [("window", label.as_str())];
    let increase = |series: &str| format!("increase({series}[{window}])");
    let errors = names::REQUEST_ERRORS.series();
    let failed = increase(&format!(r#"{errors}{{code!~"{CALLERS_FAULT}"}}"#));
    let duration = names::REQUEST_DURATION.name;
    let timed = sum_over_pods(&increase(&format!("{duration}_count")));
    let fast = sum_over_pods(&increase(&format!(
        r#"{duration}_bucket{{le=~"{}"}}"#,
        bound(plan.latency_bound)
    )));
    let of_window = format!(r#"{{window="{window}"}}"#);
    vec![
        Record::rule(
            series::SERVER_ERRORS,
            format!("sum without (code) ({})", sum_over_pods(&failed)),
            label,
        ),
        Record::rule(
            series::SERVER_ERROR_RATIO,
            format!(
                "{}{of_window} / ignoring (window) {}",
                series::SERVER_ERRORS,
                sum_over_pods(&increase(&names::REQUESTS.series()))
            ),
            label,
        ),
        Record::rule(
            series::SLOW_CALLS,
            format!("clamp_min({timed} - ignoring (le) {fast}, 0)"),
            label,
        ),
        Record::rule(
            series::SLOW_CALL_RATIO,
            format!(
                "{}{of_window} / ignoring (window) {timed}",
                series::SLOW_CALLS
            ),
            label,
        ),
    ]
}

/// The label value of a bucket: whole numbers are `1` or `1.0`, as the format has it.
fn bound(seconds: f64) -> String {
    match seconds.fract() == 0.0 {
        true => format!(r"{seconds}([.]0)?"),
        false => format!("{seconds}").replace('.', "[.]"),
    }
}
