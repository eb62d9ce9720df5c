//! The runbook: one heading an alert.

use std::fmt::Write;

use super::{Group, Rule};

pub(super) fn render(groups: &[Group]) -> String {
    let mut page = String::from(
        "# Runbook\n\nMade by `driftgauge generate` from the alerts themselves: do not edit.\n",
    );
    let mut last = "";
    for rule in groups.iter().flat_map(|group| &group.rules) {
        let Rule::Alert(alert) = rule else { continue };
        if alert.name == last {
            continue;
        }
        last = alert.name;
        let _ = write!(
            page,
            "\n## {}\n\n**What it means.** {}\n\n**How to check.** {}\n\n**What to do.** {}\n",
            alert.name, alert.means, alert.check, alert.act
        );
    }
    page
}
