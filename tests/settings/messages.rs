//! What an operator is told when settings cannot be used. The golden file reads like the manual of
//! mistakes: change it with care.

use std::fmt::Write as _;

use driftgauge::settings::{ByteSize, Settings, SettingsError, SocketMode, Source};

use crate::support::{Folder, profile, source};

/// What is wrong, and the file.
const MISTAKES: [(&str, &str); 34] = [
    ("unknown key, near miss", "web:\n  max_serie: 5\n"),
    ("unknown key, word left out", "web:\n  address: 0.0.0.0:1\n"),
    ("unknown key, far off", "log:\n  verbosity: 3\n"),
    ("unknown section", "windwos: [5m]\n"),
    (
        "wrong type: a word for a number",
        "web:\n  max_series: many\n",
    ),
    ("wrong type: a negative number", "queue:\n  rows: -1\n"),
    (
        "wrong type: a word for a switch",
        "web:\n  enable_lifecycle: maybe\n",
    ),
    ("wrong type: a value for a section", "web: 9599\n"),
    ("wrong type: a section for a value", "tick: {seconds: 5}\n"),
    ("wrong type: a list for the whole", "- web\n"),
    ("no value", "tick:\n"),
    ("bad duration", "windows:\n  - 5m\n  - 1.5h\n"),
    ("bad size", "queue:\n  bytes: 8 megs\n"),
    ("bad address", "web:\n  listen_address: localhost\n"),
    ("bad mode", "push:\n  socket_mode: rw\n"),
    ("unknown word", "metrics:\n  detail: ful\n"),
    ("no number", "drift:\n  significance: .nan\n"),
    ("duplicate key", "tick: 5s\nlog: {level: warn}\ntick: 6s\n"),
    ("syntax: tab", "web:\n\tmax_series: 5\n"),
    (
        "syntax: open bracket",
        "tick: 5s\nwindows: [5m, 1h\nclock: wall\n",
    ),
    ("syntax: two documents", "tick: 5s\n---\ntick: 6s\n"),
    ("window under 12 ticks", "tick: 10s\nwindows: [1m, 1h]\n"),
    ("window twice", "windows: [60m, 1h]\n"),
    (
        "out of range",
        "drift:\n  # z\n  significance: 40\nweb:\n  max_series: 5\n",
    ),
    (
        "out of range in one feature",
        "models:\n  fraud.v2:\n    features:\n      amount:\n        drift:\n          \
         minimum_effect: -0.1\n",
    ),
    (
        "calls of a model",
        "models:\n  fraud:\n    sample_rate: 1.5\n    classes: [genuine, fraud, fraud]\n    \
         positive_class: frud\n    inputs:\n      x: {names: [a, \"\"]}\n    outputs:\n      \
         y: {name: verdict, names: [p, q], role: label}\n",
    ),
    (
        "nothing that identifies a call",
        "models:\n  fraud:\n    id: x-request-id\n",
    ),
    ("queue too small for a batch", "queue:\n  rows: 1000\n"),
    (
        "metrics over a socket",
        "web:\n  listen_address: unix:/run/a.sock\n  telemetry_path: /-/x\n",
    ),
    (
        "missing profile",
        "models:\n  fraud:\n    profile: missing.json\n",
    ),
    (
        "a proxy before nothing",
        "forward: {listen_address: ':4597', sample_rate: 2, call_bytes: 16MiB, drain: 2h}\nhttp: {listen_address: 'unix:/s', pairing: 0s, pending: 0}\n",
    ),
    (
        "a proxy before itself",
        "forward: {listen_address: '127.0.0.1:4597', upstream: '127.0.0.1:4597', model: ''}\n",
    ),
    (
        "broken profile",
        "models:\n  fraud:\n    versions:\n      b:\n        profile: broken.json\n",
    ),
    (
        "changed profile",
        "models: {fraud: {profile: changed.json}}\n",
    ),
];

#[test]
fn mistakes_are_answered_in_sentences() {
    let folder = Folder::new();
    folder.write("broken.json", "{\"format\": \"other\"}");
    let changed = profile(100, true).to_json().replacen("98", "97", 1);
    folder.write("changed.json", &changed);
    let mut golden = String::new();
    for (mistake, text) in MISTAKES {
        let path = folder.write("driftgauge.yml", text);
        let error = source(path).load().expect_err(mistake);
        let told = folder.anonymous(&error.to_string());
        let _ = writeln!(golden, "## {mistake}\n{told}\n");
    }
    insta::assert_snapshot!(golden);
}

