//! Laws that every statistic keeps, on any counts up to 2⁴⁰ a cell.

use driftgauge::statistic::{
    DISTANCES, Sensitivity, Sums, cell_bounds, excess, is_raised, linf, mean_shift, minimum_rows,
    moved_most, psi, quantile, ratio, threshold, wasserstein, wilson_lower,
};
use proptest::prelude::*;

/// Rounding of a distance near 0: the root of what is lost below it.
const ROUNDING: f64 = 1e-12;

/// Empty cells, single rows, ordinary and huge counts.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(0),
        1 => Just(1),
        3 => 0..100u64,
        3 => 0..100_000u64,
        1 => 0..=1u64 << 40,
    ]
}

/// Reference and window rows of the same cells.
type Cells = Vec<(u64, u64)>;

fn cells() -> impl Strategy<Value = Cells> {
    prop::collection::vec((count(), count()), 1..=64)
}

/// The same cells twice, the second time in another order.
fn reordered() -> impl Strategy<Value = (Cells, Cells)> {
    cells().prop_flat_map(|cells| (Just(cells.clone()), Just(cells).prop_shuffle()))
}

fn sides(cells: &[(u64, u64)]) -> (Vec<u64>, Vec<u64>) {
    cells.iter().copied().unzip()
}

/// Name, value, and the largest value it may have, of PSI and every distance: of the size, where it
/// has a sign. All values of cell i are i, in units of one standard deviation.
fn all(reference: &[u64], window: &[u64]) -> Vec<(&'static str, Option<f64>, f64)> {
    let places: Vec<f64> = (0..reference.len()).map(|cell| cell as f64).collect();
    let moments = |rows: &[u64]| {
        let sum: f64 = rows.iter().zip(&places).map(|(&r, x)| r as f64 * x).sum();
        let all = rows.iter().sum::<u64>() as f64;
        (all > 0.0).then(|| (sum / all, 1.0))
    };
    let sums = Sums {
        reference,
        window,
        reference_means: &places,
        window_means: &places,
        reference_moments: moments(reference),
        window_moments: moments(window),
    };
    let distances = DISTANCES.iter().map(|&(name, _, distance)| {
        let largest = match name {
            "l1" => 2.0,
            "wasserstein" | "mean_shift" => reference.len() as f64,
            _ => 1.0,
        };
        (name, distance(&sums).map(f64::abs), largest)
    });
    std::iter::once(("psi", psi(reference, window), f64::MAX))
        .chain(distances)
        .collect()
}

/// Cells of these rows and widths from 0 on: the counts and the bounds.
fn laid_out(cells: &[(u64, f64)], whole: bool) -> (Vec<u64>, Vec<(f64, f64)>) {
    let ends: Vec<f64> = cells
        .iter()
        .scan(0.0, |end, (_, width)| {
            *end += width;
            Some(*end)
        })
        .collect();
    let (most, edges) = ends.split_last().unwrap();
    let counts = cells.iter().map(|(count, _)| *count).collect();
    (counts, cell_bounds(edges, 0.0, *most, whole))
}

