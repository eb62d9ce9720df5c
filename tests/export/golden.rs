//! Whole pages, to be read by people and checked by `promtool check metrics`.

use driftgauge::export::negotiate::Format;

use crate::formats::text;
use crate::snapshot;

#[test]
fn pages_are_as_they_were() {
    insta::with_settings!({snapshot_path => "../golden", prepend_module_to_snapshot => false}, {
        let snapshot = snapshot::everything();
        insta::assert_binary_snapshot!(
            "metrics.txt",
            text(Format::Text, &snapshot).into_bytes()
        );
        insta::assert_binary_snapshot!(
            "openmetrics.txt",
            text(Format::OpenMetrics, &snapshot).into_bytes()
        );
    });
}
