//! The status of a sidecar as `top` reads it.
//!
//! Another version of driftgauge may have written it: what is not there stays empty, what is more is
//! left aside. Names come from the traffic of strangers and go to a terminal, so there is no text here
//! that is not made harmless while it is read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::text::Text;

/// The document of `GET /api/v1/status`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Document {
    /// Version of the sidecar.
    pub version: Text,
    pub evaluated_at: Option<f64>,
    pub sidecar: Option<Sidecar>,
    pub models: Vec<Model>,
}

/// What came in and what became of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sidecar {
    pub sources: Vec<Source>,
    pub config_last_reload_successful: Option<bool>,
    pub series_limit: Option<u64>,
    pub dropped_series: Option<u64>,
}

/// One way in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    pub received_rows: u64,
    pub shed_rows: BTreeMap<Text, u64>,
    pub rejected_rows: BTreeMap<Text, u64>,
    pub undecodable_calls: BTreeMap<Text, u64>,
    pub calls: Option<Calls>,
}

/// Calls to others that were looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Calls {
    pub shed: BTreeMap<Text, u64>,
}

/// One model and version.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Model {
    pub model: Text,
    pub version: Text,
    pub predictions: Option<f64>,
    pub last_row_at: Option<f64>,
    pub now: Option<f64>,
    pub learning: Option<Learning>,
    pub burn_in_ratio: Option<f64>,
    pub names_by_position: bool,
    pub references: Vec<Reference>,
    pub windows: Vec<Traffic>,
    pub model_drift: Vec<Whole>,
    pub outliers: Vec<Outliers>,
    pub features: Vec<Feature>,
}

/// How far learning is, in rows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Learning {
    pub rows: u64,
    pub wanted: u64,
}

/// A reference in force.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    pub profile: Text,
    pub source: Text,
}

/// Traffic of a window.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Traffic {
    pub window: Text,
    pub throughput_rows_per_second: Option<f64>,
    pub error_ratio: Option<f64>,
    /// Seconds, by quantile.
    pub latency_seconds: Option<BTreeMap<Text, f64>>,
}

/// Drift of the model as a whole, seen one way.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Whole {
    pub window: Text,
    pub reference: Text,
    pub kind: Text,
    pub ratio: Option<f64>,
    pub fields: Vec<Text>,
}

/// Rows that are unusual as a whole.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outliers {
    pub window: Text,
    pub ratio: Option<f64>,
    pub reference_ratio: Option<f64>,
    pub is_raised: bool,
}

/// A field that is watched.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Feature {
    pub feature: Text,
    pub role: Text,
    pub shape: Option<Text>,
    pub windows: Vec<Window>,
}

/// A field in a window.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Window {
    pub window: Text,
    pub state: Text,
    pub null_ratio: Option<f64>,
    pub out_of_range_ratio: Option<f64>,
    pub new_category_ratio: Option<f64>,
    pub drift: Vec<Comparison>,
}

/// A field in a window, beside one reference.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Comparison {
    pub reference: Text,
    pub ratio: Option<f64>,
    pub since: Option<f64>,
}

impl Document {
    /// Reads what a sidecar answered.
    ///
    /// # Errors
    /// A sentence: it is no driftgauge that answers, or one whose figures cannot be read.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let error = match serde_json::from_slice(json) {
            Ok(document) => return Ok(document),
            Err(error) => error,
        };
        #[derive(Deserialize)]
        struct Stamp {
            version: Text,
            #[serde(rename = "models")]
            _models: IgnoredAny,
        }
        match serde_json::from_slice::<Stamp>(json) {
            Ok(Stamp { version, .. }) => Err(format!(
                "its driftgauge {version} says something that this driftgauge {} cannot read: {}; \
                 use the `top` of its version",
                env!("CARGO_PKG_VERSION"),
                Text::from(error.to_string().as_str())
            )),
            Err(_) => Err("what answers there is no driftgauge".into()),
        }
    }
}

impl Model {
    /// The windows that there are, in the order of the settings.
    pub fn window_labels(&self) -> Vec<&str> {
        let traffic = self.windows.iter().map(|window| &*window.window);
        let fields = self.features.iter().flat_map(|feature| &feature.windows);
        let mut labels: Vec<&str> = Vec::new();
        for label in traffic.chain(fields.map(|window| &*window.window)) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    }

