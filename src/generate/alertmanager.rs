//! Alertmanager: who is told what, and which alerts say nothing new because another has named the cause.

use serde::Serialize;

use super::alerts::sidecar::JOB;
use super::{Alert, File, Group, Rule, Subject, yaml};

/// Where the same is watched twice: absent on both sides counts as equal.
const FLEET: [&str; 2] = ["cluster", "namespace"];

pub(super) fn file(groups: &[Group]) -> File {
    let alerts: Vec<&Alert> = groups
        .iter()
        .flat_map(|group| &group.rules)
        .filter_map(|rule| match rule {
            Rule::Alert(alert) => Some(&**alert),
            Rule::Record(_) => None,
        })
        .collect();
    #[derive(Serialize)]
    struct Rules {
        inhibit_rules: Vec<Inhibition>,
    }
    let inhibitions = yaml::text(&Rules {
        inhibit_rules: inhibitions(&alerts),
    });
    File {
        path: "deploy/alertmanager/driftgauge-routes.yml",
        text: format!(
            "{}\n{inhibitions}\n",
            routes(&names(alerts.iter()).join("|"))
        ),
    }
}

fn routes(names: &str) -> String {
    format!(
        r#"# Routes of driftgauge's alerts in Alertmanager: an example to copy from. Made by `driftgauge generate`.
#
# It can be used as it stands once the addresses are yours. In a configuration that exists, add the route, the
# three receivers and the inhibitions.
global:
  smtp_smarthost: mail.example.org:587
  smtp_from: alertmanager@example.org
  smtp_require_tls: true

route:
  # What other alerts do.
  receiver: {JOB}-email
  routes:
  - matchers:
    - alertname=~"{names}"
    receiver: {JOB}-email
    # One message a model; alerts about a sidecar that has no model yet make one message a namespace.
    group_by: [cluster, namespace, model]
    group_wait: 30s
    group_interval: 5m
    repeat_interval: 12h
    routes:
    - matchers:
      - severity="critical"
      receiver: {JOB}-pager
      group_wait: 10s
      repeat_interval: 4h
    - matchers:
      - severity="warning"
      receiver: {JOB}-chat
    - matchers:
      - severity="info"
      receiver: {JOB}-email
      group_wait: 5m
      repeat_interval: 7d

receivers:
- name: {JOB}-email
  email_configs:
  - to: ml-team@example.org
    send_resolved: true
# Slack, Mattermost and Rocket.Chat take this; for Teams and others see Alertmanager's documentation.
- name: {JOB}-chat
  slack_configs:
  - api_url: https://chat.example.org/hooks/ml-alerts
    send_resolved: true
    title: '{{{{ if eq .Status "firing" }}}}{{{{ len .Alerts.Firing }}}} firing{{{{ else }}}}Resolved{{{{ end }}}}{{{{ with .CommonLabels.model }}}}: {{{{ . }}}}{{{{ end }}}}'
    text: |-
      {{{{ range .Alerts }}}}*{{{{ .Annotations.summary }}}}*{{{{ if eq .Status "resolved" }}}} (resolved){{{{ end }}}}
      {{{{ .Annotations.description }}}} <{{{{ .Annotations.runbook_url }}}}|What to do>
      {{{{ end }}}}
- name: {JOB}-pager
  webhook_configs:
  - url: https://pager.example.org/hooks/ml-alerts
    send_resolved: true
"#
    )
}

#[derive(Serialize)]
struct Inhibition {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
    equal: Vec<&'static str>,
}

/// While one of these fires …
struct Cause {
    names: &'static [&'static str],
    /// … these say nothing, unless they page …
    hides: &'static [&'static str],
    /// … where these labels are equal, beside those of the fleet.
    same: &'static [&'static str],
}

/// One cause gives one message. A page is hidden only by a page of its own name.
const CAUSES: &[Cause] = &[Cause {
    names: &["DriftgaugeRestarts"],
    hides: &["DriftgaugeDown"],
    same: &["pod"],
}];

/// Prometheus and Kubernetes say these of a sidecar.
const NOT_TOLD_BY_SIDECARS: [&str; 3] =
    ["DriftgaugeAbsent", "DriftgaugeDown", "DriftgaugeRestarts"];

fn inhibitions(alerts: &[&Alert]) -> Vec<Inhibition> {
    // Those that one sidecar has told about itself go on for a while when it has gone down.
    let told = |alert: &&&Alert| {
        alert.subject == Subject::Sidecar && !NOT_TOLD_BY_SIDECARS.contains(&alert.name)
    };
    let mut inhibitions = vec![
        Inhibition {
            source_matchers: vec![
                one_of(&names(alerts.iter())),
                r#"severity="critical""#.into(),
            ],
            target_matchers: vec![r#"severity=~"warning|info""#.into()],
            equal: equal(&["alertname", "model", "version", "feature"]),
        },
        Inhibition {
            source_matchers: vec![one_of(&["DriftgaugeDown"])],
            target_matchers: vec![one_of(&names(alerts.iter().filter(told)))],
            equal: equal(&["instance"]),
        },
    ];
    inhibitions.extend(CAUSES.iter().map(|cause| Inhibition {
        source_matchers: vec![one_of(cause.names)],
        target_matchers: vec![one_of(cause.hides), r#"severity!="critical""#.into()],
        equal: equal(cause.same),
    }));
    inhibitions
}

fn names<'a>(alerts: impl Iterator<Item = &'a &'a Alert>) -> Vec<&'static str> {
    let mut names: Vec<&str> = alerts.map(|alert| alert.name).collect();
    names.dedup();
    names
}

fn equal(labels: &[&'static str]) -> Vec<&'static str> {
    FLEET.into_iter().chain(labels.iter().copied()).collect()
}

fn one_of(names: &[&str]) -> String {
    format!(r#"alertname=~"{}""#, names.join("|"))
}
