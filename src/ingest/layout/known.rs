//! The layouts that were found out, by what the calls look like.

use std::collections::HashMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::look::Look;
use super::plan::{Asked, Layout};
use crate::batch::Field;
use crate::ingest::mapping::Mapping;

/// Layouts that are remembered; the one not used for longest makes room.
const LAYOUTS: usize = 1_024;
/// Bytes of memory that they may take together.
const BYTES: usize = 8 << 20;

/// Layouts by a hash of all that they depend on.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_hash: HashMap<u64, Entry>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    layout: Arc<Layout>,
    model: Arc<str>,
    /// Names and looks of the tensors, inputs first.
    tensors: Vec<(Box<str>, Look)>,
    inputs: usize,
    inputs_are_columns: bool,
    mapping: Option<Arc<Mapping>>,
    bounds: [usize; 4],
    bytes: usize,
    last_used: u64,
}

impl Known {
    /// The layout of calls that look like this one.
    pub(super) fn find(&mut self, asked: &Asked<'_>) -> Option<Arc<Layout>> {
        self.clock += 1;
        let entry = self.by_hash.get_mut(&hash(asked))?;
        if !entry.is_of(asked) {
            return None;
        }
        entry.last_used = self.clock;
        Some(entry.layout.clone())
    }

    /// Remembers the layout of calls that look like this one, in place of what had its hash.
    pub(super) fn remember(&mut self, asked: &Asked<'_>, layout: Arc<Layout>) {
        let hash = hash(asked);
        self.forget(hash);
        let tensors = asked.inputs.iter().chain(asked.outputs).zip(asked.looks);
        let tensors: Vec<(Box<str>, Look)> = tensors
            .map(|(tensor, look)| (tensor.name.as_str().into(), *look))
            .collect();
        let bytes = bytes(&tensors, &layout);
        while !self.by_hash.is_empty()
            && (self.by_hash.len() >= LAYOUTS || self.bytes + bytes > BYTES)
        {
            let entries = self.by_hash.iter();
            let oldest = entries.min_by_key(|(_, entry)| entry.last_used);
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                self.forget(oldest);
            }
        }
        if bytes > BYTES {
            return;
        }
        self.bytes += bytes;
        let entry = Entry {
            layout,
            model: asked.model.clone(),
            tensors,
            inputs: asked.inputs.len(),
            inputs_are_columns: asked.inputs_are_columns,
            mapping: asked.mapping.cloned(),
            bounds: bounds(asked),
            bytes,
            last_used: self.clock,
        };
        self.by_hash.insert(hash, entry);
    }

    fn forget(&mut self, hash: u64) {
        if let Some(entry) = self.by_hash.remove(&hash) {
            self.bytes -= entry.bytes;
        }
    }
}

impl Entry {
    fn is_of(&mut self, asked: &Asked<'_>) -> bool {
        let is_same = self.model == *asked.model
            && self.inputs == asked.inputs.len()
            && self.inputs_are_columns == asked.inputs_are_columns
            && self.bounds == bounds(asked)
            && self.tensors.len() == asked.looks.len()
            && self.tensors.iter().map(|(_, look)| look).eq(asked.looks)
            && self
                .tensors
                .iter()
                .zip(asked.inputs.iter().chain(asked.outputs))
                .all(|((name, _), tensor)| **name == *tensor.name);
        is_same && self.follow(asked.mapping)
    }

    /// Whether the same is said of the model. Settings that were read again and say the same are
    /// taken up, so that nothing is found out anew.
    fn follow(&mut self, mapping: Option<&Arc<Mapping>>) -> bool {
        match (&mut self.mapping, mapping) {
            (None, None) => true,
            (Some(own), Some(asked)) => {
                if !Arc::ptr_eq(own, asked) {
                    if own != asked {
                        return false;
                    }
                    *own = asked.clone();
                }
                true
            }
            _ => false,
        }
    }
}

fn bounds(asked: &Asked<'_>) -> [usize; 4] {
    let limits = asked.limits;
    [
        limits.fields,
        limits.name_bytes,
        limits.width,
        asked.tensor_columns,
    ]
}

/// All that a layout depends on, but settings: so new ones take the place of old ones.
fn hash(asked: &Asked<'_>) -> u64 {
    let counts = (asked.inputs.len() as u64) << 1 | u64::from(asked.inputs_are_columns);
    let tensors = asked.inputs.iter().chain(asked.outputs).zip(asked.looks);
    let model = xxh3_64_with_seed(asked.model.as_bytes(), counts);
    tensors.fold(model, |hash, (tensor, look)| {
        let seed = (hash.rotate_left(23) ^ look.word()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        xxh3_64_with_seed(tensor.name.as_bytes(), seed)
    })
}

/// Memory that an entry takes.
fn bytes(tensors: &[(Box<str>, Look)], layout: &Layout) -> usize {
    let field = |field: &Field| size_of::<Field>() + 16 + field.name.len() + 1;
    let tensor = |(name, _): &(Box<str>, Look)| size_of::<(Box<str>, Look)>() + name.len();
    size_of::<Entry>()
        + 256
        + tensors.iter().map(tensor).sum::<usize>()
        + layout.schema.fields.iter().map(field).sum::<usize>()
        + size_of_val(&layout.pieces[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Limits;
    use crate::ingest::layout::look::{Kind, Row};

    #[test]
    fn memory_is_bounded_and_the_least_used_goes_first() {
        let mut known = Known::default();
        let limits = Limits::default();
        let looks = [Look {
            kind: Kind::Text,
            row: Row::One,
        }];
        let mut visit = |model: usize, name_bytes: usize| {
            let inputs = [crate::ingest::inference::Tensor {
                name: "x".repeat(name_bytes),
                shape: vec![1],
                elements: crate::ingest::inference::Elements::Text(vec![String::new()]),
            }];
            let asked = Asked {
                model: &format!("model {model}").into(),
                inputs: &inputs,
                outputs: &[],
                looks: &looks,
                inputs_are_columns: false,
                mapping: None,
                tensor_columns: 256,
                limits: &limits,
            };
            let found = known.find(&asked).is_some();
            if !found {
                known.remember(&asked, Arc::new(Layout::of(&asked)));
            }
            assert!(known.by_hash.len() <= LAYOUTS && known.bytes <= BYTES);
            let sum: usize = known.by_hash.values().map(|entry| entry.bytes).sum();
            assert_eq!(sum, known.bytes);
            found
        };
        for model in 0..2 * LAYOUTS {
            visit(0, 1);
            assert!(!visit(model + 1, 1));
        }
        assert!(visit(0, 1), "used all the time");
        assert!(visit(2 * LAYOUTS, 1) && !visit(1, 1));
        assert!(!visit(0, BYTES + 1) && !visit(0, BYTES + 1), "too large");
        assert!(!visit(0, BYTES / 2) && visit(0, BYTES / 2));
    }
}
