//! Alerts, a file per kind of cause; beside it, in Markdown, what the runbook says of them.

mod bands;
mod drift;
mod evidence;
mod quality;
mod rows;
mod service;
pub(super) mod sidecar;
mod traffic;
mod versions;
mod whole;

use super::{Alert, Group, Plan, Rule, Severity, Subject};
use crate::settings::Span;

/// All groups.
pub fn all(plan: &Plan) -> Vec<Group> {
    vec![
        group("driftgauge-drift", drift::alerts(plan)),
        group("driftgauge-whole", whole::alerts(plan)),
        group("driftgauge-quality", quality::alerts(plan)),
        group("driftgauge-service", service::alerts(plan)),
        group("driftgauge-traffic", traffic::alerts(plan)),
        group("driftgauge-versions", versions::alerts(plan)),
        group("driftgauge-bands", bands::alerts(plan)),
        group("driftgauge-rows", rows::alerts(plan)),
        group("driftgauge-sidecar", sidecar::alerts(plan)),
    ]
}

/// What the runbook says before the alerts of a group: its page up to the first alert.
pub fn head(group: &str) -> &'static str {
    let page = match group {
        "driftgauge-drift" => drift::PAGE,
        "driftgauge-whole" => whole::PAGE,
        "driftgauge-quality" => quality::PAGE,
        "driftgauge-service" => service::PAGE,
        "driftgauge-traffic" => traffic::PAGE,
        "driftgauge-versions" => versions::PAGE,
        "driftgauge-bands" => bands::PAGE,
        "driftgauge-rows" => rows::PAGE,
        "driftgauge-sidecar" => sidecar::PAGE,
        _ => "",
    };
    page.split("\n## ").next().unwrap_or_default().trim_end()
}

fn group(name: &str, alerts: Vec<Alert>) -> Group {
    Group {
        name: name.into(),
        interval: None,
        rules: alerts
            .into_iter()
            .map(|alert| Rule::Alert(Box::new(alert)))
            .collect(),
    }
}

/// An alert with what its page says of it; the rest is yet to be filled in.
fn described(page: &'static str, name: &'static str, severity: Severity, plan: &Plan) -> Alert {
    let text = section(page, name);
    Alert {
        name,
        severity,
        subject: Subject::Model,
        window: None,
        expr: String::new(),
        hold: Span::default(),
        keep_firing_for: Span::default(),
        summary: String::new(),
        description: String::new(),
        evidence: String::new(),
        means: part(text, "**What it means.**"),
        check: part(text, "**How to check.**"),
        act: part(text, "**What to do.**"),
        runbook_url: plan.runbook_url.clone(),
    }
}

/// The text below the heading of an alert; empty without one, which a test does not let pass.
fn section(page: &'static str, name: &str) -> &'static str {
    let mut sections = page.split("\n## ").skip(1);
    let found = sections.find_map(|section| section.strip_prefix(name)?.strip_prefix('\n'));
    found.unwrap_or_default()
}

/// The text after a mark, up to the next one.
fn part(text: &'static str, mark: &str) -> &'static str {
    let Some((_, after)) = text.split_once(mark) else {
        return "";
    };
    let end = ["\n**How to check.**", "\n**What to do.**"]
        .iter()
        .filter_map(|next| after.find(next))
        .min();
    after[..end.unwrap_or(after.len())].trim()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::export::family::Level;
    use crate::export::names::FAMILIES;

    fn everything() -> Vec<Alert> {
        let plan = Plan {
            feature_bands: true,
            ..Plan::default()
        };
        let rules = all(&plan).into_iter().flat_map(|group| group.rules);
        rules
            .filter_map(|rule| match rule {
                Rule::Alert(alert) => Some(*alert),
                Rule::Record(_) => None,
            })
            .collect()
    }

    #[test]
    fn every_alert_says_what_it_means_how_to_check_and_what_to_do() {
        for alert in everything() {
            for text in [alert.means, alert.check, alert.act] {
                assert!(text.len() > 40, "{}: {text:?}", alert.name);
            }
            assert!(!alert.summary.contains("$value"), "{}", alert.name);
            let names = alert.description.contains("$labels.model");
            assert!(names || alert.subject == Subject::Sidecar, "{}", alert.name);
            assert!(alert.hold.millis() > 0, "{}", alert.name);
            assert!(alert.keep_firing_for.millis() > 0, "{}", alert.name);
        }
    }

    #[test]
    fn no_page_has_a_heading_without_an_alert() {
        let names: BTreeSet<_> = everything().iter().map(|alert| alert.name).collect();
        let pages = [
            drift::PAGE,
            whole::PAGE,
            quality::PAGE,
            service::PAGE,
            traffic::PAGE,
            versions::PAGE,
            bands::PAGE,
            rows::PAGE,
            sidecar::PAGE,
        ];
        let headings: BTreeSet<_> = pages
            .iter()
            .flat_map(|page| page.lines().filter_map(|line| line.strip_prefix("## ")))
            .collect();
        assert_eq!(headings, names);
    }

    /// Windows are those of the settings, and figures of `full` are there only for who asks for them.
    #[test]
    fn queries_of_the_runbook_work_whatever_the_settings() {
        let full = FAMILIES.iter().filter(|family| family.level == Level::Full);
        let full: Vec<&str> = full.map(|family| family.name).collect();
        assert!(full.contains(&"driftgauge_feature_max"), "{full:?}");
        for alert in everything() {
            for text in [alert.means, alert.check, alert.act] {
                assert!(!text.contains("window=\""), "{}: {text}", alert.name);
                let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let named = words.find(|word| full.contains(word));
                assert_eq!(named, None, "{}: {text}", alert.name);
            }
        }
    }

    #[test]
    fn alerts_of_one_name_and_severity_differ_in_window() {
        let mut seen = BTreeSet::new();
        for alert in everything() {
            let key = (alert.name, alert.severity, alert.window);
            assert!(seen.insert(key), "{key:?}");
        }
    }

    #[test]
    fn nothing_is_aggregated_by_a_closed_list_of_labels() {
        for alert in everything() {
            for text in [&alert.expr, &alert.evidence] {
                // Whether a model is there at all, whatever else its targets are labelled with.
                let text = text.replace("unless on (cluster, namespace, model)", "");
                for closed in [" by (", " by(", " on (", " on("] {
                    assert!(!text.contains(closed), "{}: {text}", alert.name);
                }
            }
        }
    }

    #[test]
    fn alerts_of_all_plans_are_complete() {
        for windows in ["12s,1m", "1m", "1h,30d"] {
            let windows = windows.split(',').map(|text| text.parse().unwrap());
            let plan = Plan {
                windows: windows.map(super::super::Window).collect(),
                ..Plan::default()
            };
            assert!(all(&plan).iter().all(|group| !group.rules.is_empty()));
        }
    }
}
