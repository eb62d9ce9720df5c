//! A board: its head, and panels laid out in lines, so that none can lie on another.

use serde::Serialize;
use serde_json::{Value, json};

use super::panel::{GridPosition, Panel};
use super::variables::Variable;

/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;

/// The variable that says which Prometheus is asked.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DataSource {
    #[serde(rename = "type")]
    kind: &'static str,
    uid: &'static str,
}

impl DataSource {
    /// The one that is chosen at the top of the board.
    pub const VARIABLE: Self = Self {
        kind: "prometheus",
        uid: "${datasource}",
    };
}

/// One of our boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// All models.
    Fleet,
    /// One model.
    Model,
    /// One field of a model.
    Feature,
    /// The sidecars themselves.
    Sidecar,
}

impl Name {
    /// Its address in Grafana: `/d/<uid>`.
    pub const fn uid(self) -> &'static str {
        match self {
            Self::Fleet => "driftgauge-fleet",
            Self::Model => "driftgauge-model",
            Self::Feature => "driftgauge-feature",
            Self::Sidecar => "driftgauge-sidecar",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Fleet => "grafana-dashboards/driftgauge-fleet.json",
            Self::Model => "grafana-dashboards/driftgauge-model.json",
            Self::Feature => "grafana-dashboards/driftgauge-feature.json",
            Self::Sidecar => "grafana-dashboards/driftgauge-sidecar.json",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Fleet => "Driftgauge / Fleet",
            Self::Model => "Driftgauge / Model",
            Self::Feature => "Driftgauge / Feature",
            Self::Sidecar => "Driftgauge / Sidecar",
        }
    }
}

/// A whole board.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    #[serde(skip)]
    name: Name,
    uid: &'static str,
    title: &'static str,
    description: &'static str,
    tags: [&'static str; 1],
    schema_version: u32,
    version: u32,
    editable: bool,
    graph_tooltip: u32,
    refresh: &'static str,
    time: Value,
    timezone: &'static str,
    links: Vec<Value>,
    templating: List<Variable>,
    annotations: List<Value>,
    panels: Vec<Panel>,
    #[serde(skip)]
    next_id: u32,
    #[serde(skip)]
    next_y: u32,
}

#[derive(Clone, Debug, Serialize)]
struct List<T> {
    list: Vec<T>,
}

impl Board {
    /// An empty board that shows this long by default, such as `6h`.
    pub fn new(name: Name, description: &'static str, shown: &str, runbook: &str) -> Self {
        Self {
            name,
            uid: name.uid(),
            title: name.title(),
            description,
            tags: ["driftgauge"],
            // Of Grafana 10, the oldest that is supported.
            schema_version: 39,
            version: 1,
            editable: false,
            graph_tooltip: 1,
            refresh: "30s",
            time: json!({"from": format!("now-{shown}"), "to": "now"}),
            timezone: "browser",
            links: vec![
                json!({
                    "type": "dashboards", "title": "driftgauge", "tags": ["driftgauge"], "asDropdown": false,
                    "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link",
                    "tooltip": "", "url": "",
                }),
                json!({
                    "type": "link", "title": "Runbook", "tags": [], "asDropdown": false,
                    "includeVars": false, "keepTime": false, "targetBlank": true, "icon": "doc",
                    "tooltip": "What each alert means, how to check, what to do", "url": runbook,
                }),
            ],
            templating: List { list: Vec::new() },
            annotations: List { list: Vec::new() },
            panels: Vec::new(),
            next_id: 1,
            next_y: 0,
        }
    }

    /// Its address in Grafana.
    pub const fn uid(&self) -> &'static str {
        self.uid
    }

    /// Its file.
    pub const fn path(&self) -> &'static str {
        self.name.path()
    }

    /// Sets what is chosen at the top.
    pub fn variables(mut self, variables: Vec<Variable>) -> Self {
        self.templating.list = variables;
        self
    }

    /// Draws what a query finds as marks on all panels, `title` a template such as `{{alertname}}`.
    pub fn marks(mut self, name: &str, color: &str, expr: &str, title: &str, text: &str) -> Self {
        self.annotations.list.push(json!({
            "name": name, "enable": true, "hide": false, "iconColor": color, "datasource": DataSource::VARIABLE,
            "expr": expr, "titleFormat": title, "textFormat": text, "tagKeys": "severity", "step": "30s",
            "useValueForTime": false,
        }));
        self
    }

    /// The same for a series whose value is a moment, in seconds since 1970.
    pub fn moments(self, name: &str, color: &str, expr: &str, title: &str) -> Self {
        let mut board = self.marks(name, color, &format!("1000 * ({expr})"), title, "");
        if let Some(mark) = board.annotations.list.last_mut() {
            mark["useValueForTime"] = json!(true);
        }
        board
    }

    /// Begins a row with a heading.
    pub fn row(mut self, title: &str) -> Self {
        let row = Panel::row(title, false, Vec::new());
        self.place(row, COLUMNS, 1, 0);
        self.next_y += 1;
        self
    }

    /// A line of panels, each with its width in columns.
    pub fn line<const N: usize>(mut self, height: u32, panels: [(u32, Panel); N]) -> Self {
        let mut x = 0;
        for (width, panel) in panels {
            self.place(panel, width, height, x);
            x += width;
        }
        self.next_y += height;
        self
    }

    /// A row that is closed until somebody opens it: `rest` adds its lines.
    pub fn closed_row(mut self, title: &str, rest: impl FnOnce(Self) -> Self) -> Self {
        let place = self.panels.len();
        let row_y = self.next_y;
        self = self.row(title);
        self = rest(self);
        let inner = self.panels.split_off(place + 1);
        if let Some(row) = self.panels.pop() {
            let mut closed = Panel::row(title, true, inner);
            (closed.id, closed.grid_pos) = (row.id, row.grid_pos);
            self.panels.push(closed);
        }
        self.next_y = row_y + 1;
        self
    }

    fn place(&mut self, mut panel: Panel, w: u32, h: u32, x: u32) {
        panel.id = self.next_id;
        panel.grid_pos = GridPosition {
            h,
            w,
            x,
            y: self.next_y,
        };
        self.next_id += 1;
        self.panels.push(panel);
    }

    /// The file, as Grafana imports it.
    pub fn json(&self) -> String {
        // Only maps with keys that are not text cannot be written, and there are none.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
