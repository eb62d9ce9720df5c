//! What stands above the table: the sidecar, then the model.

use std::collections::BTreeMap;

use ratatui::text::{Line, Span};

use super::document::{Document, Model, Source};
use super::figures::{count, lasting, millis, percent, rate, ratio};
use super::rows::{self, DRIFT};
use super::style::{Palette, Tone};
use super::text::Text;
use super::view::View;

/// Space between two pieces of a line.
const GAP: &str = "   ";

type Piece = (String, Tone);

/// About the sidecar: what it is, when it looked at its models, what came in.
pub(super) fn of_sidecar(
    document: &Document,
    place: &str,
    now: f64,
    width: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    let plain = |text: String| (text, Tone::Plain);
    let version = format!("driftgauge {} at {place}", document.version);
    let mut pieces = vec![(version, Tone::Title)];
    pieces.push(plain(match document.evaluated_at {
        Some(at) if at > 0.0 => format!("evaluated {} ago", lasting(now - at)),
        _ => "not evaluated yet".into(),
    }));
    pieces.push(plain(count(document.models.len(), "model")));
    let any = View::default();
    let has_drifted = |model: &&Model| rows::listed(model, &any).iter().any(rows::Row::has_drifted);
    match document.models.iter().filter(has_drifted).count() {
        0 => {}
        drifted => pieces.push((format!("{drifted} with drift!"), Tone::Drift)),
    }
    let mut lines = flow(pieces, width, palette);

    let mut pieces = Vec::new();
    let traffic = document
        .models
        .iter()
        .filter_map(|model| model.windows.first());
    let rates = traffic.filter_map(|window| window.throughput_rows_per_second);
    pieces.push(plain(format!("{} rows/s", rate(rates.sum()))));
    match &document.sidecar {
        Some(sidecar) => {
            let received = sidecar.sources.iter().map(|source| source.received_rows);
            pieces.push(plain(format!("{} rows received", received.sum::<u64>())));
            pieces.extend(losses(&sidecar.sources));
            if sidecar.config_last_reload_successful == Some(false) {
                let text = "the settings cannot be used, and others are in force: see its log!";
                pieces.push((text.into(), Tone::Odd));
            }
            if let Some(dropped @ 1..) = sidecar.dropped_series {
                let limit = sidecar.series_limit.unwrap_or_default();
                let text =
                    format!("{dropped} series left out to keep to {limit} (web.max_series)!");
                pieces.push((text, Tone::Odd));
            }
        }
        None => pieces.push(plain("shed: this version does not say".into())),
    }
    lines.extend(flow(pieces, width, palette));
    lines
}

/// What was not taken. What is shed is always said: nothing lost is good news too.
fn losses(sources: &[Source]) -> Vec<Piece> {
    let shed = total(sources.iter().map(|source| &source.shed_rows));
    let rejected = total(sources.iter().map(|source| &source.rejected_rows));
    let undecodable = total(sources.iter().map(|source| &source.undecodable_calls));
    let calls = sources.iter().filter_map(|source| source.calls.as_ref());
    let calls = total(calls.map(|calls| &calls.shed));
    let piece = |what: &str, reasons: BTreeMap<&str, u64>, always: bool| {
        let sum: u64 = reasons.values().sum();
        match sum {
            0 => always.then(|| (format!("0 {what}"), Tone::Plain)),
            sum => {
                let reasons: Vec<_> = reasons.into_keys().collect();
                let reasons = reasons.join(", ");
                Some((format!("{sum} {what} ({reasons})!"), Tone::Odd))
            }
        }
    };
    [
        piece("shed", shed, true),
        piece("rejected", rejected, false),
        piece("calls undecodable", undecodable, false),
        piece("calls not looked at", calls, false),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The reasons that have occurred, over all ways in.
fn total<'d>(counts: impl Iterator<Item = &'d BTreeMap<Text, u64>>) -> BTreeMap<&'d str, u64> {
    let mut sum: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, &count) in counts.flatten().filter(|(_, count)| **count > 0) {
        let so_far = sum.entry(&**reason).or_default();
        *so_far = so_far.saturating_add(count);
    }
    sum
}

/// About one model: its traffic, its reference, its drift as a whole.
pub(super) fn of_model(
    model: &Model,
    view: &View,
    now: f64,
    width: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    let mut lines = flow(traffic(model, view, now), width, palette);
    let references = references(model);
    if !references.is_empty() {
        lines.extend(flow(references, width, palette));
    }
    let whole = whole(model, view);
    if !whole.is_empty() {
        lines.extend(flow(whole, width, palette));
    }
    lines
}

