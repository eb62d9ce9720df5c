//! What fields are compared with: the same in all pods of a profile, so the largest is as good as any.

use super::super::promql::max_over_pods;
use super::super::{Group, Record, series};
use crate::export::names;

pub(super) fn group() -> Group {
    let cells = names::REFERENCE_BIN_ROWS.series();
    Group {
        name: "driftgauge-reference".into(),
        interval: None,
        rules: vec![
            Record::new(
                series::REFERENCE_CELLS,
                format!("max without (range) ({})", max_over_pods(&cells)),
                [],
            ),
            Record::new(
                series::REFERENCE_ROWS,
                format!("sum without (bin) ({})", series::REFERENCE_CELLS),
                [],
            ),
        ],
    }
}
