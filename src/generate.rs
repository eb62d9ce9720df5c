//! What is installed around the sidecar, made from the same table and settings as the sidecar itself:
//! fleet rules, alerts with their runbook, dashboards, and how Kubernetes, Alertmanager and Grafana get
//! them.
//!
//! Pure text: [`files`] gives every file for a [`Plan`], and the files in `deploy/` and
//! `grafana-dashboards/` are its output for the default settings (`tests/generated.rs` holds this).
//!
//! - [`rules`]: recording rules, a file per idea. [`series`]: the names that they record.
//! - [`alerts`]: one named cause each, with what a person on call needs to know.
//!   `alertmanager`, `grafana_alerts` and `kubernetes` carry rules and alerts into those systems.
//! - [`dashboards`]: fleet → model → feature, and the sidecar's own health.
//! - [`limits`]: what alerts are raised at and dashboards draw.
//! - [`promql`]: the few phrases that all expressions share.
//!
//! To add an alert, write it in a file of [`alerts`]: rules, runbook, Kubernetes and Grafana follow.

mod alertmanager;
pub mod alerts;
pub mod dashboards;
mod grafana_alerts;
mod kubernetes;
pub mod limits;
mod plan;
pub mod promql;
mod rule;
pub mod rules;
mod runbook;
pub mod series;
mod yaml;

pub use plan::{Plan, Window};
pub use rule::{Alert, Group, Record, Rule, Severity, Subject};

/// One file to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it belongs, relative to the root of the project.
    pub path: &'static str,
    /// Its whole text, ending in a line feed.
    pub text: String,
}

/// Every file for a plan, in order of their paths.
pub fn files(plan: &Plan) -> Vec<File> {
    let rules = rules::all(plan);
    let alerts = alerts::all(plan);
    let mut files = vec![
        File {
            path: "deploy/prometheus/driftgauge-rules.yml",
            text: rule::document(&rules),
        },
        File {
            path: "deploy/prometheus/driftgauge-alerts.yml",
            text: rule::document(&alerts),
        },
        File {
            path: "deploy/rules.md",
            text: series::document(),
        },
        File {
            path: "deploy/runbook.md",
            text: runbook::render(&alerts::all(&Plan {
                // Alerts link to the page that is published, which has all.
                feature_bands: true,
                ..plan.clone()
            })),
        },
        alertmanager::file(&alerts),
        grafana_alerts::file(&alerts),
    ];
    files.extend(kubernetes::files(plan, &[rules, alerts].concat()));
    files.extend(dashboards::files(plan));
    files.sort_by_key(|file| file.path);
    files
}