fn traffic(model: &Model, view: &View, now: f64) -> Vec<Piece> {
    let name = format!("model {} version {}", model.model, model.version);
    let mut pieces = vec![(name, Tone::Title)];
    let mut say = |text: String| pieces.push((text, Tone::Plain));
    if let Some(rows) = model.predictions {
        say(format!("{rows:.0} rows"));
    }
    if let Some(at) = model.last_row_at {
        say(format!("the last {} ago", lasting(now - at)));
    }
    let mut windows = model.windows.iter();
    let Some(window) = windows.find(|window| view.shows_window(&window.window)) else {
        return pieces;
    };
    if let Some(throughput) = window.throughput_rows_per_second {
        say(format!("{} rows/s in {}", rate(throughput), window.window));
    }
    if window.error_ratio.is_some() {
        say(format!("{} errors", percent(window.error_ratio)));
    }
    let quantile = |name: &str| {
        let latency = window.latency_seconds.as_ref()?;
        latency.get(&Text::from(name)).copied().map(millis)
    };
    if let (Some(p50), Some(p99)) = (quantile("0.5"), quantile("0.99")) {
        say(format!("p50 {p50}, p99 {p99}"));
    }
    pieces
}

fn references(model: &Model) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut say = |text: String| pieces.push((text, Tone::Plain));
    for reference in &model.references {
        say(format!(
            "reference {} ({})",
            reference.profile, reference.source
        ));
    }
    if let Some(learning) = &model.learning {
        let (rows, wanted) = (learning.rows, learning.wanted);
        say(format!("learning a reference, {rows} of {wanted} rows"));
    }
    if let Some(done) = model.burn_in_ratio.filter(|done| *done < 1.0) {
        say(format!("burn-in {:.0}% done", (100.0 * done).floor()));
    }
    if model.names_by_position {
        say("features have the names of the profile by position".into());
    }
    pieces
}

/// How many features have drifted, and what no feature shows alone.
fn whole(model: &Model, view: &View) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let unfiltered = View {
        filter: String::new(),
        ..view.clone()
    };
    let rows = rows::listed(model, &unfiltered);
    let judged = rows.iter().filter(|row| row.worst.is_some()).count();
    if judged > 0 {
        let drifted = rows.iter().filter(|row| row.has_drifted()).count();
        let (mark, tone) = match drifted {
            0 => ("", Tone::Plain),
            _ => ("!", Tone::Drift),
        };
        pieces.push((format!("{drifted} of {judged} in {DRIFT}{mark}"), tone));
    }
    let in_view = || {
        model.model_drift.iter().filter(|drift| {
            view.shows_window(&drift.window) && view.shows_reference(&drift.reference)
        })
    };
    let mut kinds: Vec<&str> = in_view().map(|drift| &*drift.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // The worst feature heads the table.
    for kind in kinds.into_iter().filter(|kind| *kind != "worst_feature") {
        let of_kind = in_view().filter(|drift| &*drift.kind == kind);
        let ratios = of_kind.filter_map(|drift| Some((drift.ratio?, drift)));
        let Some((worst, drift)) = ratios.max_by(|a, b| a.0.total_cmp(&b.0)) else {
            continue;
        };
        let fields: Vec<&str> = drift.fields.iter().map(|field| &**field).collect();
        let fields = match fields[..] {
            [] => String::new(),
            _ => format!(" ({})", fields.join(" × ")),
        };
        let tone = if worst > 1.0 {
            Tone::Drift
        } else {
            Tone::Plain
        };
        pieces.push((format!("{kind}{fields} {}", ratio(worst).trim_end()), tone));
    }
    let outliers = || {
        let windows = model.outliers.iter();
        windows.filter(|window| view.shows_window(&window.window))
    };
    if let Some(window) = outliers()
        .find(|window| window.is_raised)
        .or(outliers().next_back())
    {
        let (mark, tone) = match window.is_raised {
            true => ("!", Tone::Drift),
            false => ("", Tone::Plain),
        };
        let (share, usual) = (percent(window.ratio), percent(window.reference_ratio));
        pieces.push((
            format!("{share} unusual rows, {usual} in the reference{mark}"),
            tone,
        ));
    }
    pieces
}

/// Pieces side by side, in as many lines as it takes.
pub(super) fn flow(pieces: Vec<Piece>, width: usize, palette: Palette) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (text, tone) in pieces {
        let piece = Span::styled(text, palette.style(tone));
        match lines.last_mut() {
            Some(line) if line.width() + GAP.len() + piece.width() <= width => {
                line.push_span(GAP);
                line.push_span(piece);
            }
            _ => lines.push(Line::from(piece)),
        }
    }
    lines
}
