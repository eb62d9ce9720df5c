//! The watcher watched: who does not look cannot raise an alarm, so that somebody must be told.
//!
//! Alerts about one sidecar keep `instance` and `pod`; those about the reference of a model do not, as
//! all its pods have the same.

mod alive;
mod intake;
mod reference;
mod sound;

use super::super::{Alert, Plan, Severity, Subject, Window};
use super::described;
use crate::export::family::Family;
use crate::settings::Span;

/// What the runbook says.
pub(super) const PAGE: &str = include_str!("sidecar.md");

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

/// How long what is over in a moment must hold: a quarter of the shortest window.
fn at_once(plan: &Plan) -> Span {
    Window(patience(plan)).hold()
}

/// What most of them have in common.
fn warning(name: &'static str, plan: &Plan) -> Alert {
    Alert {
        subject: Subject::Sidecar,
        hold: patience(plan),
        keep_firing_for: patience(plan),
        ..described(PAGE, name, Severity::Warning, plan)
    }
}

/// What a counter of sidecars grows by a second, of each sidecar, without these of its labels.
fn rate(counter: &Family, without: &str, range: Span) -> String {
    format!(
        "sum without ({without}) (rate({}[{range}]))",
        counter.series()
    )
}
