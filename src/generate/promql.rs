//! The phrases that all expressions share.

use crate::export::family::Family;

/// Labels that tell pods apart. Everything is aggregated without them, so that those of the fleet
/// (namespace, job, cluster) survive, whatever they are.
pub const POD_LABELS: &str = "instance, pod, container, endpoint, node";

/// Joins what is known of each window, on the left, with what is the same for all of them. The result
/// keeps the labels of the left.
pub const IN_ALL_WINDOWS: &str = "ignoring (window, reference) group_left ()";

/// The sum over all pods.
pub fn sum_over_pods(expression: &str) -> String {
    sum_over_pods_and("", expression)
}

/// The sum over all pods and further labels, such as `reason`.
pub fn sum_over_pods_and(labels: &str, expression: &str) -> String {
    let comma = if labels.is_empty() { "" } else { ", " };
    format!("sum without ({POD_LABELS}{comma}{labels}) ({expression})")
}

/// The largest over all pods: of what is the same everywhere, or does not add up.
pub fn max_over_pods(expression: &str) -> String {
    format!("max without ({POD_LABELS}) ({expression})")
}

/// How much a counter has grown over a duration.
pub fn increase(counter: &Family, matchers: &str, duration: &str) -> String {
    format!(
        "increase({}{}[{duration}])",
        counter.series(),
        braced(matchers)
    )
}

/// A recorded series in one window.
pub fn in_window(recorded: &str, window: &str) -> String {
    format!("{recorded}{{window=\"{window}\"}}")
}

/// What the rules computed over all pods or, where there is nothing (a reference that each pod has
/// learned by itself, counters per cell switched off, a short window), the worst pod.
///
/// `recorded` is a name of [`super::series`], `gauge` the sidecar's own figure.
pub fn fleet_or_worst_pod(recorded: &str, gauge: &Family, matchers: &str) -> String {
    let matchers = braced(matchers);
    let of_pod = max_over_pods(&format!("{}{matchers}", gauge.series()));
    format!("({recorded}{matchers} or ignoring (profile) {of_pod})")
}

/// Matchers in braces, or nothing.
pub fn braced(matchers: &str) -> String {
    match matchers {
        "" => String::new(),
        matchers => format!("{{{matchers}}}"),
    }
}
