//! Sums of rows by groups of one size: what the analyses of variance over time are made from.

/// Sums of time-ordered rows by the groups of one size, such as hours.
///
/// A component j is a cell (what is summed over rows is 1 or 0), a product of two features, or a
/// Fourier feature. s_cj is its sum over the n_c rows of group c. Groups without rows do not count.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    /// Σ_c s_cj² / n_c over the groups, of each component.
    pub squares: &'a [f64],
    /// T_j, the sums over all rows.
    pub totals: &'a [f64],
    /// w_j, what the squares of a component are divided by: of cells the share q_j, of products the
    /// variance, of Fourier features 1. A component without weight is left out.
    pub weights: &'a [f64],
    /// N, all rows.
    pub rows: f64,
    /// C, groups with rows.
    pub groups: u64,
    /// Σ_c n_c² over the groups.
    pub rows_squared: f64,
}

impl Groups<'_> {
    /// W = Σ_j (Σ_c s_cj²/n_c − T_j²/N) / w_j, the weighted squares between the groups.
    pub(super) fn squares_between(&self) -> f64 {
        let components = self.squares.iter().zip(self.totals).zip(self.weights);
        components
            .filter(|&(_, &weight)| weight > 0.0)
            .map(|((squares, total), weight)| (squares - total * total / self.rows) / weight)
            .sum()
    }

    /// N' = N − Σ n_c²/N, the rows that a variance between the groups is multiplied by in W.
    pub(super) fn rows_between(&self) -> f64 {
        self.rows - self.rows_squared / self.rows
    }
}
