//! All kinds of columns, made up and real, at each length of window: the tables of DESIGN.md.

use std::path::Path;

use driftgauge::cli::profile::{Args, run};
use driftgauge::profile::Profile;
use driftgauge::statistic::{Sensitivity, minimum_rows, normal_tail_quantile};
use rand::rngs::StdRng;

use super::multinomial::{draw, normalised, numeric_with_tails, zipf};
use super::rates::{STRICT, dice};
use super::reference::{Reference, hashed, ten_categories};

/// A column of the suite.
struct Case {
    name: String,
    /// What each cell truly holds, or each category where the reference chooses the cells.
    truth: Vec<f64>,
    chooses_cells: bool,
}

impl Case {
    fn new(name: &str, truth: Vec<f64>) -> Self {
        Self {
            name: name.into(),
            truth,
            chooses_cells: false,
        }
    }

    fn cells(&self) -> usize {
        if self.chooses_cells {
            self.truth.len().min(52)
        } else {
            self.truth.len()
        }
    }

    fn rarest(&self) -> f64 {
        let masses = self.truth.iter().copied().filter(|&q| q > 0.0);
        masses.fold(1.0, f64::min)
    }

    /// Whether the test can be neither blind nor too eager: two cells have only few possible values of
    /// PSI until the rarer one holds 50 rows, and of a long tail see
    /// `a_long_tail_costs_at_most_four_times_alpha_in_a_window_as_long_as_the_reference`.
    fn is_fair(&self, n: u64, m: u64) -> bool {
        let two_cells = self.truth.iter().filter(|&&q| q > 0.0).count() == 2;
        let resolved = !two_cells || n as f64 * self.rarest() >= 50.0;
        resolved && (n <= m || !self.chooses_cells)
    }

    fn is_well_filled(&self) -> bool {
        !self.chooses_cells && self.rarest() >= 0.001
    }

    fn reference(&self, dice: &mut StdRng, m: u64) -> Reference {
        if self.chooses_cells {
            Reference::of_categories(dice, m, &self.truth)
        } else {
            Reference::of_fixed_cells(dice, m, &self.truth)
        }
    }
}

/// The cells of a profile, and the shares of its rows as their truth: rows drawn so are its rows in
/// random order, with replacement.
fn real_columns(data: &str, profile: &Profile) -> Vec<Case> {
    let fields = profile.features.iter();
    let cells = fields.filter_map(|field| Some((field, field.cells.as_ref()?)));
    cells
        .map(|(field, cells)| {
            let shares = cells.rows.iter().map(|&rows| rows as f64).collect();
            Case::new(&format!("{data}: {}", field.name), normalised(shares))
        })
        .collect()
}

fn suite() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let car_loan = folder.path().join("car-loan.json");
    run(&Args {
        data: vec![root.join("tests/data/car-loan/reference.csv.gz")],
        output: Some(car_loan.clone()),
        ..Args::default()
    })
    .unwrap();
    let flights = Profile::load(&root.join("tests/golden/profile-v1.json")).unwrap();
    let car_loan = Profile::load(&car_loan).unwrap();
    let mut zero_inflated = vec![0.6];
    zero_inflated.extend([0.4 / 12.0; 12]);
    let integer = (0..12).scan((-3.0_f64).exp(), |mass, count| {
        let now = *mass;
        *mass *= 3.0 / f64::from(count + 1);
        Some(now)
    });
    let mut cases = vec![
        Case::new("normal, 24 cells with tails", numeric_with_tails()),
        Case::new("lognormal, 20 equal cells", vec![0.05; 20]),
        Case::new("zero-inflated", zero_inflated),
        Case::new("integer (Poisson 3)", normalised(integer.collect())),
        Case::new("binary .5", vec![0.5; 2]),
        Case::new("binary .1", vec![0.9, 0.1]),
        Case::new("10 categories", ten_categories()),
        Case::new("hashed long tail", hashed(&zipf(10_000, 1.1))),
    ];
    for (name, truth) in [
        ("200 categories", zipf(200, 0.7)),
        ("long tail", zipf(1_000, 1.1)),
    ] {
        cases.push(Case {
            chooses_cells: true,
            ..Case::new(name, truth)
        });
    }
    cases.extend(real_columns("flights", &flights));
    cases.extend(real_columns("car loan", &car_loan));
    cases
}

