//! Budgets of errors and of slow calls that empty too fast.

use super::super::limits::BURNT_CALLS;
use super::super::rules::service::{Burn, burns};
use super::super::{Alert, Plan, Severity, series};
use super::{described, evidence};

pub(super) const PAGE: &str = include_str!("service.md");

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for burn in burns(plan) {
        alerts.push(Alert {
            evidence: evidence::code(),
            ..burning(
                plan,
                burn,
                "ErrorBudgetBurn",
                [series::SERVER_ERROR_RATIO, series::SERVER_ERRORS],
                plan.error_objective,
                "fail",
            )
        });
    }
    for burn in burns(plan) {
        let what = format!("take longer than {} s", plan.latency_bound);
        alerts.push(burning(
            plan,
            burn,
            "LatencyBudgetBurn",
            [series::SLOW_CALL_RATIO, series::SLOW_CALLS],
            plan.latency_objective,
            &what,
        ));
    }
    alerts
}

fn burning(
    plan: &Plan,
    burn: Burn,
    name: &'static str,
    [ratio, count]: [&str; 2],
    objective: f64,
    what: &str,
) -> Alert {
    let Burn {
        factor,
        long,
        short,
        hold,
        pages,
    } = burn;
    // Rounded, as 1 − 0.999 is not 0.001 for a computer.
    let limit = ((1.0 - objective) * factor * 1e9).round() / 1e9;
    let severity = match pages {
        true => Severity::Critical,
        false => Severity::Warning,
    };
    Alert {
        expr: format!(
            "{ratio}{{window=\"{long}\"}} > {limit}\n\
             and ignoring (window) {ratio}{{window=\"{short}\"}} > {limit}\n\
             and {count}{{window=\"{long}\"}} >= {BURNT_CALLS}"
        ),
        window: Some(long),
        hold,
        keep_firing_for: short,
        summary: format!("Too many calls of model {{{{ $labels.model }}}} {what}"),
        description: format!(
            "{{{{ $value | humanizePercentage }}}} of the calls of model {{{{ $labels.model }}}}, version \
             {{{{ $labels.version }}}}, {what} (over {long}, and still over {short}). The objective allows \
             {}: its budget burns at least {factor} times as fast as it may.",
            percentage(1.0 - objective)
        ),
        ..described(PAGE, name, severity, plan)
    }
}

/// `0.1 %`, without what rounding leaves.
fn percentage(share: f64) -> String {
    format!("{} %", (share * 1e9).round() / 1e7)
}
