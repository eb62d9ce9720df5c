//! Models with too few rows to be judged.

use super::super::promql::max_over_pods;
use super::super::{Alert, Plan, Severity, series};
use super::described;
use crate::export::names;
use crate::settings::Span;

pub(super) const PAGE: &str = include_str!("rows.md");

pub(super) fn alerts(plan: &Plan) -> Vec<Alert> {
    let window = plan.longest();
    let label = window.label();
    let in_state = |matcher: &str| {
        let state = names::FEATURE_STATE.series();
        let pods = max_over_pods(&format!(r#"{state}{{window="{label}", {matcher}}}"#));
        format!("max without (feature, role, state) ({pods})")
    };
    vec![Alert {
        expr: format!(
            "{}\nunless {}\nunless count without (feature, role, profile, reference) ({}{{window=\"{label}\"}})",
            in_state(r#"state="too_few_rows""#),
            in_state(r#"state=~"ok|constant""#),
            series::RATIO
        ),
        hold: window.0.min(Span::from_secs(86_400)),
        keep_firing_for: window.keep_firing(),
        summary: "Model {{ $labels.model }} has too few rows to be judged".into(),
        description: format!(
            "For {}, no field of model {{{{ $labels.model }}}}, version {{{{ $labels.version }}}}, has had enough rows in \
             the longest window, {{{{ $labels.window }}}}, to be judged: drift would go unseen.",
            window.0.min(Span::from_secs(86_400))
        ),
        ..described(PAGE, "TooFewRows", Severity::Info, plan)
    }]
}
