//! One model on the landing page: its traffic, its drift as a whole, its outputs, and its fields, worst
//! first.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::figures::{Address, Escaped, Lasting, Moment, Short, Thousands, millis, percent};
use crate::engine::{
    Drift, Explanation, FeatureSnapshot, FeatureWindow, ModelDrift, ModelSnapshot, Shape, State,
};

/// Fields that the table of a model lists.
const MOST_FIELDS: usize = 100;

/// Writes it.
pub(super) fn write(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    let (name, version) = (Escaped(&model.model), Escaped(&model.version));
    writeln!(html, "<h2>{name} <small>version {version}</small></h2>")?;
    write!(html, "<p>{} rows", Thousands(model.predictions))?;
    if let Some(learning) = model.learning {
        let (rows, wanted) = (learning.rows as f64, learning.wanted as f64);
        let (rows, wanted) = (Thousands(rows), Thousands(wanted));
        write!(html, "; learning a reference, {rows} of {wanted} rows")?;
    }
    for reference in &model.references {
        let profile = Escaped(&reference.profile);
        write!(html, "; reference {profile} ({})", reference.source)?;
    }
    if let Some(done) = model.burn_in.filter(|done| *done < 1.0) {
        write!(html, "; burn-in {:.0}% done", (100.0 * done).floor())?;
    }
    if model.names_by_position {
        html.push_str("; features have the names of the profile by position");
    }
    html.push_str("</p>\n");
    if model.windows.is_empty() {
        return Ok(());
    }
    write_windows(html, model)?;
    write_whole(html, model)?;
    write_fields(html, model)
}

/// Traffic of each window, and how many fields are in which state.
fn write_windows(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    html.push_str(
        "<div class=\"t\"><table><tr><th>window</th><th class=\"n\">rows</th>\
         <th class=\"n w\">a second</th><th class=\"n\">errors</th>\
         <th class=\"n w\">p50</th><th class=\"n\">p99</th><th>fields</th></tr>\n",
    );
    for traffic in &model.windows {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        let windows = watched(model).flat_map(|feature| &feature.windows);
        for window in windows.filter(|window| window.window == traffic.window) {
            *states.entry(window.state.as_str()).or_default() += 1;
        }
        let states: Vec<String> = states.iter().map(|(s, n)| format!("{n} {s}")).collect();
        let [p50, _, p99] = traffic
            .latency
            .map_or([None; 3], |seconds| seconds.map(Some));
        writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n w\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n w\">{}</td><td class=\"n\">{}</td>\
             <td>{}</td></tr>",
            Escaped(&traffic.window),
            Thousands(traffic.rows as f64),
            Short(traffic.throughput),
            percent(traffic.error_ratio),
            millis(p50),
            millis(p99),
            states.join(", ")
        )?;
    }
    html.push_str("</table></div>\n");
    Ok(())
}

/// Drift of the model as a whole: how many fields, and each way to see it.
fn write_whole(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    if model.drift.is_empty() && model.outliers.is_empty() {
        return Ok(());
    }
    write_head(html, model, "the model as a whole", &[])?;
    let mut references: Vec<&str> = Vec::new();
    for drift in &model.drift {
        if !references.contains(&&*drift.reference) {
            references.push(&drift.reference);
        }
    }
    for reference in references {
        write!(html, "<tr><td>drifted fields{}</td>", Against(reference))?;
        for traffic in &model.windows {
            let counts = model.drifted_fields.iter();
            let mut counts = counts.filter(|count| count.window == traffic.window);
            match counts.find(|count| *count.reference == *reference) {
                Some(count) => {
                    let class = if count.drifted > 0 { " drift" } else { "" };
                    let (drifted, judged) = (count.drifted, count.judged);
                    write!(html, "<td class=\"n{class}\">{drifted} of {judged}</td>")?;
                }
                None => html.push_str("<td class=\"n\">–</td>"),
            }
        }
        html.push_str("</tr>\n");
        write_kinds(html, model, reference)?;
    }
    if !model.outliers.is_empty() {
        write_outliers(html, model)?;
    }
    html.push_str("</table></div>\n");
    Ok(())
}

