//! A panel: what Grafana reads, in the order in which people read it, and the kinds that the boards use.
//!
//! How it looks beyond its kind is in [`super::look`]. Where it stands is not its own matter:
//! [`super::board`] lays panels out in lines.

use serde::Serialize;
use serde_json::{Value, json};

use super::board::DataSource;
use super::target::{Target, reference_id};
use super::threshold::Thresholds;
use super::unit::Unit;

/// A panel or the heading of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    pub(super) id: u32,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    pub(super) grid_pos: GridPosition,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource: Option<DataSource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transformations: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_config: Option<FieldConfig>,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) options: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    collapsed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) panels: Option<Vec<Panel>>,
}

/// Place on a grid of 24 columns.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GridPosition {
    pub(super) h: u32,
    pub(super) w: u32,
    pub(super) x: u32,
    pub(super) y: u32,
}

#[derive(Clone, Debug, Serialize)]
struct FieldConfig {
    defaults: Field,
    overrides: Vec<Override>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    pub(super) unit: Unit,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decimals: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_value: Option<String>,
    pub(super) color: Value,
    pub(super) thresholds: Thresholds,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) mappings: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<DataLink>,
    pub(super) custom: Value,
}

#[derive(Clone, Debug, Serialize)]
struct Override {
    matcher: Value,
    properties: Vec<Value>,
}

/// Where a click on a value leads.
#[derive(Clone, Debug, Serialize)]
pub struct DataLink {
    pub(super) title: String,
    pub(super) url: String,
}

impl FieldConfig {
    fn of(unit: Unit) -> Self {
        Self {
            defaults: Field {
                unit,
                decimals: None,
                min: None,
                max: None,
                no_value: None,
                color: json!({"mode": "thresholds"}),
                thresholds: Thresholds::none(),
                mappings: Vec::new(),
                links: Vec::new(),
                custom: json!({}),
            },
            overrides: Vec::new(),
        }
    }
}

impl Panel {
    fn new(kind: &'static str, title: &str, description: &str, unit: Unit) -> Self {
        Self {
            id: 0,
            kind,
            title: title.into(),
            description: description.into(),
            grid_pos: GridPosition::default(),
            datasource: Some(DataSource::VARIABLE),
            targets: Vec::new(),
            transformations: Vec::new(),
            field_config: Some(FieldConfig::of(unit)),
            options: json!({}),
            collapsed: None,
            panels: None,
        }
    }

    /// The heading of a row.
    pub(super) fn row(title: &str, collapsed: bool, panels: Vec<Panel>) -> Self {
        Self {
            datasource: None,
            field_config: None,
            options: Value::Null,
            collapsed: Some(collapsed),
            panels: Some(panels),
            ..Self::new("row", title, "", Unit::Number)
        }
    }

    /// One figure now, coloured by its thresholds.
    pub fn stat(title: &str, description: &str, unit: Unit) -> Self {
        let mut panel = Self::new("stat", title, description, unit);
        panel.options = json!({
            "colorMode": "background_solid",
            "graphMode": "none",
            "justifyMode": "center",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            "textMode": "auto",
            "wideLayout": true,
        });
        panel
    }

    /// Lines over time.
    pub fn lines(title: &str, description: &str, unit: Unit) -> Self {
        let mut panel = Self::new("timeseries", title, description, unit);
        let field = panel.field();
        field.color = json!({"mode": "palette-classic"});
        // What is 0 all the time would else have an axis up to 100, which is 10,000 %.
        let at_least = match unit {
            Unit::Share => json!(0.01),
            Unit::Count => json!(1),
            Unit::RowsPerSecond | Unit::CallsPerSecond => json!(0.1),
            _ => Value::Null,
        };
        field.custom = json!({
            "axisSoftMax": at_least,
            "axisSoftMin": 0,
            "drawStyle": "line",
            "fillOpacity": 8,
            "lineInterpolation": "linear",
            "lineWidth": 2,
            "pointSize": 4,
            "scaleDistribution": {"type": "linear"},
            "showPoints": "never",
            "spanNulls": false,
            "stacking": {"group": "A", "mode": "none"},
            "thresholdsStyle": {"mode": "off"},
        });
        panel.options = json!({
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        });
        panel
    }