fn is_empty(side: &[u64]) -> bool {
    side.iter().all(|&count| count == 0)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn equal_counts_are_at_zero(counts in prop::collection::vec(count(), 1..=64)) {
        for (name, value, _) in all(&counts, &counts) {
            let expected = (!is_empty(&counts)).then_some(0.0);
            prop_assert_eq!(value, expected, "{}", name);
        }
    }

    #[test]
    fn values_lie_in_their_range_and_only_an_empty_side_has_none(cells in cells()) {
        let (reference, window) = sides(&cells);
        for (name, value, largest) in all(&reference, &window) {
            match value {
                Some(value) => {
                    prop_assert!((0.0..=largest).contains(&value), "{}: {}", name, value);
                    prop_assert!(!is_empty(&reference) && !is_empty(&window), "{}", name);
                }
                None => prop_assert!(is_empty(&reference) || is_empty(&window), "{}", name),
            }
        }
    }

    #[test]
    fn different_shares_are_not_at_zero(cells in cells()) {
        let (reference, window) = sides(&cells);
        let (m, n) = (reference.iter().sum::<u64>(), window.iter().sum::<u64>());
        let apart = cells.iter().any(|&(r, c)| {
            (r as f64 / m as f64 - c as f64 / n as f64).abs() > 1e-6
        });
        prop_assume!(apart && m > 0 && n > 0);
        for (name, value, _) in all(&reference, &window) {
            // The mean may stay where it is.
            prop_assert!(value.unwrap() > 0.0 || name == "mean_shift", "{}", name);
        }
    }

    #[test]
    fn values_are_carried_at_least_as_far_as_their_mean_moves(cells in cells()) {
        let (reference, window) = sides(&cells);
        let all = all(&reference, &window);
        let of = |wanted| all.iter().find(|&&(name, ..)| name == wanted).unwrap().1.unwrap_or(0.0);
        prop_assert!(of("mean_shift") <= of("wasserstein") * (1.0 + ROUNDING) + ROUNDING);
        prop_assert!(2.0 * of("linf") <= of("l1") + ROUNDING);
    }

    #[test]
    fn the_cell_that_moved_most_is_named_with_its_sign(cells in cells()) {
        let (reference, window) = sides(&cells);
        match moved_most(&reference, &window) {
            Some((cell, change)) => {
                let back = moved_most(&window, &reference);
                prop_assert_eq!(back, Some((cell, -change)));
                prop_assert_eq!(linf(&reference, &window), Some(change.abs()));
            }
            None => prop_assert!(linf(&reference, &window).unwrap_or(0.0) == 0.0),
        }
    }

    #[test]
    fn the_sides_may_be_swapped(cells in cells()) {
        let (reference, window) = sides(&cells);
        let swapped = all(&window, &reference);
        for ((name, value, _), (_, other, _)) in all(&reference, &window).into_iter().zip(swapped) {
            let (value, other) = (value.unwrap_or(0.0), other.unwrap_or(0.0));
            prop_assert!((value - other).abs() <= ROUNDING * value.max(1.0), "{}", name);
        }
    }

    #[test]
    fn the_order_of_cells_matters_only_where_they_have_one((cells, others) in reordered()) {
        let (reference, window) = sides(&cells);
        let (other_reference, other_window) = sides(&others);
        let ordered = |name| DISTANCES.iter().any(|&(n, unordered, _)| n == name && !unordered);
        let before = all(&reference, &window);
        let after = all(&other_reference, &other_window);
        for ((name, value, _), (_, other, _)) in before.into_iter().zip(after) {
            if !ordered(name) {
                let (value, other) = (value.unwrap_or(0.0), other.unwrap_or(0.0));
                prop_assert!((value - other).abs() <= ROUNDING * value.max(1.0), "{}", name);
            }
        }
    }

    #[test]
    fn merging_neighbouring_cells_never_increases_a_distance(
        cells in cells(),
        last in (count(), count()),
        at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(cells.len());
        let cells = [cells, vec![last]].concat();
        let (reference, window) = sides(&cells);
        let mut merged = cells.clone();
        let (r, c) = merged.remove(at + 1);
        merged[at].0 += r;
        merged[at].1 += c;
        let (merged_reference, merged_window) = sides(&merged);
        // Two cells that both grew a little together grew more than either.
        for &(name, _, distance) in DISTANCES.iter().filter(|(name, ..)| *name != "linf") {
            let fine = distance(&Sums { reference: &reference, window: &window, ..Sums::default() });
            let coarse = distance(&Sums { reference: &merged_reference, window: &merged_window, ..Sums::default() });
            prop_assert!(coarse.unwrap_or(0.0) <= fine.unwrap_or(0.0) + ROUNDING, "{}", name);
        }
    }

    #[test]
    fn judgements_are_numbers(
        cells in cells(),
        minimum_effect in prop_oneof![Just(0.0), 0.0..1.0f64],
        significance in 0.0..40.0f64,
        design_effect in 1.0..100.0f64,
    ) {
        let sensitivity = Sensitivity { minimum_effect, significance, design_effect };
        let (reference, window) = sides(&cells);
        let (m, n) = (reference.iter().sum::<u64>(), window.iter().sum::<u64>());
        let limit = threshold(cells.len(), n, m, &sensitivity);
        let comparable = cells.len() > 1 && n > 0 && m > 0;
        prop_assert_eq!(limit.is_finite(), comparable);
        prop_assert!(limit > minimum_effect, "{} is not above {}", limit, minimum_effect);
        let drift = psi(&reference, &window).unwrap_or(0.0);
        let beyond_noise = excess(drift, cells.len(), n, m, design_effect);
        prop_assert!((0.0..=drift).contains(&beyond_noise));
        let enough = minimum_rows(cells.len(), design_effect);
        match ratio(drift, cells.len(), n, m, &sensitivity) {
            Some(ratio) => {
                prop_assert!(n >= enough && m >= enough);
                prop_assert!(ratio.is_finite() && ratio >= 0.0);
                prop_assert_eq!(ratio > 1.0, drift > limit);
            }
            None => prop_assert!(n < enough || m < enough),
        }
    }

    #[test]
    fn a_lower_bound_is_a_rate_that_falls_with_significance_and_clustering(
        n in 1..=1u64 << 40,
        share in 0.0..=1.0f64,
        z in 0.0..40.0f64,
        design_effect in 1.0..100.0f64,
    ) {
        let count = (n as f64 * share) as u64;
        let lower = wilson_lower(count, n, design_effect, z);
        prop_assert!((0.0..=count as f64 / n as f64).contains(&lower));
        prop_assert!(wilson_lower(count, n, design_effect, z + 1.0) <= lower);
        prop_assert!(wilson_lower(count, n, design_effect + 1.0, z) <= lower);
        prop_assert!(!is_raised(count, n, lower, design_effect, z));
    }

    #[test]
    fn quantiles_rise_within_the_range(
        cells in prop::collection::vec((count(), 1e-3..1e3f64), 1..=32),
        shares in prop::collection::vec(0.0..=1.0f64, 2..8),
        whole: bool,
    ) {
        let (counts, bounds) = laid_out(&cells, whole);
        let mut shares = shares;
        shares.sort_by(f64::total_cmp);
        let found: Vec<_> = shares.iter().map(|&share| quantile(&counts, &bounds, share)).collect();
        if is_empty(&counts) {
            prop_assert!(found.iter().all(Option::is_none));
        } else {
            let found: Vec<_> = found.into_iter().flatten().collect();
            prop_assert_eq!(found.len(), shares.len());
            prop_assert!(found.is_sorted(), "{:?}", found);
            let (low, high) = (bounds[0].0, bounds[bounds.len() - 1].1);
            prop_assert!(low <= found[0] && found[found.len() - 1] <= high);
        }
    }

    #[test]
    fn below_a_quantile_lies_its_share(
        cells in prop::collection::vec((1..1_000_000u64, 1e-3..1e3f64), 1..=32),
        share in 0.0..=1.0f64,
    ) {
        let (counts, bounds) = laid_out(&cells, false);
        let found = quantile(&counts, &bounds, share).unwrap();
        let below = counts.iter().zip(&bounds).map(|(&count, &(low, high))| {
            count as f64 * ((found - low) / (high - low)).clamp(0.0, 1.0)
        });
        let all = counts.iter().sum::<u64>() as f64;
        prop_assert!((below.sum::<f64>() / all - share).abs() < 1e-9);
    }

    #[test]
    fn quantiles_move_and_stretch_with_their_values(
        cells in prop::collection::vec((count(), 1e-3..1e3f64), 1..=32),
        share in 0.0..=1.0f64,
        by in -1e3..1e3f64,
        times in 1e-2..1e2f64,
    ) {
        let (counts, bounds) = laid_out(&cells, false);
        let moved: Vec<_> = bounds.iter().map(|(l, h)| (times * l + by, times * h + by)).collect();
        let (was, is) = (quantile(&counts, &bounds, share), quantile(&counts, &moved, share));
        match was.zip(is) {
            Some((was, is)) => {
                let wanted = times * was + by;
                prop_assert!((is - wanted).abs() <= 1e-9 * (1.0 + wanted.abs() + by.abs()));
            }
            None => prop_assert!(was.is_none() && is.is_none()),
        }
    }
}

