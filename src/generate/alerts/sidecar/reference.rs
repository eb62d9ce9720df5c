//! What models are compared with: missing, incomplete, old, or learned by each pod for itself.

use super::super::super::promql::max_over_pods;
use super::super::super::{Alert, Plan, Severity, Subject, limits};
use super::{at_once, patience, warning};
use crate::export::names;
use crate::settings::Span;

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    vec![missing(plan), incomplete(plan), stale(plan), learned(plan)]
}

fn about_a_model(name: &'static str, plan: &Plan) -> Alert {
    Alert {
        subject: Subject::Model,
        ..warning(name, plan)
    }
}

fn missing(plan: &Plan) -> Alert {
    let rows = names::PREDICTIONS.series();
    let reference = names::REFERENCE.series();
    let learning = names::LEARNING_ROWS.series();
    Alert {
        expr: max_over_pods(&format!(
            "{rows} unless ignoring (profile, source) {reference} unless {learning}"
        )),
        summary: "Model {{ $labels.model }} has no reference".into(),
        description: "At least one sidecar of model {{ $labels.model }} has neither a profile nor learns a reference: \
                      traffic and missing values are shown, drift is not."
            .into(),
        ..about_a_model("DriftgaugeReferenceMissing", plan)
    }
}

fn incomplete(plan: &Plan) -> Alert {
    let window = patience(plan);
    let states = names::FEATURE_STATE.series();
    let unknown = max_over_pods(&format!(
        r#"{states}{{state="unknown", window="{window}"}}"#
    ));
    Alert {
        severity: Severity::Info,
        expr: format!("count without (feature, role) ({unknown})"),
        summary: "The reference of {{ $labels.model }} lacks fields that its traffic has".into(),
        description: "{{ $value }} fields of model {{ $labels.model }} are not in its reference: they are shown, but \
                      cannot drift."
            .into(),
        ..about_a_model("DriftgaugeReferenceIncomplete", plan)
    }
}

fn stale(plan: &Plan) -> Alert {
    let created = max_over_pods(&names::REFERENCE_CREATED.series());
    Alert {
        expr: format!("time() - {created} > {}", limits::STALE_REFERENCE),
        hold: Span::from_secs(3_600),
        keep_firing_for: at_once(plan),
        summary: "The reference of {{ $labels.model }} is old".into(),
        description: "Reference {{ $labels.profile }} of model {{ $labels.model }} was made \
                      {{ $value | humanizeDuration }} ago: does it still say how things should be?"
            .into(),
        ..about_a_model("DriftgaugeReferenceStale", plan)
    }
}

fn learned(plan: &Plan) -> Alert {
    let info = names::REFERENCE.series();
    Alert {
        severity: Severity::Info,
        expr: format!(
            r#"count without (profile, instance, pod, container, endpoint, node) ({info}{{source="learned"}})"#
        ),
        summary: "Model {{ $labels.model }} is compared with its own first rows".into(),
        description: "{{ $value }} sidecars of model {{ $labels.model }} have learned a reference from their first rows, \
                      each for itself: what was wrong from the start is not seen, and there is no drift of all pods \
                      together, only of the worst pod."
            .into(),
        ..about_a_model("DriftgaugeReferenceLearned", plan)
    }
}
