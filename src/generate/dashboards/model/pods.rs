//! The pods in which the model runs, as cAdvisor, kube-state-metrics and NVIDIA's DCGM exporter see
//! them. Outside Kubernetes, and without a GPU, these panels are empty.

use super::super::panel::{Panel, Target, Unit};
use super::super::query;
use super::super::threshold::{CAUTION, Thresholds};
use crate::export::names;

/// Narrows a series with the labels `namespace` and `pod` to the pods that score for the model.
fn of_the_model(expression: &str) -> String {
    let pods = query::series(
        &names::PREDICTIONS,
        &format!(r#"{}, pod!="""#, query::models()),
    );
    format!("{expression} * on (namespace, pod) group_left () group by (namespace, pod) ({pods})")
}

fn rate(labels: &str, counter: &str, matchers: &str) -> String {
    query::rate_of(
        labels,
        &format!(r#"{counter}{{namespace=~"$namespace", {matchers}}}"#),
    )
}

/// What pods have of a resource at most, as kube-state-metrics knows it.
fn limit(resource: &str) -> String {
    of_the_model(&format!(
        r#"sum by (namespace, pod, container) (kube_pod_container_resource_limits{{namespace=~"$namespace", resource="{resource}"}})"#
    ))
}

pub(super) fn cpu() -> Panel {
    Panel::lines(
        "CPU",
        "Processors that the containers of the model's pods use; their limits dashed.",
        Unit::Cores,
    )
    .dashed_like("limit")
    .with(
        Target::over_time(of_the_model(&rate(
            "namespace, pod, container",
            "container_cpu_usage_seconds_total",
            r#"container!="""#,
        )))
        .named("{{pod}} {{container}}"),
    )
    .with(Target::over_time(limit("cpu")).named("{{pod}} {{container}} limit"))
}

pub(super) fn memory() -> Panel {
    Panel::lines(
        "Memory",
        "Working set of the containers of the model's pods; their limits, at which they are killed, dashed.",
        Unit::Bytes,
    )
    .dashed_like("limit")
    .with(
        Target::over_time(of_the_model(
            r#"sum by (namespace, pod, container) (container_memory_working_set_bytes{namespace=~"$namespace", container!=""})"#,
        ))
        .named("{{pod}} {{container}}"),
    )
    .with(Target::over_time(limit("memory")).named("{{pod}} {{container}} limit"))
}

pub(super) fn throttling() -> Panel {
    let labels = "namespace, pod, container";
    let of = |counter| rate(labels, counter, r#"container!="""#);
    Panel::lines(
        "Throttling",
        "Share of the scheduler's periods in which a container had used up its CPU limit: the usual reason for latency \
         that nothing else explains.",
        Unit::Share,
    )
    .limits(Thresholds::above(0.25, CAUTION))
    .with(
        Target::over_time(of_the_model(&format!(
            "({})",
            query::share(
                &of("container_cpu_cfs_throttled_periods_total"),
                &of("container_cpu_cfs_periods_total")
            )
        )))
        .named("{{pod}} {{container}}"),
    )
}

pub(super) fn restarts() -> Panel {
    // A native sidecar is an init container.
    let of = |counter: &str| {
        format!(
            r#"sum by (namespace, pod, container) (increase({counter}{{namespace=~"$namespace"}}[$__rate_interval]))"#
        )
    };
    Panel::lines(
        "Restarts",
        "Restarts of the containers of the model's pods, native sidecars included.",
        Unit::Count,
    )
    .stacked()
    .with(
        Target::over_time(of_the_model(&format!(
            "({} or {})",
            of("kube_pod_container_status_restarts_total"),
            of("kube_pod_init_container_status_restarts_total")
        )))
        .named("{{pod}} {{container}}"),
    )
}

/// A gauge of the DCGM exporter. Where Prometheus keeps the exporter's own pod in `pod`, that of the
/// workload is in `exported_pod`.
fn of_gpu(gauge: &str) -> String {
    let own = |label: &str, expression: &str| {
        format!(r#"label_replace({expression}, "{label}", "$1", "exported_{label}", "(.+)")"#)
    };
    of_the_model(&format!(
        "max by (namespace, pod, gpu) ({})",
        own("namespace", &own("pod", gauge))
    ))
}

pub(super) fn gpu() -> Panel {
    Panel::lines(
        "GPU",
        "How busy the GPUs of the model's pods are, from the DCGM exporter.",
        Unit::Percent,
    )
    .between(0.0, 100.0)
    .with(Target::over_time(of_gpu("DCGM_FI_DEV_GPU_UTIL")).named("{{pod}} GPU {{gpu}}"))
}

pub(super) fn gpu_memory() -> Panel {
    Panel::lines(
        "GPU memory",
        "Memory in use and free on the GPUs of the model's pods, from the DCGM exporter.",
        Unit::Mebibytes,
    )
    .stacked()
    .with(Target::over_time(of_gpu("DCGM_FI_DEV_FB_USED")).named("{{pod}} GPU {{gpu}} used"))
    .with(Target::over_time(of_gpu("DCGM_FI_DEV_FB_FREE")).named("{{pod}} GPU {{gpu}} free"))
}
