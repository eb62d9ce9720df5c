//! The schemas that clients have sent, so that they need not send them again.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::batch::{Field, Schema, bounded_name};

/// Schemas that are remembered; the one not used for longest makes room.
const SCHEMAS: usize = 1_024;
/// Bytes of memory that they may take together.
const BYTES: usize = 4 << 20;

/// A schema as a client sent it.
#[derive(Debug)]
pub struct KnownSchema {
    /// Its fields.
    pub schema: Arc<Schema>,
    /// One entry a field: whether its description makes sense. The values of the others are invalid.
    pub usable: Vec<bool>,
}

impl KnownSchema {
    fn looks_like(&self, other: &Self) -> bool {
        self.usable == other.usable && self.schema.fields == other.schema.fields
    }

    fn bytes(&self) -> usize {
        let field = |field: &Field| size_of::<Field>() + 16 + field.name.len() + 1;
        self.schema.fields.iter().map(field).sum::<usize>() + size_of::<Entry>() + 256
    }

    /// A number for schemas that came without one.
    fn hash(&self) -> u64 {
        let mut hash = Xxh3::new();
        for (field, usable) in self.schema.fields.iter().zip(&self.usable) {
            field.name.hash(&mut hash);
            field.role.hash(&mut hash);
            field.value_type.hash(&mut hash);
            field.width.hash(&mut hash);
            usable.hash(&mut hash);
        }
        hash.finish()
    }
}

/// The schemas of one source.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    by_key: HashMap<Key, Entry>,
    bytes: usize,
    clock: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    client: Arc<str>,
    model: Arc<str>,
    /// Whether the client gave the number.
    named: bool,
    id: u64,
}

#[derive(Debug)]
struct Entry {
    schema: Arc<KnownSchema>,
    bytes: usize,
    last_used: u64,
}

impl Schemas {
    pub(super) fn get(&mut self, client: &str, model: &str, id: u64) -> Option<Arc<KnownSchema>> {
        let key = Key {
            client: bounded_name(client),
            model: bounded_name(model),
            named: true,
            id,
        };
        self.find(&key)
    }

    pub(super) fn remember(
        &mut self,
        client: &str,
        model: &str,
        id: u64,
        schema: KnownSchema,
    ) -> Arc<KnownSchema> {
        let key = Key {
            client: bounded_name(client),
            model: bounded_name(model),
            named: id != 0,
            id: if id == 0 { schema.hash() } else { id },
        };
        if let Some(known) = self.find(&key)
            && known.looks_like(&schema)
        {
            return known;
        }
        self.forget(&key);
        let bytes = schema.bytes();
        let schema = Arc::new(schema);
        while !self.by_key.is_empty()
            && (self.by_key.len() >= SCHEMAS || self.bytes + bytes > BYTES)
        {
            let oldest = self
                .by_key
                .iter()
                .min_by_key(|(_, entry)| entry.last_used)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.forget(&oldest);
            }
        }
        if bytes <= BYTES {
            self.bytes += bytes;
            let entry = Entry {
                schema: schema.clone(),
                bytes,
                last_used: self.clock,
            };
            self.by_key.insert(key, entry);
        }
        schema
    }

    fn find(&mut self, key: &Key) -> Option<Arc<KnownSchema>> {
        self.clock += 1;
        let entry = self.by_key.get_mut(key)?;
        entry.last_used = self.clock;
        Some(entry.schema.clone())
    }

    fn forget(&mut self, key: &Key) {
        if let Some(entry) = self.by_key.remove(key) {
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Role, ValueType};

    fn schema(name: &str) -> KnownSchema {
        KnownSchema {
            schema: Arc::new(Schema::new(vec![Field {
                name: name.into(),
                role: Role::Feature,
                value_type: ValueType::Float32,
                width: 1,
            }])),
            usable: vec![true],
        }
    }

    #[test]
    fn a_schema_is_found_by_client_model_and_number() {
        let mut schemas = Schemas::default();
        let kept = schemas.remember("c", "m", 7, schema("a"));
        assert!(Arc::ptr_eq(&schemas.get("c", "m", 7).unwrap(), &kept));
        for (client, model, id) in [("d", "m", 7), ("c", "n", 7), ("c", "m", 8)] {
            assert!(schemas.get(client, model, id).is_none());
        }
    }

    #[test]
    fn the_same_schema_keeps_its_identity_and_an_inline_one_wins() {
        let mut schemas = Schemas::default();
        for id in [0, 7] {
            let first = schemas.remember("c", "m", id, schema("a"));
            let again = schemas.remember("c", "m", id, schema("a"));
            assert_eq!(first.schema.uid(), again.schema.uid());
            let other = schemas.remember("c", "m", id, schema("b"));
            assert_ne!(first.schema.uid(), other.schema.uid());
        }
        let kept = schemas.get("c", "m", 7).unwrap();
        assert_eq!(&*kept.schema.fields[0].name, "b");
        assert!(schemas.get("c", "m", 0).is_none(), "0 is not kept");
    }

    #[test]
    fn memory_is_bounded_and_the_least_used_goes_first() {
        let mut schemas = Schemas::default();
        for id in 1..=SCHEMAS as u64 {
            schemas.remember("c", "m", id, schema("a"));
        }
        assert!(schemas.get("c", "m", 1).is_some());
        schemas.remember("c", "m", 9_999, schema("a"));
        assert_eq!(schemas.by_key.len(), SCHEMAS);
        assert!(schemas.get("c", "m", 1).is_some() && schemas.get("c", "m", 2).is_none());
        let name = "x".repeat(128);
        for id in 0..100 {
            let mut wide = schema(&name);
            let fields = vec![wide.schema.fields[0].clone(); 2_000];
            wide.schema = Arc::new(Schema::new(fields));
            schemas.remember("c", "wide", 1 + id, wide);
            assert!(schemas.bytes <= BYTES);
        }
        let sum: usize = schemas.by_key.values().map(|entry| entry.bytes).sum();
        assert_eq!(sum, schemas.bytes);
    }
}
