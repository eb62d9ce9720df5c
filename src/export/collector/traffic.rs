//! Calls and rows of each model.

use std::fmt::Error;

use super::ModelView;
use crate::engine::{DURATION_BUCKETS, REQUEST_ROWS_BUCKETS};
use crate::export::names;
use crate::export::pen::Book;

/// Label values `q`, in the order of [`crate::engine::LATENCY_QUANTILES`].
const QUANTILES: [&str; 3] = ["0.5", "0.9", "0.99"];

pub(super) fn write(book: &mut Book<'_>, models: &[ModelView<'_>]) -> Result<(), Error> {
    totals(book, models)?;
    histograms(book, models)?;
    windows(book, models)?;

    let mut pen = book.family(&names::LAST_ROW_TIMESTAMP);
    for ModelView { labels, model } in models {
        pen.gauge(labels, &[], model.last_row_at)?;
    }
    let mut pen = book.family(&names::UNTIMELY_ROWS);
    for ModelView { labels, model } in models {
        pen.count(labels, &[("reason", "too_old")], model.too_old_rows)?;
        pen.count(labels, &[("reason", "too_new")], model.too_new_rows)?;
    }
    let mut pen = book.family(&names::FIELDS_IGNORED);
    for ModelView { labels, model } in models {
        pen.whole(labels, &[], model.fields_beyond_limit)?;
    }
    let mut pen = book.family(&names::NAMES_BY_POSITION);
    for ModelView { labels, model } in models {
        pen.gauge(labels, &[], model.names_by_position.then_some(1.0))?;
    }
    Ok(())
}

fn totals(book: &mut Book<'_>, models: &[ModelView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::PREDICTIONS);
    for ModelView { labels, model } in models {
        pen.counter(labels, &[], model.predictions)?;
    }
    let mut pen = book.family(&names::LABELS);
    for ModelView { labels, model } in models {
        if let Some(told) = model.labels {
            pen.counter(labels, &[], told)?;
        }
    }
    let mut pen = book.family(&names::REQUESTS);
    for ModelView { labels, model } in models {
        pen.counter(labels, &[], model.requests)?;
    }
    let mut pen = book.family(&names::REQUEST_ERRORS);
    for ModelView { labels, model } in models {
        for &(code, count) in &model.errors {
            pen.counter(labels, &[("code", code)], count)?;
        }
    }
    Ok(())
}

fn histograms(book: &mut Book<'_>, models: &[ModelView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::REQUEST_DURATION);
    for ModelView { labels, model } in models {
        if let Some(duration) = &model.duration {
            pen.histogram(labels, &DURATION_BUCKETS, &duration.counts, duration.sum)?;
        }
    }
    let mut pen = book.family(&names::REQUEST_ROWS);
    for ModelView { labels, model } in models {
        let rows = &model.request_rows;
        pen.histogram(labels, &REQUEST_ROWS_BUCKETS, &rows.counts, rows.sum)?;
    }
    Ok(())
}

fn windows(book: &mut Book<'_>, models: &[ModelView<'_>]) -> Result<(), Error> {
    let mut pen = book.family(&names::LATENCY);
    for ModelView { labels, model } in models {
        for window in &model.windows {
            for (q, latency) in QUANTILES.iter().zip(window.latency.into_iter().flatten()) {
                pen.gauge(labels, &[("window", &window.window), ("q", q)], latency)?;
            }
        }
    }
    let mut pen = book.family(&names::THROUGHPUT);
    for ModelView { labels, model } in models {
        for window in &model.windows {
            pen.gauge(labels, &[("window", &window.window)], window.throughput)?;
        }
    }
    let mut pen = book.family(&names::ERROR_RATIO);
    for ModelView { labels, model } in models {
        for window in &model.windows {
            pen.gauge(labels, &[("window", &window.window)], window.error_ratio)?;
        }
    }
    let mut pen = book.family(&names::WINDOW_ROWS);
    for ModelView { labels, model } in models {
        for window in &model.windows {
            pen.whole(labels, &[("window", &window.window)], window.rows)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::LATENCY_QUANTILES;

    #[test]
    fn quantile_labels_are_the_quantiles() {
        assert_eq!(
            QUANTILES.map(|q| q.parse::<f64>().unwrap()),
            LATENCY_QUANTILES
        );
    }
}
