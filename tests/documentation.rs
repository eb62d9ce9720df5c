//! What the README says is so: its table, flags, settings, metric names and links.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use driftgauge::export::family::{Type, markdown};
use driftgauge::export::names::FAMILIES;
use driftgauge::settings::Source;

const BEGIN: &str = "<!-- metrics:begin -->\n";
const END: &str = "<!-- metrics:end -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    let begins = text.match_indices(&fence).map(|(at, _)| at + fence.len());
    let blocks: Vec<_> = begins
        .map(|begin| &text[begin..][..text[begin..].find("\n```").expect("a closed block") + 1])
        .collect();
    assert!(!blocks.is_empty(), "no block of {language}");
    blocks
}

/// The words of a text that are made of these characters and begin so.
fn words<'a>(text: &'a str, prefix: &str, part: fn(char) -> bool) -> BTreeSet<&'a str> {
    text.split(|c| !part(c))
        .filter(|word| word.starts_with(prefix) && word.len() > prefix.len())
        .collect()
}

fn flags(text: &str) -> BTreeSet<&str> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let flags = words(text, "--", part).into_iter();
    let flags = flags.map(|flag| flag.trim_end_matches('.'));
    flags
        .filter(|flag| flag[2..].starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect()
}

fn help(command: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_driftgauge");
    let output = Command::new(binary).args([command, "--help"]).output();
    let output = output.expect("the program runs");
    assert!(output.status.success(), "driftgauge {command} --help");
    String::from_utf8(output.stdout).unwrap()
}

const COMMANDS: [&str; 9] = [
    "serve",
    "profile",
    "compare",
    "replay",
    "check",
    "rebaseline",
    "demo",
    "top",
    "generate",
];

#[test]
fn the_table_of_metrics_is_that_of_the_code() {
    let text = readme();
    let (before, rest) = text.split_once(BEGIN).expect("the begin of the table");
    let (found, after) = rest.split_once(END).expect("the end of the table");
    let expected = format!("\n{}\n", markdown(FAMILIES));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        let page = format!("{before}{BEGIN}{expected}{END}{after}");
        std::fs::write(root().join("README.md"), page).unwrap();
        return;
    }
    assert!(
        found == expected,
        "the table of metrics in README.md is not what src/export/names.rs says: run this test \
         with UPDATE_GENERATED=1"
    );
}

#[test]
fn every_metric_that_it_names_exists() {
    let mut known = BTreeSet::new();
    for family in FAMILIES {
        known.insert(family.series());
        if family.kind == Type::Histogram {
            known.extend(["bucket", "sum", "count"].map(|part| format!("{}_{part}", family.name)));
        }
    }
    let text = readme();
    let part = |c: char| c.is_ascii_lowercase() || c == '_';
    let named = words(&text, "driftgauge_", part);
    assert!(named.len() > 20, "{named:?}");
    // A regular expression may stop in the middle of a name.
    let prefix = |name: &str| known.iter().any(|family| family.starts_with(name));
    let exists = |name: &&str| known.contains(*name) || (name.ends_with('_') && prefix(name));
    let unknown: Vec<_> = named.into_iter().filter(|name| !exists(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_flag_that_it_names_exists() {
    let text = readme();
    let mut checked = 0;
    for line in text.lines() {
        let line = line.trim_start_matches("$ ");
        let command = line
            .strip_prefix("driftgauge ")
            .or_else(|| line.strip_prefix("cargo run --release -- "));
        let Some(command) = command else { continue };
        let command = command.split(" # ").next().unwrap();
        let name = command.split(' ').next().unwrap();
        if !COMMANDS.contains(&name) {
            continue;
        }
        let help = help(name);
        for flag in flags(command) {
            assert!(
                flags(&help).contains(flag),
                "driftgauge {name} has no {flag}: {line}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 10, "only {checked} flags in commands");

    let all: Vec<_> = COMMANDS.into_iter().map(help).collect();
    let all: BTreeSet<_> = all.iter().flat_map(|help| flags(help)).collect();
    let others = [
        "--release",
        "--python_out",
        "--grpc_python_out",
        "--quick",
        "--server-side",
        "--enable-feature",
        "--test",
        "--preload",
    ];
    for flag in flags(&text) {
        assert!(
            all.contains(flag) || others.contains(&flag),
            "no command has {flag}"
        );
    }
}

#[test]
fn every_environment_variable_that_it_names_exists() {
    let text = readme();
    let part = |c: char| c.is_ascii_uppercase() || c == '_';
    let help = help("serve");
    for variable in words(&text, "DRIFTGAUGE_", part) {
        assert!(help.contains(&format!("[env: {variable}]")), "{variable}");
    }
}

#[test]
fn its_settings_can_be_used_and_its_other_yaml_can_be_read() {
    let text = readme();
    let mut settings = 0;
    for block in blocks(&text, "yaml") {
        let read: Result<serde_json::Value, _> = serde_saphyr::from_str(block);
        assert!(read.is_ok_and(|read| read.is_object()), "{block}");
        if !block.starts_with("# driftgauge.yml\n") {
            continue;
        }
        settings += 1;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("driftgauge.yml");
        std::fs::write(&path, block).unwrap();
        let source = Source {
            path: Some(path),
            overrides: Vec::new(),
        };
        // The profiles that it names are made by the reader.
        if let Err(error) = source.load_without_broken_profiles() {
            panic!("{error}\n{block}");
        }
    }
    assert!(settings >= 2, "{settings} blocks of settings");
}

#[test]
fn every_setting_that_it_names_exists() {
    let table = driftgauge::settings::markdown_table();
    let text = readme();
    let sections = [
        "web", "push", "limits", "queue", "state", "learning", "drift", "metrics", "log",
    ];
    let keys = text.split('`').skip(1).step_by(2).filter(|code| {
        let (section, key) = code.split_once('.').unwrap_or_default();
        sections.contains(&section) && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    });
    let keys: BTreeSet<_> = keys.collect();
    assert!(keys.len() >= 10, "{keys:?}");
    for key in keys {
        assert!(table.contains(&format!("| `{key}` |")), "no setting {key}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for page in [
        "README.md",
        "clients/python/README.md",
        "demo/README.md",
        "src/profile/FORMAT.md",
        "deploy/settings.md",
    ] {
        let path = root().join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        let links = text.match_indices("](").map(|(at, _)| {
            let link = &text[at + 2..];
            &link[..link.find(')').expect("a closed link")]
        });
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target: PathBuf = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{page} links to {link}");
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                assert!(headings(&text).contains(heading), "{page} links to {link}");
            }
        }
    }
}

/// Anchors of the headings of a page.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = text.lines().filter_map(|line| line.strip_prefix('#'));
    let anchor = |title: &str| {
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().replace(' ', "-")
    };
    titles.map(anchor).collect()
}
