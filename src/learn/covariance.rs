//! What chance does to a mean of Fourier features: their covariance, over some rows.

use super::joint::FREQUENCIES;

/// Rows that the covariance is measured over, about.
const ROWS: u64 = 2_000;
/// Fewest rows that a covariance can be measured over.
const LEAST_ROWS: u64 = 20;

/// The number to nine decimals, far finer than chance: beyond them it depends on the order of the rows,
/// the machine and its mathematical library, and the same data are to give the same profile.
pub(super) fn rounded(number: f64) -> f64 {
    // Zero has no sign.
    (number * 1e9).round() / 1e9 + 0.0
}

/// Covariance of the Fourier features over evenly spaced rows.
#[derive(Clone, Debug)]
pub(super) struct Covariance {
    /// One of so many rows is looked at.
    step: u64,
    /// Rows to pass before the next one.
    skip: u64,
    rows: u64,
    sums: Vec<f64>,
    /// Σφφᵀ, the lower triangle row by row.
    products: Vec<f64>,
}

impl Covariance {
    /// Nothing yet of about so many rows.
    pub(super) fn new(rows: u64) -> Self {
        let features = 2 * FREQUENCIES;
        Self {
            step: rows.div_ceil(ROWS).max(1),
            skip: 0,
            rows: 0,
            sums: vec![0.0; features],
            products: vec![0.0; features * (features + 1) / 2],
        }
    }

    /// Looks at some of `rows` more rows; `add` adds the Fourier features of one of them.
    pub(super) fn observe(&mut self, rows: u64, mut add: impl FnMut(usize, &mut [f64])) {
        while self.skip < rows {
            let mut phi = [0.0; 2 * FREQUENCIES];
            add(self.skip as usize, &mut phi);
            let mut products = self.products.iter_mut();
            for (at, x) in phi.iter().enumerate() {
                self.sums[at] += x;
                let row = phi[..=at].iter().zip(&mut products);
                row.for_each(|(y, product)| *product += x * y);
            }
            self.rows += 1;
            self.skip += self.step;
        }
        self.skip -= rows;
    }

    /// tr C, tr C² and tr C³, where these are the means of all rows; `None` of fewer than 20 rows, or
    /// if all were alike.
    pub(super) fn traces(&self, means: &[f64]) -> Option<[f64; 3]> {
        if self.rows < LEAST_ROWS {
            return None;
        }
        let trace = rounded(1.0 - means.iter().map(|mean| mean * mean).sum::<f64>());
        let [of_square, of_cube] = self.traces_of_powers().map(rounded);
        let traces = [trace, of_square, of_cube];
        traces.iter().all(|trace| *trace > 0.0).then_some(traces)
    }

    /// Bytes of memory held beside itself.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.products)
    }

    /// tr C² and tr C³, without what chance adds to the powers of a sample covariance: for normal data
    /// the unbiased estimates (G. Letac and H. Massam 2004, *All invariant moments of the Wishart
    /// distribution*).
    fn traces_of_powers(&self) -> [f64; 2] {
        let n = self.rows as f64 - 1.0;
        let size = self.sums.len();
        let mut covariance = vec![0.0; size * size];
        let mut products = self.products.iter();
        for (i, x) in self.sums.iter().enumerate() {
            for (j, (y, product)) in self.sums[..=i].iter().zip(&mut products).enumerate() {
                let value = (product - x * y / self.rows as f64) / n;
                covariance[i * size + j] = value;
                covariance[j * size + i] = value;
            }
        }
        let rows = || covariance.chunks_exact(size);
        let (mut s1, mut s2, mut s3) = (0.0, 0.0, 0.0);
        for (i, x) in rows().enumerate() {
            s1 += x[i];
            for (j, y) in rows().enumerate() {
                let product: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                s2 += if i == j { product } else { 0.0 };
                s3 += product * x[j];
            }
        }
        let of_square = (s2 - s1 * s1 / n) * n * n / ((n - 1.0) * (n + 2.0));
        let of_cube = s3 - 3.0 / n * (1.0 + 1.0 / n) * s1 * of_square - s1.powi(3) / (n * n);
        let of_cube = of_cube / (1.0 + 3.0 / n + 4.0 / (n * n));
        // Whatever chance says: at least as if all directions were alike, at most as if there was one.
        let of_square = of_square.max(s1 * s1 / size as f64).min(s1 * s1);
        let of_cube = of_cube.max(of_square * of_square / s1);
        let of_cube = of_cube.min(of_square.powf(1.5));
        [of_square, of_cube]
    }
}
