//! Writes all families of models straight from a snapshot: no store in between, so a model or
//! feature that is gone from the snapshot is gone from the page.

mod drift;
mod features;
mod model_drift;
mod reference;
mod traffic;

use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::pen::{Book, Label};
use crate::engine::{Detail, FeatureSnapshot, ModelSnapshot, Snapshot};

/// All families of models. Register one: a family has one owner.
#[derive(Clone, Debug)]
pub struct ModelCollector {
    snapshot: Arc<Snapshot>,
    samples: Arc<AtomicUsize>,
}

impl ModelCollector {
    /// Writes this snapshot, and adds the samples written to `samples` each time.
    pub fn new(snapshot: Arc<Snapshot>, samples: Arc<AtomicUsize>) -> Self {
        Self { snapshot, samples }
    }
}

impl Collector for ModelCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let mut book = Book::new(encoder);
        let models: Vec<ModelView<'_>> = self.snapshot.models.iter().map(ModelView::new).collect();
        let fields: Vec<FieldView<'_>> = self.snapshot.models.iter().flat_map(fields_of).collect();
        traffic::write(&mut book, &models)?;
        features::write(&mut book, &fields)?;
        drift::write(&mut book, &fields)?;
        model_drift::write(&mut book, &models)?;
        reference::write(&mut book, &models, &fields)?;
        self.samples.fetch_add(book.samples(), Ordering::Relaxed);
        Ok(())
    }
}

/// A model with its labels.
struct ModelView<'s> {
    labels: [Label<'s>; 2],
    model: &'s ModelSnapshot,
}

/// A field with its labels, and what of it is shown.
struct FieldView<'s> {
    labels: [Label<'s>; 4],
    field: &'s FeatureSnapshot,
}

impl<'s> ModelView<'s> {
    fn new(model: &'s ModelSnapshot) -> Self {
        Self {
            labels: [("model", &model.model), ("version", &model.version)],
            model,
        }
    }
}

impl FieldView<'_> {
    fn shows(&self, detail: Detail) -> bool {
        self.field.detail >= detail
    }

    fn shows_cells(&self) -> bool {
        self.field.fleet && self.shows(Detail::Standard)
    }

    /// Whether the reference looks at the field as numbers.
    fn is_numeric(&self) -> bool {
        let reference = self.field.reference.as_ref();
        reference.is_some_and(|reference| reference.feature.kind.is_numeric())
    }

    /// Whether the values may be numbers: the reference says so, or there is none.
    fn may_be_numeric(&self) -> bool {
        self.field.reference.is_none() || self.is_numeric()
    }
}

/// Fields of a model that have series.
fn fields_of(model: &ModelSnapshot) -> impl Iterator<Item = FieldView<'_>> {
    model
        .features
        .iter()
        .filter(|field| field.role.is_watched() && field.detail > Detail::Hidden)
        .map(|field| FieldView {
            labels: [
                ("model", &model.model),
                ("version", &model.version),
                ("feature", &field.name),
                ("role", field.role.as_str()),
            ],
            field,
        })
}

/// Those fields that show this detail.
fn at<'v, 's>(
    fields: &'v [FieldView<'s>],
    detail: Detail,
) -> impl Iterator<Item = &'v FieldView<'s>> {
    fields.iter().filter(move |view| view.shows(detail))
}
