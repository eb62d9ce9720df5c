//! Objects of the Prometheus Operator: rules and alerts, and how sidecars are found.

use serde::Serialize;

use super::alerts::sidecar::JOB;
use super::{File, Group, Plan, yaml};
use crate::settings::Span;

/// Name of the container's port.
const PORT: &str = "metrics";

pub(super) fn files(plan: &Plan, groups: &[Group]) -> Vec<File> {
    vec![
        File {
            path: "deploy/kubernetes/prometheus-rule.yaml",
            text: prometheus_rule(groups),
        },
        File {
            path: "deploy/kubernetes/pod-monitor.yaml",
            text: pod_monitor(plan),
        },
        File {
            path: "deploy/kubernetes/service-monitor.yaml",
            text: service_monitor(plan),
        },
    ]
}

fn prometheus_rule(groups: &[Group]) -> String {
    #[derive(Serialize)]
    struct Object<'a> {
        #[serde(rename = "apiVersion")]
        api_version: &'a str,
        kind: &'a str,
        metadata: Metadata<'a>,
        spec: Spec<'a>,
    }
    #[derive(Serialize)]
    struct Metadata<'a> {
        name: &'a str,
        labels: Labels<'a>,
    }
    #[derive(Serialize)]
    struct Labels<'a> {
        #[serde(rename = "app.kubernetes.io/name")]
        name: &'a str,
    }
    #[derive(Serialize)]
    struct Spec<'a> {
        groups: &'a [Group],
    }
    let object = Object {
        api_version: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: Metadata {
            name: JOB,
            labels: Labels { name: JOB },
        },
        spec: Spec { groups },
    };
    yaml::document(
        "Rules and alerts for the Prometheus Operator, the same as in deploy/prometheus.",
        &object,
    )
}

/// How often sidecars are scraped: a twentieth of the shortest window, at most a minute, as
/// Prometheus forgets what it has not seen for five.
fn scrape_interval(plan: &Plan) -> Span {
    let shortest = plan
        .windows
        .first()
        .map_or(300_000, |window| window.0.millis());
    Span::from_millis((shortest / 20).clamp(1_000, 60_000) / 1_000 * 1_000)
}

fn pod_monitor(plan: &Plan) -> String {
    let interval = scrape_interval(plan);
    format!(
        r"# How the Prometheus Operator finds sidecars. Made by `driftgauge generate`: do not edit.
#
# Every pod with a container {JOB} that has a port {PORT} is one target, in whichever namespace and
# whatever its labels. Native sidecars are init containers, which are found like others.
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {JOB}
  labels:
    app.kubernetes.io/name: {JOB}
spec:
  namespaceSelector:
    any: true
  selector: {{}}
  podMetricsEndpoints:
  - port: {PORT}
    interval: {interval}
    relabelings:
    # The model in the same pod may have a port of that name, too.
    - sourceLabels: [__meta_kubernetes_pod_container_name]
      regex: {JOB}
      action: keep
    # Rules and alerts know the sidecars by this job.
    - targetLabel: job
      replacement: {JOB}
"
    )
}

fn service_monitor(plan: &Plan) -> String {
    let interval = scrape_interval(plan);
    format!(
        r"# How the Prometheus Operator finds sidecars behind a Service. Made by `driftgauge generate`: do not edit.
#
# Take pod-monitor.yaml if you can, and never both: each pod would be counted twice. This one is for clusters
# that allow no PodMonitor. It needs a Service in front of the pods with this label, and with the number of the
# port: named ports of native sidecars reach Services only since Kubernetes 1.32.
#
#   metadata:
#     labels: {{app.kubernetes.io/component: {JOB}}}
#   spec:
#     clusterIP: None
#     selector: {{…the labels of the model's pods…}}
#     ports: [{{name: {PORT}, port: 9599, targetPort: 9599}}]
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {JOB}
  labels:
    app.kubernetes.io/name: {JOB}
spec:
  namespaceSelector:
    any: true
  selector:
    matchLabels:
      app.kubernetes.io/component: {JOB}
  endpoints:
  - port: {PORT}
    interval: {interval}
    relabelings:
    # Rules and alerts know the sidecars by this job.
    - targetLabel: job
      replacement: {JOB}
    # One target a pod, however many Services it is behind.
    - regex: service
      action: labeldrop
"
    )
}
