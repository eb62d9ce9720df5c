//! Three real columns, cut at fixed edges: our statistics are those of numpy and scipy.
//!
//! Counts and expected values were printed by (numpy 2.4.6, scipy 1.17.1, pandas 3.1.1):
//!
//! ```python
//! import numpy as np, pandas as pd
//! from scipy.spatial.distance import jensenshannon
//! def show(r, c):
//!     r, c = np.array(r, float), np.array(c, float)
//!     q, p, half = r/r.sum(), c/c.sum(), len(r)/2
//!     qs, ps = (r+.5)/(r.sum()+half), (c+.5)/(c.sum()+half)
//!     psi = np.where(r+c > 0, (ps-qs)*np.log(ps/qs), 0).sum()
//!     print(r.astype(int).tolist(), c.astype(int).tolist(), float(psi), float(jensenshannon(q, p, base=2)),
//!           float(np.sqrt(((np.sqrt(p)-np.sqrt(q))**2).sum()/2)), float(abs(np.cumsum(p-q)).max()))
//! a, b = (pd.read_csv(f"tests/data/car-loan/{s}.csv.gz") for s in ("reference", "analysis"))
//! cut = lambda x, edges: np.bincount(np.searchsorted(edges, x), minlength=len(edges)+1)
//! e = [5e3, 1e4, 1.25e4, 1.5e4, 2e4, 3e4, 4.5e4, 6e4, 8e4, 1.2e5]
//! show(cut(a.car_value, e), cut(b.car_value, e))
//! show(*(x.salary_range.value_counts().sort_index() for x in (a, b)))
//! e = np.arange(5.5, 23)
//! show(cut(a.loan_length[:1000], e), cut(b.loan_length[-700:], e))
//! ```

use std::fs::File;

use driftgauge::statistic::{
    Sums, hellinger, jensen_shannon, kolmogorov_smirnov, l1, linf, mean_shift, moved_most,
    normal_tail_quantile, psi, wasserstein,
};
use flate2::read::GzDecoder;

struct Expected {
    psi: f64,
    js: f64,
    hellinger: f64,
    ks: f64,
}

#[track_caller]
fn assert_agrees(reference: &[u64], window: &[u64], expected: &Expected) {
    let close = |name: &str, ours: Option<f64>, theirs: f64| {
        let ours = ours.expect("both sides have rows");
        assert!((ours - theirs).abs() < 1e-13, "{name}: {ours} != {theirs}");
    };
    close("psi", psi(reference, window), expected.psi);
    close("js", jensen_shannon(reference, window), expected.js);
    close(
        "hellinger",
        hellinger(reference, window),
        expected.hellinger,
    );
    close("ks", kolmogorov_smirnov(reference, window), expected.ks);
}

#[test]
fn a_numeric_column() {
    assert_agrees(
        &[0, 0, 7328, 6363, 8820, 10119, 7726, 4481, 3286, 1877, 0],
        &[0, 0, 3627, 3348, 5482, 9468, 10805, 7457, 6138, 3675, 0],
        &Expected {
            psi: 0.23411239338096104,
            js: 0.20398525222948527,
            hellinger: 0.17045221820041978,
            ks: 0.21409999999999998,
        },
    );
}

#[test]
fn a_categorical_column() {
    assert_agrees(
        &[19918, 15047, 9977, 5058],
        &[21015, 15765, 10516, 2704],
        &Expected {
            psi: 0.03189075457491097,
            js: 0.07527810011290707,
            hellinger: 0.06290615661997645,
            ks: 0.047080000000000066,
        },
    );
}

#[test]
fn an_integer_column_of_few_rows_with_cells_empty_on_both_sides() {
    assert_agrees(
        &[
            0, 138, 55, 32, 23, 24, 32, 36, 44, 41, 51, 43, 74, 84, 96, 123, 101, 3, 0,
        ],
        &[
            0, 24, 53, 30, 20, 20, 20, 13, 18, 25, 26, 17, 30, 46, 77, 101, 167, 13, 0,
        ],
        &Expected {
            psi: 0.35760930742232927,
            js: 0.2508525883907605,
            hellinger: 0.2114465342615532,
            ks: 0.18842857142857145,
        },
    );
}

