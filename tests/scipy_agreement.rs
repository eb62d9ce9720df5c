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

use driftgauge::statistic::{hellinger, jensen_shannon, kolmogorov_smirnov, psi};

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
