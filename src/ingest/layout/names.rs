//! Names of fields: within the limit, and each only once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::batch::name_within;

/// The names that a schema has by now.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<Arc<str>>,
    /// How often a name was asked for.
    asked: HashMap<Arc<str>, usize>,
}

impl Names {
    /// `name`, cut to `most` bytes; one that is taken gets a number: `x`, `x#2`, `x#3`.
    pub(super) fn distinct(&mut self, name: &str, most: usize) -> Arc<str> {
        let mut found = name_within(name, most);
        while !self.taken.insert(found.clone()) {
            let number = self.asked.entry(name.into()).or_insert(1);
            *number += 1;
            found = name_within(&format!("{name}#{number}"), most);
        }
        found
    }
}
