//! A window of traffic becomes the reference, on demand: what changes, what goes on, what is refused.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, categorical, config, feature, model, numeric, profile};
use driftgauge::batch::{Batch, Role, Values};
use driftgauge::engine::{
    Config, Detail, Engine, FeatureSnapshot, Learning, ModelConfig, Rebaseline, Rebaselined,
    Refusal, Snapshot, WindowConfig,
};
use driftgauge::profile::{Kind, Profile, Variation};

/// The start of a slice of every window.
const NOW: i64 = 1_700_002_800 * SECOND;
const SEED: u64 = 20_260_131;

/// One field of each sort, over windows of one minute and of one hour.
fn settings() -> Config {
    let mut x = numeric("x", 20, 500);
    x.variation = Variation {
        design_effect: 1.5,
        wander: 0.001,
        long_wander: 0.001,
        chunk_seconds: 3_600.0,
        span_seconds: 8.0 * 3_600.0,
        chunks: 50,
    };
    x.importance = Some(3.0);
    let fields = vec![
        x,
        categorical("c", &[("a", 6_000), ("b", 4_000)]),
        numeric("rare", 20, 500),
    ];
    Config {
        windows: vec![
            WindowConfig::of_seconds("1m", 60),
            WindowConfig::of_seconds("1h", 3_600),
        ],
        ..config(profile(fields))
    }
}

fn engine() -> Engine {
    Engine::new(Arc::new(settings()))
}

/// 100 rows; `shift` moves the number and makes one category of the other.
fn rows(random: &mut Random, shift: f64) -> Batch {
    let x = random.uniforms(100, 20.0).into_iter().map(|x| x + shift);
    let x = x.collect();
    let c = (0..100).map(|_| if random.uniform() < 0.6 { "a" } else { "b" });
    let c = c
        .map(|c| if shift == 0.0 { c } else { "a" }.to_owned())
        .collect();
    batch(vec![
        ("x", Role::Feature, Values::Numbers(x)),
        ("c", Role::Feature, Values::Text(c)),
    ])
}

/// A batch every ten seconds for `seconds`; returns the moment after.
fn send(engine: &mut Engine, random: &mut Random, from: i64, seconds: i64, shift: f64) -> i64 {
    for at in (0..seconds).step_by(10) {
        engine.apply(&rows(random, shift), from + at * SECOND);
        engine.tick(from + at * SECOND);
    }
    from + seconds * SECOND
}

fn asked(window: Option<&str>) -> Rebaseline {
    Rebaseline {
        model: "m".into(),
        version: None,
        window: window.map(Into::into),
        by: "a test".into(),
    }
}

fn ratio(snapshot: &Snapshot, field: &str, window: usize) -> f64 {
    let field = feature(model(snapshot, "m", "1"), field);
    let drift = &field.windows[window].drift;
    drift[0].ratio.unwrap_or_else(|| panic!("{field:?}"))
}

fn field<'s>(snapshot: &'s Snapshot, name: &str) -> &'s FeatureSnapshot {
    feature(model(snapshot, "m", "1"), name)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// An engine whose last hour was shifted by 8, the moment, and what was done.
fn rebaselined(random: &mut Random) -> (Engine, i64, Rebaselined) {
    let mut engine = engine();
    let now = send(&mut engine, random, NOW, 3_600, 8.0);
    let before = engine.tick(now);
    assert!(ratio(&before, "x", 1) > 1.0 && ratio(&before, "c", 1) > 1.0);
    let done = engine.rebaseline(&asked(None), now).unwrap();
    (engine, now, done)
}

