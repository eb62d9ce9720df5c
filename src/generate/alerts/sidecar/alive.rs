//! Sidecars that are not there, do not answer, or come and go.

use super::super::super::promql::max_over_pods;
use super::super::super::series::SERVED;
use super::super::super::{Alert, Plan, Severity};
use super::{JOB, POD, at_once, warning};

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
        severity: Severity::Critical,
        expr: format!(r#"absent(up{{job="{JOB}"}})"#),
        summary: format!("Prometheus knows no driftgauge: job {JOB} has no target"),
        description: format!(
            "No target of job {JOB} is left, neither up nor down: no model is watched, and no other alert \
             of driftgauge can fire."
        ),
        ..warning("DriftgaugeAbsent", plan)
    }
}

/// `up` of each sidecar for each model that it serves, or served when it was last seen. All versions
/// together: while one is watched, so is the model.
fn up_of_models() -> String {
    format!(r#"(up{{job="{JOB}"}} * ignoring (model) group_right () {SERVED})"#)
}

fn model_unwatched(plan: &Plan) -> Alert {
    let of_model = max_over_pods(&up_of_models());
    let of_job = max_over_pods(&format!(r#"up{{job="{JOB}"}}"#));
    Alert {
        severity: Severity::Critical,
        expr: format!("({of_model} or ignoring (model) {of_job}) == 0"),
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
        expr: format!("({} or ignoring (model) {up}) == 0", up_of_models()),
        summary: format!("The sidecar at {POD} does not answer"),
        description: format!(
            "Prometheus cannot scrape the sidecar{{{{ with $labels.model }}}} of model {{{{ . }}}}{{{{ end }}}} at \
             {POD}: what this pod sees is missing from all figures."
        ),
        ..warning("DriftgaugeDown", plan)
    }
}

fn restarts(plan: &Plan) -> Alert {
    let restarts = |kind: &str| {
        format!(r#"changes(kube_pod_{kind}_status_restarts_total{{container="{JOB}"}}[1h]) >= 2"#)
    };
    Alert {
        // A native sidecar is an init container to kube-state-metrics.
        expr: format!(
            "{} or {}",
            restarts("container"),
            restarts("init_container")
        ),
        // The hour is in the expression.
        hold: at_once(plan),
        summary: "The sidecar of pod {{ $labels.pod }} restarts again and again".into(),
        description: "The container driftgauge of pod {{ $labels.pod }} has restarted {{ $value }} times within an \
                      hour; each time it loses what it saw last, or all of its \
                      windows without a state directory."
            .into(),
        ..warning("DriftgaugeRestarts", plan)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::promql::POD_LABELS;
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
