//! Alertmanager: who is told what, and which alerts say nothing new because another has named the cause.

use serde::Serialize;

use super::alerts::sidecar::JOB;
use super::{Alert, File, Group, Rule, Severity, yaml};

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
        text: format!("{}\n{inhibitions}\n", routes(&names(&alerts).join("|"))),
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

/// What has one cause.
struct Cause {
    /// While one of these fires …
    names: &'static [&'static str],
    /// … these say nothing new …
    hides: &'static [&'static str],
    /// … where these labels are equal. Absent on both sides counts as equal.
    same: &'static [&'static str],
}

/// The same sidecar, model, version or field, where `cluster` and `namespace` tell several of a name apart.
const SIDECAR: &[&str] = &["cluster", "namespace", "instance"];
const POD: &[&str] = &["cluster", "namespace", "pod"];
const MODEL: &[&str] = &["cluster", "namespace", "model"];
const VERSION: &[&str] = &["cluster", "namespace", "model", "version"];
const FEATURE: &[&str] = &["cluster", "namespace", "model", "version", "feature"];

const CAUSES: &[Cause] = &[
    Cause {
        names: &["DriftgaugeAbsent"],
        hides: &[
            "DriftgaugeDown",
            "TrafficGone",
            "TrafficLow",
            "ModelSilent",
            "TooFewRows",
        ],
        same: &["cluster", "job"],
    },
    Cause {
        names: &["DriftgaugeDown"],
        hides: &[
            "TrafficGone",
            "TrafficLow",
            "ModelSilent",
            "TooFewRows",
            "UnusualFigure",
        ],
        same: MODEL,
    },
    Cause {
        names: &["DriftgaugeRestarts"],
        hides: &["DriftgaugeDown"],
        same: POD,
    },
    // What a sidecar has said of itself goes on for a while when it has gone down.
    Cause {
        names: &["DriftgaugeDown"],
        hides: &[
            "DriftgaugeStalled",
            "DriftgaugeReloadFailed",
            "DriftgaugeSeriesLimit",
            "DriftgaugeAnalysisPanicked",
            "DriftgaugeRowsShed",
            "DriftgaugeCallsShed",
            "DriftgaugeCallsUndecodable",
            "DriftgaugeClientRowsDropped",
        ],
        same: SIDECAR,
    },
    Cause {
        names: &["TrafficGone"],
        hides: &["TrafficLow", "ModelSilent", "TooFewRows", "UnusualFigure"],
        same: MODEL,
    },
    Cause {
        names: &["TrafficLow", "TrafficSpiking"],
        hides: &["UnusualFigure"],
        same: MODEL,
    },
    Cause {
        names: &["FeatureVanished"],
        hides: &[
            "NullsRaised",
            "OutOfRangeRaised",
            "NewCategoriesRaised",
            "FeatureConstant",
            "FeatureDrift",
            "PredictionDrift",
            "ScoreDrift",
            "UnseasonalDrift",
            "VersionsDiffer",
        ],
        same: FEATURE,
    },
    Cause {
        names: &["FeatureConstant"],
        hides: &[
            "FeatureDrift",
            "PredictionDrift",
            "ScoreDrift",
            "UnseasonalDrift",
        ],
        same: FEATURE,
    },
    Cause {
        names: &["FeatureDrift", "PredictionDrift", "ScoreDrift"],
        hides: &["UnseasonalDrift"],
        same: FEATURE,
    },
    // Not the prediction and the score: what the model says is what matters first.
    Cause {
        names: &["ManyFeaturesDrift"],
        hides: &["FeatureDrift", "UnseasonalDrift", "DependenceDrift"],
        same: VERSION,
    },
    Cause {
        names: &["FeatureDrift", "ManyFeaturesDrift"],
        hides: &["JointDrift", "OutliersRaised"],
        same: VERSION,
    },
];

/// A warning never hides a page: that takes a cause that pages, too.
fn inhibitions(alerts: &[&Alert]) -> Vec<Inhibition> {
    let pages = |names: &[&str]| {
        let mut pages = alerts.iter().filter(|a| a.severity == Severity::Critical);
        pages.any(|alert| names.contains(&alert.name))
    };
    let mut inhibitions = vec![Inhibition {
        source_matchers: vec![one_of(&names(alerts)), r#"severity="critical""#.into()],
        target_matchers: vec![one_of(&names(alerts)), r#"severity!="critical""#.into()],
        equal: [&["alertname"], FEATURE].concat(),
    }];
    // That no sidecar of a model answers is said of all its versions, that one does not of its own.
    inhibitions.push(Inhibition {
        source_matchers: vec![one_of(&["DriftgaugeDown"]), r#"severity="critical""#.into()],
        target_matchers: vec![
            one_of(&["DriftgaugeDown"]),
            r#"severity!="critical""#.into(),
        ],
        equal: MODEL.to_vec(),
    });
    for cause in CAUSES {
        inhibitions.push(Inhibition {
            source_matchers: vec![one_of(cause.names)],
            target_matchers: vec![one_of(cause.hides), r#"severity!="critical""#.into()],
            equal: cause.same.to_vec(),
        });
        if pages(cause.names) && pages(cause.hides) {
            inhibitions.push(Inhibition {
                source_matchers: vec![one_of(cause.names), r#"severity="critical""#.into()],
                target_matchers: vec![one_of(cause.hides), r#"severity="critical""#.into()],
                equal: cause.same.to_vec(),
            });
        }
    }
    inhibitions
}

fn names(alerts: &[&Alert]) -> Vec<&'static str> {
    let mut names: Vec<&str> = alerts.iter().map(|alert| alert.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn one_of(names: &[&str]) -> String {
    format!(r#"alertname=~"{}""#, names.join("|"))
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, alerts};
    use super::*;

    #[test]
    fn causes_name_alerts_that_exist_and_hide_none_of_their_own() {
        let groups = alerts::all(&Plan::default());
        let rules = groups.iter().flat_map(|group| &group.rules);
        let existing: Vec<&str> = rules
            .filter_map(|rule| match rule {
                Rule::Alert(alert) => Some(alert.name),
                Rule::Record(_) => None,
            })
            .collect();
        for cause in CAUSES {
            for name in cause.names.iter().chain(cause.hides) {
                assert!(existing.contains(name), "{name}");
            }
            assert!(!cause.names.iter().any(|name| cause.hides.contains(name)));
        }
    }

    #[test]
    fn no_two_alerts_hide_each_other() {
        for cause in CAUSES {
            for other in CAUSES {
                let back = cause.names.iter().any(|name| other.hides.contains(name))
                    && other.names.iter().any(|name| cause.hides.contains(name));
                assert!(!back, "{:?} and {:?}", cause.names, other.names);
            }
        }
    }
}
