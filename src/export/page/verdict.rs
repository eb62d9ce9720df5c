//! What is wrong with a model now, in words: before any table.

use std::fmt::Write;

use super::figures::{Count, Lasting, Thousands, percent};
use super::text::{Escaped, Name};
use crate::engine::{
    DriftedFields, FeatureSnapshot, FeatureWindow, ModelDrift, ModelSnapshot, Rate, Rates, State,
};

/// Names that a sentence lists.
const MOST_NAMED: usize = 3;

/// How a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Something has changed.
    Changed,
    /// It cannot be told.
    Unknown,
    /// Nothing has changed.
    Fine,
}

impl Level {
    /// Sign and class; the words beside it say the same.
    pub(super) const fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Changed => ("▲", "changed"),
            Self::Unknown => ("◌", "unknown"),
            Self::Fine => ("✓", "fine"),
        }
    }
}

/// What is to be said of a model. Sentences are HTML.
pub(super) struct Verdict {
    pub level: Level,
    /// The first sentence.
    pub headline: String,
    /// What else has changed.
    pub changes: Vec<String>,
    /// What to know when reading the figures.
    pub notes: Vec<String>,
}

impl Verdict {
    pub(super) fn of(model: &ModelSnapshot) -> Self {
        let mut changes: Vec<String> = drifted(model).into_iter().collect();
        changes.extend(absent(model));
        changes.extend(raised(model));
        changes.extend(whole(model));
        changes.extend(outliers(model));
        let is_judged = model.drifted_fields.iter().any(|count| count.judged > 0);
        let (level, headline) = match changes.first() {
            Some(_) => (Level::Changed, changes.remove(0)),
            None if is_judged => (Level::Fine, fine(model)),
            None => (Level::Unknown, unknown(model)),
        };
        Self {
            level,
            headline,
            changes,
            notes: notes(model),
        }
    }
}

/// The comparison in which most fields have drifted.
fn most_drifted(model: &ModelSnapshot) -> Option<&DriftedFields> {
    // The last of equals: the longest window.
    let counts = model.drifted_fields.iter();
    counts
        .filter(|count| count.drifted > 0)
        .max_by_key(|count| count.drifted)
}

/// That comparison, and the worst fields in it.
fn drifted(model: &ModelSnapshot) -> Option<String> {
    let most = most_drifted(model)?;
    let mut worst: Vec<(&str, f64)> = fields(model)
        .filter_map(|field| {
            let window = field.windows.iter().find(|w| w.window == most.window)?;
            let drift = window
                .drift
                .iter()
                .find(|d| d.reference == most.reference)?;
            Some((&*field.name, drift.ratio.filter(|ratio| *ratio > 1.0)?))
        })
        .collect();
    worst.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named = worst.iter().take(MOST_NAMED).enumerate();
    let named = named.map(|(at, (name, ratio))| {
        let its = if at == 0 { " its threshold" } else { "" };
        format!("{} ({}\u{a0}×{its})", Name(name), Factor(*ratio))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let worst = if named.is_empty() { "" } else { ", worst " };
    Some(format!(
        "{} of {} have drifted in {}{}{worst}{named}.",
        Thousands(most.drifted as f64),
        Count(most.judged, "field"),
        Escaped(&most.window),
        against(&most.reference)
    ))
}

/// A ratio without its sign.
struct Factor(f64);

impl std::fmt::Display for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            ratio if ratio >= 100.0 => Thousands(ratio).fmt(f),
            ratio if ratio >= 10.0 => write!(f, "{ratio:.0}"),
            ratio => write!(f, "{ratio:.1}"),
        }
    }
}

/// The reference, where it is not the usual one.
fn against(reference: &str) -> String {
    match reference {
        "profile" => String::new(),
        reference => format!(" against {}", Name(reference)),
    }
}

/// Fields that no row has, or only one value.
fn absent(model: &ModelSnapshot) -> Vec<String> {
    let of = |state: State| {
        let is_so =
            move |field: &&FeatureSnapshot| longest(field).is_some_and(|w| w.state == state);
        let names: Vec<_> = fields(model).filter(is_so).map(|f| &*f.name).collect();
        (!names.is_empty()).then(|| listed(&names))
    };
    let absent = of(State::Absent).map(|names| format!("No row has a value of {names}."));
    let constant =
        of(State::Constant).map(|names| format!("Always the same, as never before: {names}."));
    absent.into_iter().chain(constant).collect()
}