/// Share of the rows that are unusual as a whole.
fn write_outliers(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    html.push_str("<tr><td>unusual rows</td>");
    for traffic in &model.windows {
        let mut outliers = model.outliers.iter();
        let Some(of) = outliers.find(|of| of.window == traffic.window) else {
            html.push_str("<td class=\"n\">–</td>");
            continue;
        };
        let (class, raised) = if of.is_raised {
            (" drift", ", raised")
        } else {
            ("", "")
        };
        write!(
            html,
            "<td class=\"n{class}\">{}<small class=\"o\">{} in the reference{raised}</small></td>",
            percent(Some(of.ratio)),
            percent(Some(of.reference_ratio))
        )?;
    }
    html.push_str("</tr>\n");
    Ok(())
}

/// Each way to see the drift of the whole from one reference.
fn write_kinds(html: &mut String, model: &ModelSnapshot, reference: &str) -> fmt::Result {
    let of_reference = || model.drift.iter().filter(|d| *d.reference == *reference);
    let mut kinds: Vec<&str> = Vec::new();
    for drift in of_reference() {
        if !kinds.contains(&drift.kind) {
            kinds.push(drift.kind);
        }
    }
    for kind in kinds {
        let name = match kind {
            "worst_feature" => "worst field",
            kind => kind,
        };
        write!(html, "<tr><td>{}{}</td>", Escaped(name), Against(reference))?;
        for traffic in &model.windows {
            let mut found = of_reference().filter(|drift| drift.window == traffic.window);
            match found.find(|drift| drift.kind == kind) {
                Some(ModelDrift { ratio, fields, .. }) => {
                    write!(html, "<td class=\"{}\">{ratio:.2}", class_of(*ratio))?;
                    let fields: Vec<String> = fields
                        .iter()
                        .map(|field| Escaped(field).to_string())
                        .collect();
                    if !fields.is_empty() {
                        write!(html, " <small>{}</small>", fields.join(" × "))?;
                    }
                    html.push_str("</td>");
                }
                None => html.push_str("<td class=\"n\">–</td>"),
            }
        }
        html.push_str("</tr>\n");
    }
    Ok(())
}

/// What the model gives first, then what it takes; each worst first.
fn write_fields(html: &mut String, model: &ModelSnapshot) -> fmt::Result {
    let mut fields: Vec<&FeatureSnapshot> = watched(model).collect();
    if fields.is_empty() {
        return Ok(());
    }
    fields.sort_by(|a, b| {
        let outputs_first = b.role.is_output().cmp(&a.role.is_output());
        outputs_first.then(badness(b).total_cmp(&badness(a)))
    });
    let left_out = fields.len().saturating_sub(MOST_FIELDS);
    fields.truncate(MOST_FIELDS);
    let (outputs, inputs): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|field| field.role.is_output());
    for (title, fields) in [("what the model says", outputs), ("fields", inputs)] {
        if fields.is_empty() {
            continue;
        }
        write_head(html, model, title, &["missing"])?;
        for field in fields {
            write_field(html, model, field)?;
        }
        html.push_str("</table></div>\n");
    }
    if left_out > 0 {
        writeln!(
            html,
            "<p>{} more fields are in the <a href=\"/api/v1/status\">status</a>.</p>",
            Thousands(left_out as f64)
        )?;
    }
    Ok(())
}

/// Head of a table with a column for each window.
fn write_head(
    html: &mut String,
    model: &ModelSnapshot,
    title: &str,
    further: &[&str],
) -> fmt::Result {
    write!(
        html,
        "<div class=\"t\"><table><tr><th>{title} <small>ratio above 1 is drift</small></th>"
    )?;
    for traffic in &model.windows {
        write!(html, "<th class=\"n\">{}</th>", Escaped(&traffic.window))?;
    }
    for further in further {
        write!(html, "<th class=\"n\">{further}</th>")?;
    }
    html.push_str("</tr>\n");
    Ok(())
}

