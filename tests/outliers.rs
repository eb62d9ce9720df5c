//! Rows that are unusual as a whole: rare when nothing has changed, found when something has.

mod common;

use std::sync::Arc;

use common::{Random, SECOND, batch, config, model};
use driftgauge::batch::{Batch, Column, Role, Scalar, ValueType, Values};
use driftgauge::engine::{Config, Engine, OutlierConfig, OutlierWindow};
use driftgauge::learn::{LearnOptions, Learner};
use driftgauge::profile::{Profile, Provenance};
use driftgauge::statistic::outlier_score;
use driftgauge::tally::{OutlierScores, RowCodes};

const START: i64 = 1_700_000_000 * SECOND;

/// Correlated normal and lognormal numbers, a whole one with many zeros, a category with a tail, a
/// name of thousands, holes. In a share `odd` of the rows, three of the numbers are far out.
fn rows(random: &mut Random, count: usize, odd: f64) -> Batch {
    let mut columns = vec![Vec::new(); 7];
    let (mut categories, mut names) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut normal = || (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0;
        let common = normal();
        let mut row: Vec<f64> = (0..4).map(|_| 0.8 * common + 0.6 * normal()).collect();
        row.extend([normal().exp(), (normal() - 1.0).max(0.0).round(), normal()]);
        if random.uniform() < odd {
            row[1] = 9.0;
            row[3] = -9.0;
            row[4] = 1e4;
        }
        if random.uniform() < 0.1 {
            row[6] = f64::NAN;
        }
        columns
            .iter_mut()
            .zip(row)
            .for_each(|(column, x)| column.push(x));
        let rank = (random.uniform() * 6.0).exp2() as u64;
        let text = Scalar::Text(format!("c{rank}"));
        let is_null = random.uniform() < 0.05;
        categories.push(if is_null { Scalar::Null } else { text });
        names.push(format!("n{}", (random.uniform() * 5e3) as u64));
    }
    let labels = ["a", "b", "c", "d", "e", "f", "g"];
    let numbers = labels.into_iter().zip(columns);
    let mut columns: Vec<_> = numbers
        .map(|(name, values)| (name, Role::Feature, Values::Numbers(values)))
        .collect();
    columns.push(("category", Role::Feature, Values::Mixed(categories)));
    columns.push(("name", Role::Feature, Values::Text(names)));
    batch(columns)
}

fn learn(batches: &[Batch]) -> Profile {
    let mut learner = Learner::new(LearnOptions::default());
    batches.iter().for_each(|batch| learner.observe(batch));
    let mut recount = learner.into_recount();
    batches.iter().for_each(|batch| recount.observe(batch));
    recount.finish(Provenance::default())
}

fn judged_by(config: Config, batches: &[Batch]) -> OutlierWindow {
    let mut engine = Engine::new(Arc::new(config));
    batches.iter().for_each(|batch| engine.apply(batch, START));
    let snapshot = engine.tick(START);
    let windows = &model(&snapshot, "m", "1").outliers;
    assert_eq!(windows.len(), 3);
    assert_eq!(windows[0].outliers, windows[2].outliers);
    windows[0].clone()
}

fn judged(profile: &Profile, batches: &[Batch]) -> OutlierWindow {
    judged_by(config(profile.clone()), batches)
}

#[test]
fn rows_score_as_the_definition_says_whatever_is_missing() {
    let mut random = Random(810);
    for features in [1, 2, 3, 9] {
        let mut scores_of_cells = || random.uniforms(5, 9.0);
        let scores: Vec<_> = (0..features).map(|_| scores_of_cells()).collect();
        let mut code = || match (random.uniform() * 6.0) as u8 {
            5 => RowCodes::MISSING,
            cell => cell,
        };
        let codes: Vec<Vec<u8>> = scores
            .iter()
            .map(|_| (0..1_300).map(|_| code()).collect())
            .collect();
        let codes_of = |feature: usize| (feature != 1).then(|| &*codes[feature]);
        let mut rows = OutlierScores::new(scores.iter().map(|of| &**of));
        let found = rows.of(1_300, codes_of).to_vec();
        assert_eq!(found.len(), 1_300);
        for (row, found) in found.into_iter().enumerate() {
            let of_feature = |feature: usize| {
                let code = codes_of(feature).map_or(RowCodes::MISSING, |codes| codes[row]);
                let score = scores[feature].get(usize::from(code));
                score.copied().unwrap_or(0.0)
            };
            let each: Vec<f64> = (0..features).map(of_feature).collect();
            let expected = outlier_score(each.iter().copied());
            assert!((f64::from(found) - expected).abs() < 1e-5, "{found}");
            let named = rows.most_unusual(row, codes_of).map_or(0.0, |at| each[at]);
            assert_eq!(named, each.iter().copied().fold(0.0, f64::max));
        }
    }
}