#[test]
fn what_is_now_is_no_drift_and_what_was_before_is() {
    println!("seed {SEED}");
    let mut random = Random(SEED);
    let (mut engine, now, _) = rebaselined(&mut random);
    let after = engine.tick(now);
    for name in ["x", "c"] {
        for window in 0..2 {
            assert!(ratio(&after, name, window) < 0.5, "{name} {window}");
        }
    }
    // The world stays as it is now.
    let now = send(&mut engine, &mut random, now, 7_200, 8.0);
    let quiet = engine.tick(now);
    assert!(ratio(&quiet, "x", 1) < 1.0 && ratio(&quiet, "c", 1) < 1.0);
    // It goes back to what it was.
    let now = send(&mut engine, &mut random, now, 3_600, 0.0);
    let back = engine.tick(now);
    assert!(ratio(&back, "x", 1) > 1.0 && ratio(&back, "c", 1) > 1.0);
}

#[test]
fn the_profile_has_the_counts_of_the_window_and_says_how_it_came_about() {
    let mut random = Random(SEED);
    let (mut engine, now, done) = rebaselined(&mut random);
    let snapshot = engine.tick(now);
    let m = model(&snapshot, "m", "1");
    let (reference, document) = (&m.references[0], &done.profile);
    assert_eq!((m.references.len(), reference.source), (1, "rebaselined"));
    assert_eq!(reference.profile, done.hash);
    assert_eq!(document.hash()[..8], *done.hash);
    assert_eq!(reference.created_at, Some((now / SECOND) as f64));
    assert_eq!(document.rows, m.windows[1].rows);
    assert_eq!(document.model.as_deref(), Some("m"));

    let x = &document.features[0];
    let window = &field(&snapshot, "x").windows[1];
    let cells = x.cells.as_ref().unwrap();
    assert_eq!(cells.rows, window.cells);
    assert_eq!(cells.rows.iter().sum::<u64>(), window.values);
    let moments = x.moments.unwrap();
    assert!(close(moments.mean, window.mean.unwrap()), "{moments:?}");
    assert!(close(moments.stddev, window.stddev.unwrap()), "{moments:?}");
    assert_eq!(
        (Some(moments.min), Some(moments.max)),
        (window.min, window.max)
    );
    assert_eq!(window.out_of_range_ratio, Some(0.0));
    assert_eq!((x.importance, x.variation.design_effect), (Some(3.0), 1.5));
    // What the window does not know of a cell, the old reference does; each mean is in its cell.
    let means = cells.means.iter().zip(&cells.rows).enumerate();
    for (cell, (&mean, &rows)) in means {
        assert_eq!(mean != 0.0, rows > 0, "{cell}");
        assert!(rows == 0 || (cell as f64..=cell as f64 + 1.0).contains(&mean));
    }
    // All rows are of one category now, and the reference knows.
    let c = &document.features[1];
    assert_eq!((c.kind, c.distinct), (Kind::Categorical, 1));
    let state = field(&snapshot, "c").windows[1].state;
    assert_eq!(state.as_str(), "ok");

    // The window knows nothing of a field that did not come: it stays as it was.
    let old = settings().models["m"].profile.clone().unwrap();
    assert_eq!(document.features[2], old.features[2]);
    let how = document.provenance.rebaseline.as_ref().unwrap();
    assert_eq!(how.kept_fields, ["rare"]);
    assert_eq!(how.replaces, old.hash());
    assert_eq!(how.stands_for, old.hash());
    assert_eq!((&*how.window, &*how.by), ("1h", "a test"));
    assert_eq!(document.provenance.source, "rebaselined");
    let read = Profile::from_json(&document.to_json()).unwrap();
    assert_eq!(&read, &**document);
}

#[test]
fn windows_go_on_and_counters_begin_anew_under_the_new_hash() {
    let mut random = Random(SEED);
    let mut engine = engine();
    let now = send(&mut engine, &mut random, NOW, 3_600, 8.0);
    let before = engine.tick(now);
    engine.rebaseline(&asked(None), now).unwrap();
    let after = engine.tick(now);
    for name in ["x", "c"] {
        let (old, new) = (field(&before, name), field(&after, name));
        assert_eq!((old.values, old.missing), (new.values, new.missing));
        assert!(old.cells.iter().sum::<u64>() > 0);
        assert_eq!(new.cells, vec![0; old.cells.len()]);
        for (old, new) in old.windows.iter().zip(&new.windows) {
            assert_eq!((old.values, &old.cells), (new.values, &new.cells));
            assert_eq!((old.min, old.max), (new.min, new.max));
            for (old, new) in [(old.mean, new.mean), (old.stddev, new.stddev)] {
                assert_eq!(old.is_some(), new.is_some());
                assert!(old.is_none_or(|old| close(old, new.unwrap())), "{old:?}");
            }
        }
    }
}

