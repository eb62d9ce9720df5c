//! Writes samples of the table's families through prometheus-client, and counts them.
//!
//! A family opens with its first sample: without one it leaves no trace on the page, as a
//! descriptor without samples would. Figures that are not finite are left out.

use std::fmt::Error;
use std::sync::LazyLock;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::family::{Family, Type};

/// A label: key and value.
pub(super) type Label<'a> = (&'static str, &'a str);
/// Label sets without a label, which prometheus-client has no public name for.
type NoLabels = [Label<'static>; 0];

/// The page, or one collector's part of it.
pub(super) struct Book<'e> {
    encoder: DescriptorEncoder<'e>,
    samples: usize,
}

/// One family that is being written.
pub(super) struct Pen<'b, 'e> {
    family: &'static Family,
    place: Place<'b, 'e>,
    samples: &'b mut usize,
}

enum Place<'b, 'e> {
    /// No sample yet, no descriptor.
    Before(&'b mut DescriptorEncoder<'e>),
    Within(MetricEncoder<'b>),
    /// The encoder failed; nothing more can be written.
    Broken,
}

impl<'e> Book<'e> {
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self {
            encoder,
            samples: 0,
        }
    }

    /// Samples written so far.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Starts a family; each at most once a page.
    pub(super) fn family(&mut self, family: &'static Family) -> Pen<'_, 'e> {
        Pen {
            family,
            place: Place::Before(&mut self.encoder),
            samples: &mut self.samples,
        }
    }
}

impl<'b> Pen<'b, '_> {
    /// One sample of a counter; a figure that is not finite is left out.
    pub(super) fn counter(
        &mut self,
        base: &[Label<'_>],
        further: &[Label<'_>],
        value: f64,
    ) -> Result<(), Error> {
        if value.is_finite() {
            self.write_counter(base, further, &value)
        } else {
            Ok(())
        }
    }

    /// One sample of a counter that counts in whole numbers.
    pub(super) fn count(
        &mut self,
        base: &[Label<'_>],
        further: &[Label<'_>],
        value: u64,
    ) -> Result<(), Error> {
        self.write_counter(base, further, &value)
    }

    /// One sample of a gauge; `None` and what is not finite is left out.
    pub(super) fn gauge(
        &mut self,
        base: &[Label<'_>],
        further: &[Label<'_>],
        value: impl Into<Option<f64>>,
    ) -> Result<(), Error> {
        match value.into().filter(|value| value.is_finite()) {
            Some(value) => self.write_gauge(base, further, &value),
            None => Ok(()),
        }
    }

    /// One sample of a gauge that holds a whole number.
    pub(super) fn whole(
        &mut self,
        base: &[Label<'_>],
        further: &[Label<'_>],
        value: u64,
    ) -> Result<(), Error> {
        self.write_gauge(base, further, &value)
    }

    /// One sample of an info family.
    pub(super) fn info(&mut self, base: &[Label<'_>], further: &[Label<'_>]) -> Result<(), Error> {
        *self.samples += 1;
        self.open()?.encode_info(&(base, further))
    }

    /// A histogram: counts per bucket, one more than there are bounds. A sum that is not finite
    /// leaves the whole out.
    pub(super) fn histogram(
        &mut self,
        base: &[Label<'_>],
        bounds: &[f64],
        counts: &[u64],
        sum: f64,
    ) -> Result<(), Error> {
        if !sum.is_finite() {
            return Ok(());
        }
        let buckets: Vec<(f64, u64)> = bounds
            .iter()
            .copied()
            .chain([f64::INFINITY])
            .enumerate()
            .map(|(i, bound)| (bound, counts.get(i).copied().unwrap_or(0)))
            .collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        *self.samples += buckets.len() + 2;
        let none: &[Label<'_>] = &[];
        self.open()?
            .encode_family(&(base, none))?
            .encode_histogram::<NoLabels>(sum, count, &buckets, None)
    }

    fn write_counter(
        &mut self,
        base: &[Label<'_>],
        further: &[Label<'_>],
        value: &impl EncodeCounterValue,
    ) -> Result<(), Error> {
        *self.samples += 1;
        let metric = self.open()?;
        // A set without labels would be written as `{}`.
        if base.is_empty() && further.is_empty() {
            return metric.encode_counter::<NoLabels, _, f64>(value, None);
        }
        metric
            .encode_family(&(base, further))?
            .encode_counter::<NoLabels, _, f64>(value, None)
    }

    fn write_gauge(
        &mut self,
        base: &[Label<'_>],
        further: &[Label<'_>],
        value: &impl EncodeGaugeValue,
    ) -> Result<(), Error> {
        *self.samples += 1;
        let metric = self.open()?;
        if base.is_empty() && further.is_empty() {
            return metric.encode_gauge(value);
        }
        metric.encode_family(&(base, further))?.encode_gauge(value)
    }

    fn open(&mut self) -> Result<&mut MetricEncoder<'b>, Error> {
        if let Place::Before(_) = self.place
            && let Place::Before(encoder) = std::mem::replace(&mut self.place, Place::Broken)
        {
            self.place = Place::Within(encoder.encode_descriptor(
                self.family.stem(),
                self.family.help,
                unit(self.family.unit),
                metric_type(self.family.kind),
            )?);
        }
        match &mut self.place {
            Place::Within(metric) => Ok(metric),
            _ => Err(Error),
        }
    }
}

fn metric_type(kind: Type) -> MetricType {
    match kind {
        Type::Counter => MetricType::Counter,
        Type::Gauge => MetricType::Gauge,
        Type::Histogram => MetricType::Histogram,
        Type::Info => MetricType::Info,
    }
}

fn unit(unit: &str) -> Option<&'static Unit> {
    static RATIO: LazyLock<Unit> = LazyLock::new(|| Unit::Other("ratio".into()));
    static ROWS: LazyLock<Unit> = LazyLock::new(|| Unit::Other("rows".into()));
    match unit {
        "seconds" => Some(&Unit::Seconds),
        "bytes" => Some(&Unit::Bytes),
        "ratio" => Some(&RATIO),
        "rows" => Some(&ROWS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::names::FAMILIES;

    #[test]
    fn every_unit_of_the_table_is_known_here() {
        for family in FAMILIES {
            assert_eq!(
                unit(family.unit).map_or("", Unit::as_str),
                family.unit,
                "{}",
                family.name
            );
        }
    }
}