/// Alarms at α = 1e-2, at 1e-3 and at the defaults, of so many tests.
#[derive(Clone, Copy, Default)]
struct Tally {
    tests: u32,
    alarms: [u32; 3],
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.tests += other.tests;
        self.alarms
            .iter_mut()
            .zip(other.alarms)
            .for_each(|(all, more)| *all += more);
    }

    fn rate(&self, level: usize) -> f64 {
        f64::from(self.alarms[level]) / f64::from(self.tests)
    }
}

/// 50,000 tests and more of each window length at each α, over new references of two sizes.
#[test]
fn all_kinds_of_columns_keep_alpha_and_raise_nothing_at_the_defaults() {
    const DRAWS: u32 = 1_000;
    const ALPHAS: [f64; 2] = [0.01, 0.001];
    let mut dice = dice(20);
    let strict = ALPHAS.map(|alpha| Sensitivity {
        significance: normal_tail_quantile(alpha),
        ..STRICT
    });
    let judged = [strict[0], strict[1], Sensitivity::default()];
    let cases = suite();
    let lengths = [0, 200, 1_000, 5_000, 20_000, 100_000];
    let mut by_length = [Tally::default(); 6];
    let mut unfair = Tally::default();
    println!("| column | tests | α = 1e-2 | α = 1e-3 |\n|---|---|---|---|");
    for case in &cases {
        let mut of_case = Tally::default();
        for (&length, pooled) in lengths.iter().zip(&mut by_length) {
            let n = minimum_rows(case.cells(), 1.0).max(length);
            for m in [5_000, 50_000] {
                let mut tally = Tally::default();
                for _ in 0..DRAWS {
                    let reference = case.reference(&mut dice, m);
                    let window = draw(&mut dice, n, &reference.truth);
                    tally.tests += 1;
                    for (count, sensitivity) in tally.alarms.iter_mut().zip(&judged) {
                        *count += u32::from(reference.is_alarmed_by(&window, sensitivity));
                    }
                }
                if case.is_fair(n, m) {
                    pooled.add(tally);
                    of_case.add(tally);
                } else {
                    unfair.add(tally);
                }
            }
        }
        let (name, tests, rate) = (&case.name, of_case.tests, of_case.rate(0));
        println!("| {name} | {tests} | {rate:.4} | {:.5} |", of_case.rate(1));
        assert!(rate <= 1.6 * ALPHAS[0], "{name}: {rate}");
        assert!(
            rate >= 0.1 * ALPHAS[0] || !case.is_well_filled(),
            "{name} is blind: {rate}"
        );
    }
    println!("| n | tests | α = 1e-2 | α = 1e-3 |\n|---|---|---|---|");
    for (n, tally) in lengths.iter().zip(by_length) {
        let n = if *n == 0 {
            "n_min".into()
        } else {
            n.to_string()
        };
        println!(
            "| {n} | {} | {:.4} | {:.5} |",
            tally.tests,
            tally.rate(0),
            tally.rate(1)
        );
        assert!(tally.tests >= 50_000);
        for (level, alpha) in ALPHAS.into_iter().enumerate() {
            let rate = tally.rate(level);
            assert!(
                (0.1 * alpha..=1.6 * alpha).contains(&rate),
                "n = {n}, α = {alpha}: {rate}"
            );
        }
    }
    by_length.into_iter().for_each(|tally| unfair.add(tally));
    println!("at the defaults: {} of {}", unfair.alarms[2], unfair.tests);
    assert_eq!(unfair.alarms[2], 0, "at the defaults, all windows");
}