/// The numbers of a column of `tests/data/car-loan`.
fn car_loan(file: &str, column: &str) -> Vec<f64> {
    let path = format!(
        "{}/tests/data/car-loan/{file}.csv.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut reader = csv::Reader::from_reader(GzDecoder::new(File::open(path).unwrap()));
    let at = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == column);
    let rows = reader
        .records()
        .map(|row| row.unwrap()[at.unwrap()].parse().unwrap());
    rows.collect()
}

/// Both sides cut at the same edges, with the sums that a window keeps.
struct Cut {
    rows: [Vec<u64>; 2],
    means: [Vec<f64>; 2],
    moments: [(f64, f64); 2],
}

impl Cut {
    fn new(sides: [&[f64]; 2], edges: &[f64]) -> Self {
        let cells = edges.len() + 1;
        let mut cut = Self {
            rows: [vec![0; cells], vec![0; cells]],
            means: [vec![0.0; cells], vec![0.0; cells]],
            moments: [(0.0, 0.0); 2],
        };
        for (side, values) in sides.into_iter().enumerate() {
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            cut.moments[side] = (mean, (squares / count).sqrt());
            for value in values {
                let cell = edges.partition_point(|edge| edge < value);
                cut.rows[side][cell] += 1;
                cut.means[side][cell] += value;
            }
            for (mean, &rows) in cut.means[side].iter_mut().zip(&cut.rows[side]) {
                *mean /= rows as f64; // NaN where there are none: it must not be looked at
            }
        }
        cut
    }

    fn sums(&self) -> Sums<'_> {
        Sums {
            reference: &self.rows[0],
            window: &self.rows[1],
            reference_means: &self.means[0],
            window_means: &self.means[1],
            reference_moments: Some(self.moments[0]),
            window_moments: Some(self.moments[1]),
        }
    }
}

/// L1, L∞ and its cell, mean shift, W1 between the means of the cells, W1 between the values.
type Values = (f64, f64, usize, f64, f64, f64);

/// ```python
/// from scipy.stats import wasserstein_distance
/// def show(x, y, e):
///     cut, B, s = lambda v: np.searchsorted(e, v), len(e) + 1, x.std()
///     r, c = (np.bincount(cut(v), minlength=B).astype(float) for v in (x, y))
///     mean = lambda v, n: np.bincount(cut(v), weights=v, minlength=B) / np.where(n > 0, n, 1)
///     d = abs(c/c.sum() - r/r.sum())
///     print(d.sum(), d.max(), d.argmax(), (y.mean() - x.mean()) / s,
///           wasserstein_distance(mean(x, r), mean(y, c), r, c) / s, wasserstein_distance(x, y) / s)
/// x, y = (v.debt_to_income_ratio.to_numpy() for v in (a, b))
/// show(x, y, [.4, .5, .55, .6, .65, .7, .75, .8, .9])  # and the other two as above
/// ```
#[test]
fn distances_between_values_are_those_of_scipy() {
    let car_edges = [5e3, 1e4, 1.25e4, 1.5e4, 2e4, 3e4, 4.5e4, 6e4, 8e4, 1.2e5];
    let debt_edges = [0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9];
    let loan_edges: Vec<f64> = (5..23).map(|edge| f64::from(edge) + 0.5).collect();
    let all = |column| [car_loan("reference", column), car_loan("analysis", column)];
    let [reference, analysis] = all("loan_length");
    let few = [
        reference[..1_000].to_vec(),
        analysis[analysis.len() - 700..].to_vec(),
    ];
    let truth: [(_, &[f64], Values); 3] = [
        (
            all("car_value"),
            &car_edges,
            (
                0.42819999999999997,
                0.07402,
                2,
                0.4730489670810034,
                0.47305859300723246,
                0.47304902198986565,
            ),
        ),
        (
            all("debt_to_income_ratio"),
            &debt_edges,
            (
                0.011520000000000044,
                0.0047800000000000065,
                5,
                0.0036320226784515497,
                0.0068533182989063204,
                0.005201314365328998,
            ),
        ),
        (
            few,
            &loan_edges,
            (
                0.4602857142857143,
                0.13757142857142857,
                16,
                0.32193948284307156,
                0.3219394828430716,
                0.32193948284307167,
            ),
        ),
    ];
    for ([reference, window], edges, (one, most, cell, shift, carried, exact)) in truth {
        let cut = Cut::new([&reference, &window], edges);
        let sums = cut.sums();
        let close = |name: &str, ours: Option<f64>, theirs: f64| {
            let ours = ours.expect("both sides have rows");
            assert!((ours - theirs).abs() < 1e-12, "{name}: {ours} != {theirs}");
        };
        close("l1", l1(sums.reference, sums.window), one);
        close("linf", linf(sums.reference, sums.window), most);
        assert_eq!(moved_most(sums.reference, sums.window).unwrap().0, cell);
        close("mean shift", mean_shift(&sums), shift);
        close("wasserstein", wasserstein(&sums), carried);
        // These wide cells were not made from the data, and the second column has hardly moved.
        assert!((carried - exact).abs() < 0.002, "{carried} of {exact}");
    }
}

