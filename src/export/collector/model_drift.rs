//! How far each model as a whole is from its references.

use std::fmt::Error;

use super::ModelView;
use crate::engine::OutlierWindow;
use crate::export::family::Family;
use crate::export::names;
use crate::export::pen::Book;

pub(super) fn write(book: &mut Book<'_>, models: &[ModelView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::MODEL_DRIFT_RATIO);
    for ModelView { labels, model } in models {
        for drift in &model.drift {
            let further = [
                ("window", &*drift.window),
                ("reference", &*drift.reference),
                ("kind", drift.kind),
            ];
            pen.gauge(labels, &further, drift.ratio)?;
        }
    }
    let mut pen = book.family(&names::MODEL_DRIFTED_FEATURES);
    for ModelView { labels, model } in models {
        for fields in &model.drifted_fields {
            let further = [
                ("window", &*fields.window),
                ("reference", &*fields.reference),
            ];
            pen.gauge(labels, &further, fields.drifted as f64)?;
        }
    }
    outliers(book, models, &names::OUTLIER_RATIO, |of| Some(of.ratio))?;
    outliers(book, models, &names::OUTLIER_RATIO_THRESHOLD, |of| {
        of.threshold
    })
}

/// A gauge with one figure a window.
fn outliers(
    book: &mut Book<'_>,
    models: &[ModelView<'_>],
    family: &'static Family,
    figure: impl Fn(&OutlierWindow) -> Option<f64>,
) -> Result<(), Error> {
    let mut pen = book.family(family);
    for ModelView { labels, model } in models {
        for window in &model.outliers {
            pen.gauge(labels, &[("window", &*window.window)], figure(window))?;
        }
    }
    Ok(())
}
