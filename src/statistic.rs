//! Pure functions of sums: how far the rows of a window are from those of the reference, and how
//! far they may be by chance.
//!
//! Everything here takes plain numbers and slices, `reference` = r_i and `window` = c_i rows in
//! cell i, and knows no other module, so that the sidecar, the offline comparison and the fleet's
//! PromQL can only ever compute the same thing. B is the number of cells, m = Σr, n = Σc, q = r/m,
//! p = c/n.
//!
//! Drift is [`psi()`]; [`ratio`] judges it. The [`DISTANCES`] show the same change on other scales
//! and never alarm. A function that has nothing to compare, because a side is empty, says so with
//! `None`; none ever gives NaN.
//!
//! To add a distance: a file in `statistic/` and a line in [`DISTANCES`]. Settings, metrics and the
//! law tests read that list.

mod bonferroni;
mod dependence;
mod embedding;
mod groups;
mod hellinger;
mod jensen_shannon;
mod kolmogorov_smirnov;
mod l1;
mod linf;
mod mean_shift;
mod normal;
mod normal_scores;
mod outliers;
mod overdispersion;
mod psi;
mod quadratic;
mod quantile;
mod rate;
mod seasonal_wander;
mod shape;
mod threshold;
mod wander;
mod wasserstein;
mod wilson;
mod z_score;

pub use bonferroni::bonferroni;
pub use dependence::{DEPENDENCE_MARGIN, MeanProducts, dependence};
pub use embedding::embedding_threshold;
pub use groups::Groups;
pub use hellinger::hellinger;
pub use jensen_shannon::jensen_shannon;
pub use kolmogorov_smirnov::kolmogorov_smirnov;
pub use l1::l1;
pub use linf::{linf, moved_most};
pub use mean_shift::mean_shift;
pub use normal::{normal_tail, normal_tail_quantile};
pub use normal_scores::normal_scores;
pub use outliers::{
    OUTLIER_MARGIN, OUTLIER_SHARE, are_outliers_raised, conformal_p, first_outlier_bin,
    outlier_score, outlier_threshold, tail_scores,
};
pub use overdispersion::{Overdispersion, overdispersion};
pub use psi::{psi, psi_terms};
pub use quadratic::quadratic_threshold;
pub use quantile::{cell_bounds, quantile};
pub use rate::{RATE_MARGIN, is_raised};
pub use seasonal_wander::seasonal_wander;
pub use shape::{Shape, Trace, shape};
pub use threshold::{Sensitivity, excess, minimum_rows, ratio, threshold};
pub use wander::{long_wander, wander_of_window};
pub use wasserstein::wasserstein;
pub use wilson::wilson_lower;
pub use z_score::z_score;

/// The sums of both sides of a comparison, all that a distance may see.
///
/// What a side does not know is empty or `None`; distances that need it are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums<'a> {
    /// Reference rows in each cell, r_i.
    pub reference: &'a [u64],
    /// Window rows in each cell, c_i; as many cells.
    pub window: &'a [u64],
    /// Mean of the reference values in each cell.
    pub reference_means: &'a [f64],
    /// Mean of the window values in each cell.
    pub window_means: &'a [f64],
    /// Mean and standard deviation of the reference values.
    pub reference_moments: Option<(f64, f64)>,
    /// Mean and standard deviation of the window values.
    pub window_moments: Option<(f64, f64)>,
}

/// A distance between the two sides; `None` when a side is empty.
pub type Distance = fn(&Sums<'_>) -> Option<f64>;

/// Every distance: its name (the metric label `statistic`), whether it means anything where cells
/// have no order (categories, hashes), and the function.
pub const DISTANCES: &[(&str, bool, Distance)] = &[
    ("js", true, |s| jensen_shannon(s.reference, s.window)),
    ("ks", false, |s| kolmogorov_smirnov(s.reference, s.window)),
    ("hellinger", true, |s| hellinger(s.reference, s.window)),
    ("wasserstein", false, wasserstein),
    ("mean_shift", false, mean_shift),
    ("l1", true, |s| l1(s.reference, s.window)),
    ("linf", true, |s| linf(s.reference, s.window)),
];

/// The names of all [`DISTANCES`].
pub const DISTANCE_NAMES: &[&str] = &{
    let mut names = [""; DISTANCES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = DISTANCES[at].0;
        at += 1;
    }
    names
};

/// Rows of both sides, (m, n), as divisors; `None` when a side is empty.
///
/// # Panics
/// When the sides have different numbers of cells: they were not counted by the same profile, and
/// any number would be a lie.
fn totals(reference: &[u64], window: &[u64]) -> Option<(f64, f64)> {
    assert_eq!(
        reference.len(),
        window.len(),
        "reference and window have different cells"
    );
    let m: u64 = reference.iter().sum();
    let n: u64 = window.iter().sum();
    (m > 0 && n > 0).then_some((m as f64, n as f64))
}