#[test]
fn unchanged_rows_are_outliers_as_often_as_those_of_the_reference_and_never_raise() {
    const SEED: u64 = 811;
    println!("seed {SEED}");
    let mut random = Random(SEED);
    let (mut seen, mut expected, mut count) = (0.0, 0.0, 0.0);
    for m in [500, 2_000, 5_000] {
        for _ in 0..8 {
            let profile = learn(&[rows(&mut random, m, 0.0)]);
            for n in [100, 1_000, 5_000] {
                let found = judged(&profile, &[rows(&mut random, n, 0.0)]);
                assert_eq!(found.rows, n as u64);
                assert!(!found.is_raised, "{found:?}");
                assert!(found.ratio <= found.threshold.unwrap());
                assert!(found.reference_ratio <= 0.01);
                if (m, n) == (5_000, 5_000) {
                    seen += found.ratio;
                    expected += found.reference_ratio;
                    count += 1.0;
                }
            }
        }
    }
    let (seen, expected) = (seen / count, expected / count);
    // Both sides are shares of 5,000 rows.
    let noise = (2.0 * 0.01 / (5_000.0 * count)).sqrt();
    println!("{seen:.5} of the rows, {expected:.5} of the reference, ± {noise:.5}");
    assert!((seen - expected).abs() < 4.0 * noise);
}

#[test]
fn three_in_a_hundred_odd_rows_are_seen_and_explained() {
    const SEED: u64 = 812;
    println!("seed {SEED}");
    let mut random = Random(SEED);
    let profile = learn(&[rows(&mut random, 20_000, 0.0)]);
    for _ in 0..10 {
        let found = judged(&profile, &[rows(&mut random, 10_000, 0.03)]);
        assert!(found.is_raised, "{found:?}");
        assert!(found.ratio > found.threshold.unwrap());
        let mut named: Vec<_> = found.features.iter().map(|(name, _)| &**name).collect();
        named.sort_unstable();
        assert!(
            named.iter().any(|name| ["b", "d", "e"].contains(name)),
            "{named:?}"
        );
        let times: u64 = found.features.iter().map(|(_, count)| count).sum();
        assert!(times > found.outliers * 6 / 10 && times <= found.outliers);
    }
}

#[test]
fn the_rows_of_the_reference_are_judged_live_as_they_were_counted_offline() {
    let mut random = Random(813);
    let batches: Vec<_> = [3_000, 1, 700, 9_000]
        .map(|n| rows(&mut random, n, 0.01))
        .into();
    let profile = learn(&batches);
    let reference = profile.outliers.clone().unwrap();
    assert_eq!(reference.total(), 12_701);
    let found = judged(&profile, &batches);
    assert_eq!(found.rows, 12_701);
    assert_eq!(found.ratio, found.reference_ratio);
    assert!(found.outliers > 90, "{found:?}");

    let read = Profile::from_json(&profile.to_json()).unwrap();
    assert_eq!(judged(&read, &batches), found);
}

#[test]
fn the_order_of_rows_and_how_they_are_cut_into_batches_do_not_matter() {
    let mut random = Random(814);
    let all = rows(&mut random, 6_000, 0.01);
    let parts: Vec<_> = [4_000..6_000, 0..17, 17..4_000]
        .map(|rows| all.slice(rows))
        .into();
    let profile = learn(std::slice::from_ref(&all));
    assert_eq!(learn(&parts).outliers, profile.outliers);
    assert_eq!(judged(&profile, &parts), judged(&profile, &[all]));
}

#[test]
fn without_a_reference_the_rows_after_the_learned_ones_are_it_and_other_versions_share_it() {
    let mut random = Random(815);
    // 5,000 rows are learned: of fewer, the tails would have no cells of their own.
    let settings = Config::default();
    let mut engine = Engine::new(Arc::new(settings.clone()));
    let mut outliers_after = |engine: &mut Engine, count, version: &str, odd| {
        let mut batch = rows(&mut random, count, odd);
        batch.version = version.into();
        engine.apply(&batch, START);
        let snapshot = engine.tick(START);
        model(&snapshot, "m", version).outliers.first().cloned()
    };
    assert_eq!(
        outliers_after(&mut engine, 5_000, "1", 0.0),
        None,
        "cells are learned"
    );
    assert_eq!(
        outliers_after(&mut engine, 4_999, "1", 0.0),
        None,
        "scores are learned"
    );
    assert_eq!(outliers_after(&mut engine, 1, "1", 0.0), None);
    let calm = outliers_after(&mut engine, 2_000, "1", 0.0).unwrap();
    assert_eq!((calm.rows, calm.is_raised), (2_000, false), "{calm:?}");
    let odd = outliers_after(&mut engine, 2_000, "2", 0.2).unwrap();
    assert_eq!((odd.rows, odd.is_raised), (2_000, true), "{odd:?}");
    assert_eq!(odd.reference_ratio, calm.reference_ratio);

    let wider = Config {
        max_series: 100_000,
        ..settings
    };
    engine.reconfigure(Arc::new(wider));
    let same = outliers_after(&mut engine, 0, "1", 0.0).unwrap();
    assert_eq!(same, calm, "other settings leave it alone");
}

