//! What the model is compared with.

use super::super::super::limits;
use super::super::panel::Panel;
use super::super::query;
use super::super::table::Table;
use super::super::target::Target;
use super::super::threshold::{CAUTION, Thresholds};
use super::super::unit::Unit;
use crate::export::names;

pub(super) fn references() -> Panel {
    const LABELS: &str = "version, profile, source";
    let of_profile = |expr: String| {
        format!(
            "{expr} * on (version, profile) group_left (source) max by ({LABELS}) ({})",
            query::series(&names::REFERENCE, &query::models())
        )
    };
    Table::new(
        "References in force",
        "What the figures are compared with: first digits of its hash, whether it came from a file, was learned or was \
         rebaselined, and how old it is.",
        &["version", "profile", "source"],
    )
    .judged(
        "Age",
        Unit::Seconds,
        0,
        Thresholds::above(limits::STALE_REFERENCE, CAUTION),
        of_profile(format!("(time() - max by (version, profile) ({}))", query::series(&names::REFERENCE_CREATED, &query::models()))),
    )
    .column(
        "Pods",
        Unit::Count,
        0,
        format!("count by ({LABELS}) ({})", query::series(&names::REFERENCE, &query::models())),
    )
    .sorted_by("Age")
}

pub(super) fn learning() -> Panel {
    let largest = |family| query::largest("version", family, &query::models());
    let learned = query::share(
        &largest(&names::LEARNING_ROWS),
        &largest(&names::LEARNING_ROWS_WANTED),
    );
    let nothing_to_learn = r#"label_replace(vector(1), "version", "done", "", "")"#;
    Panel::lines(
        "Learning",
        "How much of a reference, and of the burn-in that learns how much production varies, is done.",
        Unit::Share,
    )
    .between(0.0, 1.0)
    .with(
        Target::over_time(format!("{learned} or on () {nothing_to_learn}"))
            .named("reference {{version}}"),
    )
    .with(Target::over_time(largest(&names::BURN_IN_RATIO)).named("burn-in {{version}}"))
}
