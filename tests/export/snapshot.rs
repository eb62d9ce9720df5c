//! Snapshots made by hand: one that has everything, and features that show all they can.

use std::sync::Arc;

use driftgauge::batch::Role;
use driftgauge::engine::*;
use driftgauge::export::{KeptWindows, Process, Setting, Sidecar};
use driftgauge::ingest::{CallsSeen, SourceCounts};
use driftgauge::profile::*;

pub const WINDOWS: [&str; 3] = ["5m", "1h", "1d"];
pub const DISTANCES: [&str; 7] = [
    "js",
    "ks",
    "wasserstein",
    "mean_shift",
    "l1",
    "linf",
    "hellinger",
];
/// Has a quote, a backslash, a line feed and letters beyond ASCII.
pub const AWKWARD: &str = "Zürich \"\\\n{x=\"1\"} # 2";

/// The reference of a field with this many cells, of a kind that can have them.
pub fn profile_of(name: &str, kind: Kind, cells: usize) -> FeatureProfile {
    let located = match kind {
        Kind::HighCardinality => Cells::Hashed,
        Kind::Categorical => {
            let kept = (0..cells - 2).map(|i| match i {
                0 => "JFK".to_owned(),
                1 => AWKWARD.to_owned(),
                i => format!("category {i}"),
            });
            Cells::Categorical(
                CategoryCells::new(kept.collect(), vec!["LGA".into()], true).unwrap(),
            )
        }
        _ => {
            let edges = (1..cells).map(|i| i as f64 * 2.5).collect();
            Cells::Numeric(NumericCells::new(edges).unwrap())
        }
    };
    let rows: Vec<u64> = (0..located.len() as u64).map(|i| 10_000 - i).collect();
    FeatureProfile {
        name: name.into(),
        role: Role::Feature,
        kind,
        missing: Missing {
            null: 17,
            ..Missing::default()
        },
        cells: (kind != Kind::Vector).then(|| ReferenceCells {
            means: if kind.is_numeric() {
                rows.iter().map(|&rows| rows as f64).collect()
            } else {
                Vec::new()
            },
            cells: located,
            rows,
        }),
        moments: kind.is_numeric().then_some(Moments {
            mean: 42.5,
            stddev: 7.25,
            min: -1.0,
            max: 99.0,
        }),
        distinct: 12,
        variation: Variation {
            design_effect: 1.5,
            ..Variation::default()
        },
        importance: None,
        derived_from: None,
        embedding: None,
    }
}

