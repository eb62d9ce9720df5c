//! What a description shows beside labels and value, asked from Prometheus when the alert is evaluated:
//! from where to where, and which cells.
//!
//! A template of Prometheus has the function `query`. Names of models and features may hold quotes,
//! braces and backslashes, so that they go into the query through `%q`. The labels of the fleet
//! (namespace, job, cluster) go along, whichever there are. What is not there is not mentioned.
//!
//! These queries run at each evaluation of an alert that is pending or firing: they are few, and each
//! reads a few recorded series of one feature.

use super::super::promql::max_over_pods;
use super::super::rules::service::CALLERS_FAULT;
use super::super::{Window, series};
use crate::export::names;

/// `$of`: matchers for the alert's own labels, but not for those that other series do not have.
const SELECTOR: &str = r#"{{ $of := "" }}{{ range $key, $value := $labels }}{{ if and (match `^\w+$` $key) (not (match `^(__name__|window|reference|profile|state|kind|figure)$` $key)) }}{{ $of = printf `%s%s=%q,` $of $key $value }}{{ end }}{{ end }}"#;

/// The top three cells with their share from → to; of what the fleet counts.
const CELLS: &str = r#"{{ range $i, $cell := printf `100 * (topk(3, <terms>{%[1]s<window>}) * 0 + ignoring (reference) <cells>{%[1]s<window>} / ignoring (bin) group_left () sum without (bin) (<cells>{%[1]s<window>})) * ignoring (window, range) group_left (range) (<ranges> ^ 0)` (printf `%sprofile=~"%s.*",` $of $labels.profile) | query }}{{ if $i }};{{ else }} Most of it:{{ end }} {{ or $cell.Labels.range (printf `cell %s` $cell.Labels.bin) }}{{ range printf `100 * <reference>{%[1]s} / ignoring (bin) group_left () <rows>{%[2]s}` (printf `%sprofile=%q,bin=%q,` $of $cell.Labels.profile $cell.Labels.bin) (printf `%sprofile=%q,` $of $cell.Labels.profile) | query }} {{ printf `%.1f %%` .Value }} →{{ end }} {{ printf `%.1f %%` $cell.Value }}{{ end }}{{ with printf `<cells>{%s<window>}` $of | query }}.{{ end }}"#;

/// The mean, of numbers.
const MEAN: &str = r#"{{ range printf `sum without (<pods>) (<mean>{%[1]s<window>} * <n>{%[1]s<window>}) / sum without (<pods>) (<n>{%[1]s<window>} and <mean>{%[1]s<window>})` $of | query }}{{ $now := .Value }}{{ range printf `<was>` $of | query }} Mean {{ printf `%.4g` .Value }} → {{ printf `%.4g` $now }}.{{ end }}{{ end }}"#;

/// One figure more.
const FIGURE: &str =
    r#"{{ range printf `<figure>` $of | query }} <word> {{ printf `%.3g` .Value }}.{{ end }}"#;

/// A share, from the reference to the window.
const SHARE: &str = r#"{{ range printf `100 * <now>` $of | query }}{{ $now := .Value }}{{ range printf `100 * <was>` $of | query }} {{ printf `%.2f %%` .Value }} →{{ end }} {{ printf `%.2f %%` $now }} of rows.{{ end }}"#;

/// Which of several counters has most.
const MOSTLY: &str = r#"{{ range printf `topk(1, <counts>) > 0` $of | query }} Mostly {{ .Labels.<label> }}.{{ end }}"#;

/// The five fields that are farthest.
const FARTHEST: &str = r#"{{ range $i, $field := printf `topk(5, (<ratio>) > 1)` $of | query }}{{ if $i }},{{ else }} Farthest:{{ end }} {{ $field.Labels.feature }} ({{ printf `%.3g` $field.Value }}){{ end }}{{ with printf `count((<ratio>) > 1)` $of | query }}.{{ end }}"#;

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("<{name}>"), value);
    }
    text
}

fn of_window(window: Window) -> String {
    format!(r#"window="{}","#, window.label())
}

/// The worst pod's figure, for a query that is a format for `$of`.
fn of_worst_pod(series: &str, matchers: &str) -> String {
    max_over_pods(&format!("{series}{{%[1]s{matchers}}}"))
}

/// For a drift alert: a figure beside its value, mean and cells.
pub(super) fn drift(window: Window, word: &str, recorded: &str, gauge: &str) -> String {
    let matchers = format!(r#"{}reference="profile","#, of_window(window));
    let figure = format!(
        "{recorded}{{%[1]s{matchers}}} or ignoring (profile) {}",
        of_worst_pod(gauge, &matchers)
    );
    let window = of_window(window);
    let ranges = of_worst_pod(&names::REFERENCE_BIN_ROWS.series(), "");
    let cells = fill(
        CELLS,
        &[
            ("ranges", &ranges),
            ("terms", series::DRIFT_TERMS),
            ("cells", series::WINDOW_CELLS),
            ("reference", series::REFERENCE_CELLS),
            ("rows", series::REFERENCE_ROWS),
            ("window", &window),
        ],
    );
    let was = of_worst_pod(&names::REFERENCE_MEAN.series(), "");
    let mean = fill(
        MEAN,
        &[
            ("was", &was),
            ("mean", &names::FEATURE_MEAN.series()),
            ("n", &names::FEATURE_WINDOW_ROWS.series()),
            ("pods", super::super::promql::POD_LABELS),
            ("window", &window),
        ],
    );
    let figure = fill(FIGURE, &[("figure", &figure), ("word", word)]);
    format!("{SELECTOR}{figure}{mean}{cells}")
}

/// For an alert about many fields: which, with how many times their threshold.
pub(super) fn farthest(window: Window) -> String {
    let matchers = format!(r#"{}reference="profile","#, of_window(window));
    let ratio = format!(
        "{}{{%[1]s{matchers}}} or ignoring (profile) {}",
        series::RATIO,
        of_worst_pod(&names::FEATURE_DRIFT_RATIO.series(), &matchers)
    );
    format!("{SELECTOR}{}", fill(FARTHEST, &[("ratio", &ratio)]))
}

/// For a rate: from the reference's to the window's.
pub(super) fn share(window: Window, recorded: &str, reference: &str) -> String {
    let now = format!("{recorded}{{%[1]s{}}}", of_window(window));
    let was = of_worst_pod(reference, "");
    format!("{SELECTOR}{}", fill(SHARE, &[("now", &now), ("was", &was)]))
}

/// After [`share`]: which of the counters of a feature has grown most.
pub(super) fn mostly(window: Window, counter: &str, label: &str) -> String {
    let counts = super::super::promql::sum_over_pods(&format!(
        "increase({counter}{{%[1]s}}[{}])",
        window.label()
    ));
    fill(MOSTLY, &[("counts", &counts), ("label", label)])
}

/// Which code most of the calls end with that failed and not through the caller.
pub(super) fn code() -> String {
    let counts = format!(r#"{}{{%[1]scode!~"{CALLERS_FAULT}"}}"#, series::ERRORS);
    let mostly = fill(MOSTLY, &[("counts", &counts), ("label", "code")]);
    format!("{SELECTOR}{mostly}")
}
