//! What the benches share: clocks, data, batches, a profile.
#![allow(dead_code)]

pub mod model_server;

#[path = "../../tests/common/mod.rs"]
mod by_hand;

use std::sync::Arc;
use std::time::Instant;

use driftgauge::batch::{
    Batch, Calls, Column, Field, Presence, Role, Schema, Times, ValueType, Values,
};
use driftgauge::engine::Config;
use driftgauge::profile::{
    CategoryCells, Cells, FeatureProfile, Kind, Missing, Moments, NumericCells, Profile,
    ReferenceCells, Variation,
};

/// Cells of a numeric field.
pub const CELLS: usize = 24;

/// Nanoseconds of the fastest of `runs` runs: on a busy machine the one that was disturbed least.
pub fn fastest(runs: usize, mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let begun = Instant::now();
        run();
        best = best.min(begun.elapsed().as_nanos() as f64);
    }
    best
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds that the calling thread has been on a processor. The kernel brings the figure up to
/// date when it switches threads, and each few milliseconds: for spans of a tenth of a second and more.
pub fn thread_nanos() -> f64 {
    schedstat("/proc/thread-self/schedstat")
}

/// The same of all threads of a process, those that have ended excluded.
pub fn process_nanos(process: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    tasks
        .flatten()
        .map(|task| schedstat(task.path().join("schedstat").to_str().unwrap_or_default()))
        .sum()
}

fn schedstat(path: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

/// Uniform numbers in [0, 1) from a fixed seed.
pub fn uniform(count: usize) -> Vec<f64> {
    by_hand::Random(0x9e37_79b9_7f4a_7c15).uniforms(count, 1.0)
}

/// Standard normal numbers (Box–Muller).
pub fn normal(count: usize) -> Vec<f64> {
    let uniform = uniform(2 * count);
    let pairs = uniform.chunks_exact(2);
    pairs
        .map(|pair| (-2.0 * (1.0 - pair[0]).ln()).sqrt() * (std::f64::consts::TAU * pair[1]).cos())
        .collect()
}

/// A runtime on the calling thread alone.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("threads")
}

/// Fields `f0`, `f1`, … of one type.
pub fn schema(fields: usize, value_type: ValueType) -> Arc<Schema> {
    let field = |at| Field {
        name: format!("f{at}").into(),
        role: Role::Feature,
        value_type,
        width: 1,
    };
    Arc::new(Schema::new((0..fields).map(field).collect()))
}

/// A batch of model `m`, version `1`.
pub fn batch(schema: &Arc<Schema>, rows: usize, columns: Vec<Column>) -> Batch {
    Batch {
        model: "m".into(),
        version: "1".into(),
        schema: schema.clone(),
        rows,
        columns: columns.into_iter().map(Some).collect(),
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: rows * schema.fields.len() * 8,
    }
}

/// Rows one after the other, as a client with a matrix sends them.
pub fn block(data: &[f64], rows: usize, value_type: ValueType, presence: &Presence) -> Batch {
    let fields = data.len() / rows;
    let bytes: bytes::Bytes = match value_type {
        ValueType::Float32 => data
            .iter()
            .flat_map(|v| (*v as f32).to_le_bytes())
            .collect(),
        _ => data.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let size = value_type.size();
    let column = |at| Column {
        values: Values::Fixed {
            data: bytes.clone(),
            value_type,
            offset: at * size,
            stride: fields * size,
            width: 1,
        },
        presence: match presence {
            Presence::All => Presence::All,
            Presence::Bits { bits, .. } => Presence::Bits {
                bits: bits.clone(),
                first: at,
                stride: fields,
            },
        },
    };
    let schema = schema(fields, value_type);
    batch(&schema, rows, (0..fields).map(column).collect())
}

/// A profile of these fields, as of 24,000 rows.
pub fn profile(features: Vec<FeatureProfile>) -> Profile {
    Profile {
        rows: 24_000,
        ..by_hand::profile(features)
    }
}

/// Settings with a profile of `features` for model `m`; everything else by default: three windows.
pub fn config(features: Vec<FeatureProfile>) -> Config {
    by_hand::config(profile(features))
}

/// Field `f<at>` of uniform numbers in [0, 1), in [`CELLS`] cells of the same mass.
pub fn numeric(at: usize) -> FeatureProfile {
    let edges = (1..CELLS).map(|i| i as f64 / CELLS as f64).collect();
    FeatureProfile {
        name: format!("f{at}"),
        role: Role::Feature,
        kind: Kind::Numeric,
        missing: Missing::default(),
        cells: Some(ReferenceCells {
            cells: Cells::Numeric(NumericCells::new(edges).expect("rising edges")),
            rows: vec![1_000; CELLS],
            means: (0..CELLS)
                .map(|i| (i as f64 + 0.5) / CELLS as f64)
                .collect(),
        }),
        moments: Some(Moments {
            mean: 0.5,
            stddev: 0.29,
            min: 0.0,
            max: 1.0,
        }),
        distinct: 24_000,
        variation: Variation::default(),
        importance: None,
        derived_from: None,
        embedding: None,
    }
}

/// Field `f<at>` of standard normal numbers: cells as `driftgauge profile` cuts them, at each
/// twentieth and at 0.1, 0.5, 99.5 and 99.9 %.
pub fn gaussian(at: usize) -> FeatureProfile {
    let mut sorted = normal(100_000);
    sorted.sort_by(f64::total_cmp);
    let twentieths = (1..20).map(|i| f64::from(i) / 20.0);
    let mut shares: Vec<f64> = twentieths.chain([0.001, 0.005, 0.995, 0.999]).collect();
    shares.sort_by(f64::total_cmp);
    let edges = shares
        .iter()
        .map(|share| sorted[(share * 1e5) as usize])
        .collect();
    let cells = NumericCells::new(edges).expect("rising edges");
    FeatureProfile {
        cells: Some(ReferenceCells {
            cells: Cells::Numeric(cells),
            rows: vec![1_000; CELLS],
            means: vec![0.0; CELLS],
        }),
        moments: Some(Moments {
            mean: 0.0,
            stddev: 1.0,
            min: sorted[0],
            max: sorted[sorted.len() - 1],
        }),
        ..numeric(at)
    }
}

/// Field `f<at>` of the categories `category 0` … `category <count − 1>`.
pub fn categorical(at: usize, count: usize) -> FeatureProfile {
    let kept = (0..count).map(|i| format!("category {i}")).collect();
    let cells = CategoryCells::new(kept, Vec::new(), false).expect("each once");
    FeatureProfile {
        kind: Kind::Categorical,
        cells: Some(ReferenceCells {
            cells: Cells::Categorical(cells),
            rows: vec![1_000; count + 1],
            means: Vec::new(),
        }),
        moments: None,
        distinct: count as u64,
        ..numeric(at)
    }
}
