//! How panels differ from others of their kind: limits, words, axes, colours.

use serde_json::{Value, json};

use super::super::limits;
use super::panel::{DataLink, Panel, property};
use super::target::Target;
use super::threshold::{REFERENCE, Thresholds};

impl Panel {
    /// Colours values, and draws the limit where there are lines.
    pub fn limits(mut self, thresholds: Thresholds) -> Self {
        let is_lines = self.kind == "timeseries";
        let field = self.field();
        field.thresholds = thresholds;
        if is_lines {
            field.custom["thresholdsStyle"] = json!({"mode": "dashed"});
        }
        self
    }

    /// Shows words instead of numbers.
    pub fn words(mut self, mappings: Vec<Value>) -> Self {
        self.field().mappings = mappings;
        self
    }

    /// What a single figure says when there is none.
    pub fn otherwise(mut self, text: &str) -> Self {
        self.field().no_value = Some(text.into());
        self
    }

    /// Digits behind the point.
    pub fn decimals(mut self, digits: u8) -> Self {
        self.field().decimals = Some(digits);
        self
    }

    /// Ends of the axis or of the colours.
    pub fn between(mut self, min: f64, max: f64) -> Self {
        let field = self.field();
        (field.min, field.max) = (Some(min), Some(max));
        self
    }

    /// Where a click on a value leads.
    pub fn link(mut self, link: DataLink) -> Self {
        self.field().links.push(link);
        self
    }

    /// A figure with its course behind it, in plain colours: not a verdict.
    pub fn with_course(mut self) -> Self {
        self.options["colorMode"] = json!("value");
        self.options["graphMode"] = json!("area");
        self
    }

    /// A figure without colour behind it: not a verdict.
    pub fn plain(mut self) -> Self {
        self.options["colorMode"] = json!("value");
        self
    }

    /// A figure with the name of its series.
    pub fn with_name(mut self) -> Self {
        self.options["textMode"] = json!("value_and_name");
        self
    }

    /// Lines on top of each other.
    pub fn stacked(mut self) -> Self {
        let custom = &mut self.field().custom;
        custom["stacking"]["mode"] = json!("normal");
        custom["fillOpacity"] = json!(60);
        custom["lineWidth"] = json!(0);
        self
    }

    /// An axis that is linear up to a value and logarithmic above.
    pub fn logarithmic_above(mut self, value: f64) -> Self {
        self.field().custom["scaleDistribution"] =
            json!({"type": "symlog", "log": 10, "linearThreshold": value});
        self
    }

    /// An axis for drift ratios, which go from 0.1 to 100: what matters is on which side of 1 they
    /// are.
    pub fn ratio_axis(self) -> Self {
        self.linear_ratio_axis()
            .logarithmic_above(limits::DRIFT_RATIO)
    }

    /// An axis for ratios that are often all below 0.1: Grafana keeps room for the line at 1 only on
    /// linear axes.
    pub fn linear_ratio_axis(mut self) -> Self {
        self.field().custom["axisSoftMax"] = json!(1.5);
        self
    }

    /// An axis that need not begin at 0.
    pub fn free_axis(mut self) -> Self {
        if let Some(custom) = self.field().custom.as_object_mut() {
            custom.remove("axisSoftMin");
            custom.remove("axisSoftMax");
        }
        self
    }

    /// Values in the legend, as a table at the right, largest first: for many lines.
    pub fn legend_table(mut self) -> Self {
        self.field().custom["fillOpacity"] = json!(0);
        self.options["legend"] = json!({
            "calcs": ["lastNotNull", "max"],
            "displayMode": "table",
            "placement": "right",
            "showLegend": true,
            "sortBy": "Last *",
            "sortDesc": true,
        });
        self
    }

    /// A series, by its name, that is drawn dashed in a colour: a limit or a reference.
    pub fn dashed(self, name: &str, color: &str) -> Self {
        self.override_of(
            json!({"id": "byName", "options": name}),
            vec![
                property("color", json!({"mode": "fixed", "fixedColor": color})),
                property("custom.lineStyle", json!({"fill": "dash", "dash": [8, 6]})),
                property("custom.fillOpacity", json!(0)),
            ],
        )
    }

    /// Adds a query of what should not be, by a label: what is not 0, and a series called `none` while
    /// all is, as a quiet panel should not look like a broken one.
    pub fn with_any(self, expression: &str, label: &str, legend: &str) -> Self {
        let none = format!(r#"label_replace(vector(0), "{label}", "none", "", "")"#);
        let grey = json!({"mode": "fixed", "fixedColor": REFERENCE});
        let panel = match self.targets.is_empty() {
            true => self.override_of(
                json!({"id": "byRegexp", "options": "/none *$/"}),
                vec![property("color", grey)],
            ),
            false => self,
        };
        panel.with(Target::over_time(format!("{expression} > 0 or on () {none}")).named(legend))
    }

    /// A series, by its name, in a colour.
    pub fn coloured(self, name: &str, color: &str) -> Self {
        self.override_of(
            json!({"id": "byName", "options": name}),
            vec![property(
                "color",
                json!({"mode": "fixed", "fixedColor": color}),
            )],
        )
    }

    /// The space between two series is filled, and `above` itself not drawn.
    pub fn band(self, above: &str, below: &str, color: &str) -> Self {
        let edge = |name: &str, mut further: Vec<Value>| {
            let mut properties = vec![
                property("color", json!({"mode": "fixed", "fixedColor": color})),
                property("custom.lineWidth", json!(0)),
                property("custom.fillOpacity", json!(0)),
            ];
            properties.append(&mut further);
            (json!({"id": "byName", "options": name}), properties)
        };
        let (matcher, properties) = edge(
            above,
            vec![
                property("custom.fillBelowTo", json!(below)),
                property("custom.fillOpacity", json!(20)),
            ],
        );
        let panel = self.override_of(matcher, properties);
        let (matcher, properties) = edge(below, Vec::new());
        panel.override_of(matcher, properties)
    }

    /// Cells of a heatmap up to this value are left dark.
    pub fn dark_up_to(mut self, value: f64) -> Self {
        self.options["filterValues"]["le"] = json!(value);
        self
    }
}
