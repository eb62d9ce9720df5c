//! Nanoseconds per value through the engine, against yardsticks of the same run.
//!
//! ```text
//! cargo bench --bench engine [-- PART OF A NAME]
//! ```
//!
//! 50 fields of 24 cells each, three windows. Each figure is the fastest of many runs, so that a
//! busy machine disturbs it least; what counts are the ratios. Yardsticks over as many values:
//! their plain sum (what memory allows), the least that any drift monitor does (one binary search
//! and one counter a value), and what the usual sketch costs (KLL). Apart from them, `joint`: what
//! features together cost a row, which does not grow with the fields.

#[path = "measure/mod.rs"]
mod measure;

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use datasketches::kll::{KllFloat, KllSketch};
use driftgauge::batch::{Batch, Column, Presence, ValueType, Values};
use driftgauge::engine::Engine;
use driftgauge::learn::JointLearner;
use driftgauge::profile::FeatureProfile;
use driftgauge::tally::{MOST_JOINT_FEATURES, RowCodes};
use measure::{CELLS, batch, block, config, fastest, normal, schema, uniform};

const FIELDS: usize = 50;
const ROWS: usize = 1_000;
const RUNS: usize = 300;
/// Distinct strings of a categorical field.
const CATEGORIES: usize = 20;

struct Case {
    name: &'static str,
    batch: Batch,
    feature: fn(usize) -> FeatureProfile,
}

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let wanted = wanted.unwrap_or_default();
    let data = uniform(ROWS * FIELDS);
    let (sum, search, kll) = yardsticks(&data);
    println!("{FIELDS} fields, {CELLS} cells, three windows; ns a value, fastest of {RUNS} runs\n");
    println!("{:34} {:>7}", "yardstick: plain sum", format!("{sum:.3}"));
    println!("{:34} {search:7.3}", "yardstick: search and count");
    println!("{:34} {kll:7.3}\n", "yardstick: KLL sketch");
    println!(
        "{:34} {:>7}  {:>8}  {:>8}  {:>8}",
        "", "ns", "× sum", "× search", "× KLL"
    );
    for case in cases(&data)
        .iter()
        .filter(|case| case.name.contains(&wanted))
    {
        let ours = through_the_engine(case);
        println!(
            "{:34} {ours:7.3}  {:8.1}  {:8.2}  {:8.3}",
            case.name,
            ours / sum,
            ours / search,
            ours / kll
        );
    }
    if "joint".contains(&wanted) {
        joint(&data);
    }
}

/// Products of 120 pairs and 128 Fourier features of 16 features: the sums alone, against a row at a
/// time with the sine and cosine of the standard library, and what they add in the engine.
fn joint(data: &[f64]) {
    const FEATURES: usize = MOST_JOINT_FEATURES;
    let fields: Vec<_> = (0..FEATURES).map(measure::numeric).collect();
    let learner = JointLearner::new(&fields, 1).expect("many features");
    let mut codes = RowCodes::default();
    codes.begin(FEATURES, ROWS);
    for (at, field) in fields.iter().enumerate() {
        let cells = field.cells.as_ref().expect("cells");
        let column = Column::full(Values::Numbers(data[at * ROWS..][..ROWS].to_vec()));
        codes.read(at, 0, &column, 0..ROWS, &cells.cells);
    }
    let columns: Vec<_> = (0..FEATURES).map(|at| Some(codes.of(at))).collect();
    let mut sums = learner.scorer().tally();
    let alone = fastest(RUNS, || {
        let columns = black_box(&columns);
        learner.scorer().fold(columns, 0..ROWS, 1, &mut sums);
    });
    black_box(&sums);
    let naive = fastest(RUNS / 10, || {
        black_box(row_by_row(black_box(data), FEATURES));
    });
    let rows = batch(
        &schema(FEATURES, ValueType::Float64),
        ROWS,
        data[..ROWS * FEATURES]
            .chunks(ROWS)
            .map(|values| Column::full(Values::Numbers(values.to_vec())))
            .collect(),
    );
    let through = |features| {
        let mut config = config(fields.clone());
        config.joint.features = features;
        let mut engine = Engine::new(Arc::new(config));
        let mut now = 1_700_000_000_000_000;
        fastest(RUNS, || {
            engine.apply(black_box(&rows), now);
            now += 1;
        })
    };
    let added = through(FEATURES) - through(0);
    let row = |nanos: f64| nanos / ROWS as f64 / 1_000.0;
    println!("\njoint: {FEATURES} features, µs a row, fastest of {RUNS} runs\n");
    println!(
        "{:34} {:7.3}",
        "yardstick: row by row, std sine",
        row(naive)
    );
    println!("{:34} {:7.3}", "joint sums alone", row(alone));
    println!("{:34} {:7.3}", "joint sums added in the engine", row(added));
}

/// The same sums without any care.
fn row_by_row(data: &[f64], features: usize) -> (Vec<f64>, Vec<f64>) {
    let mut products = vec![0.0; features * (features - 1) / 2];
    let mut fourier = vec![0.0; 128];
    for row in data.chunks_exact(features).take(ROWS) {
        let mut product = products.iter_mut();
        for (at, x) in row.iter().enumerate() {
            let pairs = row[at + 1..].iter().zip(&mut product);
            pairs.for_each(|(y, product)| *product += x * y);
        }
        for (frequency, sums) in fourier.chunks_exact_mut(2).enumerate() {
            let weights = &data[frequency * features..][..features];
            let phase: f64 = row.iter().zip(weights).map(|(x, w)| x * w).sum();
            let (sine, cosine) = phase.sin_cos();
            sums[0] += cosine;
            sums[1] += sine;
        }
    }
    (products, fourier)
}

