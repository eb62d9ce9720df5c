//! The model as a whole: what follows from its fields over all pods, and of what does not add up the
//! worst pod.

use super::super::promql::{fleet_or_worst_pod, in_window, max_over_pods};
use super::super::series::{DRIFTED_FEATURES, JUDGED_FEATURES, MODEL_RATIO, OUTLIERS, RATIO};
use super::super::{Record, Rule};
use crate::export::names;

/// Fields that stand for themselves: labels are told later, and cosines are those of a vector that
/// counts itself.
const OWN: &str = r#"role!="label", feature!~".+\\[cosine\\]""#;

pub(super) fn rules(window: &str) -> Vec<Rule> {
    let profile = format!(r#"window="{window}", reference="profile""#);
    let ratio = |matchers: &str| {
        let ratio = fleet_or_worst_pod(RATIO, &names::FEATURE_DRIFT_RATIO, matchers);
        format!("max without (profile) ({ratio})")
    };
    let own = ratio(&format!("{profile}, {OWN}"));
    let worst_pod = format!(
        r#"{}{{{profile}, kind!="worst_feature"}}"#,
        names::MODEL_DRIFT_RATIO.series()
    );
    let outliers = |family: &str| in_window(family, window);
    let labels = [("window", window), ("reference", "profile")];
    vec![
        Record::rule(
            MODEL_RATIO,
            format!("max without (feature, role) ({})", ratio(&profile)),
            [
                ("window", window),
                ("reference", "profile"),
                ("kind", "worst_feature"),
            ],
        ),
        Record::rule(MODEL_RATIO, max_over_pods(&worst_pod), labels),
        Record::rule(
            DRIFTED_FEATURES,
            format!("sum without (feature, role) ({own} > bool 1)"),
            labels,
        ),
        Record::rule(
            JUDGED_FEATURES,
            format!("count without (feature, role) ({own})"),
            labels,
        ),
        Record::rule(
            OUTLIERS,
            max_over_pods(&format!(
                "{} / {}",
                outliers(names::OUTLIER_RATIO.name),
                outliers(names::OUTLIER_RATIO_THRESHOLD.name)
            )),
            [("window", window)],
        ),
    ]
}
