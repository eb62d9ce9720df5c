//! The pods in which the model runs, as cAdvisor, kube-state-metrics and NVIDIA's DCGM exporter see
//! them. Outside Kubernetes, and without a GPU, these panels are empty.

use super::super::panel::Panel;
use super::super::query;
use super::super::target::Target;
use super::super::threshold::{BAD, CAUTION, Thresholds};
use super::super::unit::Unit;
use crate::export::names;

/// Narrows a series with the labels `namespace` and `pod` to the pods that score for the model.
fn of_the_model(expression: &str) -> String {
    let pods = query::series(
        &names::PREDICTIONS,
        &format!(r#"{}, pod!="""#, query::models()),
    );
    format!("{expression} * on (namespace, pod) group_left () group by (namespace, pod) ({pods})")
}

/// Series of containers, of the pause container none.
fn containers(name: &str) -> String {
    format!(r#"{name}{{namespace=~"$namespace", container!=""}}"#)
}

/// What each pod uses of a resource, with the limit of the pod that has least.
fn resource(title: &str, description: &str, unit: Unit, used: &str, resource: &str) -> Panel {
    let limit = of_the_model(&format!(
        r#"sum by (namespace, pod) (kube_pod_container_resource_limits{{namespace=~"$namespace", resource="{resource}"}})"#
    ));
    Panel::lines(title, description, unit)
        .dashed("limit", BAD)
        .with(Target::over_time(of_the_model(used)).named("{{pod}}"))
        .with(Target::over_time(format!("min({limit})")).named("limit"))
}

pub(super) fn cpu() -> Panel {
    resource(
        "CPU",
        "Processors that the model's pods use; dashed, the smallest of their limits.",
        Unit::Cores,
        &query::rate_of(
            "namespace, pod",
            &containers("container_cpu_usage_seconds_total"),
        ),
        "cpu",
    )
}

pub(super) fn memory() -> Panel {
    resource(
        "Memory",
        "Working set of the model's pods; dashed, the smallest of their limits. A container that reaches its own is killed.",
        Unit::Bytes,
        &format!(
            "sum by (namespace, pod) ({})",
            containers("container_memory_working_set_bytes")
        ),
        "memory",
    )
}

pub(super) fn throttling() -> Panel {
    let periods = |counter| query::rate_of("namespace, pod, container", &containers(counter));
    let share = query::share(
        &periods("container_cpu_cfs_throttled_periods_total"),
        &periods("container_cpu_cfs_periods_total"),
    );
    Panel::lines(
        "Throttling",
        "Share of the scheduler's periods in which a container of the pod had used up its CPU limit: the usual reason for \
         latency that nothing else explains.",
        Unit::Share,
    )
    .limits(Thresholds::above(0.25, CAUTION))
    .with(
        Target::over_time(of_the_model(&format!("max by (namespace, pod) ({share})")))
            .named("{{pod}}"),
    )
}

pub(super) fn restarts() -> Panel {
    // A native sidecar is an init container.
    let restarts = [
        "kube_pod_container_status_restarts_total",
        "kube_pod_init_container_status_restarts_total",
    ]
    .map(|counter| {
        format!(
            r#"sum by (namespace, pod, container) (increase({counter}{{namespace=~"$namespace"}}[$__rate_interval]))"#
        )
    })
    .join(" or ");
    Panel::lines(
        "Restarts",
        "Restarts of the containers of the model's pods, native sidecars included.",
        Unit::Count,
    )
    .stacked()
    .with_any(
        &of_the_model(&format!("({restarts})")),
        "container",
        "{{pod}} {{container}}",
    )
}

/// A gauge of the DCGM exporter. Where Prometheus keeps the exporter's own pod in `pod`, that of the
/// workload is in `exported_pod`.
fn of_gpu(gauge: &str) -> String {
    let own = |label: &str, expression: &str| {
        format!(r#"label_replace({expression}, "{label}", "$1", "exported_{label}", "(.+)")"#)
    };
    format!(
        "max by (namespace, pod, gpu) ({})",
        own("namespace", &own("pod", gauge))
    )
}

pub(super) fn gpu() -> Panel {
    Panel::lines(
        "GPU",
        "How busy the GPUs of the model's pods are, from the DCGM exporter.",
        Unit::Percent,
    )
    .between(0.0, 100.0)
    .with(
        Target::over_time(of_the_model(&of_gpu("DCGM_FI_DEV_GPU_UTIL")))
            .named("{{pod}} GPU {{gpu}}"),
    )
}

pub(super) fn gpu_memory() -> Panel {
    let (used, free) = (of_gpu("DCGM_FI_DEV_FB_USED"), of_gpu("DCGM_FI_DEV_FB_FREE"));
    Panel::lines(
        "GPU memory",
        "Memory in use on the GPUs of the model's pods, of all that they have, from the DCGM exporter.",
        Unit::Share,
    )
    .between(0.0, 1.0)
    .with(
        Target::over_time(of_the_model(&format!("({used} / ({used} + {free}))")))
            .named("{{pod}} GPU {{gpu}}"),
    )
}