#[test]
fn a_profile_of_before_is_completed_by_live_rows() {
    let mut random = Random(816);
    let mut profile = learn(&[rows(&mut random, 5_000, 0.0)]);
    profile.outliers = None;
    let batches = [5_000, 3_000].map(|n| rows(&mut random, n, 0.0));
    let found = judged(&profile, &batches);
    assert_eq!((found.rows, found.is_raised), (3_000, false), "{found:?}");
}

#[test]
fn fewer_features_or_rows_are_looked_at_as_the_settings_say() {
    let mut random = Random(817);
    let profile = learn(&[rows(&mut random, 5_000, 0.0)]);
    let batches: Vec<_> = (0..200).map(|_| rows(&mut random, 50, 0.0)).collect();
    let with = |features, sample| {
        let mut settings = config(profile.clone());
        settings.outliers = OutlierConfig { features, sample };
        settings
    };
    for off in [with(0, 1), with(64, 0)] {
        let mut engine = Engine::new(Arc::new(off));
        batches.iter().for_each(|batch| engine.apply(batch, START));
        assert!(engine.tick(START).models[0].outliers.is_empty());
    }
    let third = judged_by(with(64, 3), &batches);
    assert!((2_000..5_000).contains(&third.rows), "{third:?}");
    // The histogram of all features does not fit two: it is learned anew from 5,000 rows.
    assert_eq!(judged_by(with(2, 1), &batches).rows, 5_000);
}

#[test]
fn windows_forget_outliers_and_time_set_back_does_not_keep_them() {
    let mut random = Random(818);
    let profile = learn(&[rows(&mut random, 5_000, 0.0)]);
    let mut engine = Engine::new(Arc::new(config(profile)));
    engine.apply(&rows(&mut random, 1_000, 0.5), START);
    let counts = |engine: &mut Engine, now| -> Vec<(String, u64)> {
        let outliers = &engine.tick(now).models[0].outliers;
        outliers
            .iter()
            .map(|of| (of.window.to_string(), of.rows))
            .collect()
    };
    assert_eq!(counts(&mut engine, START).len(), 3);
    let later = counts(&mut engine, START + 400 * SECOND);
    assert_eq!(later, [("1h".to_owned(), 1_000), ("1d".to_owned(), 1_000)]);
    engine.apply(&rows(&mut random, 10, 0.0), START + 400 * SECOND);
    let back = counts(&mut engine, START - 7_200 * SECOND);
    assert_eq!(back, [("1d".to_owned(), 1_010)]);
}

#[test]
fn whatever_comes_in_a_column_no_row_is_lost_and_nothing_panics() {
    let mut random = Random(819);
    let profile = learn(&[rows(&mut random, 2_000, 0.0)]);
    let calm = rows(&mut random, 500, 0.0);
    let vector = Values::Fixed {
        data: vec![0; 500 * 8].into(),
        value_type: ValueType::Float32,
        offset: 0,
        stride: 8,
        width: 2,
    };
    let odd = [
        vector,
        Values::Invalid,
        Values::Numbers(vec![f64::NAN; 500]),
        Values::Numbers(vec![f64::NEG_INFINITY; 500]),
        Values::Text(vec!["?".into(); 500]),
        Values::Mixed(vec![Scalar::Bool(true); 500]),
        Values::Dictionary {
            dictionary: vec!["c1".into()],
            codes: vec![0; 500],
        },
    ];
    for values in odd {
        for column in 0..calm.columns.len() {
            let mut batch = calm.clone();
            batch.columns[column] = Some(Column::full(values.clone()));
            assert_eq!(judged(&profile, &[batch]).rows, 500);
        }
    }
    let mut absent = calm.clone();
    absent
        .columns
        .iter_mut()
        .skip(1)
        .for_each(|column| *column = None);
    assert_eq!(judged(&profile, &[absent.clone()]).rows, 500);
    // Nothing that rows are judged by: labels that come later, say.
    absent.columns[0] = None;
    assert_eq!(judged(&profile, &[calm, absent]).rows, 500);

    let nothing = batch(vec![(
        "x",
        Role::Feature,
        Values::Numbers(vec![f64::NAN; 9]),
    )]);
    assert_eq!(learn(&[nothing]).outliers, None);
}

#[test]
fn memory_is_what_the_formula_says() {
    let mut random = Random(820);
    let profile = learn(&[rows(&mut random, 2_000, 0.0)]);
    let bytes = |features| {
        let mut settings = config(profile.clone());
        settings.outliers.features = features;
        Engine::new(Arc::new(settings)).bytes()
    };
    // DESIGN.md, Memory: 13 × windows + 1 sums of 8 B × features + 32 B, and what holds them.
    let sums = (13 * 3 + 1) * (8 * 8 + 32);
    let taken = bytes(64) - bytes(0);
    assert!(
        (sums..sums + 512).contains(&taken),
        "{taken} against {sums}"
    );
}