/// Rates that are higher than in the reference, and not by chance.
fn raised(model: &ModelSnapshot) -> Vec<String> {
    let rates: Vec<(&str, Rates)> = fields(model)
        .filter_map(|field| {
            let window = longest(field).filter(|window| window.state != State::Absent)?;
            Some((&*field.name, Rates::of(field.reference.as_ref(), window)))
        })
        .collect();
    let of = |what: &str, rate: fn(&Rates) -> Option<Rate>| {
        let mut raised: Vec<(&str, Rate)> = rates
            .iter()
            .filter_map(|(name, rates)| Some((*name, rate(rates).filter(|rate| rate.raised)?)))
            .collect();
        raised.sort_by(|(_, a), (_, b)| b.window.total_cmp(&a.window));
        let named = raised.iter().take(MOST_NAMED).map(|(name, rate)| {
            let (is, was) = (percent(Some(rate.window)), percent(Some(rate.reference)));
            format!("{} {is} (was {was})", Name(name))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        match raised.len() {
            0 => None,
            count if count > MOST_NAMED => {
                Some(format!("{what}: {named} and {} more.", count - MOST_NAMED))
            }
            _ => Some(format!("{what}: {named}.")),
        }
    };
    let rates = [
        of("More rows without a value", |rates| rates.missing),
        of("More values out of range", |rates| rates.out_of_range),
        of("More values never seen before", |rates| rates.new_category),
    ];
    rates.into_iter().flatten().collect()
}

/// Drift that no single field shows.
fn whole(model: &ModelSnapshot) -> Vec<String> {
    let of = |kind: &'static str| {
        let drifts = model
            .drift
            .iter()
            .filter(move |d| d.kind == kind && d.ratio > 1.0);
        drifts.max_by(|a, b| a.ratio.total_cmp(&b.ratio))
    };
    let place = |drift: &ModelDrift| {
        format!(
            "{}\u{a0}× the threshold in {}{}",
            Factor(drift.ratio),
            Escaped(&drift.window),
            against(&drift.reference)
        )
    };
    let names = |drift: &ModelDrift, between: &str| {
        let names = drift.fields.iter().map(|name| Name(name).to_string());
        names.collect::<Vec<_>>().join(between)
    };
    let dependence = of("dependence").map(|drift| {
        let (pair, place) = (names(drift, " and "), place(drift));
        format!("{pair} no longer go together as they did: {place}.")
    });
    let together =
        of("mmd").map(|drift| format!("All features seen together have moved: {}.", place(drift)));
    let vectors = of("embedding").map(|drift| {
        let (field, place) = (names(drift, ", "), place(drift));
        format!("The vectors of {field} lie elsewhere: {place}.")
    });
    [dependence, together, vectors]
        .into_iter()
        .flatten()
        .collect()
}

fn outliers(model: &ModelSnapshot) -> Option<String> {
    let of = model.outliers.iter().rev().find(|of| of.is_raised)?;
    let mut sentence = format!(
        "{} of the rows in {} are unusual as a whole (was {})",
        percent(Some(of.ratio)),
        Escaped(&of.window),
        percent(Some(of.reference_ratio))
    );
    let names: Vec<_> = of.features.iter().map(|(name, _)| &**name).collect();
    if !names.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(sentence, ", most of all in {}", listed(&names));
    }
    sentence.push('.');
    Some(sentence)
}

fn fine(model: &ModelSnapshot) -> String {
    let judged = model.drifted_fields.iter().map(|count| count.judged).max();
    format!(
        "Nothing has drifted: {} within the threshold in all windows.",
        Count(judged.unwrap_or(0), "field")
    )
}

fn unknown(model: &ModelSnapshot) -> String {
    if let Some(learning) = model.learning {
        return format!(
            "Its reference is being learned, {} of {} rows so far: nothing can be judged yet.",
            Thousands(learning.rows as f64),
            Thousands(learning.wanted as f64)
        );
    }
    if model.windows.iter().all(|window| window.rows == 0) {
        return "No rows: nothing can be judged.".into();
    }
    if model.references.is_empty() {
        return "It has no reference: nothing can be judged.".into();
    }
    "Too few rows: nothing can be judged yet.".into()
}

fn notes(model: &ModelSnapshot) -> Vec<String> {
    let mut notes = Vec::new();
    let silent: Vec<_> = model.windows.iter().filter(|w| w.rows == 0).collect();
    if let Some(window) = silent.last().filter(|_| silent.len() < model.windows.len()) {
        notes.push(format!("No rows in the last {}.", Escaped(&window.window)));
    }
    if let Some(done) = model.burn_in.filter(|done| *done < 1.0) {
        notes.push(format!(
            "Burn-in {:.0}% done: thresholds still widen to what is usual in production.",
            (100.0 * done).floor()
        ));
    }
    if model.names_by_position {
        notes.push(
            "Calls do not name the features: they have the names of the profile by position. \
             Check that the order is right."
                .into(),
        );
    }
    if model.fields_beyond_limit > 0 {
        let fields = Count(model.fields_beyond_limit as usize, "field");
        notes.push(format!("{fields} beyond the limit are not followed."));
    }
    if model.too_old_rows + model.too_new_rows > 0 {
        notes.push(format!(
            "{} rows were left out for their time: too old {}, too new {}.",
            Thousands((model.too_old_rows + model.too_new_rows) as f64),
            Thousands(model.too_old_rows as f64),
            Thousands(model.too_new_rows as f64)
        ));
    }
    notes
}

/// How long ago the last row came.
pub(super) fn silence(model: &ModelSnapshot, now: Option<f64>) -> Option<Lasting> {
    Some(Lasting(now? - model.last_row_at?))
}

/// The largest ratio of any field, in the comparison that the verdict speaks of if any field has drifted.
pub(super) fn worst(model: &ModelSnapshot) -> Option<&ModelDrift> {
    let most = most_drifted(model);
    let is_meant = |drift: &&ModelDrift| {
        most.is_none_or(|most| drift.window == most.window && drift.reference == most.reference)
    };
    let drifts = model.drift.iter().filter(|d| d.kind == "worst_feature");
    drifts
        .filter(is_meant)
        .max_by(|a, b| a.ratio.total_cmp(&b.ratio))
}

/// Fields of the model, without labels, which come later or never.
fn fields(model: &ModelSnapshot) -> impl Iterator<Item = &FeatureSnapshot> {
    let is_own = |field: &&FeatureSnapshot| {
        field.role.is_watched() && field.role != crate::batch::Role::Label
    };
    model.features.iter().filter(is_own)
}

/// The longest window in which the field had rows.
fn longest(field: &FeatureSnapshot) -> Option<&FeatureWindow> {
    let has_rows = |window: &&FeatureWindow| window.values + window.missing.total() > 0;
    field.windows.iter().rev().find(has_rows)
}

/// The first few names.
fn listed(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(MOST_NAMED)
        .map(|name| Name(name).to_string());
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMED {
        // Writing to a string cannot fail.
        let _ = write!(text, " and {} more", names.len() - MOST_NAMED);
    }
    text
}
