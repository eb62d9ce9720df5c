//! What a field keeps: which sums, over which windows, for how long.
//!
//! It follows from the reference in force and from the settings. Either may change while rows come,
//! and what then still fits stays, so that a reload costs no window.

use super::distinct::Distinct;
use super::{Field, Reference};
use crate::engine::alarms::Alarms;
use crate::engine::burn_in::BurnIn;
use crate::engine::cell_sums::CellSums;
use crate::engine::config::{BurntIn, Config, References};
use crate::engine::embedding::Embedding;
use crate::engine::snapshot::Detail;
use crate::engine::version::rearranged;
use crate::profile::Kind;
use crate::tally::FeatureTally;
use crate::window::{Ring, Seasonal};

/// What is to be kept so that windows can be compared with what was before them.
#[derive(Clone, Copy)]
pub(super) struct Past {
    previous: bool,
    seasonal: bool,
}

impl Past {
    pub fn of(references: &References) -> Self {
        Self {
            previous: references.previous,
            seasonal: references.seasonal,
        }
    }
}

impl Field {
    /// Puts another reference in force; nothing is pending. Windows begin anew unless the cells are
    /// the same; rows counted since the start stay, their cells begin at 0 under the new hash.
    pub fn set_reference(&mut self, reference: Option<Reference>) {
        let same_cells = match (&self.reference, &reference) {
            (None, None) => true,
            (Some(old), Some(new)) => new.has_sums_of(old),
            _ => false,
        };
        let same_profile =
            self.reference.as_ref().map(|r| &r.profile) == reference.as_ref().map(|r| &r.profile);
        let cells = reference
            .as_ref()
            .and_then(|r| r.feature.cells.as_ref())
            .map_or(0, |r| r.cells.len());
        if !same_cells {
            let empty = FeatureTally::new(cells);
            self.pending = empty.clone();
            self.windows.fill(Ring::new(&empty));
            self.burn_in = BurnIn::Off;
            self.seasonal = None;
            self.cell_sums = None;
        } else if let (Some(old), Some(new)) = (&self.reference, &reference)
            && let (Some(old), Some(new)) = (&old.feature.moments, &new.feature.moments)
            && old != new
        {
            // Moments are kept in units of the reference.
            for ring in &mut self.windows {
                ring.change(|sums| sums.change_units(old, new));
            }
            if let Some(sums) = &mut self.cell_sums {
                sums.change_units(old, new);
            }
        }
        if !same_cells || !same_profile {
            self.since_start.cells = vec![0; cells].into();
            self.alarms = Alarms::default();
            self.new_names.clear();
        }
        let map = reference.as_ref().and_then(|of| of.embedding.as_ref());
        self.embedding = Embedding::renewed(self.embedding.take(), map, self.windows.len());
        self.reference = reference;
        self.keep_past();
        self.follow_detail();
    }

    /// Starts the burn-in, or ends it, as the reference in force and a length of `micros`
    /// microseconds ask; `before` are those that were kept.
    pub fn follow_burn_in(&mut self, micros: i64, before: Option<&BurntIn>) {
        let reference = self.reference.as_ref();
        let unmeasured = reference.filter(|r| micros > 0 && r.feature.variation.chunks == 0);
        let cells = unmeasured.and_then(|r| Some((r.feature.cells.as_ref()?, &r.profile)));
        let Some((cells, profile)) = cells else {
            self.burn_in = BurnIn::Off;
            return;
        };
        match before.filter(|before| before.profile == *profile) {
            Some(before) if !matches!(self.burn_in, BurnIn::Frozen(_)) => {
                self.burn_in = BurnIn::Frozen(before.variation);
            }
            _ => self.burn_in.go_on(micros, cells.cells.len()),
        }
    }

    /// Starts or ends to name new categories: those of a learned reference stay unnamed, as its own
    /// do, because nobody has looked at that column.
    pub fn follow_names(&mut self, config: &Config) {
        let is_of_file = self.reference.as_ref().is_some_and(|of| !of.learned);
        let is_wanted = config.name_new_categories && is_of_file;
        self.new_names.follow(is_wanted);
    }

    /// New settings: what they say of it, and other windows. `kept` gives, for each of the new
    /// windows, its place among the old ones; the longest may be another one.
    pub fn reconfigure(
        &mut self,
        model: &str,
        config: &Config,
        kept: &[Option<usize>],
        keeps_longest: bool,
    ) {
        self.config = config.derived_feature(model, &self.name, self.derived_from());
        self.role = self.config.role.unwrap_or(self.own_role);
        self.rearrange(kept, keeps_longest);
        self.follow_detail();
        self.follow_references(config.references(model));
        self.follow_names(config);
        self.alarms.keep(&config.windows);
    }

    fn rearrange(&mut self, kept: &[Option<usize>], keeps_longest: bool) {
        let empty = FeatureTally::new(self.cells());
        self.windows = rearranged(&self.windows, kept, &empty);
        if let Some(sums) = &mut self.cell_sums {
            sums.windows = rearranged(&sums.windows, kept, &sums.empty());
        }
        if let Some(sums) = &mut self.embedding {
            sums.rearrange(kept);
        }
        if !keeps_longest {
            // Slices of another length do not fit.
            self.distinct = None;
        }
    }

    /// Starts or ends what only the detail asked for needs.
    fn follow_detail(&mut self) {
        let is_vector = |reference: &Reference| reference.feature.kind == Kind::Vector;
        if self.detail() < Detail::Full || self.reference.as_ref().is_some_and(is_vector) {
            self.distinct = None;
        } else if self.distinct.is_none() {
            self.distinct = Some(Box::new(Distinct::new()));
        }
        let numeric = self.reference.as_ref().and_then(Reference::numeric);
        if self.detail() < Detail::Full || numeric.is_none() {
            self.cell_sums = None;
        } else if self.cell_sums.is_none() {
            let cells = self.since_start.cells.len();
            let mut sums = CellSums::new(cells, self.windows.len());
            sums.keep_previous(self.past.previous);
            self.cell_sums = Some(Box::new(sums));
        }
    }

    /// Starts or ends keeping what these references need; the windows stay as they are.
    fn follow_references(&mut self, references: &References) {
        self.past = Past::of(references);
        self.keep_past();
    }

    fn keep_past(&mut self) {
        let cells = self.since_start.cells.len();
        let previous = self.past.previous && cells > 0;
        for ring in &mut self.windows {
            ring.keep_previous(previous);
        }
        if let Some(sums) = &mut self.cell_sums {
            sums.keep_previous(previous);
        }
        if let Some(sums) = &mut self.embedding {
            sums.keep_previous(previous);
        }
        if !self.past.seasonal || cells == 0 {
            self.seasonal = None;
        } else if self.seasonal.is_none() {
            self.seasonal = Some(Box::new(Seasonal::new(cells)));
        }
    }
}
