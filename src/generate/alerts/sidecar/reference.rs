//! What models are compared with: missing, incomplete, old, or learned by each pod for itself.

use super::super::super::promql::max_over_pods;
use super::super::super::{Alert, Plan, Severity, Subject, limits};
use super::{patience, warning};
use crate::export::names;
use crate::settings::Span;

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    vec![missing(plan), incomplete(plan), stale(plan), learned(plan)]
}

fn about_a_model(plan: &Plan) -> Alert {
    Alert {
        subject: Subject::Model,
        ..warning(plan)
    }
}

fn missing(plan: &Plan) -> Alert {
    let rows = names::PREDICTIONS.series();
    let reference = names::REFERENCE.series();
    let learning = names::LEARNING_ROWS.series();
    Alert {
        name: "DriftgaugeReferenceMissing",
        expr: max_over_pods(&format!(
            "{rows} unless ignoring (profile, source) {reference} unless {learning}"
        )),
        summary: "Model {{ $labels.model }} has no reference".into(),
        description: "At least one sidecar of model {{ $labels.model }} has neither a profile nor learns a reference: \
                      traffic and missing values are shown, drift is not."
            .into(),
        means: "There is nothing to compare the model with: no profile is named for it, or it could not be read, and \
                `learning.rows` is 0.",
        check: "`driftgauge_config_last_reload_successful`, and the log for the name of a profile that is not there. Does \
                the model have the name in the calls that it has in the settings?",
        act: "Write a profile (`driftgauge profile`) and name it in the settings, or allow learning.",
        ..about_a_model(plan)
    }
}

fn incomplete(plan: &Plan) -> Alert {
    let window = patience(plan);
    let states = names::FEATURE_STATE.series();
    let unknown = max_over_pods(&format!(
        r#"{states}{{state="unknown", window="{window}"}}"#
    ));
    Alert {
        name: "DriftgaugeReferenceIncomplete",
        severity: Severity::Info,
        expr: format!("count without (feature, role) ({unknown})"),
        summary: "The reference of {{ $labels.model }} lacks fields that its traffic has".into(),
        description: "{{ $value }} fields of model {{ $labels.model }} are not in its reference: they are shown, but \
                      cannot drift."
            .into(),
        means: "Traffic has fields that the profile does not have: they are new, renamed, or were left out when it was \
                made. They are in the state `unknown`.",
        check: r#"`driftgauge_feature_state{state="unknown"}` names them. A renamed field has a twin in the state `absent`."#,
        act: "Make a profile with them. If they do not matter, give them `role: ignore`.",
        ..about_a_model(plan)
    }
}

fn stale(plan: &Plan) -> Alert {
    let created = max_over_pods(&names::REFERENCE_CREATED.series());
    Alert {
        name: "DriftgaugeReferenceStale",
        expr: format!("time() - {created} > {}", limits::STALE_REFERENCE),
        hold: Span::from_secs(3_600),
        keep_firing_for: Span::from_millis(0),
        summary: "The reference of {{ $labels.model }} is old".into(),
        description: "Reference {{ $labels.profile }} of model {{ $labels.model }} was made \
                      {{ $value | humanizeDuration }} ago: does it still say how things should be?"
            .into(),
        means: "The reference is older than half a year. Nothing is wrong with the sidecar; but the longer ago, the more of \
                what drifts is simply the world of today.",
        check: "Which fields have drifted for long, and does the model still do well on labelled rows?",
        act: "Retrain and ship a new profile with the model, or make the present the reference (`driftgauge rebaseline`).",
        ..about_a_model(plan)
    }
}

fn learned(plan: &Plan) -> Alert {
    let info = names::REFERENCE.series();
    Alert {
        name: "DriftgaugeReferenceLearned",
        severity: Severity::Info,
        expr: format!(
            r#"count without (profile, instance, pod, container, endpoint, node) ({info}{{source="learned"}})"#
        ),
        hold: patience(plan),
        summary: "Model {{ $labels.model }} is compared with its own first rows".into(),
        description: "{{ $value }} sidecars of model {{ $labels.model }} have learned a reference from their first rows, \
                      each for itself: what was wrong from the start is not seen, and there is no drift of all pods \
                      together, only of the worst pod."
            .into(),
        means: "The model has no profile, so that each pod has taken its first rows as the reference. Cells differ from \
                pod to pod and cannot be added up; a restart without a state directory learns again.",
        check: r#"`driftgauge_reference_info{source="learned"}` shows which pods."#,
        act: "Write a profile from the training rows (`driftgauge profile`), or ship what one pod has learned \
              (`/api/v1/profile?model=…`) to all of them.",
        ..about_a_model(plan)
    }
}
