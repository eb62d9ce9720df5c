//! How many series a feature or a model shows at a level of detail, and what to leave out when a
//! limit does not hold them all.
//!
//! Series are what Prometheus charges for, and a scrape above its own sample limit is lost whole.
//! So the limit holds whatever was asked for. What is left out is decided from the shape of the
//! features alone, when settings or references change, never from live values: no counter comes
//! and goes.

use super::{DURATION_BUCKETS, Detail, DroppedSeries, LATENCY_QUANTILES, REQUEST_ROWS_BUCKETS};
use crate::profile::Kind;

/// Reasons of `driftgauge_feature_missing_total`.
const MISSING_REASONS: usize = 5;
/// Kinds of `driftgauge_model_drift_ratio`.
const MODEL_DRIFT_KINDS: usize = 4;
/// Design effect and significance.
const FLEET_FIGURES: usize = 2;

/// What decides how many series a feature has; no live value does.
#[derive(Clone, Copy, Debug)]
pub struct FeatureShape<'a> {
    /// How the reference looks at it; `None` without a reference. While a reference is being
    /// learned the kind is not known: [`Kind::Numeric`] with 32 cells leaves room for what comes.
    pub kind: Option<Kind>,
    /// Cells of the reference, B; 0 without.
    pub cells: usize,
    /// Detail asked for.
    pub detail: Detail,
    /// Whether cell counters are asked for; they need at least [`Detail::Standard`].
    pub fleet: bool,
    /// Windows.
    pub windows: usize,
    /// References that each window is compared with.
    pub references: usize,
    /// Statistics that the settings choose for `driftgauge_feature_distance`, by name.
    pub distances: &'a [&'a str],
}

impl FeatureShape<'_> {
    /// Series at this detail when every figure can be computed: never exceeded, reached by a
    /// feature with traffic in all windows.
    pub fn series(&self, detail: Detail, fleet: bool) -> usize {
        let mut series = 0;
        if detail >= Detail::Lean {
            // values and missing; null ratio and the state in force
            series += 1 + MISSING_REASONS + 2 * self.windows + self.comparisons();
        }
        if detail >= Detail::Standard {
            series += self.standard();
        }
        if detail >= Detail::Full {
            series += self.full();
        }
        if detail >= Detail::Standard && fleet && self.cells > 0 {
            // and the minimum effect of each window; two cells have a two-sided significance
            series += 2 * self.cells + FLEET_FIGURES + self.windows + usize::from(self.cells == 2);
        }
        series
    }

    /// What `standard` shows beyond `lean`.
    fn standard(&self) -> usize {
        let w = self.windows;
        let js = self.distances.contains(&"js");
        // drift, threshold, excess, js; window rows
        let mut series = (3 + usize::from(js)) * self.comparisons() + w;
        match self.kind {
            // mean, standard deviation, out-of-range ratio; out of range on two sides; reference
            // mean, standard deviation, null ratio
            Some(kind) if kind.is_numeric() => series += 3 * w + 2 + 3,
            // new-category ratio; reference null ratio and new-category ratio
            Some(Kind::Categorical) if self.cells > 0 => series += w + 2,
            // reference null ratio
            Some(_) => series += 1,
            // mean, standard deviation: the field may turn out to be numeric
            None => series += 2 * w,
        }
        series
    }

    /// What `full` shows beyond `standard`.
    fn full(&self) -> usize {
        let others = self.distances.iter().filter(|name| self.has(name)).count();
        let numeric = match self.kind {
            // minimum, maximum; far values, reference out-of-range ratio
            Some(kind) if kind.is_numeric() => 2 * self.windows + 2,
            Some(_) => 0,
            None => 2 * self.windows,
        };
        // distinct in the longest window
        others * self.comparisons() + numeric + usize::from(self.windows > 0)
    }

    /// Whether a distance besides `js` exists for this kind of field.
    fn has(&self, distance: &str) -> bool {
        match distance {
            "js" => false,
            "ks" | "wasserstein" | "mean_shift" => self.kind.is_some_and(Kind::is_numeric),
            _ => true,
        }
    }

    /// Comparisons of a window with a reference.
    fn comparisons(&self) -> usize {
        if self.cells == 0 {
            0
        } else {
            self.windows * self.references
        }
    }
}

/// Series of a model's traffic and of its references, features apart: never exceeded, reached by
/// a model with latencies and labels that is still learning.
pub fn model_series(windows: usize, references: usize, codes: usize, profiles: usize) -> usize {
    let duration = DURATION_BUCKETS.len() + 3; // +Inf, sum, count
    let rows = REQUEST_ROWS_BUCKETS.len() + 3;
    // throughput, error ratio, rows; outlier ratio and threshold
    let windowed = (LATENCY_QUANTILES.len() + 3 + 2) * windows;
    // predictions, labels, requests, last row; too old, too new; ignored fields, names by position;
    // rows learned, wanted; burn-in
    let single = 4 + 2 + 2 + 2 + 1;
    // drifted fields, and the ratio of each kind
    let drift = (1 + MODEL_DRIFT_KINDS) * windows * references;
    // info and creation time of each reference
    drift + duration + rows + windowed + single + codes + 2 * profiles
}

/// What is shown within a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Detail of each feature, in order.
    pub details: Vec<Detail>,
    /// Whether each feature's cells are shown, in order.
    pub fleets: Vec<bool>,
    /// Series left out.
    pub dropped: DroppedSeries,
    /// Series of all features together.
    pub series: usize,
}

