//! Traffic over all pods, in the 5 minutes that such figures are usually shown for.

use super::super::promql::{sum_over_pods, sum_over_pods_and};
use super::super::series::{CALLS, ERROR_RATIO, ERRORS, LATENCY, THROUGHPUT};
use super::super::{Group, Record};
use crate::export::names;

/// The sidecar's own quantiles.
const QUANTILES: [&str; 3] = ["0.5", "0.9", "0.99"];

pub(super) fn group() -> Group {
    let rate = |counter: &str| format!("rate({counter}[5m])");
    let errors = rate(&names::REQUEST_ERRORS.series());
    let buckets = rate(&format!("{}_bucket", names::REQUEST_DURATION.series()));
    let mut rules = vec![
        Record::rule(
            THROUGHPUT,
            sum_over_pods(&rate(&names::PREDICTIONS.series())),
            [],
        ),
        Record::rule(CALLS, sum_over_pods(&rate(&names::REQUESTS.series())), []),
        Record::rule(ERRORS, sum_over_pods(&errors), []),
        Record::rule(
            ERROR_RATIO,
            format!("{} / ({CALLS} > 0)", sum_over_pods_and("code", &errors)),
            [],
        ),
    ];
    rules.extend(QUANTILES.map(|q| {
        // Without calls there is none: what cannot be computed is absent, not NaN.
        let quantile = format!("histogram_quantile({q}, {}) >= 0", sum_over_pods(&buckets));
        Record::rule(LATENCY, quantile, [("q", q)])
    }));
    Group {
        name: "driftgauge-traffic".into(),
        interval: None,
        rules,
    }
}