/// At detail `full` sums per cell are kept: they go on, and give the means of the new reference.
#[test]
fn means_of_cells_are_those_of_the_rows_where_they_are_known() {
    let mut random = Random(SEED);
    let mut settings = settings();
    settings.feature.detail = Some(Detail::Full);
    let mut engine = Engine::new(Arc::new(settings));
    let now = send(&mut engine, &mut random, NOW, 3_600, 8.0);
    let distance = |snapshot: &Snapshot| {
        let drift = &field(snapshot, "x").windows[1].drift[0];
        let of = |(name, _): &&(&str, f64)| *name == "wasserstein";
        drift
            .distances
            .iter()
            .find(of)
            .map(|(_, distance)| *distance)
    };
    let before = distance(&engine.tick(now)).unwrap();
    let done = engine.rebaseline(&asked(None), now).unwrap();
    let after = distance(&engine.tick(now)).unwrap();
    assert!(before > 0.5 && after < 1e-9, "{before} {after}");

    // The same rows once more, those of the window.
    let mut random = Random(SEED);
    let (mut sums, mut rows_in) = (vec![0.0; 20], vec![0; 20]);
    let width = 300;
    let first = (now / SECOND).div_euclid(width) - 11;
    for at in (0..3_600).step_by(10) {
        let batch = rows(&mut random, 8.0);
        let Some(Values::Numbers(x)) = batch.columns[0].as_ref().map(|it| &it.values) else {
            panic!("numbers");
        };
        if (NOW / SECOND + at).div_euclid(width) < first {
            continue;
        }
        for &x in x {
            let cell = (x.ceil() as usize).clamp(1, 20) - 1;
            sums[cell] += x;
            rows_in[cell] += 1;
        }
    }
    let cells = done.profile.features[0].cells.clone().unwrap();
    assert_eq!(cells.rows, rows_in);
    for (cell, (&sum, &rows)) in sums.iter().zip(&rows_in).enumerate() {
        let mean = if rows > 0 { sum / rows as f64 } else { 0.0 };
        assert!(
            close(cells.means[cell], mean),
            "{cell}: {}",
            cells.means[cell]
        );
    }
}

/// Slices filled before leave one by one; what is taken from the sums is what is in them.
#[test]
fn nothing_is_left_of_what_came_before_once_it_has_left_the_windows() {
    let mut random = Random(SEED);
    let (mut engine, mut now, _) = rebaselined(&mut random);
    let mut fresh = self::engine();
    for _ in 0..30 {
        now += 300 * SECOND;
        let batch = rows(&mut random, 30.0);
        for engine in [&mut engine, &mut fresh] {
            engine.apply(&batch, now);
            engine.tick(now);
        }
    }
    let (ours, theirs) = (engine.tick(now), fresh.tick(now));
    for (ours, theirs) in field(&ours, "x")
        .windows
        .iter()
        .zip(&field(&theirs, "x").windows)
    {
        assert_eq!((ours.values, &ours.cells), (theirs.values, &theirs.cells));
        assert!(close(ours.mean.unwrap(), theirs.mean.unwrap()));
        assert!(close(ours.stddev.unwrap(), theirs.stddev.unwrap()));
        // All are beyond both references.
        assert_eq!(ours.out_of_range_ratio, theirs.out_of_range_ratio);
    }
}

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let mut random = Random(SEED);
    let mut engine = engine();
    let refused = |engine: &mut Engine, asked: Rebaseline, now| {
        let refusal = engine.rebaseline(&asked, now).unwrap_err();
        (refusal.is_unknown(), refusal.to_string())
    };
    let unknown = Rebaseline {
        model: "other".into(),
        ..asked(None)
    };
    let (is_unknown, said) = refused(&mut engine, unknown, NOW);
    assert!(is_unknown && said.contains("no model \"other\""), "{said}");

    let now = send(&mut engine, &mut random, NOW, 3_000, 8.0);
    let (is_unknown, said) = refused(&mut engine, asked(Some("7d")), now);
    assert!(is_unknown && said.contains("there are 1m, 1h"), "{said}");
    let version = Rebaseline {
        version: Some("9".into()),
        ..asked(None)
    };
    let (is_unknown, said) = refused(&mut engine, version, now);
    assert!(is_unknown && said.contains("it has \"1\""), "{said}");
    let (is_unknown, said) = refused(&mut engine, asked(None), now);
    assert!(
        !is_unknown && said.contains("covers 3000 s of 3300 s"),
        "{said}"
    );

    // The minute after a silence is long enough, but empty.
    let silent = now + 300 * SECOND;
    engine.tick(silent);
    let (is_unknown, said) = refused(&mut engine, asked(Some("1m")), silent);
    assert!(!is_unknown && said.contains("enough values"), "{said}");
    let snapshot = engine.tick(silent);
    assert_eq!(model(&snapshot, "m", "1").references[0].source, "file");
}

