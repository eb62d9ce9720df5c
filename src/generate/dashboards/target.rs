//! Queries of panels.

use serde::Serialize;

use super::board::DataSource;

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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    exemplar: bool,
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
            exemplar: false,
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

    /// With the calls that were kept as exemplars, as dots: each opens its trace.
    pub fn with_exemplars(mut self) -> Self {
        self.exemplar = true;
        self
    }

    /// What its series are called, such as `{{feature}}`.
    pub fn named(mut self, legend: &str) -> Self {
        self.legend_format = legend.into();
        self
    }
}

/// `A` to `Z`: no panel has more queries.
pub(super) fn reference_id(index: usize) -> String {
    char::from(b'A' + u8::try_from(index).unwrap_or(25)).to_string()
}
