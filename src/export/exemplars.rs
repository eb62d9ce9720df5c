//! Exemplars on an OpenMetrics page: which call to look up among the traces.
//!
//! prometheus-client makes exemplars only of values that it has observed itself, one by one; here the
//! buckets are counted already. So they are written behind the buckets' lines afterwards. The other
//! formats are made without them: text 0.0.4 has none.

use std::fmt::{Error, Write};

use super::names;
use crate::engine::{DURATION_BUCKETS, Exemplar, Snapshot};

/// The page with the exemplars of the snapshot that it was made of.
///
/// # Errors
/// When the page cannot be written, which does not happen.
pub(super) fn with_exemplars(page: String, snapshot: &Snapshot) -> Result<String, Error> {
    // The collector writes models in this order, and the buckets of each from the lowest on.
    let mut exemplars = snapshot
        .models
        .iter()
        .filter_map(|model| model.duration.as_ref())
        .filter(|duration| duration.sum.is_finite())
        .flat_map(|duration| {
            (0..=DURATION_BUCKETS.len())
                .map(|bucket| duration.exemplars.get(bucket).copied().flatten())
        });
    if exemplars.clone().all(|exemplar| exemplar.is_none()) {
        return Ok(page);
    }
    let bucket = format!("{}_bucket{{", names::REQUEST_DURATION.name);
    let mut with = String::with_capacity(page.len() + 1024);
    for line in page.split_inclusive('\n') {
        let exemplar = line
            .starts_with(&bucket)
            .then(|| exemplars.next().flatten())
            .flatten();
        match exemplar {
            Some(exemplar) => {
                with.push_str(line.trim_end_matches('\n'));
                write_exemplar(&mut with, &exemplar)?;
                with.push('\n');
            }
            None => with.push_str(line),
        }
    }
    Ok(with)
}

fn write_exemplar(page: &mut String, exemplar: &Exemplar) -> Result<(), Error> {
    let Exemplar {
        trace_id,
        value,
        at,
    } = exemplar;
    let trace_id = u128::from_be_bytes(*trace_id);
    write!(page, " # {{trace_id=\"{trace_id:032x}\"}} {value} {at:.3}")
}