/// `x` is `norm.ppf(u)`, `np.exp(norm.ppf(u))` or `-np.log1p(-u)` with `u = (np.arange(20000) + .5) /
/// 20000`; `y` is `x + .1*s`, `x + .3*s`, `x + s`, `(x - x.mean())*1.3 + x.mean()`, or `x` with each
/// hundredth value, from the first on, at `x.mean() + 8*s`; `wasserstein_distance(x, y) / s`, s =
/// `x.std()`.
#[test]
fn carrying_cells_is_within_a_twentieth_of_carrying_values() {
    const ROWS: usize = 20_000;
    let shares = || (0..ROWS).map(|row| (row as f64 + 0.5) / ROWS as f64);
    let normal: Vec<f64> = shares().map(|u| normal_tail_quantile(1.0 - u)).collect();
    let lognormal = normal.iter().map(|x| x.exp()).collect();
    let exponential = shares().map(|u| -(-u).ln_1p()).collect();
    let masses = [vec![0.05; 20], {
        let ends = [0.001, 0.004, 0.045];
        let middle = [0.05; 18];
        [&ends[..], &middle, &[0.045, 0.004, 0.001]].concat()
    }];
    for (name, reference, exact) in [
        (
            "normal",
            normal,
            [0.1, 0.3, 1.0, 0.23937102302808166, 0.08020140170181725],
        ),
        (
            "lognormal",
            lognormal,
            [0.1, 0.3, 1.0, 0.17618775253761226, 0.08027681680040545],
        ),
        (
            "exponential",
            exponential,
            [0.1, 0.3, 1.0, 0.22076351391519233, 0.08017681584975797],
        ),
    ] as [(&str, Vec<f64>, [f64; 5]); 3]
    {
        let (mean, stddev) = Cut::new([&reference, &reference], &[]).moments[0];
        let moved = |change: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
            reference
                .iter()
                .enumerate()
                .map(|(row, &x)| change(row, x))
                .collect()
        };
        let windows = [
            moved(&|_, x| x + 0.1 * stddev),
            moved(&|_, x| x + 0.3 * stddev),
            moved(&|_, x| x + stddev),
            moved(&|_, x| (x - mean) * 1.3 + mean),
            moved(&|row, x| {
                if row % 100 == 0 {
                    mean + 8.0 * stddev
                } else {
                    x
                }
            }),
        ];
        for masses in &masses {
            let mut below = 0.0;
            let mut edges = Vec::new();
            for mass in &masses[..masses.len() - 1] {
                below += mass;
                let last = (below * ROWS as f64).round() as usize;
                edges.push((reference[last - 1] + reference[last]) / 2.0);
            }
            for (window, exact) in windows.iter().zip(exact) {
                let cut = Cut::new([&reference, window], &edges);
                let ours = wasserstein(&cut.sums()).unwrap();
                println!("{name}, {} cells: {ours:.5} of {exact:.5}", masses.len());
                assert!(
                    (ours / exact - 1.0).abs() < 0.05,
                    "{name}: {ours} of {exact}"
                );
            }
        }
    }
}
