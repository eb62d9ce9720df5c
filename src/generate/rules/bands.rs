//! What is usual of a figure that has no reference: mean and deviation of its own last week.

use super::super::limits::{BAND_SIGMAS, RATE_MARGIN};
use super::super::promql::{POD_LABELS, sum_over_pods};
use super::super::series::{Band, FEATURE_BAND, MODEL_BAND};
use super::super::{Group, Plan, Record, Rule, series};
use crate::export::names;
use crate::settings::Span;

const WEEK: Span = Span::from_secs(7 * 86_400);
const TWO_DAYS: Span = Span::from_secs(2 * 86_400);
/// How often a figure is noted, 2,520 times a week: often enough for the five minutes that Prometheus
/// looks back.
const STEP: Span = Span::from_secs(240);
/// What a rate is taken over.
const RATE: Span = Span::from_secs(300);

/// Deviation that even a history without any change has, in parts of its mean.
const SLACK: f64 = 0.1;

pub(super) fn groups(plan: &Plan) -> Vec<Group> {
    let mut groups = band(plan, "driftgauge-bands", MODEL_BAND, model_figures(plan));
    if plan.feature_bands {
        let figures = feature_figures(plan);
        groups.extend(band(
            plan,
            "driftgauge-feature-bands",
            FEATURE_BAND,
            figures,
        ));
    }
    groups
}

/// Name of a figure, and what it is.
type Figure = (&'static str, String);

fn model_figures(plan: &Plan) -> Vec<Figure> {
    let missing = sum_over_pods(&rate(plan, &names::FEATURE_MISSING.series()));
    let values = sum_over_pods(&rate(plan, &names::FEATURE_VALUES.series()));
    let missing = format!("sum without (feature, role, reason) ({missing})");
    let values = format!("sum without (feature, role) ({values})");
    vec![
        ("throughput", series::THROUGHPUT.into()),
        ("error_ratio", series::ERROR_RATIO.into()),
        (
            "p99",
            format!(r#"sum without (q) ({}{{q="0.99"}})"#, series::LATENCY),
        ),
        ("null_ratio", format!("{missing} / ({missing} + {values})")),
    ]
}

fn feature_figures(plan: &Plan) -> Vec<Figure> {
    let missing = sum_over_pods(&rate(plan, &names::FEATURE_MISSING.series()));
    let values = sum_over_pods(&rate(plan, &names::FEATURE_VALUES.series()));
    let missing = format!("sum without (reason) ({missing})");
    let window = plan.windows.first().copied().unwrap_or(plan.longest());
    let matcher = format!(r#"{{window="{}"}}"#, window.label());
    let mean = names::FEATURE_MEAN.series();
    let rows = names::FEATURE_WINDOW_ROWS.series();
    let weighted = format!(
        "sum without (window, {POD_LABELS}) ({mean}{matcher} * {rows}{matcher})\n\
         / sum without (window, {POD_LABELS}) ({rows}{matcher} and {mean}{matcher})"
    );
    vec![
        ("mean", weighted),
        ("null_ratio", format!("{missing} / ({missing} + {values})")),
    ]
}

fn rate(plan: &Plan, counter: &str) -> String {
    format!("rate({counter}[{}])", plan.lapsed(RATE))
}

/// Notes figures and how far they are from their history, and records that history.
fn band(plan: &Plan, name: &str, band: Band, figures: Vec<Figure>) -> Vec<Group> {
    let step = plan.lapsed(STEP);
    let week = plan.lapsed(WEEK);
    let Band {
        figure,
        mean,
        sigma,
        deviation,
    } = band;
    let samples = plan.lapsed(TWO_DAYS).millis() / step.millis();
    let ratio_slack = RATE_MARGIN / BAND_SIGMAS;
    let mut now: Vec<Rule> = figures
        .into_iter()
        .map(|(name, expression)| {
            // A rate of nothing is not a number, and would be one in every mean for a week.
            Record::rule(figure, format!("({expression}) > -Inf"), [("figure", name)])
        })
        .collect();
    now.push(Record::rule(
        deviation,
        format!("({figure} - {mean}) / {sigma}"),
        [],
    ));
    vec![
        Group {
            name: name.into(),
            interval: Some(step),
            rules: now,
        },
        Group {
            name: format!("{name}-history"),
            interval: Some(step),
            rules: vec![
                Record::rule(
                    mean,
                    format!(
                        "avg_over_time({figure}[{week}])\n\
                         and count_over_time({figure}[{week}]) >= {samples}"
                    ),
                    [],
                ),
                Record::rule(
                    sigma,
                    format!(
                        "stddev_over_time({figure}[{week}]) + (\n  \
                         {SLACK} * abs({mean}{{figure!~\".*_ratio\"}})\n  or\n  \
                         {SLACK} * {mean}{{figure=~\".*_ratio\"}} + {ratio_slack}\n)"
                    ),
                    [],
                ),
            ],
        },
    ]
}
