//! The table of metrics and the page agree.

use std::collections::BTreeSet;

use driftgauge::export::family::{Type, markdown};
use driftgauge::export::names::FAMILIES;

use crate::formats::parsed;
use crate::snapshot;

#[test]
fn every_family_of_the_table_is_on_the_page_with_its_type_help_and_labels() {
    let page = parsed(&snapshot::everything());
    let named: BTreeSet<String> = FAMILIES.iter().map(|family| family.series()).collect();
    let shown: BTreeSet<String> = page.families.keys().cloned().collect();
    assert_eq!(named, shown);
    for family in FAMILIES {
        let (kind, help) = &page.families[&family.series()];
        let expected = match family.kind {
            Type::Counter => "counter",
            Type::Histogram => "histogram",
            Type::Gauge | Type::Info => "gauge",
        };
        assert_eq!(kind, expected, "{}", family.name);
        assert_eq!(help, family.help);

        let expected: BTreeSet<&str> = [family.scope.labels(), family.labels]
            .concat()
            .into_iter()
            .collect();
        let name = family.series();
        let found: BTreeSet<&str> = page
            .samples
            .keys()
            .filter(|(sample, _)| {
                let suffix = sample.strip_prefix(&name);
                suffix.is_some_and(|s| ["", "_bucket", "_sum", "_count"].contains(&s))
            })
            .flat_map(|(_, labels)| labels)
            .map(|(key, _)| key.as_str())
            .filter(|key| *key != "le")
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_table_reads_as_markdown() {
    let page = markdown(FAMILIES);
    for family in FAMILIES {
        let row = format!("| `{}` | ", family.series());
        assert_eq!(page.matches(&row).count(), 1, "{row}");
    }
    assert!(page.contains(
        "| `driftgauge_feature_drift_ratio` | gauge | `window`, `reference` | lean | Drift divided"
    ));
    assert!(page.starts_with("### Traffic\n") && page.ends_with("|\n"));
    assert!(page.lines().all(|line| !line.ends_with(' ')));
}
