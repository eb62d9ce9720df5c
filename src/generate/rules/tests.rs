use std::collections::BTreeSet;

use super::super::series::ALL;
use super::super::{Plan, Rule};
use crate::settings::Span;

#[test]
fn what_is_recorded_is_the_table_of_recorded_series() {
    let plan = Plan {
        feature_bands: true,
        ..Plan::default()
    };
    let groups = super::all(&plan);
    let rules = groups.iter().flat_map(|group| &group.rules);
    let recorded: BTreeSet<&str> = rules
        .map(|rule| match rule {
            Rule::Record(record) => record.record.as_str(),
            Rule::Alert(_) => panic!("an alert among the rules"),
        })
        .collect();
    assert_eq!(recorded, ALL.iter().map(|series| series.name).collect());
}

#[test]
fn what_is_recorded_is_there_until_it_is_recorded_again() {
    /// How long Prometheus takes the newest sample for the present one.
    const LOOKBACK: Span = Span::from_secs(300);
    for group in super::all(&Plan::default()) {
        assert!(
            group.interval.unwrap_or_default() <= LOOKBACK,
            "{}",
            group.name
        );
    }
}
