//! Tables: a row for each set of labels, a query for each column.

use serde_json::{Map, Value, json};

use super::panel::{DataLink, Panel, property};
use super::target::{Target, reference_id};
use super::threshold::Thresholds;
use super::unit::Unit;

/// A table that is being written.
pub struct Table {
    panel: Panel,
    labels: &'static [&'static str],
    links: Vec<DataLink>,
    columns: Vec<(String, Vec<Value>)>,
    worded: Vec<(String, Vec<Value>)>,
    figures_first: bool,
}

impl Table {
    /// A table with a row for each set of these labels. Labels that some installations do not have
    /// (`cluster`, `namespace`) get a column where they are.
    pub fn new(title: &str, description: &str, labels: &'static [&'static str]) -> Self {
        Self {
            panel: Panel::table(title, description, Unit::Number),
            labels,
            links: Vec::new(),
            columns: Vec::new(),
            worded: Vec::new(),
            figures_first: false,
        }
    }

    /// Where a click on a label leads.
    pub fn leads_to(mut self, link: DataLink) -> Self {
        self.links.push(link);
        self
    }

    /// A column of figures.
    pub fn column(self, name: &str, unit: Unit, digits: u8, expr: impl Into<String>) -> Self {
        self.judged(name, unit, digits, Thresholds::none(), expr)
    }

    /// A column of figures that are coloured by limits.
    pub fn judged(
        mut self,
        name: &str,
        unit: Unit,
        digits: u8,
        limits: Thresholds,
        expr: impl Into<String>,
    ) -> Self {
        self.panel = self.panel.with(Target::rows(expr));
        self.columns.push((
            name.into(),
            vec![
                property("unit", json!(unit)),
                property("decimals", json!(digits)),
                property("thresholds", json!(limits)),
                property("custom.cellOptions", json!({"type": "color-text"})),
            ],
        ));
        self
    }

    /// A column of changes: less is blue, more is orange.
    pub fn signed(self, name: &str, unit: Unit, digits: u8, expr: impl Into<String>) -> Self {
        self.judged(name, unit, digits, Thresholds::sign(), expr)
    }

    /// Turns the last column into bars up to `max`.
    pub fn with_bars(mut self, max: f64) -> Self {
        if let Some((_, properties)) = self.columns.last_mut() {
            properties.retain(|property| property["id"] != "custom.cellOptions");
            properties.extend([
                property(
                    "custom.cellOptions",
                    json!({"type": "gauge", "mode": "basic", "valueDisplayMode": "color"}),
                ),
                property("min", json!(0)),
                property("max", json!(max)),
            ]);
        }
        self
    }

    /// Makes the last column this wide.
    pub fn wide(mut self, pixels: u32) -> Self {
        if let Some((_, properties)) = self.columns.last_mut() {
            properties.push(property("custom.width", json!(pixels)));
        }
        self
    }

    /// Shows words in a column instead of its values.
    pub fn words(mut self, column: &str, mappings: &[Value]) -> Self {
        self.worded.push((
            column.into(),
            vec![
                property("mappings", json!(mappings)),
                property("custom.cellOptions", json!({"type": "color-text"})),
            ],
        ));
        self
    }

    /// Figures left of the labels.
    pub fn figures_first(mut self) -> Self {
        self.figures_first = true;
        self
    }

    /// The panel, with its rows sorted by a column, the largest first.
    pub fn sorted_by(self, column: &str) -> Panel {
        let values: Vec<String> = (0..self.columns.len())
            .map(|index| match self.columns.len() {
                1 => "Value".to_owned(),
                _ => format!("Value #{}", reference_id(index)),
            })
            .collect();
        let names = self.columns.iter().map(|(name, _)| json!(name));
        let renamed: Map<String, Value> = values.iter().cloned().zip(names).collect();
        let labels = self.labels.iter().map(|label| (*label).to_owned());
        let fields: Vec<String> = match self.figures_first {
            true => values.into_iter().chain(labels).collect(),
            false => labels.chain(values).collect(),
        };
        let order: Map<String, Value> = fields
            .into_iter()
            .zip((0..).map(|place: u32| json!(place)))
            .collect();
        let mut panel = self
            .panel
            .transformed("merge", json!({}))
            .transformed(
                "organize",
                json!({"excludeByName": {"Time": true}, "indexByName": order, "renameByName": renamed}),
            )
            .option("sortBy", json!([{"desc": true, "displayName": column}]));
        if !self.links.is_empty() {
            for label in self.labels.iter().filter(|label| LINKED.contains(*label)) {
                panel = panel.override_of(
                    json!({"id": "byName", "options": label}),
                    vec![property("links", json!(self.links))],
                );
            }
        }
        for (name, properties) in self.columns.into_iter().chain(self.worded) {
            panel = panel.override_of(json!({"id": "byName", "options": name}), properties);
        }
        panel
    }
}

/// Labels that people click on.
const LINKED: [&str; 4] = ["model", "version", "feature", "instance"];