#[test]
fn distances_have_names_of_their_own() {
    let mut names: Vec<&str> = DISTANCES.iter().map(|&(name, ..)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DISTANCES.len());
    let labels = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    assert!(names.iter().all(|name| labels(name)));
}

#[test]
fn disjoint_sides_are_at_the_far_end() {
    let sums = Sums {
        reference: &[7, 0, 0],
        window: &[0, 0, 1_000],
        ..Sums::default()
    };
    for &(name, _, distance) in DISTANCES {
        let farthest = match name {
            "wasserstein" | "mean_shift" => None,
            "l1" => Some(2.0),
            _ => Some(1.0),
        };
        assert_eq!(distance(&sums), farthest, "{name}");
    }
}

#[test]
fn what_needs_values_is_left_out_without_them() {
    let known = Sums {
        reference: &[5, 5],
        window: &[2, 8],
        reference_means: &[0.0, 1.0],
        window_means: &[0.0, 2.0],
        reference_moments: Some((0.5, 0.5)),
        window_moments: Some((1.6, 0.8)),
    };
    assert_eq!(
        mean_shift(&known).map(|shift| (shift * 1e9).round()),
        Some(2.2e9)
    );
    assert_eq!(
        wasserstein(&known).map(|far| (far * 1e9).round()),
        Some(2.2e9)
    );
    let constant = Some((0.5, 0.0));
    for unknown in [
        Sums {
            reference_moments: None,
            ..known
        },
        Sums {
            reference_moments: constant,
            ..known
        },
        Sums {
            window: &[0, 0],
            window_moments: None,
            ..known
        },
    ] {
        assert_eq!((mean_shift(&unknown), wasserstein(&unknown)), (None, None));
    }
    for unknown in [
        Sums {
            window_means: &[],
            ..known
        },
        Sums {
            reference_means: &[],
            ..known
        },
        Sums {
            window_means: &[0.0, f64::INFINITY],
            ..known
        },
    ] {
        assert_eq!(wasserstein(&unknown), None);
    }
    let empty_cell = Sums {
        window: &[0, 10],
        window_means: &[f64::NAN, 2.0],
        ..known
    };
    assert!(wasserstein(&empty_cell).is_some(), "no row, no mean needed");
}

#[test]
#[should_panic(expected = "different cells")]
fn sides_of_different_profiles_are_refused() {
    psi(&[1, 2], &[1, 2, 3]);
}
