//! The runbook: a chapter a kind of cause, a heading an alert.

use std::fmt::Write;

use super::{Alert, Group, Rule, alerts};

const HEAD: &str = "# Runbook

What each alert means, how to check it and what to do. Made by `driftgauge generate` from the alerts themselves: do not edit.

Tired and in a hurry? Three questions, in this order:

1. **Is it one cause?** Several alerts of one model at once are mostly one broken feed or one deployment: look for what changed when the first of
   them began. A silent or broken sidecar looks like a quiet model: see the alerts about the sidecar first.
2. **Does it reach the output?** Open the model's board: has a field with role `prediction` or `score` moved too? If not, it can wait for the day.
3. **Is it still going on?** If a short window is back to normal, it is over: note it and go back to bed.

In the commands below, `M` and `F` are the labels `model` and `feature` of the alert, `POD` is any pod of the model; `kubectl port-forward POD 9599` makes its
sidecar `localhost:9599`. Without Kubernetes it is the address that Prometheus scrapes.
";

/// The whole page.
pub(super) fn render(groups: &[Group]) -> String {
    let mut page = String::from(HEAD);
    for group in groups {
        let head = alerts::head(&group.name);
        if !head.is_empty() {
            let _ = write!(page, "\n{head}\n");
        }
        let mut last = "";
        for rule in &group.rules {
            let Rule::Alert(alert) = rule else { continue };
            if alert.name != last {
                write_alert(&mut page, alert);
            }
            last = alert.name;
        }
    }
    page
}

fn write_alert(page: &mut String, alert: &Alert) {
    let Alert {
        name,
        means,
        check,
        act,
        ..
    } = alert;
    let _ = write!(
        page,
        "\n## {name}\n\n**What it means.** {means}\n\n**How to check.** {check}\n\n**What to do.** {act}\n"
    );
}
