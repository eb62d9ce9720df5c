//! What the person in front of the table has chosen to see.

use clap::ValueEnum;

use super::document::{Document, Model};
use super::keys::Action;
use super::rows;

/// By what the features are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// Drift ratio, highest first
    Drift,
    /// Share of missing values, highest first
    Missing,
    /// In drift for the longest time first
    Since,
    /// Name of the feature
    Name,
}

/// What is chosen.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub sort: Sort,
    /// The only window that counts; `None`: the worst of all.
    pub window: Option<String>,
    /// The only reference that counts; `None`: the worst of all.
    pub reference: Option<String>,
    /// Model, and one of its versions.
    pub model: Option<(String, Option<String>)>,
    /// Part of the names that are listed.
    pub filter: String,
    /// Whether the filter is being typed.
    pub is_typing: bool,
    pub is_help: bool,
    /// The first feature on the screen.
    pub first: usize,
    /// Features on the screen the last time.
    pub visible: usize,
}

impl Default for View {
    fn default() -> Self {
        Self {
            sort: Sort::Drift,
            window: None,
            reference: None,
            model: None,
            filter: String::new(),
            is_typing: false,
            is_help: false,
            first: 0,
            visible: 0,
        }
    }
}

impl Sort {
    /// The word for it, which the command line takes as well.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Missing => "missing",
            Self::Since => "since",
            Self::Name => "name",
        }
    }
}

impl View {
    /// Whether a window counts.
    pub fn shows_window(&self, label: &str) -> bool {
        self.window.as_ref().is_none_or(|window| window == label)
    }

    /// Whether a reference counts.
    pub fn shows_reference(&self, label: &str) -> bool {
        self.reference
            .as_ref()
            .is_none_or(|reference| reference == label)
    }

    /// Whether a model is chosen, or none is.
    pub fn shows_model(&self, model: &Model) -> bool {
        self.model.as_ref().is_none_or(|(name, version)| {
            **name == *model.model
                && version
                    .as_ref()
                    .is_none_or(|version| **version == *model.version)
        })
    }

    /// The models to show, worst first.
    pub fn models<'d>(&self, document: &'d Document) -> Vec<&'d Model> {
        let models = document.models.iter();
        let mut models: Vec<&Model> = models.filter(|model| self.shows_model(model)).collect();
        // Sorting keeps the order of what is equal.
        models.sort_by(|a, b| self.badness(b).total_cmp(&self.badness(a)));
        models
    }

    fn badness(&self, model: &Model) -> f64 {
        let unfiltered = Self {
            filter: String::new(),
            ..self.clone()
        };
        let rows = rows::listed(model, &unfiltered);
        rows.iter().map(rows::Row::badness).fold(-2.0, f64::max)
    }

    /// A sentence about a choice that there is not, such as a window of another sidecar.
    pub fn complaint(&self, document: &Document) -> Option<String> {
        let models = self.models(document);
        if let (Some((name, version)), [], [_, ..]) =
            (&self.model, &models[..], &document.models[..])
        {
            let version = version.as_ref();
            let version = version.map_or_else(String::new, |v| format!(" version {v}"));
            let there = document.models.iter().map(|model| &*model.model);
            let there = list(there);
            return Some(format!(
                "there is no model {name}{version}; there is {there}"
            ));
        }
        let missing = |chosen: &Option<String>, labels: fn(&Model) -> Vec<&str>, what: &str| {
            let chosen = chosen.as_ref()?;
            let there = || models.iter().flat_map(|model| labels(model));
            (there().next().is_some() && !there().any(|label| label == chosen))
                .then(|| format!("there is no {what} {chosen}; there is {}", list(there())))
        };
        missing(&self.window, Model::window_labels, "window")
            .or_else(|| missing(&self.reference, Model::reference_labels, "reference"))
    }

    /// Does what a key asks for.
    pub fn apply(&mut self, action: Action, document: Option<&Document>) {
        let page = self.visible.saturating_sub(1).max(1);
        match action {
            Action::Down => self.first = self.first.saturating_add(1),
            Action::Up => self.first = self.first.saturating_sub(1),
            Action::PageDown => self.first = self.first.saturating_add(page),
            Action::PageUp => self.first = self.first.saturating_sub(page),
            Action::Begin => self.first = 0,
            // Drawing knows where it is.
            Action::End => self.first = usize::MAX,
            Action::NextSort => self.sort = after(Sort::value_variants(), self.sort),
            Action::PreviousSort => {
                let mut backwards = Sort::value_variants().to_vec();
                backwards.reverse();
                self.sort = after(&backwards, self.sort);
            }
            Action::Window => self.window = self.turn(document, &self.window, Model::window_labels),
            Action::Reference => {
                self.reference = self.turn(document, &self.reference, Model::reference_labels);
            }
            Action::Model => self.next_model(document),
            Action::Help => self.is_help = !self.is_help,
            Action::Filter => self.is_typing = true,
            Action::Type(c) => self.filter.push(c),
            Action::Erase => {
                self.filter.pop();
            }
            Action::Accept => self.is_typing = false,
            Action::Drop => {
                self.filter.clear();
                (self.is_typing, self.is_help) = (false, false);
            }
            Action::Quit | Action::Refresh => {}
        }
    }

    /// All → the first → … → the last → all.
    fn turn(
        &self,
        document: Option<&Document>,
        chosen: &Option<String>,
        labels: fn(&Model) -> Vec<&str>,
    ) -> Option<String> {
        let model = document.and_then(|document| self.models(document).first().copied())?;
        let labels = labels(model);
        let next = match chosen {
            None => 0,
            Some(chosen) => labels.iter().position(|label| label == chosen)? + 1,
        };
        labels.get(next).map(|&label| label.to_owned())
    }

    fn next_model(&mut self, document: Option<&Document>) {
        let Some(document) = document else { return };
        let shown = self.models(document).first().copied();
        let is_shown = |model: &Model| {
            shown.is_some_and(|shown| {
                (&shown.model, &shown.version) == (&model.model, &model.version)
            })
        };
        let next = document
            .models
            .iter()
            .position(is_shown)
            .map_or(0, |at| at + 1);
        if let Some(model) = document.models.get(next).or(document.models.first()) {
            self.model = Some((model.model.to_string(), Some(model.version.to_string())));
            self.first = 0;
        }
    }

    /// Stays with the model that is on the screen, though another may become the worst.
    pub fn hold(&mut self, document: &Document) {
        if let Some(model) = self.models(document).first() {
            self.model = Some((model.model.to_string(), Some(model.version.to_string())));
        }
    }
}

/// The one after `this`, in a circle.
fn after<T: Copy + PartialEq>(all: &[T], this: T) -> T {
    let mut rest = all.iter().cycle().skip_while(|one| **one != this).skip(1);
    rest.next().copied().unwrap_or(this)
}

/// Words once each, with commas between.
fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    seen.join(", ")
}
