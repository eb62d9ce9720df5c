//! Settings that change while the sidecar runs. Time is tokio's own here: it jumps from poll to
//! poll, so nothing waits and every number of polls is exact.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driftgauge::settings::{
    Loaded, Override, ReloadHandle, Reloader, Settings, Source, needs_restart,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::support::{Folder, profile, source};

/// A watch in the background.
struct Watch {
    handle: ReloadHandle,
    changes: mpsc::UnboundedReceiver<Arc<Loaded>>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Watch {
    fn over(reloader: Reloader) -> Self {
        let handle = reloader.handle();
        let (sender, changes) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let on_change = move |loaded| sender.send(loaded).unwrap();
        let task = tokio::spawn(reloader.watch(Reloader::POLL, on_change, async {
            let _ = stopped.await;
        }));
        Self {
            handle,
            changes,
            stop,
            task,
        }
    }

    fn start(source: Source) -> Self {
        Self::over(Reloader::start(source, true).unwrap())
    }

    async fn change(&mut self) -> Arc<Loaded> {
        let change = timeout(Duration::from_secs(60), self.changes.recv()).await;
        change.expect("no change was seen").unwrap()
    }

    async fn polls(&self, count: u32) {
        tokio::time::sleep(Reloader::POLL * count).await;
    }
}

/// A volume as the kubelet writes it: `f -> ..data/f`, `..data -> ..<time>`; an update is a new
/// folder, a new symlink and a rename over `..data`.
fn mount(volume: &Path, version: &str, files: &[(&str, &str)]) {
    let old = fs::canonicalize(volume.join("..data")).ok();
    let folder = volume.join(format!("..{version}"));
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
        let link = volume.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
    symlink(format!("..{version}"), volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    if let Some(old) = old {
        fs::remove_dir_all(old).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn every_swap_of_a_mounted_config_map_is_seen() {
    let folder = Folder::new();
    let with =
        |z: &str| format!("drift: {{significance: {z}}}\nmodels: {{m: {{profile: m.json}}}}\n");
    let of = |rows| profile(rows, true).to_json();
    mount(
        folder.path(),
        "1",
        &[("a.yml", &with("1")), ("m.json", &of(100))],
    );
    let mut watch = Watch::start(source(folder.path().join("a.yml")));
    for step in 2..5 {
        let z = step.to_string();
        mount(
            folder.path(),
            &z,
            &[("a.yml", &with(&z)), ("m.json", &of(100))],
        );
        let loaded = watch.change().await;
        assert_eq!(loaded.settings.drift.significance, f64::from(step));
        assert_eq!(watch.handle.status().hash, loaded.hash);
    }
    mount(
        folder.path(),
        "5",
        &[("a.yml", &with("4")), ("m.json", &of(200))],
    );
    let loaded = watch.change().await;
    assert_eq!(loaded.profile("m", "").unwrap().rows, 200);
}

#[tokio::test(start_paused = true)]
async fn the_same_content_in_new_files_is_no_change() {
    let folder = Folder::new();
    mount(folder.path(), "1", &[("a.yml", "tick: 1s\n")]);
    let mut watch = Watch::start(source(folder.path().join("a.yml")));
    mount(folder.path(), "2", &[("a.yml", "tick: 1s\n")]);
    watch.polls(5).await;
    mount(folder.path(), "3", &[("a.yml", "tick: 2s\n")]);
    assert_eq!(watch.change().await.settings.tick.seconds(), 2.0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_leaves_the_last_good_settings_and_shows() {
    let folder = Folder::new();
    let path = folder.write("a.yml", "tick: 1s\n");
    let mut watch = Watch::start(source(path));
    let good = watch.handle.status();
    assert!(good.successful && good.last_success_timestamp > 1.7e9);

    folder.write("a.yml", "tick: often\n");
    watch.polls(2).await;
    let bad = watch.handle.status();
    assert!(!bad.successful);
    assert_eq!(bad.last_success_timestamp, good.last_success_timestamp);
    assert_eq!(bad.hash, good.hash);
    assert!(
        watch.changes.try_recv().is_err(),
        "bad settings were handed on"
    );

    folder.write("a.yml", "tick: 1s\n");
    watch.polls(2).await;
    assert!(watch.handle.status().successful);
    assert!(
        watch.changes.try_recv().is_err(),
        "nothing had changed in the end"
    );

    folder.write("a.yml", "tick: 2s\n");
    assert_eq!(watch.change().await.settings.tick.seconds(), 2.0);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_breaks_leaves_the_last_good_settings() {
    let folder = Folder::new();
    folder.write("m.json", &profile(100, true).to_json());
    let path = folder.write("a.yml", "models: {m: {profile: m.json}}\n");
    let mut watch = Watch::start(source(path));
    fs::remove_file(folder.path().join("m.json")).unwrap();
    watch.polls(2).await;
    assert!(!watch.handle.status().successful);
    folder.write("m.json", &profile(101, true).to_json());
    assert_eq!(watch.change().await.profile("m", "1").unwrap().rows, 101);
    assert!(watch.handle.status().successful);
}

#[tokio::test(start_paused = true)]
async fn a_reload_on_request_is_answered_at_once() {
    let folder = Folder::new();
    let path = folder.write("a.yml", "tick: 1s\n");
    let mut watch = Watch::start(source(path));
    folder.write("a.yml", "tick: 2s\n");
    assert_eq!(watch.handle.reload().await, Ok(()));
    let loaded = watch
        .changes
        .try_recv()
        .expect("the change comes before the answer");
    assert_eq!(loaded.settings.tick.seconds(), 2.0);
    folder.write("a.yml", "tik: 2s\n");
    let refused = watch.handle.reload().await.unwrap_err();
    assert!(refused.contains("did you mean `tick`?"), "{refused}");

    watch.stop.send(()).unwrap();
    watch.task.await.unwrap();
    let gone = watch.handle.reload().await.unwrap_err();
    assert!(gone.contains("shutting down"), "{gone}");
}

#[test]
fn without_its_file_the_sidecar_starts_with_defaults_unless_strict() {
    let folder = Folder::new();
    let mut source = source(folder.path().join("none.yml"));
    source.overrides.push(Override {
        key: "web.max_series".into(),
        value: "300".into(),
        place: "--web.max-series".into(),
    });
    let strict = Reloader::start(source.clone(), true).unwrap_err();
    assert!(strict.to_string().contains("cannot read the settings"));
    let reloader = Reloader::start(source, false).unwrap();
    let status = reloader.handle().status();
    assert!(!status.successful);
    assert_eq!(status.last_success_timestamp, 0.0);
    let mut expected = Settings::default();
    expected.web.max_series = 300;
    assert_eq!(*reloader.current().settings, expected);
    assert!(reloader.complaints()[0].contains("defaults and flags hold instead"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_comes_later_is_taken() {
    let folder = Folder::new();
    let reloader = Reloader::start(source(folder.path().join("a.yml")), false).unwrap();
    let mut watch = Watch::over(reloader);
    folder.write("a.yml", "tick: 2s\n");
    assert_eq!(watch.change().await.settings.tick.seconds(), 2.0);
    assert!(watch.handle.status().successful);
}

#[test]
fn a_broken_profile_at_start_leaves_its_model_to_learn() {
    let folder = Folder::new();
    folder.write("b.json", &profile(100, true).to_json());
    let text = "tick: 1s\nmodels:\n  a: {profile: a.json}\n  b: {profile: b.json}\n";
    let source = source(folder.write("a.yml", text));
    let reloader = Reloader::start(source, false).unwrap();
    let loaded = reloader.current();
    assert!(!reloader.handle().status().successful);
    assert_eq!(loaded.settings.tick.seconds(), 1.0);
    assert!(loaded.profile("a", "").is_none());
    assert!(loaded.profile("b", "").is_some());
    let told = &reloader.complaints()[0];
    assert!(
        told.contains("models.a.profile") && told.contains("learn"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_good_copy_holds_when_the_files_are_broken_at_start() {
    let folder = Folder::new();
    folder.write("m.json", &profile(100, true).to_json());
    let text = |tick| format!("tick: {tick}\nmodels: {{m: {{profile: m.json}}}}\n");
    let mut source = source(folder.write("a.yml", &text("1s")));
    source.overrides.push(Override {
        key: "state.directory".into(),
        value: folder.path().join("state").display().to_string(),
        place: "--state.directory".into(),
    });
    let mut watch = Watch::start(source.clone());
    folder.write("a.yml", &text("2s"));
    watch.change().await;

    folder.write("a.yml", "tick: [\n");
    fs::remove_file(folder.path().join("m.json")).unwrap();
    watch.polls(2).await;
    assert!(!watch.handle.status().successful);
    let reloader = Reloader::start(source, false).unwrap();
    let loaded = reloader.current();
    assert_eq!(loaded.settings.tick.seconds(), 2.0);
    assert_eq!(loaded.profile("m", "").unwrap().rows, 100);
    let status = reloader.handle().status();
    assert!(!status.successful);
    assert_eq!(status.hash, watch.handle.status().hash);
    assert!(reloader.complaints()[0].contains("last good copy"));
}

#[test]
fn a_state_directory_that_cannot_be_written_does_not_keep_settings_from_working() {
    let folder = Folder::new();
    folder.write("file", "");
    let source = source(folder.write("a.yml", "state: {directory: file/state}\n"));
    let reloader = Reloader::start(source, true).unwrap();
    assert!(reloader.handle().status().successful);
    assert!(reloader.complaints()[0].contains("cannot keep a copy"));
}

#[test]
fn settings_that_hold_until_a_restart_are_named() {
    let old = Settings::default();
    let mut new = old.clone();
    assert!(needs_restart(&old, &new).is_empty());
    new.drift.significance = 3.0;
    new.web.listen_address = "0.0.0.0:1".parse().unwrap();
    new.push.socket_mode = "0600".parse().unwrap();
    new.state.directory = Some("x".into());
    assert_eq!(
        needs_restart(&old, &new),
        ["web.listen_address", "push.socket_mode", "state.directory"]
    );
}

/// Log lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn count(&self, part: &str) -> usize {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes).matches(part).count()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_is_told_once_for_each_content() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = Folder::new();
    let path = folder.write("a.yml", "web: {listen_address: ':1'}\n");
    let mut watch = Watch::start(source(path));
    folder.write("a.yml", "tick: often\n");
    watch.polls(20).await;
    assert_eq!(lines.count("stay in force"), 1);
    folder.write("a.yml", "tick: seldom\n");
    watch.polls(20).await;
    assert_eq!(lines.count("stay in force"), 2);
    folder.write("a.yml", "web: {listen_address: ':2'}\n");
    watch.change().await;
    watch.polls(20).await;
    assert_eq!(lines.count("only after a restart: web.listen_address"), 1);
}