fn yardsticks(data: &[f64]) -> (f64, f64, f64) {
    let values = data.len() as f64;
    let sum = fastest(RUNS, || {
        black_box(black_box(data).iter().sum::<f64>());
    });
    let edges: Vec<f64> = (1..CELLS).map(|i| i as f64 / CELLS as f64).collect();
    let mut counts = [0u64; CELLS];
    let search = fastest(RUNS, || {
        for value in black_box(data) {
            counts[edges.partition_point(|edge| edge < value)] += 1;
        }
    });
    black_box(counts);
    let mut sketch = KllSketch::<KllFloat<f64>>::new(200).expect("a valid size");
    let kll = fastest(RUNS / 10, || {
        for value in black_box(data) {
            sketch.update(KllFloat::<f64>::new(*value).expect("a number"));
        }
    });
    (sum / values, search / values, kll / values)
}

/// As many batches a run as make [`ROWS`] rows.
fn through_the_engine(case: &Case) -> f64 {
    let mut config = config((0..FIELDS).map(case.feature).collect());
    config.joint.features = 0;
    let mut engine = Engine::new(Arc::new(config));
    let batches = (ROWS / case.batch.rows).max(1);
    let mut now = 1_700_000_000_000_000;
    let nanos = fastest(RUNS, || {
        for _ in 0..batches {
            engine.apply(black_box(&case.batch), now);
        }
        now += 1;
    });
    nanos / (case.batch.rows * batches * FIELDS) as f64
}

fn cases(data: &[f64]) -> Vec<Case> {
    let all = Presence::All;
    let f64_block = |rows| block(&data[..rows * FIELDS], rows, ValueType::Float64, &all);
    let mut holes = data.to_vec();
    holes
        .iter_mut()
        .step_by(20)
        .for_each(|value| *value = f64::NAN);
    let nineteen_of_twenty = (0..ROWS * FIELDS / 8).map(|at| if at % 5 < 2 { 0xfe } else { 0xff });
    let bits = Presence::Bits {
        bits: nineteen_of_twenty.collect(),
        first: 0,
        stride: 1,
    };
    let numeric = |name, batch| Case {
        name,
        batch,
        feature: measure::numeric,
    };
    let text = |name, batch| Case {
        name,
        batch,
        feature: |at| measure::categorical(at, CATEGORIES),
    };
    vec![
        numeric("1,000 rows, f64 block", f64_block(ROWS)),
        numeric("1,000 rows, f64 columns", columns(data)),
        numeric("1,000 rows, f64 of files", vectors(data)),
        numeric(
            "1,000 rows, f32 block",
            block(data, ROWS, ValueType::Float32, &all),
        ),
        numeric(
            "1,000 rows, f64 block, 5 % NaN",
            block(&holes, ROWS, ValueType::Float64, &all),
        ),
        numeric(
            "1,000 rows, f64 block, 5 % null",
            block(data, ROWS, ValueType::Float64, &bits),
        ),
        Case {
            name: "1,000 rows, f64 block, normal",
            batch: block(&normal(ROWS * FIELDS), ROWS, ValueType::Float64, &all),
            feature: measure::gaussian,
        },
        numeric("1,000 rows, f64 block, all the same", {
            block(&vec![0.7; ROWS * FIELDS], ROWS, ValueType::Float64, &all)
        }),
        text("1,000 rows, dictionary", dictionary(data)),
        text("1,000 rows, strings", strings(data)),
        numeric("256 rows, f64 block", f64_block(256)),
        numeric("32 rows, f64 block", f64_block(32)),
        numeric("1 row, f64 block", f64_block(1)),
    ]
}

fn columns(data: &[f64]) -> Batch {
    let column = |values: &[f64]| {
        let bytes: Bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Column::full(Values::Fixed {
            data: bytes,
            value_type: ValueType::Float64,
            offset: 0,
            stride: 8,
            width: 1,
        })
    };
    let columns = data.chunks(ROWS).map(column).collect();
    batch(&schema(FIELDS, ValueType::Float64), ROWS, columns)
}

fn vectors(data: &[f64]) -> Batch {
    let columns = data.chunks(ROWS);
    let columns = columns.map(|values| Column::full(Values::Numbers(values.to_vec())));
    batch(&schema(FIELDS, ValueType::Float64), ROWS, columns.collect())
}

fn code(value: f64) -> u32 {
    (value * CATEGORIES as f64) as u32
}

fn dictionary(data: &[f64]) -> Batch {
    let dictionary: Vec<_> = (0..CATEGORIES).map(|i| format!("category {i}")).collect();
    let columns = data.chunks(ROWS).map(|values| {
        Column::full(Values::Dictionary {
            dictionary: dictionary.clone(),
            codes: values.iter().map(|value| code(*value)).collect(),
        })
    });
    batch(&schema(FIELDS, ValueType::Text), ROWS, columns.collect())
}

fn strings(data: &[f64]) -> Batch {
    let columns = data.chunks(ROWS).map(|values| {
        let text = values
            .iter()
            .map(|value| format!("category {}", code(*value)));
        Column::full(Values::Text(text.collect()))
    });
    batch(&schema(FIELDS, ValueType::Text), ROWS, columns.collect())
}
