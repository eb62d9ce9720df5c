//! Rules of Prometheus as data, and the file that they make.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::yaml;
use crate::settings::Span;

/// Rules that are evaluated one after the other, at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Unique in a file.
    pub name: String,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// In order; a rule sees what those before it recorded.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Rule {
    /// Gives an expression a name.
    Record(Record),
    /// Tells somebody.
    Alert(Box<Alert>),
}

/// A recorded series.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// A name of [`super::series`].
    pub record: String,
    /// PromQL.
    #[serde(serialize_with = "yaml::block")]
    pub expr: String,
    /// Labels that it adds, such as `window`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<&'static str, String>,
}

impl Record {
    /// A rule that adds these labels.
    pub fn rule<const N: usize>(
        record: &str,
        expr: impl Into<String>,
        labels: [(&'static str, &str); N],
    ) -> Rule {
        Rule::Record(Self {
            record: record.to_owned(),
            expr: expr.into(),
            labels: labels.map(|(key, value)| (key, value.to_owned())).into(),
        })
    }
}

/// How soon somebody must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Now: it pages.
    Critical,
    /// Today: it goes to the team's channel.
    Warning,
    /// When there is time: it is shown.
    Info,
}

impl Severity {
    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// What an alert is about: which labels it has, which board it opens, what it is grouped with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A field of a model.
    Feature,
    /// A model.
    Model,
    /// A sidecar: keeps `instance` and `pod`.
    Sidecar,
}

/// An alert, and what the runbook says of it.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Unique, in CamelCase; several alerts of one name differ in window or severity.
    pub name: &'static str,
    /// How soon somebody must look.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// The window that it is about, which its series have as a label: named beside the severity, it
    /// tells alerts of one name apart.
    pub window: Option<Span>,
    /// PromQL; fires for each series of its result.
    pub expr: String,
    /// `for`: how long it must hold.
    pub hold: Span,
    /// How long it goes on firing once it no longer holds.
    pub keep_firing_for: Span,
    /// One line, a template; without what changes from moment to moment.
    pub summary: String,
    /// A few sentences, a template of labels and value alone: which model and feature, how far.
    pub description: String,
    /// Further sentences, a template that asks Prometheus (`query`): from where to where, the top cells.
    /// Only Prometheus can fill it in; elsewhere it is left out.
    pub evidence: String,
    /// Runbook: what it means.
    pub means: &'static str,
    /// Runbook: how to check that it is so, and what is behind it.
    pub check: &'static str,
    /// Runbook: what to do.
    pub act: &'static str,
    /// Where the runbook is published.
    pub runbook_url: String,
}

impl Alert {
    /// Its heading's anchor in the runbook.
    pub fn anchor(&self) -> String {
        self.name.to_lowercase()
    }
}

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Block<'a>(#[serde(serialize_with = "yaml::block")] &'a str);
        #[derive(Serialize)]
        struct Labels {
            severity: Severity,
            #[serde(skip_serializing_if = "Option::is_none")]
            window: Option<Span>,
        }
        #[derive(Serialize)]
        struct Annotations<'a> {
            summary: &'a str,
            description: Block<'a>,
            runbook_url: String,
        }
        let mut rule = serializer.serialize_struct("Alert", 6)?;
        rule.serialize_field("alert", self.name)?;
        rule.serialize_field("expr", &Block(&self.expr))?;
        rule.serialize_field("for", &self.hold)?;
        rule.serialize_field("keep_firing_for", &self.keep_firing_for)?;
        rule.serialize_field(
            "labels",
            &Labels {
                severity: self.severity,
                window: self.window,
            },
        )?;
        rule.serialize_field(
            "annotations",
            &Annotations {
                summary: &self.summary,
                description: Block(&format!("{}{}", self.description, self.evidence)),
                runbook_url: format!("{}#{}", self.runbook_url, self.anchor()),
            },
        )?;
        rule.end()
    }
}

/// The rule file.
pub(super) fn document(groups: &[Group]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        groups: &'a [Group],
    }
    yaml::document("Rules for Prometheus.", &Document { groups })
}
