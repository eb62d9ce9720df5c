//! On the bins of NannyML 0.13.1 our distances are NannyML's, chunk by chunk, from the raw rows on
//! (`tests/data/car-loan/README.md`).

use std::collections::HashMap;
use std::fs::File;

use driftgauge::statistic::{hellinger, jensen_shannon, kolmogorov_smirnov};
use flate2::read::GzDecoder;
use serde_json::Value;

const CONTINUOUS: [&str; 4] = [
    "car_value",
    "debt_to_income_ratio",
    "y_pred_proba",
    "loan_length",
];
const CATEGORICAL: [&str; 4] = [
    "salary_range",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
    "y_pred",
];
/// The expected values have twelve digits.
const TOLERANCE: f64 = 1e-9;

fn path(file: &str) -> String {
    format!("{}/tests/data/car-loan/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// The texts of every column, by name.
fn columns(file: &str) -> HashMap<String, Vec<String>> {
    let rows = GzDecoder::new(File::open(path(file)).unwrap());
    let mut reader = csv::Reader::from_reader(rows);
    let names = reader.headers().unwrap().clone();
    let mut columns = vec![Vec::new(); names.len()];
    for row in reader.records() {
        for (column, text) in columns.iter_mut().zip(&row.unwrap()) {
            column.push(text.to_owned());
        }
    }
    names.iter().map(str::to_owned).zip(columns).collect()
}

/// Where NannyML puts a value.
enum Bins {
    /// Left-closed intervals, the last one closed, and one more for all that is outside.
    Edges(Vec<f64>),
    Categories(Vec<String>),
}

impl Bins {
    fn count(&self, texts: &[String]) -> Vec<u64> {
        let mut counts = vec![0; self.len()];
        for text in texts {
            counts[self.locate(text)] += 1;
        }
        counts
    }

    /// Counts with open ends: what is outside falls into the nearest interval, so all are in order.
    fn count_open(&self, texts: &[String]) -> Vec<u64> {
        let Self::Edges(edges) = self else {
            panic!("categories have no order");
        };
        let inner = &edges[1..edges.len() - 1];
        let mut counts = vec![0; inner.len() + 1];
        for text in texts {
            let value: f64 = text.parse().unwrap();
            counts[inner.partition_point(|&edge| edge <= value)] += 1;
        }
        counts
    }

    fn len(&self) -> usize {
        match self {
            Self::Edges(edges) => edges.len(),
            Self::Categories(categories) => categories.len(),
        }
    }

    fn locate(&self, text: &str) -> usize {
        match self {
            Self::Edges(edges) => {
                let value: f64 = text.parse().unwrap();
                let inner = edges.len() - 1;
                if value < edges[0] || value > edges[inner] {
                    return inner;
                }
                edges[..inner].partition_point(|&edge| edge <= value) - 1
            }
            Self::Categories(categories) => {
                categories.iter().position(|name| name == text).unwrap()
            }
        }
    }
}

struct Truth {
    bins: HashMap<String, (Bins, Vec<u64>)>,
    rows: HashMap<&'static str, HashMap<String, Vec<String>>>,
    values: Vec<ChunkValue>,
}

/// One line of `univariate.csv`.
#[derive(Debug)]
struct ChunkValue {
    column: String,
    method: String,
    period: String,
    start: usize,
    end: usize,
    value: f64,
}

impl Truth {
    fn read() -> Self {
        let file = File::open(path("reference_bins.json")).unwrap();
        let document: Value = serde_json::from_reader(file).unwrap();
        let mut bins = HashMap::new();
        for column in CONTINUOUS {
            let of_column = &document["bins"][column];
            let edges = serde_json::from_value(of_column["doane_edges"].clone()).unwrap();
            let mut counts: Vec<u64> =
                serde_json::from_value(of_column["ref_counts"].clone()).unwrap();
            counts.push(0);
            bins.insert(column.to_owned(), (Bins::Edges(edges), counts));
        }
        for column in CATEGORICAL {
            let of_column = &document["bins"][column]["ref_counts"];
            let counts = of_column.as_object().unwrap();
            let (names, counts) = counts
                .iter()
                .map(|(name, count)| (name.clone(), count.as_u64().unwrap()))
                .unzip();
            bins.insert(column.to_owned(), (Bins::Categories(names), counts));
        }
        let mut lines = csv::Reader::from_path(path("univariate.csv")).unwrap();
        let values = lines
            .records()
            .map(|line| {
                let line = line.unwrap();
                ChunkValue {
                    column: line[0].into(),
                    method: line[2].into(),
                    period: line[3].into(),
                    start: line[4].parse().unwrap(),
                    end: line[5].parse().unwrap(),
                    value: line[6].parse().unwrap(),
                }
            })
            .filter(|line| bins.contains_key(&line.column))
            .collect();
        let rows = HashMap::from([
            ("reference", columns("reference.csv.gz")),
            ("analysis", columns("analysis.csv.gz")),
        ]);
        Self { bins, rows, values }
    }

    /// The values that NannyML's column for `method` has.
    fn of_method(&self, method: &str) -> impl Iterator<Item = &ChunkValue> {
        self.values.iter().filter(move |line| line.method == method)
    }

    fn chunk(&self, line: &ChunkValue) -> &[String] {
        &self.rows[line.period.as_str()][&line.column][line.start..=line.end]
    }
}

#[test]
fn our_counts_of_the_reference_are_theirs() {
    let truth = Truth::read();
    for (column, (bins, counts)) in &truth.bins {
        let ours = bins.count(&truth.rows["reference"][column]);
        assert_eq!(&ours, counts, "{column}");
    }
}

#[test]
fn jensen_shannon_and_hellinger_are_theirs_on_every_chunk() {
    let truth = Truth::read();
    type OfCounts = fn(&[u64], &[u64]) -> Option<f64>;
    let methods: [(&str, OfCounts); 2] =
        [("jensen_shannon", jensen_shannon), ("hellinger", hellinger)];
    for (method, distance) in methods {
        let mut checked = 0;
        for theirs in truth.of_method(method) {
            let (bins, reference) = &truth.bins[&theirs.column];
            let window = bins.count(truth.chunk(theirs));
            let ours = distance(reference, &window).unwrap();
            assert!(
                (ours - theirs.value).abs() < TOLERANCE,
                "{ours}: {theirs:?}"
            );
            checked += 1;
        }
        assert_eq!(checked, 8 * 20, "eight columns of twenty chunks");
    }
}

#[test]
fn kolmogorov_smirnov_is_below_the_exact_one_by_no_more_than_a_cell() {
    let truth = Truth::read();
    let mut checked = 0;
    for exact in truth.of_method("scipy_ks") {
        let (bins, _) = &truth.bins[&exact.column];
        let reference = bins.count_open(&truth.rows["reference"][&exact.column]);
        let window = bins.count_open(truth.chunk(exact));
        let ours = kolmogorov_smirnov(&reference, &window).unwrap();
        let (m, n) = (50_000.0, 5_000.0);
        let shared = |(&r, &c): (&u64, &u64)| (r as f64 / m).min(c as f64 / n);
        let bound = reference
            .iter()
            .zip(&window)
            .map(shared)
            .fold(0.0, f64::max);
        let lost = exact.value - ours;
        assert!(
            (-TOLERANCE..=bound).contains(&lost),
            "{ours}, bound {bound}: {exact:?}"
        );
        checked += 1;
    }
    assert_eq!(checked, 4 * 20, "four columns of twenty chunks");
}
