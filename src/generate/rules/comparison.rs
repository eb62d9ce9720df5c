//! Drift of one set of cells from another: PSI, what chance brings, threshold and ratio, as
//! [`crate::statistic`] has them.

use super::super::promql::{IN_ALL_WINDOWS, in_window, max_over_pods};
use super::super::series::{CELLS, MINIMUM_EFFECT, MINIMUM_ROWS};
use super::super::{Record, Rule};
use super::reference::{design_effect, significance};
use crate::export::names;

/// The two sides, and the names of what is recorded of them.
pub(super) struct Comparison<'a> {
    pub window: &'a str,
    /// Label value.
    pub reference: &'a str,
    /// c, n, r and m: expressions. The first two have the label `window`; the others may.
    pub cells: String,
    pub rows: String,
    pub reference_cells: String,
    pub reference_rows: String,
    pub noise: &'a str,
    pub tolerated: &'a str,
    pub drift: &'a str,
    pub threshold: &'a str,
    pub ratio: &'a str,
}

impl Comparison<'_> {
    /// What each cell adds to the PSI: (p̃ − q̃) · ln(p̃ / q̃) with half a row in each cell. Nothing where
    /// a side has no rows at all.
    pub fn terms(&self) -> String {
        let Self {
            cells: c, rows: n, ..
        } = self;
        let (r, m) = (&self.reference_cells, &self.reference_rows);
        let share = |cell: &str, rows: &str| {
            format!(
                "({cell} + 0.5) / ignoring (bin, window) group_left () (({rows} > 0) + ignoring (window) 0.5 * {CELLS})"
            )
        };
        let (p, q) = (share(c, n), share(r, m));
        format!(
            "(\n  {p}\n  - ignoring (window)\n  {q}\n)\n* ignoring (window)\nln(\n  {p}\n  / ignoring (window)\n  ({q})\n)\n\
             and ignoring (window) {c} + ignoring (window) {r} > 0"
        )
    }

    /// Drift is given, as it is summed from recorded terms or not.
    pub fn rules(&self, drift: String) -> Vec<Rule> {
        let rules = [
            (self.drift, drift),
            (self.noise, self.noise()),
            (self.tolerated, self.tolerated()),
            (self.threshold, self.threshold()),
            (self.ratio, self.ratio()),
        ];
        rules.map(|(name, expr)| self.record(name, expr)).into()
    }

    /// A rule with the labels of this comparison.
    pub fn record(&self, name: &str, expr: String) -> Rule {
        let labels = [("window", self.window), ("reference", self.reference)];
        Record::rule(name, expr, labels)
    }

    /// A series of this comparison.
    pub fn own(&self, name: &str) -> String {
        let Self {
            window, reference, ..
        } = self;
        format!("{name}{{window=\"{window}\", reference=\"{reference}\"}}")
    }

    /// v = φ(1/n + 1/m)
    fn noise(&self) -> String {
        let (n, m, phi) = (&self.rows, &self.reference_rows, design_effect());
        format!("(1 / ({n} > 0) + ignoring (window) 1 / ({m} > 0)) * ignoring (window) {phi}")
    }

    /// v(k + λ) = kv + δ
    fn tolerated(&self) -> String {
        let (v, delta) = (self.own(self.noise), in_window(MINIMUM_EFFECT, self.window));
        format!("{v} * {IN_ALL_WINDOWS} ({CELLS} - 1) + ignoring (reference) {delta}")
    }

    /// With A = v(k + λ), 2/(9f) = 2v(A + δ) / (9A²). With one degree of freedom the exact square, and at
    /// δ = 0, where both sides of the normal count, its two-sided z.
    fn threshold(&self) -> String {
        let (v, a) = (self.own(self.noise), self.own(self.tolerated));
        let delta = in_window(MINIMUM_EFFECT, self.window);
        let z = significance();
        let two_sided = max_over_pods(&names::REFERENCE_TWO_SIDED_SIGNIFICANCE.series());
        let variance = format!("2 * {v} * ({a} + ignoring (reference) group_left () {delta})");
        format!(
            "{a} * (\n  1\n  - {variance} / (9 * {a} ^ 2)\n  + sqrt({variance}) / (3 * {a}) * {IN_ALL_WINDOWS} {z}\n) ^ 3\n\
             and ignoring (window, reference) {CELLS} > 2\n\
             or\n(\n  sqrt({v}) * {IN_ALL_WINDOWS} {z}\n  + ignoring (reference) group_left () sqrt({delta} > 0)\n) ^ 2\n\
             and ignoring (window, reference) {CELLS} == 2\n\
             or\n{v} * {IN_ALL_WINDOWS} {two_sided} ^ 2\nand ignoring (reference) {delta} == 0"
        )
    }

    fn ratio(&self) -> String {
        let (n, m) = (&self.rows, &self.reference_rows);
        format!(
            "{} / {}\n\
             and ignoring (reference) {n} >= {IN_ALL_WINDOWS} {MINIMUM_ROWS}\n\
             and ignoring (window, reference) {m} >= ignoring (window) {MINIMUM_ROWS}",
            self.own(self.drift),
            self.own(self.threshold),
        )
    }
}
