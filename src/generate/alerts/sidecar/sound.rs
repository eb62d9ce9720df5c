//! Sidecars that answer, but not with what is so now.

use super::super::super::{Alert, Plan, limits};
use super::{POD, at_once, patience, warning};
use crate::export::names;

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    vec![
        stalled(plan),
        reload_failed(plan),
        series_limit(plan),
        panicked(plan),
        snapshot_failed(plan),
    ]
}

fn stalled(plan: &Plan) -> Alert {
    // A window has at least twelve ticks, so that a quarter of one is three.
    let limit = limits::STALLED_EVALUATION.max(patience(plan).seconds() / 4.0);
    Alert {
        expr: format!("time() - {} > {limit}", names::LAST_EVALUATION.series()),
        summary: format!("The sidecar at {POD} no longer evaluates"),
        description: format!(
            "The newest evaluation of the sidecar at {POD} is {{{{ $value | humanizeDuration }}}} old: drift and all \
             other figures are those of then."
        ),
        ..warning("DriftgaugeStalled", plan)
    }
}

fn reload_failed(plan: &Plan) -> Alert {
    Alert {
        expr: format!("{} == 0", names::CONFIG_RELOAD_SUCCESSFUL.series()),
        summary: format!("The sidecar at {POD} cannot use its new settings"),
        description: format!(
            "The settings or profiles that the sidecar at {POD} was last given cannot be used; it goes on with the last \
             good ones, or with the defaults."
        ),
        ..warning("DriftgaugeReloadFailed", plan)
    }
}

fn series_limit(plan: &Plan) -> Alert {
    Alert {
        expr: format!(
            "sum without (reason) ({}) > 0",
            names::SERIES_DROPPED.series()
        ),
        summary: format!("The sidecar at {POD} leaves series out"),
        description: format!(
            "The sidecar at {POD} leaves {{{{ $value }}}} series out to stay within web.max_series; what is left out is \
             in no rule, alert or board."
        ),
        ..warning("DriftgaugeSeriesLimit", plan)
    }
}

fn panicked(plan: &Plan) -> Alert {
    Alert {
        expr: format!("increase({}[1h]) > 0", names::ANALYSIS_PANICS.series()),
        // The hour is in the expression.
        hold: at_once(plan),
        summary: format!("The analysis of the sidecar at {POD} failed"),
        description: format!(
            "Within the last hour the analysis of the sidecar at {POD} failed on a model, which started anew; the rows of \
             its windows are lost."
        ),
        ..warning("DriftgaugeAnalysisPanicked", plan)
    }
}

/// Longer than any interval that the settings allow.
const OLD_SNAPSHOT: u32 = 7_200;

fn snapshot_failed(plan: &Plan) -> Alert {
    Alert {
        expr: format!(
            "increase({}[15m]) > 0 or time() - {} > {OLD_SNAPSHOT}",
            names::SNAPSHOT_FAILURES.series(),
            names::SNAPSHOT_LAST_SUCCESS.series()
        ),
        summary: format!("The sidecar at {POD} cannot keep its windows"),
        description: format!(
            "The sidecar at {POD} cannot write its windows to the state directory: if it restarts, they begin where they \
             were last kept, or empty."
        ),
        ..warning("DriftgaugeSnapshotFailed", plan)
    }
}