/// A field with every figure that its kind can have; without a kind it has no reference.
pub fn field(name: &str, kind: Option<Kind>, cells: usize, references: &[&str]) -> FeatureSnapshot {
    let profile = kind.map(|kind| Arc::new(profile_of(name, kind, cells)));
    let cells = profile
        .as_ref()
        .and_then(|p| p.cells.as_ref())
        .map_or(0, |c| c.rows.len());
    let numeric = kind.is_none_or(Kind::is_numeric);
    let windows = WINDOWS.iter().enumerate().map(|(at, window)| {
        let figure = |value: f64| numeric.then_some(value + at as f64);
        let drift = references.iter().map(|&reference| Drift {
            z: Some(3.5),
            since: Some(1_699_990_000.0),
            moved_most: Some((0, -0.25)),
            reference_cells: None,
            reference: reference.into(),
            psi: 0.3,
            threshold: 0.1,
            ratio: Some(3.0 + at as f64),
            excess: 0.25,
            distances: DISTANCES
                .into_iter()
                .filter(|name| {
                    kind.is_some_and(Kind::is_numeric)
                        || !["ks", "wasserstein", "mean_shift"].contains(name)
                })
                .zip([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
                .collect(),
        });
        FeatureWindow {
            minimum_effect: kind.map(|_| 0.02),
            window: (*window).into(),
            state: if kind.is_some() {
                State::Ok
            } else {
                State::Unknown
            },
            values: 1_000 * (at as u64 + 1),
            missing: Missing {
                nan: 3,
                ..Missing::default()
            },
            null_ratio: Some(0.003),
            out_of_range_ratio: kind.is_some_and(Kind::is_numeric).then_some(0.01),
            new_category_ratio: (kind == Some(Kind::Categorical)).then_some(0.02),
            mean: figure(41.0),
            stddev: figure(7.0),
            min: figure(-5.0),
            max: figure(1e300),
            distinct: (at == WINDOWS.len() - 1).then_some(11.8),
            cells: vec![at as u64; cells],
            drift: if cells > 0 {
                drift.collect()
            } else {
                Vec::new()
            },
        }
    });
    FeatureSnapshot {
        name: name.into(),
        role: Role::Feature,
        importance: None,
        detail: Detail::Standard,
        fleet: true,
        values: 3_000,
        missing: Missing {
            nan: 3,
            ..Missing::default()
        },
        below: 1,
        above: 2,
        far: 4,
        cells: vec![7; cells],
        reference: profile.map(|feature| FeatureReference {
            variation: feature.variation,
            feature,
            profile: "0badcafe".into(),
            learned: false,
            burn_in: Some(0.25),
            significance: 4.75,
        }),
        new_categories: Vec::new(),
        shape: None,
        windows: windows.collect(),
    }
}

/// A model with traffic and these fields.
pub fn model(name: &str, version: &str, features: Vec<FeatureSnapshot>) -> ModelSnapshot {
    let windows = WINDOWS
        .iter()
        .enumerate()
        .map(|(at, window)| TrafficWindow {
            window: (*window).into(),
            rows: 1_003 * (at as u64 + 1),
            covered_seconds: 290.0,
            throughput: 3.5,
            error_ratio: Some(0.125),
            latency: Some([0.004, 0.02, 0.25]),
        });
    ModelSnapshot {
        model: name.into(),
        version: version.into(),
        predictions: 3_009.0,
        labels: Some(12.5),
        requests: 1_504.5,
        errors: vec![("INTERNAL", 2.0), ("CANCELLED", 0.0)],
        duration: Some(HistogramSnapshot {
            counts: (0..=DURATION_BUCKETS.len() as u64).collect(),
            sum: 12.75,
            exemplars: exemplars(),
        }),
        request_rows: HistogramSnapshot {
            counts: vec![5, 0, 1, 0, 0, 0, 0, 2],
            sum: 20_000.0,
            exemplars: Vec::new(),
        },
        last_row_at: Some(1_700_000_000.25),
        now: None,
        too_old_rows: 3,
        too_new_rows: 0,
        fields_beyond_limit: 0,
        names_by_position: version == "2",
        drift: model_drift(),
        drifted_fields: drifted_fields(),
        outliers: outliers(),
        windows: windows.collect(),
        references: vec![ReferenceSnapshot {
            warnings: Arc::default(),
            profile: "0badcafe".into(),
            source: "file",
            created_at: Some(1_690_000_000.0),
            document: Arc::default(),
        }],
        learning: None,
        burn_in: Some(0.25),
        features,
    }
}

/// A traced call in the first bucket, in one in the middle and beyond all bounds.
fn exemplars() -> Vec<Option<Exemplar>> {
    let mut exemplars = vec![None; DURATION_BUCKETS.len() + 1];
    for (bucket, value) in [(0, 0.0), (7, 0.0815), (14, 4_294.967_295)] {
        let mut trace_id = [0; 16];
        (trace_id[0], trace_id[15]) = (0x0A, bucket as u8);
        exemplars[bucket] = Some(Exemplar {
            trace_id,
            value,
            at: 1_700_000_000.25 + value,
        });
    }
    exemplars
}

/// All ways to see the drift of a model as a whole, in all windows.
fn model_drift() -> Vec<ModelDrift> {
    let kinds = ["worst_feature", "dependence", "mmd", "embedding"];
    let in_window = |window: &'static str| {
        kinds.map(|kind| ModelDrift {
            window: window.into(),
            reference: "profile".into(),
            kind,
            ratio: 1.25,
            fields: vec!["amount".into()],
        })
    };
    WINDOWS.into_iter().flat_map(in_window).collect()
}

fn outliers() -> Vec<OutlierWindow> {
    let of_window = |window: &&str| OutlierWindow {
        window: (*window).into(),
        rows: 1_000,
        outliers: 60,
        ratio: 0.06,
        reference_ratio: 0.0098,
        threshold: Some(0.04),
        is_raised: true,
        features: vec![("age".into(), 40), (AWKWARD.into(), 20)],
    };
    WINDOWS.iter().map(of_window).collect()
}

fn drifted_fields() -> Vec<DriftedFields> {
    let in_window = |window: &str| DriftedFields {
        window: window.into(),
        reference: "profile".into(),
        drifted: 2,
        judged: 4,
    };
    WINDOWS.map(in_window).to_vec()
}

/// Everything that can be on a page.
pub fn everything() -> Snapshot {
    let amount = field("amount", Some(Kind::Numeric), 4, &["profile"]);
    let mut airport = field(
        AWKWARD,
        Some(Kind::Categorical),
        5,
        &["profile", "version:1"],
    );
    airport.detail = Detail::Full;
    let mut device = field("device", Some(Kind::HighCardinality), 64, &["profile"]);
    device.fleet = false;
    let mut hour = field("hour", Some(Kind::Integer), 3, &["profile"]);
    hour.detail = Detail::Full;
    hour.fleet = false;
    hour.windows[0].state = State::TooFewRows;
    hour.windows[0].drift[0].ratio = None;
    hour.windows[1].drift[0].psi = f64::NAN;
    hour.windows[1].mean = Some(f64::INFINITY);
    let mut lean = field("lean", Some(Kind::Boolean), 3, &["profile"]);
    lean.detail = Detail::Lean;
    let flag = field("flag", Some(Kind::Boolean), 2, &["profile"]);
    let unknown = field("mystery", None, 0, &[]);
    let mut hidden = field("hidden", Some(Kind::Numeric), 3, &["profile"]);
    hidden.detail = Detail::Hidden;
    let mut ignored = field("ignored", Some(Kind::Numeric), 3, &["profile"]);
    ignored.role = Role::Id;
    let mut class = field("class", Some(Kind::Categorical), 4, &["profile"]);
    class.role = Role::Prediction;
    let reference = class.reference.as_mut().unwrap();
    reference.learned = true;
    reference.profile = "feedf00d".into();
    let mut fraud = model(
        "fraud",
        "2",
        vec![
            amount, airport, device, hour, lean, flag, unknown, hidden, ignored, class,
        ],
    );
    fraud.references.push(ReferenceSnapshot {
        warnings: Arc::default(),
        profile: "feedf00d".into(),
        source: "learned",
        created_at: None,
        document: Arc::default(),
    });

    let mut price = field("price", None, 0, &[]);
    for window in &mut price.windows {
        window.state = State::Learning;
    }
    let mut young = model(AWKWARD, "default", vec![price]);
    young.duration = None;
    young.last_row_at = None;
    young.references.clear();
    young.learning = Some(LearningProgress {
        rows: 1_200,
        wanted: 5_000,
    });
    for window in &mut young.windows {
        window.latency = None;
        window.error_ratio = None;
    }

    Snapshot {
        models: vec![fraud, young],
        evaluated_at: 1_700_000_005.5,
        evaluation_seconds: 0.0125,
        dropped_series: DroppedSeries {
            fleet: 51,
            detail: 29,
            features: 15,
        },
        panics: 0,
    }
}

/// What the sidecar knows of itself, made up.
pub fn sidecar(snapshot: &Snapshot) -> Sidecar {
    Sidecar {
        version: "1.2.3".into(),
        revision: "abc1234".into(),
        sources: vec![
            SourceCounts {
                source: "push",
                received: 100,
                accepted: 60,
                duplicate: 10,
                shed: vec![("queue_rows", 20), ("queue_bytes", 0)],
                rejected: vec![("too_many_rows", 10), ("model_limit", 0)],
                undecodable: vec![("malformed", 1)],
                client_dropped: 5,
                missing_requests: 2,
                calls: None,
            },
            SourceCounts {
                source: "forward",
                received: 7,
                accepted: 7,
                undecodable: vec![("protobuf", 1)],
                calls: Some(CallsSeen {
                    seen: 15,
                    decoded: 5,
                    shed: vec![("too_large", 2), ("budget", 0)],
                    unsampled: 6,
                    in_flight: 3,
                    unusable: vec![("shared_memory", 4)],
                }),
                ..SourceCounts::default()
            },
        ],
        unpaired_events: vec![("request", 1), ("response", 2)],
        observer_bytes: Some((1_024, 64 << 20)),
        queue_rows: 12,
        queue_bytes: 4_096,
        queue_capacity_bytes: 8 << 20,
        series_limit: 20_000,
        config_hash: "d00d".into(),
        config_last_reload_success_timestamp_seconds: Some(1_699_999_000.0),
        snapshots: Some(KeptWindows {
            last_success_timestamp_seconds: Some(1_699_999_990.0),
            failures: 3,
            ignored: [
                "unreadable",
                "damaged",
                "format",
                "future",
                "settings",
                "profile",
            ]
            .map(|reason| (reason, u64::from(reason == "profile")))
            .into(),
        }),
        evaluation_interval_seconds: Some(5.0),
        now: Some(1_700_000_008.0),
        ..Sidecar::of(snapshot)
    }
}

/// Settings, one of each sort.
pub fn settings() -> Vec<Setting> {
    let setting = |key: &str, value: &str, place: Option<&str>| Setting {
        key: key.into(),
        value: value.into(),
        place: place.map(Into::into),
        after_restart: None,
        about: "What it <means>.".into(),
    };
    vec![
        setting("web.max_series", "20000", None),
        setting("web.token", "<hidden>", Some("DRIFTGAUGE_WEB_TOKEN")),
        Setting {
            after_restart: Some("json".into()),
            ..setting("log.format", "logfmt", Some("driftgauge.yml:7"))
        },
        Setting {
            about: String::new(),
            ..setting(&format!("models.{AWKWARD}.sample_rate"), "0.5", Some("--x"))
        },
    ]
}

/// A process, made up.
pub fn process() -> Process {
    Process {
        cpu_seconds: Some(1.25),
        resident_bytes: Some(20 << 20),
        virtual_bytes: Some(1 << 30),
        open_fds: Some(17),
        max_fds: Some(1_024),
        start_time_seconds: Some(1_699_990_000.0),
        threads: Some(5),
    }
}
