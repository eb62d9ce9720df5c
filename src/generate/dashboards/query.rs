//! The phrases that queries of boards share. Where rules are loaded, figures are of all pods together;
//! without, they are of the worst pod, so that every board works with nothing but the sidecars.

use std::collections::BTreeSet;

use super::super::promql;
use super::super::{Plan, Rule, alerts};
use super::variables::SIDECARS;
use crate::export::family::Family;

/// Labels of a model that has its own line or row; those that are not there do no harm.
pub const MODEL: &str = "cluster, namespace, model, version";
/// Labels of a field that has its own line or row.
pub const FEATURE: &str = "cluster, namespace, model, version, feature, role";

/// Matchers of the models that are chosen.
pub fn models() -> String {
    format!(r#"{SIDECARS}, model=~"$model", version=~"$version""#)
}

/// Matchers of a window.
pub fn in_window() -> String {
    format!(r#"{}, window="$window""#, models())
}

/// Matchers of a window against a reference.
pub fn compared() -> String {
    format!(r#"{}, reference="$reference""#, in_window())
}

/// `family{matchers}`
pub fn series(family: &Family, matchers: &str) -> String {
    format!("{}{{{matchers}}}", family.series())
}

/// The fleet's figure, else that of the worst pod, as one series for each set of `labels`.
pub fn worst(labels: &str, recorded: &str, family: &Family, matchers: &str) -> String {
    let each = promql::fleet_or_worst_pod(recorded, family, matchers);
    format!("max by ({labels}) {each}")
}

/// The largest of the pods, as one series for each set of `labels`.
pub fn largest(labels: &str, family: &Family, matchers: &str) -> String {
    format!("max by ({labels}) ({})", series(family, matchers))
}

/// How fast counters grow together, as one series for each set of `labels`.
pub fn rate(labels: &str, family: &Family, matchers: &str) -> String {
    rate_of(labels, &series(family, matchers))
}

/// The same for a series that is not a family of its own, such as the buckets of a histogram.
pub fn rate_of(labels: &str, series: &str) -> String {
    format!("sum by ({labels}) (rate({series}[$__rate_interval]))")
}

/// One thing divided by another, nothing where there is nothing to divide by.
pub fn share(part: &str, whole: &str) -> String {
    format!("{part} / ({whole} > 0)")
}

/// Failed calls divided by all calls, 0 where none has failed.
pub fn error_share(labels: &str, matchers: &str) -> String {
    use crate::export::names::{REQUEST_ERRORS, REQUESTS};
    let calls = rate(labels, &REQUESTS, matchers);
    let errors = rate(labels, &REQUEST_ERRORS, matchers);
    share(&format!("({errors} or 0 * {calls})"), &calls)
}

/// A quantile of the latency of calls.
pub fn latency(quantile: f64, labels: &str, matchers: &str) -> String {
    let buckets = latency_buckets(&format!("{labels}, le"), matchers);
    format!("histogram_quantile({quantile}, {buckets})")
}

/// Calls a second, by buckets of latency.
pub fn latency_buckets(labels: &str, matchers: &str) -> String {
    use crate::export::names::REQUEST_DURATION;
    let labels = labels.trim_start_matches(", ");
    rate_of(
        labels,
        &format!("{}_bucket{{{matchers}}}", REQUEST_DURATION.name),
    )
}

/// How many there are, 0 where there is none.
pub fn count(expression: &str) -> String {
    format!("count({expression}) or vector(0)")
}

/// Alerts of ours that fire.
pub fn firing(plan: &Plan, further: &str) -> String {
    let matchers = alerts_of_ours(plan);
    match further {
        "" => format!(r#"ALERTS{{alertstate="firing", {matchers}}}"#),
        _ => format!(r#"ALERTS{{alertstate="firing", {matchers}, {further}}}"#),
    }
}

/// How soon somebody must look at each of them: 3 now, 2 today, 1 when there is time.
pub fn urgency(plan: &Plan) -> String {
    let of = |severity: &str| firing(plan, &format!(r#"severity="{severity}""#));
    format!(
        "3 * {} or 2 * {} or {}",
        of("critical"),
        of("warning"),
        of("info")
    )
}

/// The Unix time since which each of them has held.
pub fn firing_since(plan: &Plan) -> String {
    format!(
        "ALERTS_FOR_STATE{{{}}} and ignoring (alertstate) {}",
        alerts_of_ours(plan),
        firing(plan, "")
    )
}

fn alerts_of_ours(plan: &Plan) -> String {
    let groups = alerts::all(plan);
    let rules = groups.iter().flat_map(|group| &group.rules);
    let names: BTreeSet<&str> = rules
        .filter_map(|rule| match rule {
            Rule::Alert(alert) => Some(alert.name),
            Rule::Record(_) => None,
        })
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    format!(r#"alertname=~"{}""#, names.join("|"))
}

/// A rate of bad values above that of the reference: Wilson's lower bound where rules are loaded, else
/// the difference itself, of the worst pod. Above [`crate::statistic::RATE_MARGIN`] it is raised.
pub fn raise(recorded: &str, rate: &Family, reference: &Family) -> String {
    let recorded = format!("max by ({FEATURE}) ({recorded}{{{}}})", in_window());
    let rate = largest(FEATURE, rate, &in_window());
    let reference = largest(FEATURE, reference, &models());
    format!("({recorded} or ({rate} - ({reference} or 0 * {rate})))")
}
