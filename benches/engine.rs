//! Nanoseconds per value through the engine, against yardsticks of the same run.
//!
//! ```text
//! cargo bench --bench engine
//! ```
//!
//! Fields: 50 of f64 with 24 cells each, three windows. Each figure is the fastest of many runs, so
//! that a busy machine disturbs it least; what counts are the ratios. Yardsticks over the same
//! values: their plain sum (what memory allows), and the least that any drift monitor does, one
//! binary search and one counter a value.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use driftgauge::batch::{
    Batch, Calls, Column, Field, Presence, Role, Schema, Times, ValueType, Values,
};
use driftgauge::engine::{Config, Engine, ModelConfig};
use driftgauge::profile::{
    Cells, FeatureProfile, Kind, Missing, Moments, NumericCells, Profile, Provenance,
    ReferenceCells,
};

const FIELDS: usize = 50;
const CELLS: usize = 24;
const RUNS: usize = 200;

fn main() {
    let edges: Vec<f64> = (1..CELLS).map(|i| i as f64 / CELLS as f64).collect();
    println!("{FIELDS} fields, {CELLS} cells, three windows; fastest of {RUNS} runs, ns a value");
    for rows in [1_000, 32, 1] {
        let data = uniform(rows * FIELDS);
        let batches = (1_000 / rows).max(1);
        let values = (rows * FIELDS * batches) as f64;
        let sum = fastest(|| {
            for _ in 0..batches {
                black_box(black_box(&data).iter().sum::<f64>());
            }
        }) / values;
        let mut counts = [[0u64; CELLS]; FIELDS];
        let search = fastest(|| {
            for _ in 0..batches {
                for (at, value) in black_box(&data).iter().enumerate() {
                    counts[at % FIELDS][edges.partition_point(|edge| edge < value)] += 1;
                }
            }
        }) / values;
        println!("rows {rows:5}   sum {sum:6.3}   search and count {search:6.3}");
        for (name, batch) in [
            ("f64 block, row-major", block(&data, rows)),
            ("f64 columns", columns(&data, rows)),
        ] {
            let mut engine = Engine::new(Arc::new(config(&edges)));
            let mut now = 1_700_000_000_000_000;
            let ours = fastest(|| {
                for _ in 0..batches {
                    engine.apply(black_box(&batch), now);
                }
                now += 1;
            }) / values;
            println!(
                "             {name:22} {ours:7.3}   = {:6.1} × sum   = {:5.2} × search and count",
                ours / sum,
                ours / search
            );
        }
    }
}

fn fastest(mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let begun = Instant::now();
        run();
        best = best.min(begun.elapsed().as_nanos() as f64);
    }
    best
}

/// Uniform values in [0, 1) from a fixed seed.
fn uniform(count: usize) -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn schema() -> Arc<Schema> {
    let field = |at| Field {
        name: format!("f{at}").into(),
        role: Role::Feature,
        value_type: ValueType::Float64,
        width: 1,
    };
    Arc::new(Schema::new((0..FIELDS).map(field).collect()))
}

fn batch(rows: usize, columns: Vec<Option<Column>>) -> Batch {
    Batch {
        model: "m".into(),
        version: "1".into(),
        schema: schema(),
        rows,
        columns,
        calls: Calls::default(),
        times: Times::Arrival,
        weight: 1.0,
        bytes: rows * FIELDS * 8,
    }
}

fn block(data: &[f64], rows: usize) -> Batch {
    let bytes: Bytes = data.iter().flat_map(|v| v.to_le_bytes()).collect();
    let column = |at| {
        Some(Column::full(Values::Fixed {
            data: bytes.clone(),
            value_type: ValueType::Float64,
            offset: at * 8,
            stride: FIELDS * 8,
            width: 1,
        }))
    };
    batch(rows, (0..FIELDS).map(column).collect())
}

fn columns(data: &[f64], rows: usize) -> Batch {
    let column = |at: usize| {
        Some(Column {
            values: Values::Numbers(data[at * rows..(at + 1) * rows].to_vec()),
            presence: Presence::All,
        })
    };
    batch(rows, (0..FIELDS).map(column).collect())
}

fn config(edges: &[f64]) -> Config {
    let feature = |at| FeatureProfile {
        name: format!("f{at}"),
        role: Role::Feature,
        kind: Kind::Numeric,
        missing: Missing::default(),
        cells: Some(ReferenceCells {
            cells: Cells::Numeric(NumericCells::new(edges.to_vec()).expect("rising edges")),
            rows: vec![1_000; CELLS],
            means: vec![0.5; CELLS],
        }),
        moments: Some(Moments {
            mean: 0.5,
            stddev: 0.29,
            min: 0.0,
            max: 1.0,
        }),
        distinct: 24_000,
        design_effect: 1.0,
    };
    let profile = Profile {
        model: None,
        rows: 24_000,
        features: (0..FIELDS).map(feature).collect(),
        provenance: Provenance::default(),
    };
    let model = ModelConfig {
        profile: Some(Arc::new(profile)),
        ..ModelConfig::default()
    };
    Config {
        models: [("m".into(), model)].into(),
        ..Config::default()
    }
}