#[test]
fn a_reference_that_is_being_learned_is_waited_for_and_one_just_learned_too() {
    let mut random = Random(SEED);
    let learning = Config {
        models: std::collections::HashMap::default(),
        learning: Learning {
            rows: 20_000,
            ..settings().learning
        },
        ..settings()
    };
    let mut engine = Engine::new(Arc::new(learning));
    let mut now = send(&mut engine, &mut random, NOW, 1_900, 0.0);
    let refusal = engine.rebaseline(&asked(Some("1m")), now).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::Learning {
            model: "m".into(),
            rows: 19_000,
            wanted: 20_000
        }
    );
    now = send(&mut engine, &mut random, now, 1_700, 0.0);
    // The hour is over, but the windows of its fields began when the reference did.
    let refusal = engine.rebaseline(&asked(None), now).unwrap_err();
    assert!(matches!(refusal, Refusal::TooFewRows { .. }), "{refusal}");
    now = send(&mut engine, &mut random, now, 3_600, 8.0);
    let learned = engine.tick(now);
    let m = model(&learned, "m", "1");
    assert_eq!(m.references[0].source, "learned");
    let learned = m.references[0].document.hash();
    let done = engine.rebaseline(&asked(None), now).unwrap();
    let how = done.profile.provenance.rebaseline.clone().unwrap();
    assert_eq!((how.replaces, how.stands_for), (learned.clone(), learned));
    let snapshot = engine.tick(now);
    let sources = &model(&snapshot, "m", "1").references;
    assert_eq!((sources.len(), sources[0].source), (1, "rebaselined"));
    assert!(ratio(&snapshot, "x", 1) < 1.0);
    let x = field(&snapshot, "x").reference.as_ref().unwrap();
    assert!(x.learned, "its categories are still values of rows");
}

fn with(file: Option<Profile>, kept: &[Arc<Profile>]) -> Arc<Config> {
    let said = ModelConfig {
        profile: file.map(Arc::new),
        rebaselined: kept.to_vec(),
        ..ModelConfig::default()
    };
    Arc::new(Config {
        models: [("m".into(), said)].into(),
        ..settings()
    })
}