fn write_field(html: &mut String, model: &ModelSnapshot, field: &FeatureSnapshot) -> fmt::Result {
    let told = in_alarm(field);
    let class = if told.is_some() { " class=\"h\"" } else { "" };
    write!(
        html,
        "<tr{class}><td><a href=\"{}\">{}</a> <small>{}</small></td>",
        Address(model, field),
        Escaped(&field.name),
        field.role.as_str()
    )?;
    for window in &field.windows {
        write_ratios(html, window)?;
    }
    let missing = field.windows.last().and_then(|window| window.null_ratio);
    writeln!(html, "<td class=\"n\">{}</td></tr>", percent(missing))?;
    if let Some((window, drift)) = told {
        let explanation = Explanation::of(model, field, window, Some(drift));
        write!(
            html,
            "<tr class=\"s\"><td colspan=\"{}\">{}",
            field.windows.len() + 2,
            Escaped(&explanation.summary)
        )?;
        write_history(html, field.shape, since(field), model.now)?;
        html.push_str("</td></tr>\n");
    }
    Ok(())
}

/// Ratio against the first reference, and against the others beside it; the state where there is none.
fn write_ratios(html: &mut String, window: &FeatureWindow) -> fmt::Result {
    let mut drifts = window.drift.iter().filter_map(|d| Some((d, finite(d)?)));
    match drifts.next() {
        Some((_, ratio)) => write!(html, "<td class=\"{}\">{ratio:.2}", class_of(ratio))?,
        None if window.state == State::Ok => html.push_str("<td class=\"n\">–"),
        None => {
            let state = window.state.as_str().replace('_', " ");
            write!(html, "<td class=\"n\"><small>{state}</small>")?;
        }
    }
    for (drift, ratio) in drifts {
        let reference = Escaped(&drift.reference);
        write!(html, "<small class=\"o\">{reference} {ratio:.2}</small>")?;
    }
    html.push_str("</td>");
    Ok(())
}

/// Which way the drift of a field came, and since when it is in alarm.
pub(super) fn write_history(
    html: &mut String,
    shape: Option<Shape>,
    since: Option<f64>,
    now: Option<f64>,
) -> fmt::Result {
    if let Some(since) = since {
        write!(html, " <small>Since {}", Moment(since))?;
        if let Some(now) = now {
            write!(html, ", for {}", Lasting(now - since))?;
        }
        html.push_str(".</small>");
    }
    if let Some(shape) = shape {
        write!(html, " <small>{}</small>", shape.sentence())?;
    }
    Ok(())
}

/// The reference, if it is not the usual one.
struct Against<'a>(&'a str);

impl fmt::Display for Against<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "profile" => Ok(()),
            reference => write!(f, " <small>against {}</small>", Escaped(reference)),
        }
    }
}

pub(super) fn class_of(ratio: f64) -> &'static str {
    if ratio > 1.0 { "n drift" } else { "n" }
}

fn watched(model: &ModelSnapshot) -> impl Iterator<Item = &FeatureSnapshot> {
    model.features.iter().filter(|f| f.role.is_watched())
}

fn finite(drift: &Drift) -> Option<f64> {
    drift.ratio.filter(|ratio| ratio.is_finite())
}

/// Larger is worse: a field without any value is worse than any drift, one without a ratio better.
fn badness(field: &FeatureSnapshot) -> f64 {
    let windows = field.windows.iter();
    let worst = windows.map(|window| match window.state {
        State::Absent => f64::INFINITY,
        _ => window.drift.iter().filter_map(finite).fold(-1.0, f64::max),
    });
    worst.fold(-1.0, f64::max)
}

/// The longest window in alarm, against the first reference that it differs from.
fn in_alarm(field: &FeatureSnapshot) -> Option<(&FeatureWindow, &Drift)> {
    field.windows.iter().rev().find_map(|window| {
        let is_on = |drift: &&Drift| drift.ratio.is_some_and(|ratio| ratio > 1.0);
        Some((window, window.drift.iter().find(is_on)?))
    })
}

/// Since when some window differs from some reference.
fn since(field: &FeatureSnapshot) -> Option<f64> {
    let drifts = field.windows.iter().flat_map(|window| &window.drift);
    drifts
        .filter_map(|drift| drift.since)
        .min_by(f64::total_cmp)
}
