//! Sidecars that are not there, do not answer, or come and go.

use super::super::super::promql::{POD_LABELS, max_over_pods};
use super::super::super::{Alert, Plan, Severity};
use super::{JOB, POD, patience, warning};
use crate::export::names;
use crate::settings::Span;

/// How long it is remembered which models a sidecar that is down has served.
const REMEMBERED: &str = "6h";

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    vec![
        absent(plan),
        model_unwatched(plan),
        down(plan),
        restarts(plan),
    ]
}

fn absent(plan: &Plan) -> Alert {
    Alert {
        name: "DriftgaugeAbsent",
        severity: Severity::Critical,
        expr: format!(r#"absent(up{{job="{JOB}"}})"#),
        summary: format!("Prometheus knows no driftgauge: job {JOB} has no target"),
        description: format!(
            "No target of job {JOB} is left, neither up nor down: no model is watched, and no other alert \
             of driftgauge can fire."
        ),
        means: "Prometheus has no target of the job at all: the scrape configuration, the PodMonitor or its \
                labels are gone or select nothing, or no pod with a sidecar is left.",
        check: "Look at Status → Targets and Service discovery in Prometheus; with the Operator, whether it \
                selects the PodMonitor (`podMonitorSelector`, namespaces) and whether the container's port is \
                called `metrics`. Is there a pod with a sidecar (`kubectl get pods -A -o wide`)?",
        act: "Bring the scrape configuration or the pods back. If driftgauge is no longer wanted, remove its rules.",
        ..warning(plan)
    }
}

/// `up` of each sidecar for each model that it has served.
fn up_of_models() -> String {
    let served = format!(
        r#"last_over_time({}{{job="{JOB}"}}[{REMEMBERED}])"#,
        names::PREDICTIONS.series()
    );
    format!(r#"(up{{job="{JOB}"}} * ignoring (model, version) group_right () ({served} * 0 + 1))"#)
}

fn model_unwatched(plan: &Plan) -> Alert {
    let of_model = max_over_pods(&up_of_models());
    let of_job = max_over_pods(&format!(r#"up{{job="{JOB}"}}"#));
    Alert {
        name: "DriftgaugeDown",
        severity: Severity::Critical,
        expr: format!("({of_model} or ignoring (model, version) {of_job}) == 0"),
        summary: "No sidecar of {{ with $labels.model }}model {{ . }}{{ else }}any model{{ end }} answers".into(),
        description: "All sidecars of {{ with $labels.model }}model {{ . }}{{ else }}the job{{ end }} are down: \
                      drift, quality and latency are not watched. The model itself may be well."
            .into(),
        ..down(plan)
    }
}

fn down(plan: &Plan) -> Alert {
    let up = format!(r#"up{{job="{JOB}"}}"#);
    Alert {
        name: "DriftgaugeDown",
        expr: format!(
            "({} or ignoring (model, version) {up}) == 0",
            up_of_models()
        ),
        summary: format!("The sidecar at {POD} does not answer"),
        description: format!(
            "Prometheus cannot scrape the sidecar{{{{ with $labels.model }}}} of model {{{{ . }}}}{{{{ end }}}} at \
             {POD}: what this pod sees is missing from all figures."
        ),
        means: "Prometheus cannot scrape a sidecar. As a warning, other sidecars of the model still answer, and its \
                figures are those of the rest of the traffic; as critical, none does, and the model is not watched.",
        check: "Status → Targets says why: refused, timed out, or not found. `kubectl logs POD -c driftgauge --previous` \
                and `kubectl describe pod POD`: killed for memory (exit 137), not scheduled, its port closed by a \
                NetworkPolicy?",
        act: "Restart it, or give it the memory that it asks for. Windows begin anew after a restart, counters are \
              reset; a learned reference survives only with a state directory. The model does not need the sidecar, \
              unless its clients go through it (`forward`): then they get UNAVAILABLE, and this comes first.",
        ..warning(plan)
    }
}

fn restarts(plan: &Plan) -> Alert {
    let restarts = |kind: &str| {
        format!(r#"changes(kube_pod_{kind}_status_restarts_total{{container="{JOB}"}}[1h]) >= 2"#)
    };
    Alert {
        name: "DriftgaugeRestarts",
        // A native sidecar is an init container to kube-state-metrics.
        expr: format!(
            "{} or {}",
            restarts("container"),
            restarts("init_container")
        ),
        // The hour is in the expression.
        hold: Span::from_millis(0),
        keep_firing_for: patience(plan),
        summary: "The sidecar of pod {{ $labels.pod }} restarts again and again".into(),
        description: "The container driftgauge of pod {{ $labels.pod }} has restarted {{ $value }} times within an \
                      hour; each time its windows begin anew."
            .into(),
        means: "Kubernetes has restarted the sidecar twice or more within an hour. Windows longer than the time between two \
                restarts never fill, so that slow drift is not seen.",
        check: "`kubectl describe pod POD`: the reason of the last state. OOMKilled (137): compare \
                `process_resident_memory_bytes` with the limit. Else `kubectl logs POD -c driftgauge --previous`; \
                does the liveness probe time out?",
        act: "Give it more memory, or let it keep less: shorter or fewer windows, fewer fields (`limits`), a smaller \
              queue. A panic in the log is a defect: report it.",
        ..warning(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sidecar_that_is_down_warns_and_the_last_one_pages() {
        let alerts = alerts(&Plan::default());
        let down: Vec<&Alert> = alerts
            .iter()
            .filter(|alert| alert.name == "DriftgaugeDown")
            .collect();
        let [all, one] = down.as_slice() else {
            panic!("{down:?}")
        };
        assert_eq!(all.severity, Severity::Critical);
        assert_eq!(one.severity, Severity::Warning);
        assert!(all.expr.contains(POD_LABELS) && !one.expr.contains(POD_LABELS));
        assert_eq!(all.means, one.means);
    }
}
