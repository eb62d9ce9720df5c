//! What fields are compared with, so that PromQL can compute the drift of a fleet exactly.

use std::fmt::Error;

use super::{FieldView, ModelView, at};
use crate::engine::Detail::{Full, Standard};
use crate::engine::FeatureReference;
use crate::export::family::Family;
use crate::export::names;
use crate::export::pen::Book;
use crate::statistic::bonferroni;

pub(super) fn write(
    book: &mut Book<'_>,
    models: &[ModelView<'_>],
    fields: &[FieldView<'_>],
) -> Result<(), Error> {
    in_force(book, models)?;
    cells(book, fields)?;

    let fleet = || fields.iter().filter(|view| view.shows_cells());
    parameter(book, &names::REFERENCE_DESIGN_EFFECT, fleet(), |r| {
        Some(r.variation.design_effect)
    })?;
    let mut pen = book.family(&names::REFERENCE_MINIMUM_EFFECT);
    for FieldView { labels, field } in fleet() {
        let Some(reference) = field
            .reference
            .as_ref()
            .filter(|r| r.feature.cells.is_some())
        else {
            continue;
        };
        for window in &field.windows {
            let further = [
                ("profile", &*reference.profile),
                ("window", &*window.window),
            ];
            pen.gauge(labels, &further, window.minimum_effect)?;
        }
    }
    parameter(book, &names::REFERENCE_SIGNIFICANCE, fleet(), |r| {
        Some(r.significance)
    })?;
    // PromQL knows no quantile of the normal.
    let two_sided = &names::REFERENCE_TWO_SIDED_SIGNIFICANCE;
    parameter(book, two_sided, fleet(), |r| {
        let cells = r.feature.cells.as_ref()?.cells.len();
        (cells == 2).then(|| bonferroni(r.significance, 2.0))
    })?;

    let moments = |r: &FeatureReference| r.feature.moments;
    let standard = || at(fields, Standard);
    figure(book, &names::REFERENCE_MEAN, standard(), |r| {
        moments(r).map(|m| m.mean)
    })?;
    figure(book, &names::REFERENCE_STDDEV, standard(), |r| {
        moments(r).map(|m| m.stddev)
    })?;
    figure(book, &names::REFERENCE_NULL_RATIO, standard(), |r| {
        r.feature.null_ratio()
    })?;
    figure(
        book,
        &names::REFERENCE_NEW_CATEGORY_RATIO,
        standard(),
        |r| r.feature.new_category_ratio(),
    )?;
    let full = at(fields, Full);
    figure(book, &names::REFERENCE_OUT_OF_RANGE_RATIO, full, |r| {
        moments(r).map(|_| 0.0)
    })
}

fn in_force(book: &mut Book<'_>, models: &[ModelView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::REFERENCE);
    for ModelView { labels, model } in models {
        for reference in &model.references {
            let further = [
                ("profile", &*reference.profile),
                ("source", reference.source),
            ];
            pen.info(labels, &further)?;
        }
    }
    let mut pen = book.family(&names::REFERENCE_CREATED);
    for ModelView { labels, model } in models {
        for reference in &model.references {
            let further = [("profile", &*reference.profile)];
            pen.gauge(labels, &further, reference.created_at)?;
        }
    }
    let mut pen = book.family(&names::LEARNING_ROWS);
    for ModelView { labels, model } in models {
        if let Some(learning) = model.learning {
            pen.whole(labels, &[], learning.rows)?;
        }
    }
    let mut pen = book.family(&names::LEARNING_ROWS_WANTED);
    for ModelView { labels, model } in models {
        if let Some(learning) = model.learning {
            pen.whole(labels, &[], learning.wanted)?;
        }
    }
    let mut pen = book.family(&names::BURN_IN_RATIO);
    for ModelView { labels, model } in models {
        pen.gauge(labels, &[], model.burn_in)?;
    }
    Ok(())
}

fn cells(book: &mut Book<'_>, fields: &[FieldView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::REFERENCE_BIN_ROWS);
    for FieldView { labels, field } in fields.iter().filter(|view| view.shows_cells()) {
        let Some(reference) = &field.reference else {
            continue;
        };
        let Some(counted) = &reference.feature.cells else {
            continue;
        };
        // Categories learned from traffic are row values, which no label may carry.
        let hide = reference.hides_categories();
        for cell in 0..counted.cells.len() {
            let rows = counted.rows.get(cell).copied().unwrap_or(0);
            let bin = counted.cells.bin(cell);
            let range = counted.cells.range(cell);
            let further = [
                ("bin", &*bin),
                ("profile", &*reference.profile),
                ("range", &*range),
            ];
            let further = if hide { &further[..2] } else { &further[..] };
            pen.whole(labels, further, rows)?;
        }
    }
    Ok(())
}

/// A gauge with one figure for the cells of a field.
fn parameter<'v, 's: 'v>(
    book: &mut Book<'_>,
    family: &'static Family,
    fields: impl Iterator<Item = &'v FieldView<'s>>,
    figure: impl Fn(&FeatureReference) -> Option<f64>,
) -> Result<(), Error> {
    let mut pen = book.family(family);
    for FieldView { labels, field } in fields {
        if let Some(reference) = field
            .reference
            .as_ref()
            .filter(|r| r.feature.cells.is_some())
        {
            let further = [("profile", &*reference.profile)];
            pen.gauge(labels, &further, figure(reference))?;
        }
    }
    Ok(())
}

/// A gauge with one figure of the reference of a field, where it has it.
fn figure<'v, 's: 'v>(
    book: &mut Book<'_>,
    family: &'static Family,
    fields: impl Iterator<Item = &'v FieldView<'s>>,
    figure: impl Fn(&FeatureReference) -> Option<f64>,
) -> Result<(), Error> {
    let mut pen = book.family(family);
    for FieldView { labels, field } in fields {
        pen.gauge(labels, &[], field.reference.as_ref().and_then(&figure))?;
    }
    Ok(())
}