#[test]
fn an_error_of_type_knows_its_line_and_key() {
    let folder = Folder::new();
    let path = folder.write("driftgauge.yml", "log: {}\nqueue:\n  rows: few\n");
    match source(path).load() {
        Err(SettingsError::Yaml {
            line, column, key, ..
        }) => assert_eq!((line, column, key.as_deref()), (3, 9, Some("queue.rows"))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_that_is_out_of_range_is_told_at_once() {
    let folder = Folder::new();
    let text = "drift: {significance: 11}\ntick: 1h\nlearning:\n  rows: 5\n";
    let error = source(folder.write("a.yml", text)).load().unwrap_err();
    let SettingsError::Invalid(problems) = error else {
        panic!("{error:?}")
    };
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["tick", "learning.rows", "drift.significance"]);
    let place = problems[1].place.as_deref().unwrap();
    assert!(place.ends_with("a.yml:4:3"), "{place}");
    let excerpt = problems[1].excerpt.as_deref().unwrap();
    assert!(excerpt.contains("4 |   rows: 5\n"), "{excerpt}");
}

#[test]
fn nothing_need_be_said() {
    let folder = Folder::new();
    let files = [
        "",
        "# nothing\n",
        "web:\n  # max_series: 5\nmodels:\n",
        "models:\n  fraud:\n",
    ];
    for text in files {
        let path = folder.write("driftgauge.yml", text);
        let mut settings = Settings::clone(&source(path).load().unwrap().settings);
        settings.models.clear();
        assert_eq!(settings, Settings::default(), "{text:?}");
    }
    let loaded = Source::default().load().unwrap();
    assert_eq!(*loaded.settings, Settings::default());
}

#[test]
fn values_read_in_every_form_that_people_write() {
    let folder = Folder::new();
    let text = "
push: {listen_address: 'unix:/run/push.sock', socket_mode: 0600}
queue: {bytes: 16MB, rows: 200_000}
limits: {message_bytes: 8388608}
windows: [1d, 5m]
tick: 1s
log: {level: warning}
models: {'Fraud.V2 [eu]': {}, 7: {}}
";
    let path = folder.write("driftgauge.yml", text);
    let settings = source(path).load().unwrap().settings;
    assert_eq!(
        settings.push.listen_address.to_string(),
        "unix:/run/push.sock"
    );
    assert_eq!(settings.push.socket_mode, SocketMode(0o600));
    assert_eq!(settings.queue.bytes, ByteSize(16_000_000));
    assert_eq!(settings.limits.message_bytes, ByteSize::mib(8));
    let windows: Vec<_> = settings
        .windows
        .as_slice()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(windows, ["5m", "1d"]);
    let models: Vec<_> = settings.models.keys().map(String::as_str).collect();
    assert_eq!(models, ["7", "Fraud.V2 [eu]"]);
}

#[test]
fn paths_are_relative_to_the_settings_file() {
    let folder = Folder::new();
    folder.write("fraud.json", &profile(100, true).to_json());
    let path = folder.write(
        "driftgauge.yml",
        "state: {directory: state}\nmodels: {fraud: {profile: ./fraud.json}}\n",
    );
    let loaded = source(path).load().unwrap();
    assert_eq!(loaded.profile("fraud", "any").unwrap().rows, 100);
    let directory = loaded.settings.state.directory.as_deref();
    assert_eq!(directory, Some(folder.path().join("state").as_path()));
}

#[test]
fn the_hash_follows_the_content_of_settings_and_profiles_wherever_they_are() {
    let hash = |rows, text: &str| {
        let folder = Folder::new();
        folder.write("fraud.json", &profile(rows, true).to_json());
        source(folder.write("a.yml", text)).load().unwrap().hash
    };
    let text = "models: {fraud: {profile: fraud.json}}\n";
    assert_eq!(hash(100, text), hash(100, text));
    assert_ne!(hash(100, text), hash(101, text));
    assert_ne!(hash(100, text), hash(100, &format!("{text}tick: 6s\n")));
}

#[test]
fn the_example_and_the_table_in_the_tree_are_those_of_the_code() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = driftgauge::settings::markdown_table();
    let files = [
        (
            "deploy/driftgauge.example.yml",
            driftgauge::settings::example_file(),
        ),
        ("deploy/settings.md", format!("# Settings\n\n{table}")),
    ];
    for (name, expected) in files {
        let path = root.join(name);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "{name} is not what the comments in src/settings.rs say: run this test with \
             UPDATE_GENERATED=1"
        );
    }
}
