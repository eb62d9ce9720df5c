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
    let shed = rate(&names::SHED_ROWS, "", "source, reason", range);
    let received = rate(&names::RECEIVED_ROWS, "", "source", range);
    Alert {
        name: "DriftgaugeRowsShed",
        expr: format!("{shed} / {received} > {}", limits::LOST_SHARE),
        summary: format!("The sidecar at {POD} sheds rows"),
        description: format!(
            "The sidecar at {POD} refuses {{{{ $value | humanizePercentage }}}} of the rows for lack of room: figures are \
             those of the rest."
        ),
        means: "Rows come faster than the analysis takes them, and the queue is full. The model is not held up; what is \
                shed is missing from all figures, and what is shed may not be like the rest.",
        check: "`driftgauge_shed_rows_total` by `reason`, `driftgauge_queue_bytes` against \
                `driftgauge_queue_capacity_bytes`, CPU use and throttling of the container.",
        act: "Give it CPU. Or look at fewer calls: `sample_rate` scales counts and keeps distributions. A larger queue \
              only helps against bursts.",
        ..warning(plan)
    }
}

fn calls_shed(plan: &Plan) -> Alert {
    let range = patience(plan);
    let shed = rate(&names::SHED_CALLS, "", "source, reason", range);
    let seen = rate(&names::SEEN_CALLS, "", "source", range);
    Alert {
        name: "DriftgaugeCallsShed",
        expr: format!("{shed} / {seen} > {}", limits::LOST_SHARE),
        summary: format!("The sidecar at {POD} lets calls go by unseen"),
        description: format!(
            "The sidecar at {POD} does not look at {{{{ $value | humanizePercentage }}}} of the calls for lack of room; \
             they go through all the same."
        ),
        means: "Calls that pass through the proxy, or whose events come in, are not looked at: they are too large, or \
                too many wait already. The calls themselves are not affected.",
        check: "`driftgauge_shed_calls_total` by `reason`: `too_large` are bodies beyond the limit, else \
                `driftgauge_observer_bytes` against `driftgauge_observer_capacity_bytes`.",
        act: "Too large: raise the limit of a body if such calls matter. Too many: give it CPU or memory, or look at fewer \
              with `sample_rate`.",
        ..warning(plan)
    }
}

fn undecodable(plan: &Plan) -> Alert {
    let range = patience(plan);
    let undecodable = rate(&names::UNDECODABLE_CALLS, "", "source, reason", range);
    let decoded = rate(&names::REQUESTS, "", "model, version", range);
    Alert {
        name: "DriftgaugeCallsUndecodable",
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
        means: "Calls come whose bodies are not what they claim to be, or of a protocol or codec that is not understood.",
        check: "`driftgauge_undecodable_calls_total` by `source` and `reason`; the log names the reason of one call in \
                many. Has a client, a server or a codec changed?",
        act: "If the protocol is one of those that the README lists, report it with an example. Else say in the settings \
              what inputs and outputs are, or push from the model.",
        ..warning(plan)
    }
}

fn client_rows_dropped(plan: &Plan) -> Alert {
    let range = patience(plan);
    let dropped = rate(&names::CLIENT_DROPPED_ROWS, "", "source", range);
    let received = rate(&names::RECEIVED_ROWS, "", "source", range);
    Alert {
        name: "DriftgaugeClientRowsDropped",
        expr: format!(
            "{dropped} / ({dropped} + {received}) > {}",
            limits::LOST_SHARE
        ),
        summary: format!("Clients drop rows before they reach the sidecar at {POD}"),
        description: format!(
            "Clients of the sidecar at {POD} say that they dropped {{{{ $value | humanizePercentage }}}} of their rows \
             before sending."
        ),
        means: "A client that pushes has more rows than it can send, and drops some rather than hold the model up. The \
                figures are those of the rest.",
        check: "Is the sidecar slow to answer (CPU, `driftgauge_shed_rows_total`), away for some time (restarts), or is \
                the client's buffer small?",
        act: "Send more rows in a call, enlarge the client's buffer, or let it sample with a weight.",
        ..warning(plan)
    }
}