#[test]
fn it_holds_over_restarts_and_reloads_until_the_settings_name_another_file() {
    let mut random = Random(SEED);
    let (mut engine, now, done) = rebaselined(&mut random);
    let file = settings().models["m"].profile.as_deref().cloned().unwrap();
    let other = {
        let mut other = file.clone();
        other.features[0].missing.null += 1;
        other
    };
    let in_force = |engine: &mut Engine| {
        let snapshot = engine.tick(now);
        let reference = &snapshot.models[0].references[0];
        (reference.profile.to_string(), reference.source)
    };
    let new = (done.hash.to_string(), "rebaselined");
    assert_eq!(in_force(&mut engine), new);

    engine.reconfigure(with(Some(file.clone()), &[]));
    assert_eq!(in_force(&mut engine), new, "the same file is read again");
    let kept = [done.profile.clone()];
    let mut restarted = Engine::new(with(Some(file.clone()), &kept));
    assert_eq!(in_force(&mut restarted), new);

    let of_other = (other.hash()[..8].to_owned(), "file");
    engine.reconfigure(with(Some(other.clone()), &[]));
    assert_eq!(in_force(&mut engine), of_other);
    let mut restarted = Engine::new(with(Some(other), &kept));
    assert_eq!(in_force(&mut restarted), of_other);
    // Back to the old file is back to what was in force with it.
    engine.reconfigure(with(Some(file), &[]));
    assert_eq!(in_force(&mut engine), new);

    // Shipped to all pods as a file, it is an ordinary profile.
    let before = engine.tick(now);
    engine.reconfigure(with(Some((*done.profile).clone()), &[]));
    assert_eq!(in_force(&mut engine), (new.0, "file"));
    let (before, after) = (field(&before, "x").windows[1].clone(), engine.tick(now));
    assert_eq!(before.values, field(&after, "x").windows[1].values);
}

#[test]
fn a_second_one_replaces_the_first_and_stands_for_the_same_file() {
    let mut random = Random(SEED);
    let (mut engine, now, first) = rebaselined(&mut random);
    let now = send(&mut engine, &mut random, now, 3_600, 4.0);
    assert!(ratio(&engine.tick(now), "x", 1) > 1.0);
    let second = engine.rebaseline(&asked(None), now).unwrap();
    assert_eq!(second.replaced, first.hash);
    let how = |done: &Rebaselined| done.profile.provenance.rebaseline.clone().unwrap();
    assert_eq!(how(&second).replaces, first.profile.hash());
    assert_eq!(how(&second).stands_for, how(&first).stands_for);
    assert!(ratio(&engine.tick(now), "x", 1) < 1.0);
}

#[test]
fn versions_share_it_unless_one_is_named() {
    let mut random = Random(SEED);
    let mut engine = engine();
    let mut now = NOW;
    for _ in 0..360 {
        for (version, shift) in [("1", 8.0), ("2", 4.0)] {
            let mut batch = rows(&mut random, shift);
            batch.version = version.into();
            engine.apply(&batch, now);
        }
        now += 10 * SECOND;
        engine.tick(now);
    }
    let source = |snapshot: &Snapshot, version| model(snapshot, "m", version).references[0].source;
    let own = Rebaseline {
        version: Some("2".into()),
        ..asked(None)
    };
    let of_two = engine.rebaseline(&own, now).unwrap();
    let snapshot = engine.tick(now);
    assert_eq!(
        (source(&snapshot, "1"), source(&snapshot, "2")),
        ("file", "rebaselined")
    );
    let rows_of = |version| model(&snapshot, "m", version).windows[1].rows;
    assert_eq!(of_two.profile.rows, rows_of("2"));

    // Version 2 has its own by now, so the shared one is made of version 1 alone.
    let shared = engine.rebaseline(&asked(None), now).unwrap();
    assert_eq!(shared.profile.rows, rows_of("1"));
    let snapshot = engine.tick(now);
    let hash = |version| model(&snapshot, "m", version).references[0].profile.clone();
    assert_eq!((hash("1"), hash("2")), (shared.hash, of_two.hash));

    // A version that comes later has the shared one too, and counts in the next.
    let mut third = rows(&mut random, 8.0);
    third.version = "3".into();
    engine.apply(&third, now);
    let snapshot = engine.tick(now);
    assert_eq!(source(&snapshot, "3"), "rebaselined");
    let again = engine.rebaseline(&asked(None), now).unwrap();
    let rows: u64 = ["1", "3"]
        .map(|version| model(&snapshot, "m", version).windows[1].rows)
        .iter()
        .sum();
    assert_eq!(again.profile.rows, rows);
}
