//! Rows and calls that do not get as far as the figures.

use super::super::super::{Alert, Plan, limits};
use super::{POD, patience, rate, warning};
use crate::export::names;

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    vec![
        rows_shed(plan),
        calls_shed(plan),
        undecodable(plan),
        client_rows_dropped(plan),
    ]
}

fn rows_shed(plan: &Plan) -> Alert {
    let range = patience(plan);
    let shed = rate(&names::SHED_ROWS, "source, reason", range);
    let received = rate(&names::RECEIVED_ROWS, "source", range);
    Alert {
        expr: format!("{shed} / {received} > {}", limits::LOST_SHARE),
        summary: format!("The sidecar at {POD} sheds rows"),
        description: format!(
            "The sidecar at {POD} refuses {{{{ $value | humanizePercentage }}}} of the rows for lack of room: figures are \
             those of the rest."
        ),
        ..warning("DriftgaugeRowsShed", plan)
    }
}

fn calls_shed(plan: &Plan) -> Alert {
    let range = patience(plan);
    let shed = rate(&names::SHED_CALLS, "source, reason", range);
    let seen = rate(&names::SEEN_CALLS, "source", range);
    Alert {
        expr: format!("{shed} / {seen} > {}", limits::LOST_SHARE),
        summary: format!("The sidecar at {POD} lets calls go by unseen"),
        description: format!(
            "The sidecar at {POD} does not look at {{{{ $value | humanizePercentage }}}} of the calls for lack of room; \
             they go through all the same."
        ),
        ..warning("DriftgaugeCallsShed", plan)
    }
}

fn undecodable(plan: &Plan) -> Alert {
    let range = patience(plan);
    let undecodable = rate(&names::UNDECODABLE_CALLS, "source, reason", range);
    let decoded = rate(&names::REQUESTS, "model, version", range);
    Alert {
        // Where not one call can be decoded there is no model to count them.
        expr: format!(
            "{undecodable} / ({undecodable} + ({decoded} or {undecodable} * 0)) > {}",
            limits::LOST_SHARE
        ),
        summary: format!("The sidecar at {POD} cannot read calls"),
        description: format!(
            "The sidecar at {POD} cannot decode {{{{ $value | humanizePercentage }}}} of the calls: their rows are in no \
             figure."
        ),
        ..warning("DriftgaugeCallsUndecodable", plan)
    }
}

fn client_rows_dropped(plan: &Plan) -> Alert {
    let range = patience(plan);
    let dropped = rate(&names::CLIENT_DROPPED_ROWS, "source", range);
    let received = rate(&names::RECEIVED_ROWS, "source", range);
    Alert {
        expr: format!(
            "{dropped} / ({dropped} + {received}) > {}",
            limits::LOST_SHARE
        ),
        summary: format!("Clients drop rows before they reach the sidecar at {POD}"),
        description: format!(
            "Clients of the sidecar at {POD} say that they dropped {{{{ $value | humanizePercentage }}}} of their rows \
             before sending."
        ),
        ..warning("DriftgaugeClientRowsDropped", plan)
    }
}
