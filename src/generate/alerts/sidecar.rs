//! The watcher watched: who does not look cannot raise an alarm, so that somebody must be told.
//!
//! Alerts about one sidecar keep `instance` and `pod`; those about the reference of a model do not, as
//! all its pods have the same.

mod alive;
mod intake;
mod reference;
mod sound;

use super::super::promql::braced;
use super::super::{Alert, Plan, Severity, Subject};
use crate::export::family::Family;
use crate::settings::Span;

/// The job of the scrape configuration, and the container's name in Kubernetes.
pub(in super::super) const JOB: &str = "driftgauge";

/// Whose sidecar it is: the pod where there is one.
const POD: &str = "{{ or $labels.pod $labels.instance }}";

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let mut alerts = alive::alerts(plan);
    alerts.extend(sound::alerts(plan));
    alerts.extend(intake::alerts(plan));
    alerts.extend(reference::alerts(plan));
    alerts
}

/// How long a fault may last before it is told: after the shortest window, its figures are gone.
fn patience(plan: &Plan) -> Span {
    plan.windows.first().map_or(Span::from_secs(300), |w| w.0)
}

/// What most of them have in common.
fn warning(plan: &Plan) -> Alert {
    Alert {
        name: "",
        severity: Severity::Warning,
        subject: Subject::Sidecar,
        window: None,
        expr: String::new(),
        hold: patience(plan),
        keep_firing_for: patience(plan),
        summary: String::new(),
        description: String::new(),
        evidence: String::new(),
        means: "",
        check: "",
        act: "",
        runbook_url: plan.runbook_url.clone(),
    }
}

/// What a counter of sidecars grows by a second, of each sidecar, without these of its labels.
fn rate(counter: &Family, matchers: &str, without: &str, range: Span) -> String {
    let series = counter.series();
    let matchers = braced(matchers);
    format!("sum without ({without}) (rate({series}{matchers}[{range}]))")
}
