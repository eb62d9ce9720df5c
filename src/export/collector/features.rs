//! Values of each field: what came, what was missing, what is unlike the reference.

use std::fmt::Error;

use super::{FieldView, at};
use crate::engine::Detail::{Full, Lean, Standard};
use crate::engine::FeatureWindow;
use crate::export::family::Family;
use crate::export::names;
use crate::export::pen::Book;

pub(super) fn write(book: &mut Book<'_>, fields: &[FieldView<'_>]) -> Result<(), Error> {
    totals(book, fields)?;
    cells(book, fields)?;

    let mut pen = book.family(&names::FEATURE_WINDOW_ROWS);
    for FieldView { labels, field } in at(fields, Standard) {
        for window in &field.windows {
            pen.whole(labels, &[("window", &window.window)], window.values)?;
        }
    }
    sides(book, fields)?;
    let all = at(fields, Lean);
    windowed(book, &names::FEATURE_NULL_RATIO, all, |w| w.null_ratio)?;
    let numeric = || at(fields, Standard).filter(|view| view.is_numeric());
    windowed(book, &names::FEATURE_OUT_OF_RANGE_RATIO, numeric(), |w| {
        w.out_of_range_ratio
    })?;
    let text = at(fields, Standard).filter(|view| !view.may_be_numeric());
    windowed(book, &names::FEATURE_NEW_CATEGORY_RATIO, text, |w| {
        w.new_category_ratio
    })?;
    let numeric = |detail| at(fields, detail).filter(|view| view.may_be_numeric());
    windowed(book, &names::FEATURE_MEAN, numeric(Standard), |w| w.mean)?;
    windowed(book, &names::FEATURE_STDDEV, numeric(Standard), |w| {
        w.stddev
    })?;
    windowed(book, &names::FEATURE_MIN, numeric(Full), |w| w.min)?;
    windowed(book, &names::FEATURE_MAX, numeric(Full), |w| w.max)?;

    let mut pen = book.family(&names::FEATURE_DISTINCT);
    for FieldView { labels, field } in at(fields, Full) {
        let longest = field.windows.iter().rev().find(|w| w.distinct.is_some());
        if let Some(window) = longest {
            pen.gauge(labels, &[("window", &window.window)], window.distinct)?;
        }
    }
    let mut pen = book.family(&names::FEATURE_STATE);
    for FieldView { labels, field } in fields {
        for window in &field.windows {
            let state = window.state.as_str();
            pen.whole(labels, &[("window", &window.window), ("state", state)], 1)?;
        }
    }
    Ok(())
}

fn totals(book: &mut Book<'_>, fields: &[FieldView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::FEATURE_VALUES);
    for FieldView { labels, field } in fields {
        pen.count(labels, &[], field.values)?;
    }
    let mut pen = book.family(&names::FEATURE_MISSING);
    for FieldView { labels, field } in fields {
        let missing = &field.missing;
        for (reason, count) in [
            ("null", missing.null),
            ("nan", missing.nan),
            ("inf", missing.inf),
            ("absent", missing.absent),
            ("invalid", missing.invalid),
        ] {
            pen.count(labels, &[("reason", reason)], count)?;
        }
    }
    Ok(())
}

/// Every cell of the reference from the start, at 0.
fn cells(book: &mut Book<'_>, fields: &[FieldView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::FEATURE_BIN);
    for FieldView { labels, field } in fields.iter().filter(|view| view.shows_cells()) {
        let Some(reference) = &field.reference else {
            continue;
        };
        let Some(cells) = reference.feature.cells.as_ref().map(|r| &r.cells) else {
            continue;
        };
        for cell in 0..cells.len() {
            let count = field.cells.get(cell).copied().unwrap_or(0);
            let bin = cells.bin(cell);
            let further = [("bin", &*bin), ("profile", &*reference.profile)];
            pen.count(labels, &further, count)?;
        }
    }
    Ok(())
}

/// Counters of what only numbers with a reference have.
fn sides(book: &mut Book<'_>, fields: &[FieldView<'_>]) -> Result<(), Error> {
    let numeric = |detail| at(fields, detail).filter(|view| view.is_numeric());
    let mut pen = book.family(&names::FEATURE_OUT_OF_RANGE);
    for FieldView { labels, field } in numeric(Standard) {
        pen.count(labels, &[("side", "below")], field.below)?;
        pen.count(labels, &[("side", "above")], field.above)?;
    }
    let mut pen = book.family(&names::FEATURE_FAR_VALUES);
    for FieldView { labels, field } in numeric(Full) {
        pen.count(labels, &[], field.far)?;
    }
    Ok(())
}

/// A gauge with one figure a window.
fn windowed<'v, 's: 'v>(
    book: &mut Book<'_>,
    family: &'static Family,
    fields: impl Iterator<Item = &'v FieldView<'s>>,
    figure: impl Fn(&FeatureWindow) -> Option<f64>,
) -> Result<(), Error> {
    let mut pen = book.family(family);
    for FieldView { labels, field } in fields {
        for window in &field.windows {
            pen.gauge(labels, &[("window", &window.window)], figure(window))?;
        }
    }
    Ok(())
}
