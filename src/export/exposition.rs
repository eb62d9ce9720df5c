//! One page of metrics: the same samples in each of the three formats.

use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::encoding::prometheus_protobuf::{self, EncodeError};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::exemplars::with_exemplars;
use super::negotiate::Format;
use super::own::SidecarCollector;
use super::{ModelCollector, Process, Sidecar, classic};
use crate::engine::Snapshot;

/// A rendered page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposition {
    /// The page in the format asked for.
    pub body: Vec<u8>,
    /// Samples on it: what Prometheus stores of it.
    pub series: usize,
}

/// Renders everything that is known at a scrape.
///
/// # Errors
/// When the encoder fails, which it does not for the families of the table.
pub fn render(
    format: Format,
    snapshot: Arc<Snapshot>,
    sidecar: Sidecar,
    process: Option<Process>,
) -> Result<Exposition, Error> {
    let samples = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::default();
    let models = ModelCollector::new(Arc::clone(&snapshot), Arc::clone(&samples));
    registry.register_collector(Box::new(models));
    let own = SidecarCollector::new(sidecar, process, Arc::clone(&samples));
    registry.register_collector(Box::new(own));

    let body = match format {
        Format::Protobuf => {
            prometheus_protobuf::encode_to_vec(&registry).map_err(|error| match error {
                EncodeError::Fmt(error) => error,
                EncodeError::Protobuf(_) => Error,
            })?
        }
        Format::OpenMetrics => with_exemplars(openmetrics(&registry)?, &snapshot)?.into_bytes(),
        Format::Text => classic(&openmetrics(&registry)?).into_bytes(),
    };
    Ok(Exposition {
        body,
        series: samples.load(Ordering::Relaxed),
    })
}

fn openmetrics(registry: &Registry) -> Result<String, Error> {
    let mut page = String::with_capacity(64 * 1024);
    text::encode(&mut page, registry)?;
    Ok(page)
}
