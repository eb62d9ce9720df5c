//! A panel: what Grafana reads, in the order in which people read it, and builders for the kinds that
//! the boards use.
//!
//! Where a panel stands is not its own matter: [`super::board`] lays panels out in lines.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::limits;
use super::board::DataSource;
use super::threshold::{REFERENCE, Thresholds};

/// Units, by their ids in Grafana. A misspelt id would be shown as a suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number, such as a drift ratio.
    Number,
    /// A count, shortened: 12.3 K.
    Count,
    /// A share from 0 to 1, shown in per cent.
    Share,
    /// Seconds.
    Seconds,
    /// Bytes, in powers of 1024.
    Bytes,
    /// Per cent from 0 to 100, as GPU exporters count.
    Percent,
    /// Rows a second.
    RowsPerSecond,
    /// Calls a second.
    CallsPerSecond,
    /// Processors in use.
    Cores,
    /// A moment, in milliseconds since 1970, shown as the time since.
    Ago,
}

impl Unit {
    const fn id(self) -> &'static str {
        match self {
            Self::Number | Self::Cores => "none",
            Self::Count => "short",
            Self::Share => "percentunit",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Percent => "percent",
            Self::RowsPerSecond => "rowsps",
            Self::CallsPerSecond => "reqps",
            Self::Ago => "dateTimeFromNow",
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// One query of a panel.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// `A`, `B`, …: set when it is added to a panel.
    pub ref_id: String,
    datasource: DataSource,
    editor_mode: &'static str,
    expr: String,
    legend_format: String,
    format: &'static str,
    instant: bool,
    range: bool,
}

impl Target {
    fn new(expr: impl Into<String>, format: &'static str, instant: bool) -> Self {
        Self {
            ref_id: String::new(),
            datasource: DataSource::VARIABLE,
            editor_mode: "code",
            expr: expr.into(),
            legend_format: "__auto".into(),
            format,
            instant,
            range: !instant,
        }
    }

    /// Over the time that is shown.
    pub fn over_time(expr: impl Into<String>) -> Self {
        Self::new(expr, "time_series", false)
    }

    /// At the end of the time that is shown.
    pub fn now(expr: impl Into<String>) -> Self {
        Self::new(expr, "time_series", true)
    }

    /// At the end of the time that is shown, as rows with a column for each label.
    pub fn rows(expr: impl Into<String>) -> Self {
        Self::new(expr, "table", true)
    }

    /// Buckets of a histogram over the time that is shown.
    pub fn buckets(expr: impl Into<String>) -> Self {
        Self::new(expr, "heatmap", false).named("{{le}}")
    }

    /// What its series are called, such as `{{feature}}`.
    pub fn named(mut self, legend: &str) -> Self {
        self.legend_format = legend.into();
        self
    }
}

/// A panel or the heading of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    pub(super) id: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    pub(super) title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    pub(super) grid_pos: GridPosition,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource: Option<DataSource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transformations: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_config: Option<FieldConfig>,
    #[serde(skip_serializing_if = "Value::is_null")]
    options: Value,
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
struct Field {
    unit: Unit,
    #[serde(skip_serializing_if = "Option::is_none")]
    decimals: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_value: Option<String>,
    color: Value,
    thresholds: Thresholds,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mappings: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<DataLink>,
    custom: Value,
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
            field_config: Some(FieldConfig {
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
            }),
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
    /// are, so the line at 1 is always there.
    pub fn ratio_axis(mut self) -> Self {
        self.field().custom["axisSoftMax"] = json!(1.5);
        self.logarithmic_above(limits::DRIFT_RATIO)
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

    #[expect(clippy::expect_used, reason = "only the heading of a row has none")]
    fn field(&mut self) -> &mut Field {
        let config = self.field_config.as_mut();
        &mut config.expect("a panel shows fields").defaults
    }
}

/// One property of an override.
pub(super) fn property(id: &str, value: Value) -> Value {
    json!({"id": id, "value": value})
}

/// `A` to `Z`: no panel has more queries.
pub(super) fn reference_id(index: usize) -> String {
    char::from(b'A' + u8::try_from(index).unwrap_or(25)).to_string()
}