    /// States over time, one band a series.
    pub fn states(title: &str, description: &str) -> Self {
        let mut panel = Self::new("state-timeline", title, description, Unit::Number);
        panel.field().custom = json!({"fillOpacity": 75, "lineWidth": 0});
        panel.options = json!({
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": false},
            "mergeValues": true,
            "rowHeight": 0.85,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        });
        panel
    }

    /// Shares or counts by bucket over time.
    pub fn heatmap(title: &str, description: &str, unit: Unit, axis: Unit) -> Self {
        let mut panel = Self::new("heatmap", title, description, unit);
        panel.field().custom = json!({"scaleDistribution": {"type": "linear"}});
        panel.options = json!({
            "calculate": false,
            "cellGap": 1,
            "cellValues": {"unit": unit},
            "color": {"exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": false, "scale": "exponential", "scheme": "Oranges", "steps": 64},
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": true},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "showColorScale": false, "yHistogram": false},
            "yAxis": {"axisPlacement": "left", "reverse": false, "unit": axis},
        });
        panel
    }

    /// Bars side by side, one group for each value of the column `x`.
    pub fn bars(title: &str, description: &str, unit: Unit, x: &str) -> Self {
        let mut panel = Self::new("barchart", title, description, unit);
        let field = panel.field();
        field.color = json!({"mode": "palette-classic"});
        field.custom =
            json!({"axisSoftMin": 0, "fillOpacity": 80, "gradientMode": "none", "lineWidth": 0});
        panel.options = json!({
            "barRadius": 0,
            "barWidth": 0.95,
            "groupWidth": 0.8,
            "legend": {"calcs": [], "displayMode": "list", "placement": "top", "showLegend": true},
            "orientation": "auto",
            "showValue": "never",
            "stacking": "none",
            "tooltip": {"mode": "multi", "sort": "none"},
            "xField": x,
            "xTickLabelMaxLength": 20,
            "xTickLabelRotation": -45,
            "xTickLabelSpacing": 0,
        });
        panel
    }

    /// Rows and columns; [`super::table`] fills it.
    pub(super) fn table(title: &str, description: &str, unit: Unit) -> Self {
        let mut panel = Self::new("table", title, description, unit);
        panel.field().custom = json!({
            "align": "auto",
            "cellOptions": {"type": "auto"},
            "filterable": true,
            "inspect": false,
        });
        panel.options = json!({"cellHeight": "sm", "footer": {"show": false}, "showHeader": true});
        panel
    }

    /// Adds a query.
    pub fn with(mut self, mut target: Target) -> Self {
        target.ref_id = reference_id(self.targets.len());
        self.targets.push(target);
        self
    }

    /// A change of what the queries answered.
    pub fn transformed(mut self, id: &str, options: Value) -> Self {
        self.transformations
            .push(json!({"id": id, "options": options}));
        self
    }

    /// What is shown differently for one series or column.
    pub(super) fn override_of(mut self, matcher: Value, properties: Vec<Value>) -> Self {
        if let Some(config) = &mut self.field_config {
            config.overrides.push(Override {
                matcher,
                properties,
            });
        }
        self
    }

    pub(super) fn option(mut self, name: &str, value: Value) -> Self {
        self.options[name] = value;
        self
    }

    /// What holds for all its series and columns.
    pub(super) fn field(&mut self) -> &mut Field {
        let config = self
            .field_config
            .get_or_insert_with(|| FieldConfig::of(Unit::Number));
        &mut config.defaults
    }
}

/// One property of an override.
pub(super) fn property(id: &str, value: Value) -> Value {
    json!({"id": id, "value": value})
}