    /// The references that some field is compared with, in the order of the sidecar.
    pub fn reference_labels(&self) -> Vec<&str> {
        let windows = self.features.iter().flat_map(|feature| &feature.windows);
        let mut labels: Vec<&str> = Vec::new();
        for drift in windows.flat_map(|window| &window.drift) {
            if !labels.contains(&&*drift.reference) {
                labels.push(&drift.reference);
            }
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page that the sidecar's own tests hold it to.
    fn golden() -> &'static str {
        let page = include_str!("../../../tests/golden/status.json.snap");
        page.splitn(3, "---\n").nth(2).unwrap()
    }

    #[test]
    fn what_a_sidecar_writes_is_read() {
        let document = Document::read(golden().as_bytes()).unwrap();
        assert_eq!(&*document.version, "1.2.3");
        let sidecar = document.sidecar.unwrap();
        assert_eq!(sidecar.sources[0].received_rows, 100);
        assert_eq!(sidecar.sources[0].shed_rows[&Text::from("queue_rows")], 20);
        assert_eq!(sidecar.sources[1].calls.as_ref().unwrap().shed.len(), 2);
        assert_eq!(sidecar.config_last_reload_successful, Some(true));
        assert_eq!(sidecar.series_limit, Some(20_000));
        assert!(sidecar.dropped_series.is_some());
        let model = &document.models[0];
        assert_eq!(model.window_labels(), ["5m", "1h", "1d"]);
        assert_eq!(model.reference_labels(), ["profile", "version:1"]);
        assert_eq!(model.last_row_at, Some(1_700_000_000.25));
        let traffic = &model.windows[0];
        assert!(traffic.throughput_rows_per_second.is_some() && traffic.error_ratio.is_some());
        assert!(
            traffic
                .latency_seconds
                .as_ref()
                .unwrap()
                .contains_key(&Text::from("0.99"))
        );
        assert!(!model.model_drift.is_empty() && !model.outliers.is_empty());
        let feature = &model.features[0];
        assert_eq!((&*feature.feature, &*feature.role), ("amount", "feature"));
        let window = &feature.windows[1];
        assert_eq!((&*window.window, &*window.state), ("1h", "ok"));
        assert_eq!(window.null_ratio, Some(0.003));
        assert_eq!(window.out_of_range_ratio, Some(0.01));
        assert_eq!(window.drift[0].ratio, Some(4.0));
        assert_eq!(window.drift[0].since, Some(1_699_990_000.0));
        let learning = document
            .models
            .iter()
            .find_map(|model| model.learning.as_ref());
        assert_eq!(learning.map(|l| (l.rows, l.wanted)), Some((1_200, 5_000)));
    }

    #[test]
    fn no_text_of_it_can_steer_a_terminal() {
        let json = br#"{"version":"\u001b]0;x\u0007","models":[{"model":"\u001b[31m",
            "features":[{"feature":"\u0000","role":"\n","windows":[{"state":"\u0085"}]}],
            "windows":[{"latency_seconds":{"\u001b":1}}]}]}"#;
        let document = Document::read(json).unwrap();
        let model = &document.models[0];
        let feature = &model.features[0];
        let latency = model.windows[0].latency_seconds.as_ref().unwrap();
        let (quantile, _) = latency.first_key_value().unwrap();
        for text in [
            &document.version,
            &model.model,
            &feature.feature,
            &feature.role,
            &feature.windows[0].state,
            quantile,
        ] {
            assert!(
                !text.is_empty() && text.chars().all(|c| !c.is_control()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_older_or_newer_document_is_read_as_far_as_it_goes() {
        for json in [
            r#"{"version":"0.0.1","models":[]}"#,
            r#"{"version":"0.0.1","models":[{}]}"#,
            r#"{"version":"9","models":[{"model":"m","features":[{},{"windows":[{}]}]}],"more":[1]}"#,
            r#"{"version":"9","models":[],"sidecar":null,"evaluated_at":null}"#,
        ] {
            assert!(Document::read(json.as_bytes()).is_ok(), "{json}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_explained() {
        for page in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"status":"success"}"#,
            "\u{1b}[2J",
        ] {
            let said = Document::read(page.as_bytes()).unwrap_err();
            assert!(said.contains("no driftgauge"), "{page}: {said}");
        }
        let other = br#"{"version":"9\u001b","models":{"\u001b[31m":1}}"#;
        let said = Document::read(other).unwrap_err();
        assert!(said.contains("driftgauge 9\\u{1b}"), "{said}");
        assert!(said.chars().all(|c| !c.is_control()), "{said}");
        let deep = format!("{{\"version\":\"1\",\"models\":{}", "[".repeat(100_000));
        assert!(Document::read(deep.as_bytes()).is_err());
    }
}
