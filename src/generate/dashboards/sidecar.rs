//! The sidecars themselves: do they keep up, do they see everything, what do they cost.

mod intake;

use super::super::{Plan, limits};
use super::board::{Board, Name};
use super::panel::Panel;
use super::query::{self, series as series_of};
use super::table::Table;
use super::target::Target;
use super::threshold::{self, BAD, CAUTION, GOOD, Thresholds};
use super::unit::Unit;
use super::variables::Variable;
use crate::export::family::Family;
use crate::export::names;

/// Matchers of the sidecars that are chosen.
const CHOSEN: &str = r#"namespace=~"$namespace", job=~"$job", instance=~"$instance""#;

pub(super) fn board(plan: &Plan) -> Board {
    Board::new(
        Name::Sidecar,
        "The sidecars themselves: do they keep up, do they see everything, what do they cost.",
        "3h",
        &plan.runbook_url,
    )
    .variables(vec![
        Variable::data_source(),
        Variable::namespace(),
        Variable::job(),
        Variable::instance(),
    ])
    .mark_alerts(plan, r#"instance=~"$instance""#)
    .mark_reloads()
    .row("Can the figures be trusted?")
    .line(
        4,
        [
            (3, evaluation_age()),
            (3, settings()),
            (3, rows_lost()),
            (3, undecodable_now()),
            (3, queue_now()),
            (3, series_now()),
            (3, panics()),
            (3, uptime()),
        ],
    )
    .row("Do they see everything?")
    .line(
        8,
        [
            (8, intake::rows()),
            (8, intake::rows_not_taken()),
            (8, intake::clients()),
        ],
    )
    .line(
        8,
        [
            (8, intake::calls()),
            (8, intake::calls_not_decoded()),
            (8, intake::in_flight()),
        ],
    )
    .line(
        8,
        [
            (8, intake::tensors()),
            (8, intake::events()),
            (8, intake::untimely()),
        ],
    )
    .row("Do they keep up?")
    .line(
        8,
        [
            (6, evaluation()),
            (6, queue()),
            (6, observer()),
            (6, snapshots()),
        ],
    )
    .row("What do they cost?")
    .line(
        8,
        [
            (6, cpu()),
            (6, memory()),
            (6, descriptors()),
            (6, series_exposed()),
        ],
    )
    .row("What is in force?")
    .line(9, [(12, builds()), (12, references())])
    .closed_row("Of models", |board| {
        board.line(7, [(12, learning()), (12, oddities())])
    })
}

fn each(family: &Family) -> String {
    query::largest("instance", family, CHOSEN)
}

fn rate(labels: &str, family: &Family) -> String {
    query::rate(labels, family, CHOSEN)
}

fn total(family: &Family) -> String {
    format!("sum(rate({}[$__rate_interval]))", series_of(family, CHOSEN))
}

fn evaluation_age() -> Panel {
    Panel::stat(
        "Last evaluation",
        "Age of the oldest figures of all sidecars: what they show is of then.",
        Unit::Seconds,
    )
    .limits(Thresholds::above(limits::STALLED_EVALUATION, BAD))
    .with(Target::now(format!(
        "max(time() - {})",
        series_of(&names::LAST_EVALUATION, CHOSEN)
    )))
}

fn settings() -> Panel {
    Panel::stat(
        "Settings",
        "Whether the last attempt to load the settings succeeded, in all sidecars. If not, those before hold.",
        Unit::Number,
    )
    .words(threshold::yes_or_no(("refused", BAD), ("loaded", GOOD)))
    .with(Target::now(format!(
        "min({})",
        series_of(&names::CONFIG_RELOAD_SUCCESSFUL, CHOSEN)
    )))
}

fn rows_lost() -> Panel {
    Panel::stat(
        "Rows lost",
        "Rows shed or rejected, of all rows that came: the figures are of the others only.",
        Unit::Share,
    )
    .limits(Thresholds::lost())
    .decimals(2)
    .otherwise("none came")
    .with(Target::now(query::share(
        &format!(
            "({} + {})",
            total(&names::SHED_ROWS),
            total(&names::REJECTED_ROWS)
        ),
        &total(&names::RECEIVED_ROWS),
    )))
}

fn undecodable_now() -> Panel {
    Panel::stat(
        "Calls undecodable",
        "Calls that could not be decoded, of all calls seen: their rows are in no figure.",
        Unit::Share,
    )
    .limits(Thresholds::lost())
    .decimals(2)
    .otherwise("none seen")
    .with(Target::now(query::share(
        &total(&names::UNDECODABLE_CALLS),
        &total(&names::SEEN_CALLS),
    )))
}

fn queue_now() -> Panel {
    Panel::stat(
        "Queue",
        "How full the fullest queue is; rows are shed when it is full.",
        Unit::Share,
    )
    .limits(Thresholds::two(0.5, 0.9))
    .decimals(0)
    .with(Target::now(format!(
        "max({} / {})",
        series_of(&names::QUEUE_BYTES, CHOSEN),
        series_of(&names::QUEUE_CAPACITY, CHOSEN)
    )))
}

fn series_now() -> Panel {
    Panel::stat(
        "Series of limit",
        "Samples on the fullest page, of those it may have; beyond, detail is left out.",
        Unit::Share,
    )
    .limits(Thresholds::two(0.8, 0.95))
    .decimals(0)
    .with(Target::now(format!(
        "max({} / {})",
        series_of(&names::SERIES, CHOSEN),
        series_of(&names::SERIES_LIMIT, CHOSEN)
    )))
}

fn panics() -> Panel {
    Panel::stat(
        "Panics",
        "Times that the analysis failed and a model started anew, since the sidecars started: a defect of driftgauge.",
        Unit::Count,
    )
    .limits(Thresholds::any(BAD))
    .with(Target::now(format!(
        "sum({})",
        series_of(&names::ANALYSIS_PANICS, CHOSEN)
    )))
}

fn uptime() -> Panel {
    Panel::stat(
        "Youngest",
        "How long ago the sidecar that was started last was started: without a snapshot its windows are not older.",
        Unit::Seconds,
    )
    .plain()
    .with(Target::now(format!(
        "min(time() - {})",
        series_of(&names::PROCESS_START_TIME, CHOSEN)
    )))
}

fn evaluation() -> Panel {
    Panel::lines(
        "Evaluation takes",
        "How long the figures of one page take to compute. Beyond the time between two, figures are late.",
        Unit::Seconds,
    )
    .with(Target::over_time(each(&names::EVALUATION_DURATION)).named("{{instance}}"))
}

fn queue() -> Panel {
    Panel::lines(
        "Queue",
        "Bytes of rows that wait for analysis; dashed, the smallest capacity, above which rows are shed.",
        Unit::Bytes,
    )
    .dashed("capacity", BAD)
    .with(Target::over_time(each(&names::QUEUE_BYTES)).named("{{instance}}"))
    .with(
        Target::over_time(format!("min({})", series_of(&names::QUEUE_CAPACITY, CHOSEN)))
            .named("capacity"),
    )
}

fn observer() -> Panel {
    Panel::lines(
        "Calls put aside",
        "Bytes of calls that wait to be decoded; dashed, the smallest capacity, above which calls are shed.",
        Unit::Bytes,
    )
    .dashed("capacity", BAD)
    .with(Target::over_time(each(&names::OBSERVER_BYTES)).named("{{instance}}"))
    .with(
        Target::over_time(format!("min({})", series_of(&names::OBSERVER_CAPACITY, CHOSEN)))
            .named("capacity"),
    )
}

fn snapshots() -> Panel {
    Panel::lines(
        "Last snapshot",
        "Age of each sidecar's newest snapshot: what a restart now would lose of its windows.",
        Unit::Seconds,
    )
    .with(
        Target::over_time(format!(
            "max by (instance) (time() - {})",
            series_of(&names::SNAPSHOT_LAST_SUCCESS, CHOSEN)
        ))
        .named("{{instance}}"),
    )
}

fn cpu() -> Panel {
    Panel::lines("CPU", "Processors that each sidecar uses.", Unit::Cores)
        .with(Target::over_time(rate("instance", &names::PROCESS_CPU)).named("{{instance}}"))
}

fn memory() -> Panel {
    Panel::lines("Memory", "Resident memory of each sidecar.", Unit::Bytes)
        .with(Target::over_time(each(&names::PROCESS_RESIDENT_MEMORY)).named("{{instance}}"))
}

fn descriptors() -> Panel {
    Panel::lines(
        "File descriptors",
        "Open file descriptors of each sidecar, of those that it may open.",
        Unit::Share,
    )
    .with(
        Target::over_time(format!(
            "{} / {}",
            each(&names::PROCESS_OPEN_FDS),
            each(&names::PROCESS_MAX_FDS)
        ))
        .named("{{instance}}"),
    )
}

fn series_exposed() -> Panel {
    Panel::lines(
        "Series",
        "Samples on each page, and what was left out to stay within the limit: cells (fleet), figures beyond lean \
         (detail), whole features (feature).",
        Unit::Count,
    )
    .with(Target::over_time(each(&names::SERIES)).named("{{instance}}"))
    .with_any(&query::largest("instance, reason", &names::SERIES_DROPPED, CHOSEN), "reason", "{{instance}} left out: {{reason}}")
}

fn builds() -> Panel {
    let labels = "instance, version, revision";
    let started = query::largest("instance", &names::PROCESS_START_TIME, CHOSEN);
    let build = format!("max by ({labels}) ({})", series_of(&names::BUILD, CHOSEN));
    // The first digits tell two settings apart.
    let settings = format!(
        r#"max by (instance, settings) (label_replace({}, "settings", "$1", "hash", "(.{{8}}).*"))"#,
        series_of(&names::CONFIG, CHOSEN)
    );
    Table::new(
        "Programs and settings",
        "Version and source revision of each sidecar, and the first digits of the hash of its settings: all pods should be alike.",
        &["instance", "version", "revision", "settings"],
    )
    .column(
        "Since",
        Unit::Ago,
        0,
        format!(
            "1000 * {started} * on (instance) group_left (version, revision) {build} * on (instance) group_left (settings) {settings}"
        ),
    )
    .sorted_by("Since")
}

fn references() -> Panel {
    let labels = "model, version, profile";
    Table::new(
        "References in force",
        "What models are compared with, on how many pods: first digits of its hash, where it came from, its age.",
        &["model", "version", "profile", "source"],
    )
    .judged(
        "Age",
        Unit::Seconds,
        0,
        Thresholds::above(limits::STALE_REFERENCE, CAUTION),
        format!(
            "(time() - max by ({labels}) ({})) * on ({labels}) group_left (source) max by ({labels}, source) ({})",
            series_of(&names::REFERENCE_CREATED, CHOSEN),
            series_of(&names::REFERENCE, CHOSEN)
        ),
    )
    .column(
        "Pods",
        Unit::Count,
        0,
        format!("count by ({labels}, source) ({})", series_of(&names::REFERENCE, CHOSEN)),
    )
    .sorted_by("Age")
}

fn learning() -> Panel {
    let of = |family| query::largest("model, version", family, CHOSEN);
    Panel::lines(
        "Learning",
        "How much of a reference, and of the burn-in, is done.",
        Unit::Share,
    )
    .between(0.0, 1.0)
    .with(
        Target::over_time(query::share(
            &of(&names::LEARNING_ROWS),
            &of(&names::LEARNING_ROWS_WANTED),
        ))
        .named("reference {{model}} {{version}}"),
    )
    .with(Target::over_time(of(&names::BURN_IN_RATIO)).named("burn-in {{model}} {{version}}"))
}

fn oddities() -> Panel {
    let of = |family| query::largest("model, version", family, CHOSEN);
    Panel::lines(
        "Fields left out, or named by position",
        "Fields that are not followed because there are more than the limit; and 1 for models whose calls do not name \
         the features, so that they have the names of the profile by position: check the order.",
        Unit::Count,
    )
    .with(Target::over_time(of(&names::FIELDS_IGNORED)).named("left out {{model}} {{version}}"))
    .with(
        Target::over_time(of(&names::NAMES_BY_POSITION)).named("by position {{model}} {{version}}"),
    )
}
