//! What the fields of a schema are to a version: looked up by name once, then by number.
//!
//! A source sends the same schema with every batch, so the answer is remembered.

use std::sync::Arc;

use super::Version;
use crate::batch::{Role, Schema};
use crate::engine::config::Config;
use crate::engine::field::Field;

/// Schemas whose fields are remembered per version; a source that sends a new schema each time
/// only costs the look-ups by name.
const REMEMBERED_SCHEMAS: usize = 64;

/// What the fields of a schema are to a version.
#[derive(Debug)]
pub(in crate::engine) struct Resolution {
    /// Index in [`Version::fields`] of each field of the schema; `None` when it is not followed.
    pub(super) named: Vec<Option<usize>>,
    /// Fields that the profile names and the schema does not: absent from every row.
    pub(super) unnamed: Vec<usize>,
}

impl Version {
    /// Has the names of all schemas resolved anew.
    pub fn forget_schemas(&mut self) {
        self.resolved.clear();
        self.names_by_position = false;
    }

    /// Whether rows of this schema have come since the references are in force.
    pub fn has_resolved(&self, schema: &Schema) -> bool {
        self.resolved.contains_key(&schema.uid())
    }

    /// What the fields of `schema` are to this version; `make` makes those that are new, or `None`
    /// for fields without series of their own.
    pub fn resolve(
        &mut self,
        schema: &Schema,
        config: &Config,
        mut make: impl FnMut(&Arc<str>, Role) -> Option<Field>,
    ) -> Arc<Resolution> {
        if let Some(known) = self.resolved.get(&schema.uid()) {
            return known.clone();
        }
        self.names_by_position |= schema.names_by_position;
        let named: Vec<_> = schema
            .fields
            .iter()
            .map(|field| match self.index.get(&field.name) {
                // What is derived from a vector has that name; nothing else is taken for it.
                Some(&at) if self.fields[at].derived_from().is_some() => None,
                Some(&at) => Some(at),
                None => make(&field.name, field.role).and_then(|new| self.add_field(new, config)),
            })
            .collect();
        let mut is_named = vec![false; self.fields.len()];
        named.iter().flatten().for_each(|&at| is_named[at] = true);
        let is_absent = |&at: &usize| self.fields[at].is_expected() && !is_named[at];
        let unnamed = (0..self.fields.len()).filter(is_absent).collect();
        let resolved = Arc::new(Resolution { named, unnamed });
        if self.resolved.len() >= REMEMBERED_SCHEMAS {
            self.resolved.clear();
        }
        self.resolved.insert(schema.uid(), resolved.clone());
        resolved
    }
}