/// Fits features into `limit` series (what is left for them after models and sidecar): cells of
/// the last features go first, then what they show beyond `lean`, then whole features; each time
/// from the last one on and only as many as needed.
pub fn plan(features: &[FeatureShape<'_>], limit: usize) -> Plan {
    let mut plan = Plan {
        details: features.iter().map(|feature| feature.detail).collect(),
        fleets: features
            .iter()
            .map(|f| f.fleet && f.detail >= Detail::Standard && f.cells > 0)
            .collect(),
        ..Plan::default()
    };
    plan.series = features
        .iter()
        .zip(&plan.fleets)
        .map(|(feature, &fleet)| feature.series(feature.detail, fleet))
        .sum();
    for step in [Step::Cells, Step::Detail, Step::Feature] {
        for (index, feature) in features.iter().enumerate().rev() {
            if plan.series <= limit {
                return plan;
            }
            plan.leave_out(step, index, feature);
        }
    }
    plan
}

#[derive(Clone, Copy)]
enum Step {
    Cells,
    Detail,
    Feature,
}

impl Plan {
    fn leave_out(&mut self, step: Step, index: usize, feature: &FeatureShape<'_>) {
        let before = feature.series(self.details[index], self.fleets[index]);
        self.fleets[index] = false;
        match step {
            Step::Cells => {}
            Step::Detail => self.details[index] = self.details[index].min(Detail::Lean),
            Step::Feature => self.details[index] = Detail::Hidden,
        }
        let saved = before - feature.series(self.details[index], false);
        self.series -= saved;
        match step {
            Step::Cells => self.dropped.fleet += saved,
            Step::Detail => self.dropped.detail += saved,
            Step::Feature => self.dropped.features += saved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 7] = [
        "js",
        "ks",
        "wasserstein",
        "mean_shift",
        "l1",
        "linf",
        "hellinger",
    ];

    fn numeric() -> FeatureShape<'static> {
        FeatureShape {
            kind: Some(Kind::Numeric),
            cells: 24,
            detail: Detail::Standard,
            fleet: true,
            windows: 3,
            references: 1,
            distances: &ALL,
        }
    }

    #[test]
    fn three_windows_and_one_reference_cost_what_the_contract_says() {
        let feature = numeric();
        assert_eq!(feature.series(Detail::Hidden, true), 0);
        assert_eq!(feature.series(Detail::Lean, true), 15);
        assert_eq!(feature.series(Detail::Standard, false), 44);
        assert_eq!(feature.series(Detail::Standard, true), 97);
        let second = FeatureShape {
            references: 2,
            ..feature
        };
        let more = second.series(Detail::Standard, true) - feature.series(Detail::Standard, true);
        assert_eq!(more, 15, "each further reference");
    }

    #[test]
    fn nothing_is_left_out_below_the_limit() {
        let features = [numeric(); 3];
        let plan = plan(&features, 291);
        assert_eq!(plan.details, [Detail::Standard; 3]);
        assert_eq!(plan.fleets, [true; 3]);
        assert_eq!(plan.dropped, DroppedSeries::default());
        assert_eq!(plan.series, 291);
    }

    #[test]
    fn cells_of_the_last_features_go_first_then_detail_then_features() {
        let features = [numeric(); 3];
        let one = plan(&features, 290);
        assert_eq!(one.fleets, [true, true, false]);
        assert_eq!(one.details, [Detail::Standard; 3]);
        assert_eq!(one.dropped.fleet, 53);

        let two = plan(&features, 3 * 44 - 1);
        assert_eq!(two.fleets, [false; 3]);
        assert_eq!(
            two.details,
            [Detail::Standard, Detail::Standard, Detail::Lean]
        );
        assert_eq!((two.dropped.fleet, two.dropped.detail), (159, 29));

        let three = plan(&features, 44);
        assert_eq!(three.details, [Detail::Lean, Detail::Lean, Detail::Hidden]);
        assert_eq!(three.dropped.features, 15);
        assert_eq!(three.series, 30);
    }

    #[test]
    fn the_limit_holds_and_every_series_is_either_shown_or_counted_as_dropped() {
        let text = FeatureShape {
            kind: Some(Kind::Categorical),
            cells: 52,
            detail: Detail::Full,
            ..numeric()
        };
        let lean = FeatureShape {
            detail: Detail::Lean,
            ..numeric()
        };
        let unknown = FeatureShape {
            kind: None,
            cells: 0,
            ..numeric()
        };
        let features = [text, numeric(), lean, unknown, text, unknown, numeric()];
        let wanted = plan(&features, usize::MAX).series;
        for limit in 0..=wanted + 1 {
            let plan = plan(&features, limit);
            assert!(plan.series <= limit, "{} > {limit}", plan.series);
            let shown: usize = features
                .iter()
                .zip(&plan.details)
                .zip(&plan.fleets)
                .map(|((feature, &detail), &fleet)| feature.series(detail, fleet))
                .sum();
            assert_eq!(shown, plan.series);
            let dropped = plan.dropped;
            assert_eq!(
                shown + dropped.fleet + dropped.detail + dropped.features,
                wanted
            );
        }
    }

    #[test]
    fn cells_need_at_least_standard() {
        let lean = FeatureShape {
            detail: Detail::Lean,
            ..numeric()
        };
        assert_eq!(plan(&[lean], usize::MAX).fleets, [false]);
    }
}
