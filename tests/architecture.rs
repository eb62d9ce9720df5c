//! Who may use whom: arrows run one way and never form a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every module of the house, from the lowest floor up, with the modules that it may use.
const FLOORS: &[(&str, &[&str])] = &[
    ("batch", &[]),
    ("statistic", &[]),
    ("proto", &[]),
    ("socket", &[]),
    ("clock", &[]),
    ("profile", &["batch"]),
    ("tally", &["batch", "profile"]),
    ("window", &["tally"]),
    ("learn", &["batch", "profile", "statistic", "tally"]),
    ("queue", &["batch"]),
    ("files", &["batch", "profile"]),
    ("settings", &["batch", "profile"]),
    ("telemetry", &["settings"]),
    (
        "engine",
        &["batch", "profile", "statistic", "tally", "window", "learn"],
    ),
    ("analysis", &["batch", "clock", "engine", "queue"]),
    (
        "ingest",
        &["batch", "clock", "queue", "proto", "socket", "telemetry"],
    ),
    ("forward", &["clock", "ingest", "socket", "telemetry"]),
    ("client", &["batch", "proto"]),
    (
        "export",
        &[
            "batch",
            "profile",
            "engine",
            "analysis",
            "ingest",
            "statistic",
        ],
    ),
    ("generate", &["engine", "export", "settings", "statistic"]),
    (
        "app",
        &[
            "analysis",
            "batch",
            "clock",
            "engine",
            "export",
            "forward",
            "ingest",
            "learn",
            "profile",
            "queue",
            "settings",
            "socket",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "batch",
            "client",
            "clock",
            "engine",
            "export",
            "files",
            "generate",
            "ingest",
            "learn",
            "profile",
            "settings",
            "statistic",
            "telemetry",
        ],
    ),
];

/// What knows nothing of sockets, async, exposition or the clock.
const PURE: &[&str] = &[
    "batch",
    "statistic",
    "profile",
    "tally",
    "window",
    "learn",
    "engine",
];
const IMPURE: &[&str] = &[
    "tokio",
    "tonic",
    "hyper",
    "prometheus_client",
    "SystemTime",
    "Instant",
    "std::thread",
    "std::net",
    "std::env::var",
    "crate::clock",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of each module, comments and tests left out.
fn modules() -> BTreeMap<String, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules: BTreeMap<String, String> = BTreeMap::new();
    for path in sources(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        let is_test = inside.to_str().unwrap().contains("tests");
        if ["lib", "main"].contains(&module) || is_test {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let module = modules.entry(module.to_owned()).or_default();
        lines.for_each(|line| {
            module.push_str(line);
            module.push('\n');
        });
    }
    modules
}

/// Modules named as `crate::module`.
fn used(code: &str) -> BTreeSet<&str> {
    let after = code.split("crate::").skip(1);
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    after
        .map(|rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())])
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn a_floor_uses_only_floors_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, code) in modules() {
        let Some(may) = allowed.get(module.as_str()) else {
            panic!("{module} has no floor; add it to FLOORS");
        };
        for name in used(&code) {
            if name != module && !may.contains(&name) && allowed.contains_key(name) {
                wrong.push(format!("{module} uses {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_floors_themselves_form_no_circle() {
    let mut below = BTreeSet::new();
    for (module, may) in FLOORS {
        for name in *may {
            assert!(
                below.contains(name),
                "{module} uses {name}, which is above it"
            );
        }
        below.insert(*module);
    }
}

#[test]
fn what_computes_knows_nothing_of_sockets_and_clocks() {
    let modules = modules();
    for module in PURE {
        for word in IMPURE {
            assert!(!modules[*module].contains(word), "{module} uses {word}");
        }
    }
}
