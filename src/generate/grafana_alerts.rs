//! Alerts that Grafana evaluates itself, as a provisioning file: the same expressions, limits and texts.
//!
//! The recording rules are still evaluated by Prometheus. Grafana has no inhibition; what groups
//! messages is the label `model`.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{Alert, File, Group, Rule, yaml};
use crate::settings::Span;

/// Uid of the data source: the default of kube-prometheus-stack.
const DATASOURCE: &str = "prometheus";

pub(super) fn file(groups: &[Group]) -> File {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for alert in groups.iter().flat_map(alerts) {
        *uses.entry(alert.name).or_default() += 1;
    }
    let groups = groups.iter().map(|group| RuleGroup {
        org_id: 1,
        name: &group.name,
        folder: "driftgauge",
        interval: group.interval.map_or(Span::from_secs(60), tens_of_seconds),
        rules: alerts(group)
            .map(|alert| rule(alert, uses[alert.name] > 1))
            .collect(),
    });
    let provisioning = Provisioning {
        api_version: 1,
        groups: groups.collect(),
    };
    File {
        path: "deploy/grafana/alerting/driftgauge.yml",
        text: yaml::document(
            "Alerts that Grafana evaluates, for a Prometheus data source with the uid `prometheus`.",
            &provisioning,
        ),
    }
}

fn alerts(group: &Group) -> impl Iterator<Item = &Alert> {
    group.rules.iter().filter_map(|rule| match rule {
        Rule::Alert(alert) => Some(&**alert),
        Rule::Record(_) => None,
    })
}

/// Grafana evaluates in steps of ten seconds.
fn tens_of_seconds(span: Span) -> Span {
    Span::from_millis(span.millis().div_ceil(10_000).max(1) * 10_000)
}

#[derive(Serialize)]
struct Provisioning<'a> {
    #[serde(rename = "apiVersion")]
    api_version: u8,
    groups: Vec<RuleGroup<'a>>,
}

#[derive(Serialize)]
struct RuleGroup<'a> {
    #[serde(rename = "orgId")]
    org_id: u8,
    name: &'a str,
    folder: &'a str,
    interval: Span,
    rules: Vec<GrafanaRule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrafanaRule<'a> {
    uid: String,
    title: String,
    condition: &'a str,
    data: Vec<Query<'a>>,
    /// The expression returns only what is to be told, so that nothing is good news.
    no_data_state: &'a str,
    /// When the data source does not answer, one alert says so, and the others stay as they are.
    exec_err_state: &'a str,
    #[serde(rename = "for")]
    hold: Span,
    keep_firing_for: Span,
    annotations: BTreeMap<&'a str, String>,
    labels: BTreeMap<&'a str, String>,
    is_paused: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Query<'a> {
    ref_id: &'a str,
    relative_time_range: TimeRange,
    datasource_uid: &'a str,
    model: Model<'a>,
}

#[derive(Serialize)]
struct TimeRange {
    from: u32,
    to: u32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Model<'a> {
    #[serde(rename_all = "camelCase")]
    Prometheus {
        ref_id: &'a str,
        #[serde(serialize_with = "yaml::block")]
        expr: &'a str,
        instant: bool,
        range: bool,
    },
    #[serde(rename_all = "camelCase")]
    Math {
        ref_id: &'a str,
        r#type: &'a str,
        expression: &'a str,
    },
}

fn rule(alert: &Alert, one_of_several: bool) -> GrafanaRule<'_> {
    let severity = alert.severity.as_str();
    let title = match (one_of_several, alert.window) {
        (false, _) => alert.name.to_owned(),
        (true, None) => format!("{} {severity}", alert.name),
        (true, Some(window)) => format!("{} {severity} {window}", alert.name),
    };
    GrafanaRule {
        uid: format!("dg-{}", title.to_lowercase().replace(' ', "-")),
        title,
        condition: "B",
        data: vec![
            Query {
                ref_id: "A",
                relative_time_range: TimeRange { from: 600, to: 0 },
                datasource_uid: DATASOURCE,
                model: Model::Prometheus {
                    ref_id: "A",
                    expr: &alert.expr,
                    instant: true,
                    range: false,
                },
            },
            // Whatever the expression returns is beyond its limit already.
            Query {
                ref_id: "B",
                relative_time_range: TimeRange { from: 0, to: 0 },
                datasource_uid: "__expr__",
                model: Model::Math {
                    ref_id: "B",
                    r#type: "math",
                    expression: "is_number($A) || is_inf($A)",
                },
            },
        ],
        no_data_state: "OK",
        exec_err_state: if alert.name == "DriftgaugeAbsent" {
            "Error"
        } else {
            "KeepLast"
        },
        hold: alert.hold,
        keep_firing_for: alert.keep_firing_for,
        annotations: BTreeMap::from([
            ("summary", text(&alert.summary)),
            ("description", text(&alert.description)),
            (
                "runbook_url",
                format!("{}#{}", alert.runbook_url, alert.anchor()),
            ),
        ]),
        labels: BTreeMap::from([("severity", severity.to_owned())]),
        is_paused: false,
    }
}

/// The value has another name in Grafana.
fn text(template: &str) -> String {
    template.replace("$value", "$values.A.Value")
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, alerts};
    use super::*;

    #[test]
    fn rules_have_unique_titles_and_uids_that_grafana_takes() {
        let groups = alerts::all(&Plan::default());
        let all: Vec<&Alert> = groups.iter().flat_map(super::alerts).collect();
        let mut seen = std::collections::HashSet::new();
        for alert in &all {
            let rule = rule(alert, true);
            assert!(seen.insert(rule.title.clone()), "{}", rule.title);
            assert!(seen.insert(rule.uid.clone()), "{}", rule.uid);
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(
                rule.uid.len() <= 40 && rule.uid.chars().all(plain),
                "{}",
                rule.uid
            );
        }
    }
}
