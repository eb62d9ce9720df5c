//! One version of a model: its fields, its traffic, its windows.
//!
//! A batch comes in three ways: its `schemas` say which fields are meant, its `rows` go to those, its
//! `calls` are counted. Which fields there are, and what they are compared with, is decided here.

mod calls;
mod rows;
mod schemas;
mod time;

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{BurntIn, Config, WindowConfig};
use super::field::{Field, Reference};
use super::installed::Installed;
use super::room::{Room, Taken};
use super::row_sums::RowSums;
use crate::tally::{Tally, TrafficTally};
use crate::window::Ring;
use calls::Counters;
use schemas::Resolution;

/// A version of a model.
pub(super) struct Version {
    /// Followed fields: those of the profile first, then as they come.
    pub fields: Vec<Field>,
    /// Room that the fields of traffic take.
    taken: Taken,
    index: HashMap<Arc<str>, usize>,
    /// What schemas resolve to, by their identity.
    resolved: HashMap<u64, Arc<Resolution>>,
    /// Fields of traffic that are not followed because there are too many.
    ignored: HashMap<Arc<str>, ()>,
    /// Whether some of those schemas took the profile's names by position.
    pub names_by_position: bool,
    /// Traffic since the windows were last fed.
    pending: TrafficTally,
    /// Place of the longest window.
    longest: usize,
    /// Slice of each window that the pending sums belong to; empty before the first row.
    pending_slices: Vec<i64>,
    /// The same of the burn-in.
    pending_burn_in: i64,
    /// Hour that they belong to.
    pending_hour: i64,
    pub traffic: Vec<Ring<TrafficTally>>,
    /// What several fields say together.
    pub row_sums: RowSums,
    pub counters: Counters,
    /// Slice-clock time of the first row or tick, in microseconds.
    pub started_at: Option<i64>,
    /// Wall time of the last row, in microseconds.
    pub last_row_at: Option<i64>,
}

impl Version {
    pub fn new(config: &Config, room: &Room) -> Self {
        let windows = &config.windows;
        Self {
            longest: longest(windows),
            fields: Vec::new(),
            taken: room.part(),
            index: HashMap::new(),
            resolved: HashMap::new(),
            ignored: HashMap::new(),
            names_by_position: false,
            pending: TrafficTally::default(),
            pending_slices: Vec::new(),
            pending_burn_in: 0,
            pending_hour: 0,
            traffic: vec![Ring::new(&TrafficTally::default()); windows.len()],
            row_sums: RowSums::default(),
            counters: Counters::new(config),
            started_at: None,
            last_row_at: None,
        }
    }

    /// The field of this name, if it is followed.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.index.get(name).map(|&at| &self.fields[at])
    }

    /// Fields of traffic that are not followed because there are too many.
    pub fn ignored_fields(&self) -> u64 {
        self.ignored.len() as u64
    }

    /// Adds a field, unless it is there or there are too many.
    pub fn add_field(&mut self, field: Field, config: &Config) -> Option<usize> {
        if let Some(&at) = self.index.get(&field.name) {
            return Some(at);
        }
        let is_of_file = field.reference.as_ref().is_some_and(|of| !of.learned);
        let is_room = self.fields.len() < config.max_fields
            && (is_of_file || self.taken.take(config.max_total_fields));
        if !is_room {
            if self.ignored.len() < config.max_fields {
                self.ignored.insert(field.name, ());
            }
            return None;
        }
        let at = self.fields.len();
        self.index.insert(field.name.clone(), at);
        self.fields.push(field);
        Some(at)
    }

    /// Tells the fields of vectors where their cosines go.
    fn link_companions(&mut self) {
        for field in &mut self.fields {
            field.companion = None;
        }
        for at in 0..self.fields.len() {
            let source = self.fields[at].derived_from();
            if let Some(&source) = source.and_then(|source| self.index.get(source))
                && self.fields[source].has_centroids()
            {
                self.fields[source].companion = Some(at);
            }
        }
    }

    /// Puts these references in force, and no others: fields of traffic that they lack lose
    /// theirs, fields that they name and traffic has not brought yet are there from now on. `inputs`
    /// is the profile that the features are compared with.
    pub fn install(
        &mut self,
        references: Vec<Reference>,
        inputs: Option<&Installed>,
        model: &str,
        config: &Config,
    ) {
        self.flush();
        let mut has_reference = vec![false; self.fields.len()];
        for reference in references {
            let name: Arc<str> = reference.feature.name.as_str().into();
            match self.index.get(&name) {
                Some(&at) => {
                    let field = &mut self.fields[at];
                    field.role = field.config.role.unwrap_or(reference.feature.role);
                    field.set_reference(Some(reference));
                    field.follow_names(config);
                    has_reference[at] = true;
                }
                None => {
                    let role = reference.feature.role;
                    let field = Field::new(name, role, Some(reference), model, config);
                    if field.role.is_watched() {
                        self.add_field(field, config);
                        has_reference.push(true);
                    }
                }
            }
        }
        for (field, has_reference) in self.fields.iter_mut().zip(has_reference) {
            if !has_reference {
                field.set_reference(None);
                field.follow_names(config);
            }
        }
        self.link_companions();
        self.row_sums
            .install(inputs, &self.fields, &self.index, model, config);
        self.forget_schemas();
    }

    /// Starts or ends the burn-ins of all fields, as their references ask; `before` are those that
    /// were kept.
    pub fn follow_burn_in(&mut self, micros: i64, before: Option<&HashMap<Arc<str>, BurntIn>>) {
        for field in &mut self.fields {
            let before = before.and_then(|before| before.get(&field.name));
            field.follow_burn_in(micros, before);
        }
    }

    /// New settings: what they say of the fields, and other windows. `kept` gives, for each window
    /// of the new settings, its place among the old ones.
    pub fn reconfigure(&mut self, model: &str, config: &Config, kept: &[Option<usize>]) {
        self.flush();
        self.counters.follow_codes(config);
        self.pending_slices.clear();
        let longest_before = std::mem::replace(&mut self.longest, longest(&config.windows));
        self.traffic = rearranged(&self.traffic, kept, &TrafficTally::default());
        self.row_sums.rearrange(kept);
        let keeps_longest = kept.get(self.longest) == Some(&Some(longest_before));
        for field in &mut self.fields {
            field.reconfigure(model, config, kept, keeps_longest);
        }
        self.fields.retain(|field| field.role.is_watched());
        self.taken.keep(self.fields.len());
        let names = self.fields.iter().map(|field| field.name.clone());
        self.index = names.enumerate().map(|(at, name)| (name, at)).collect();
        self.link_companions();
        self.forget_schemas();
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.traffic.iter().map(Ring::bytes).sum::<usize>()
            + self.fields.iter().map(Field::bytes).sum::<usize>()
            + self.row_sums.bytes()
    }
}

/// Place of the longest window.
pub(super) fn longest(windows: &[WindowConfig]) -> usize {
    let places = windows.iter().enumerate();
    let longest = places.max_by_key(|(_, window)| window.micros);
    longest.map_or(0, |(place, _)| place)
}

/// The windows that stay, at their new places; new ones empty.
pub(super) fn rearranged<T: Tally>(
    old: &[Ring<T>],
    kept: &[Option<usize>],
    empty: &T,
) -> Vec<Ring<T>> {
    kept.iter()
        .map(|place| place.map_or_else(|| Ring::new(empty), |place| old[place].clone()))
        .collect()
}
