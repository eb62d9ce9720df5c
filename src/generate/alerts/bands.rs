//! Figures that are far from their own last week.

use super::super::limits::BAND_SIGMAS;
use super::super::series::{Band, FEATURE_BAND, MODEL_BAND};
use super::super::{Alert, Plan, Severity, Subject};
use super::described;
use crate::settings::Span;

pub(super) const PAGE: &str = include_str!("bands.md");

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let model = Alert {
        summary: "{{ $labels.figure }} of model {{ $labels.model }} is unusual".into(),
        description: "{{ $labels.figure }} of model {{ $labels.model }}, version {{ $labels.version }}, is \
                      {{ $value | printf `%.2g` }} standard deviations from its mean of the last 7 days, and was not at \
                      this time yesterday or a week ago."
            .into(),
        ..unusual(plan, "UnusualFigure", MODEL_BAND, "throughput")
    };
    let feature = plan.feature_bands.then(|| Alert {
        subject: Subject::Feature,
        summary: "{{ $labels.figure }} of {{ $labels.feature }} of model {{ $labels.model }} is unusual".into(),
        description: "{{ $labels.figure }} of {{ $labels.feature }} of model {{ $labels.model }}, version \
                      {{ $labels.version }}, is {{ $value | printf `%.2g` }} standard deviations from its mean of the \
                      last 7 days, and was not at this time yesterday or a week ago."
            .into(),
        ..unusual(plan, "UnusualFeature", FEATURE_BAND, "mean")
    });
    [model].into_iter().chain(feature).collect()
}

/// Too high, or too low where low is no good news; unless it is every day or every week.
fn unusual(plan: &Plan, name: &'static str, band: Band, two_sided: &str) -> Alert {
    let Band { deviation, .. } = band;
    let hour = plan.lapsed(Span::from_secs(3_600));
    let habit = |extreme: &str, comparison: &str| {
        [86_400, 7 * 86_400].map(|ago| {
            let offset = plan.lapsed(Span::from_secs(ago - 1_800));
            format!("{extreme}_over_time({deviation}[{hour}] offset {offset}) {comparison}")
        })
    };
    let high = format!("> {BAND_SIGMAS}");
    let low = format!("< -{BAND_SIGMAS}");
    let [day, week] = habit("max", &high);
    let [low_day, low_week] = habit("min", &low);
    Alert {
        expr: format!(
            "(\n  {deviation} {high}\n  unless {day}\n  unless {week}\n)\nor\n(\n  \
             {deviation}{{figure=\"{two_sided}\"}} {low}\n  unless {low_day}\n  unless {low_week}\n)"
        ),
        hold: plan.lapsed(Span::from_secs(1_200)),
        keep_firing_for: plan.lapsed(Span::from_secs(900)),
        ..described(PAGE, name, Severity::Warning, plan)
    }
}
