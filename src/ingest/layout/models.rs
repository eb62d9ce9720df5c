//! What earlier calls have told of each model, where one call alone cannot tell.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::cut::Cut;
use crate::batch::{Outcome, name_within};
use crate::ingest::Limits;

/// Models that are remembered; the one not used for longest makes room.
const MODELS: usize = 1_024;
/// Versions that are remembered of each.
const VERSIONS: usize = 16;
/// Outputs of each whose fractions are remembered.
const OUTPUTS: usize = 64;

/// The models that have answered.
#[derive(Debug, Default)]
pub(super) struct Models {
    by_name: HashMap<Arc<str>, Model>,
    clock: u64,
}

/// What is known of a model.
#[derive(Debug, Default)]
struct Model {
    /// Versions that have answered, the last one last.
    versions: Vec<Arc<str>>,
    /// Whether its calls are one row each, as the shapes of the last one with outputs say.
    takes_one_row: bool,
    /// Outputs of changing type that have had fractions.
    fractions: HashSet<Box<str>>,
    /// Whether the log says that its features have the profile's names by position.
    is_told: bool,
    last_used: u64,
}

impl Models {
    /// The name of a model, within the limit.
    pub(super) fn name(&self, said: &str, most: usize) -> Arc<str> {
        let known = self.by_name.get_key_value(said);
        match known.filter(|_| said.len() <= most) {
            Some((name, _)) => name.clone(),
            None => name_within(said, most),
        }
    }

    /// Whether it has answered before.
    pub(super) fn knows(&self, model: &str) -> bool {
        self.by_name.contains_key(model)
    }

    /// Whether its calls are one row each, whatever the shapes.
    pub(super) fn takes_one_row(&self, model: &str) -> bool {
        let known = self.by_name.get(model);
        known.is_some_and(|model| model.takes_one_row)
    }

    /// Notes that it has answered a call, and how that is cut into rows.
    pub(super) fn note(&mut self, model: &Arc<str>, cut: &Cut) {
        let known = self.of(model);
        if cut.is_told {
            known.takes_one_row = cut.is_one_row;
        }
    }

    /// Notes that an output of changing type has had a fraction.
    pub(super) fn note_fractions(&mut self, model: &Arc<str>, output: &str) {
        let fractions = &mut self.of(model).fractions;
        if fractions.len() < OUTPUTS && !fractions.contains(output) {
            fractions.insert(output.into());
        }
    }

    /// Whether an output of changing type has ever had a fraction.
    pub(super) fn has_fractions(&self, model: &str, output: &str) -> bool {
        let known = self.by_name.get(model);
        known.is_some_and(|model| model.fractions.contains(output))
    }

    /// Whether the log has yet to say that its features have the profile's names by position; from now
    /// on it has.
    pub(super) fn tell_names(&mut self, model: &Arc<str>) -> bool {
        !std::mem::replace(&mut self.of(model).is_told, true)
    }

    /// The version that a call belongs to: what it says, else the last one that has answered. A call
    /// that found nothing makes no version.
    pub(super) fn version(
        &mut self,
        model: &Arc<str>,
        said: &str,
        outcome: Outcome,
        limits: &Limits,
    ) -> Arc<str> {
        let known = match outcome {
            Outcome::Ok => Some(self.of(model)),
            Outcome::Failed(_) => self.by_name.get_mut(model),
        };
        let Some(known) = known else {
            return match outcome.is_not_found() {
                true => "".into(),
                false => name_within(said, limits.name_bytes),
            };
        };
        let last = known.versions.last();
        if let Some(last) = last.filter(|last| said.is_empty() || ***last == *said) {
            return last.clone();
        }
        let said = name_within(said, limits.name_bytes);
        let at = known.versions.iter().position(|version| *version == said);
        match outcome {
            Outcome::Ok if !said.is_empty() => {
                if let Some(at) = at {
                    known.versions.remove(at);
                } else if known.versions.len() >= VERSIONS {
                    known.versions.remove(0);
                }
                known.versions.push(said.clone());
                said
            }
            Outcome::Failed(_) if at.is_none() && outcome.is_not_found() => {
                known.versions.last().cloned().unwrap_or_default()
            }
            _ => said,
        }
    }

    fn of(&mut self, model: &Arc<str>) -> &mut Model {
        self.clock += 1;
        if self.by_name.len() >= MODELS && !self.by_name.contains_key(model) {
            let oldest = self.by_name.iter().min_by_key(|(_, known)| known.last_used);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.by_name.remove(&oldest);
            }
        }
        let known = self.by_name.entry(model.clone()).or_default();
        known.last_used = self.clock;
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_last_used_stay() {
        let mut models = Models::default();
        let limits = Limits::default();
        for number in 0..3 * MODELS {
            models.version(&"kept".into(), "1", Outcome::Ok, &limits);
            let name = Arc::from(format!("model {number}"));
            models.version(&name, "1", Outcome::Ok, &limits);
            models.note_fractions(&"kept".into(), &format!("output {number}"));
        }
        assert_eq!(models.by_name.len(), MODELS);
        assert!(models.knows("kept") && !models.knows("model 0"));
        assert_eq!(models.by_name["kept"].fractions.len(), OUTPUTS);
        for number in 0..100 {
            models.version(&"kept".into(), &number.to_string(), Outcome::Ok, &limits);
        }
        assert_eq!(models.by_name["kept"].versions.len(), VERSIONS);
    }

    #[test]
    fn calls_that_find_nothing_make_no_version() {
        let mut models = Models::default();
        let limits = Limits::default();
        let model: Arc<str> = "m".into();
        let mut version = |said: &str, outcome| models.version(&model, said, outcome, &limits);
        assert_eq!(&*version("7", Outcome::Failed("NOT_FOUND")), "");
        assert_eq!(&*version("7", Outcome::Failed("INTERNAL")), "7");
        assert_eq!(&*version("1", Outcome::Ok), "1");
        assert_eq!(&*version("2", Outcome::Ok), "2");
        assert_eq!(&*version("", Outcome::Failed("INTERNAL")), "2");
        assert_eq!(&*version("9", Outcome::Failed("NOT_FOUND")), "2");
        assert_eq!(&*version("1", Outcome::Failed("404")), "1");
        assert_eq!(&*version("", Outcome::Ok), "2");
    }
}
