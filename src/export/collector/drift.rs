//! How far each field is from its references.

use std::fmt::Error;

use super::{FieldView, at};
use crate::engine::Detail::{Full, Lean, Standard};
use crate::engine::{Detail, Drift};
use crate::export::family::Family;
use crate::export::names;
use crate::export::pen::Book;

/// The one distance that level `standard` shows.
const STANDARD_DISTANCE: &str = "js";

pub(super) fn write(book: &mut Book<'_>, fields: &[FieldView<'_>]) -> Result<(), Error> {
    compared(book, fields, &names::FEATURE_DRIFT, Standard, |d| {
        Some(d.psi)
    })?;
    compared(
        book,
        fields,
        &names::FEATURE_DRIFT_THRESHOLD,
        Standard,
        |d| Some(d.threshold),
    )?;
    compared(book, fields, &names::FEATURE_DRIFT_RATIO, Lean, |d| d.ratio)?;
    compared(book, fields, &names::FEATURE_DRIFT_EXCESS, Standard, |d| {
        Some(d.excess)
    })?;

    let mut pen = book.family(&names::FEATURE_DISTANCE);
    for view in at(fields, Standard) {
        for window in &view.field.windows {
            for drift in &window.drift {
                for &(statistic, distance) in &drift.distances {
                    if statistic == STANDARD_DISTANCE || view.shows(Full) {
                        let further = [
                            ("window", &*window.window),
                            ("reference", &*drift.reference),
                            ("statistic", statistic),
                        ];
                        pen.gauge(&view.labels, &further, distance)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// A gauge with one figure a window and reference.
fn compared(
    book: &mut Book<'_>,
    fields: &[FieldView<'_>],
    family: &'static Family,
    detail: Detail,
    figure: impl Fn(&Drift) -> Option<f64>,
) -> Result<(), Error> {
    let mut pen = book.family(family);
    for FieldView { labels, field } in at(fields, detail) {
        for window in &field.windows {
            for drift in &window.drift {
                let further = [
                    ("window", &*window.window),
                    ("reference", &*drift.reference),
                ];
                pen.gauge(labels, &further, figure(drift))?;
            }
        }
    }
    Ok(())
}
