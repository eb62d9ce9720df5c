//! Calls that stop, or are many more or fewer than in the same hours of last week.
//!
//! All versions of a model together: a new version that takes over is no outage of the old one.

use super::super::limits::{STEADY_CALLS, TRAFFIC_FACTOR};
use super::super::promql::max_over_pods;
use super::super::series::MODEL_CALLS;
use super::super::{Alert, Plan, Severity};
use super::described;
use crate::export::names;
use crate::settings::Span;

pub(super) const PAGE: &str = include_str!("traffic.md");

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    vec![
        gone(plan),
        gone_young(plan),
        low(plan),
        spiking(plan),
        silent(plan),
    ]
}

/// So many minutes, or fewer where time is lapsed.
fn minutes(plan: &Plan, minutes: u64) -> Span {
    plan.lapsed(Span::from_secs(60 * minutes))
}

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// Calls a second above which their absence is no chance.
fn steady(plan: &Plan) -> f64 {
    let rate = f64::from(STEADY_CALLS) / minutes(plan, 5).seconds();
    (rate * 1e4).round() / 1e4
}

/// The least of an hour around this time, `ago` minutes before. Of a model that came or went within that
/// hour, as those do that are scaled to zero at night, there is none: its absence is no zero.
fn least_around(plan: &Plan, ago: u64) -> String {
    let hour = minutes(plan, HOUR);
    let [end, begin] = [ago - HOUR / 2, ago + HOUR / 2].map(|ago| minutes(plan, ago));
    format!(
        "(min_over_time({MODEL_CALLS}[{hour}] offset {end}) and {MODEL_CALLS} offset {end} and {MODEL_CALLS} offset {begin})"
    )
}

fn gone(plan: &Plan) -> Alert {
    let (week, day) = (least_around(plan, WEEK), least_around(plan, DAY));
    let steady = steady(plan);
    Alert {
        // Without any target there is no rate of 0. Models are scaled to zero on purpose, so two days must agree;
        // and other labels of a target are no outage.
        expr: format!(
            "({MODEL_CALLS} == 0 and {week} > {steady})\n\
             or\n\
             ({week} > {steady} and {day} > {steady} unless on (cluster, namespace, model) {MODEL_CALLS})"
        ),
        ..no_call(plan, Severity::Critical, "last week")
    }
}

/// Of a model without a last week, which may as well have closed for the night.
fn gone_young(plan: &Plan) -> Alert {
    let usual = format!(
        "(\n  {}\n  or min_over_time({MODEL_CALLS}[{}] offset {})\n)",
        least_around(plan, DAY),
        minutes(plan, HOUR / 2),
        minutes(plan, HOUR)
    );
    let hour = minutes(plan, HOUR);
    let week = minutes(plan, WEEK - HOUR / 2);
    Alert {
        expr: format!(
            "{MODEL_CALLS} == 0\nand {usual} > {}\nunless max_over_time({MODEL_CALLS}[{hour}] offset {week})",
            steady(plan)
        ),
        ..no_call(plan, Severity::Warning, "yesterday or an hour ago")
    }
}

fn no_call(plan: &Plan, severity: Severity, usual: &str) -> Alert {
    Alert {
        hold: minutes(plan, 5),
        keep_firing_for: minutes(plan, 5),
        summary: "Model {{ $labels.model }} has no more calls".into(),
        description: format!(
            "Model {{{{ $labels.model }}}} has had no call for {}, of no version. At this time it usually has, as it had \
             {usual}.",
            minutes(plan, 10)
        ),
        ..described(PAGE, "TrafficGone", severity, plan)
    }
}

/// The last hour against the three hours around the same time last week.
fn against_last_week(
    plan: &Plan,
    name: &'static str,
    extreme: &str,
    comparison: &str,
    words: &str,
) -> Alert {
    let now = format!("avg_over_time({MODEL_CALLS}[{}])", minutes(plan, HOUR));
    let then = format!(
        "{extreme}_over_time({MODEL_CALLS}[{}] offset {})",
        minutes(plan, 3 * HOUR),
        minutes(plan, WEEK - HOUR)
    );
    Alert {
        expr: format!(
            "{now} / ({then} > {}) {comparison}\nand {MODEL_CALLS} > 0",
            steady(plan)
        ),
        hold: minutes(plan, 15),
        keep_firing_for: minutes(plan, 15),
        summary: format!("Model {{{{ $labels.model }}}} has {words} calls than last week"),
        description: format!(
            "Over {}, model {{{{ $labels.model }}}} has {{{{ $value | printf `%.2g` }}}} times the calls that it had \
             around this time last week, all versions together.",
            minutes(plan, HOUR)
        ),
        ..described(PAGE, name, Severity::Warning, plan)
    }
}

fn low(plan: &Plan) -> Alert {
    let below = format!("< 1 / {TRAFFIC_FACTOR}");
    against_last_week(plan, "TrafficLow", "min", &below, "far fewer")
}

fn spiking(plan: &Plan) -> Alert {
    let above = format!("> {TRAFFIC_FACTOR}");
    against_last_week(plan, "TrafficSpiking", "max", &above, "far more")
}

fn silent(plan: &Plan) -> Alert {
    let longest = plan.longest();
    let last = max_over_pods(&names::LAST_ROW_TIMESTAMP.series());
    Alert {
        expr: format!(
            "time() - max without (version) ({last}) > {}",
            longest.0.seconds()
        ),
        hold: minutes(plan, 5),
        keep_firing_for: minutes(plan, 5),
        summary: "Model {{ $labels.model }} is silent".into(),
        description: format!(
            "Model {{{{ $labels.model }}}} has had no row for {{{{ $value | humanizeDuration }}}}: its longest window, \
             {}, is empty and nothing is judged.",
            longest.label()
        ),
        ..described(PAGE, "ModelSilent", Severity::Info, plan)
    }
}
