//! Sidecars that answer, but not with what is so now.

use super::super::super::{Alert, Plan, limits};
use super::{POD, patience, warning};
use crate::export::names;
use crate::settings::Span;

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    vec![
        stalled(plan),
        reload_failed(plan),
        series_limit(plan),
        panicked(plan),
    ]
}

fn stalled(plan: &Plan) -> Alert {
    // A window has at least twelve ticks, so that a quarter of one is three.
    let limit = limits::STALLED_EVALUATION.max(patience(plan).seconds() / 4.0);
    Alert {
        name: "DriftgaugeStalled",
        expr: format!("time() - {} > {limit}", names::LAST_EVALUATION.series()),
        summary: format!("The sidecar at {POD} no longer evaluates"),
        description: format!(
            "The newest evaluation of the sidecar at {POD} is {{{{ $value | humanizeDuration }}}} old: drift and all \
             other figures are those of then."
        ),
        means: "The sidecar answers, but its statistics are old: the analysis does not come round, or the clocks of the \
                pod and of Prometheus are apart.",
        check: "`driftgauge_evaluation_duration_seconds`: is it near the tick? CPU throttling of the container? \
                `driftgauge_queue_rows` that only grows? `driftgauge_last_evaluation_timestamp_seconds` against `date` on the \
                node tells of a wrong clock.",
        act: "Give it CPU, or less to do: a longer `tick`, fewer fields, `metrics.detail: lean`. If nothing of this is the \
              cause, restart it and report a defect with its log.",
        ..warning(plan)
    }
}

fn reload_failed(plan: &Plan) -> Alert {
    Alert {
        name: "DriftgaugeReloadFailed",
        expr: format!("{} == 0", names::CONFIG_RELOAD_SUCCESSFUL.series()),
        summary: format!("The sidecar at {POD} cannot use its new settings"),
        description: format!(
            "The settings or profiles that the sidecar at {POD} was last given cannot be used; it goes on with the last \
             good ones, or with the defaults."
        ),
        means: "The last attempt to load settings or profiles failed. What was in force before still is; after a restart \
                it is the last good settings of the state directory or the defaults.",
        check: "`kubectl logs POD -c driftgauge | grep level=error` says line and column; `driftgauge check FILE` says the \
                same before it is rolled out.",
        act: "Mend the file; it is read again within seconds. Let CI run `driftgauge check`.",
        ..warning(plan)
    }
}

fn series_limit(plan: &Plan) -> Alert {
    Alert {
        name: "DriftgaugeSeriesLimit",
        expr: format!(
            "sum without (reason) ({}) > 0",
            names::SERIES_DROPPED.series()
        ),
        summary: format!("The sidecar at {POD} leaves series out"),
        description: format!(
            "The sidecar at {POD} leaves {{{{ $value }}}} series out to stay within web.max_series; what is left out is \
             in no rule, alert or board."
        ),
        means: "There are more series than `web.max_series` allows. First the cells go, with which drift of the fleet is \
                computed, then figures beyond `lean`, then whole features. `driftgauge_series_dropped` says by `reason` \
                how many.",
        check: "`driftgauge check FILE` says how many series each model may have. Are there models or versions that nobody \
                wants, or fields that are ids?",
        act: "Raise `web.max_series` together with `sample_limit` of the scrape, give fields that do not matter \
              `metrics: {detail: lean}` or `role: ignore`, or take fewer windows.",
        ..warning(plan)
    }
}

fn panicked(plan: &Plan) -> Alert {
    Alert {
        name: "DriftgaugeAnalysisPanicked",
        expr: format!("increase({}[1h]) > 0", names::ANALYSIS_PANICS.series()),
        // The hour is in the expression.
        hold: Span::from_millis(0),
        keep_firing_for: patience(plan),
        summary: format!("The analysis of the sidecar at {POD} failed"),
        description: format!(
            "Within the last hour the analysis of the sidecar at {POD} failed on a model, which started anew; the rows of \
             its windows are lost."
        ),
        means: "Rows made the analysis fail. That is a defect of driftgauge, not of the model: the model started anew with \
                empty windows, and everything else went on.",
        check: "`kubectl logs POD -c driftgauge | grep panicked` says where.",
        act: "Report it with that line. If it comes again with every call, give the field that it names `role: ignore`.",
        ..warning(plan)
    }
}
