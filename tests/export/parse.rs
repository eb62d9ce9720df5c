//! Parsers of the three formats, strict where Prometheus is, written without the exporter's code.

use std::collections::BTreeMap;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as proto;
use prost::Message;

/// Sample name and labels in order of their keys; `le` as a number in its shortest form.
pub type Key = (String, Vec<(String, String)>);

/// A page, whatever its format.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    pub samples: BTreeMap<Key, f64>,
    /// Type and help by the name that the samples of the family start with.
    pub families: BTreeMap<String, (String, String)>,
    pub units: BTreeMap<String, String>,
    /// Exemplars by the sample that they follow.
    pub exemplars: BTreeMap<Key, Exemplar>,
}

/// What follows a sample of OpenMetrics behind ` # `.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub labels: Vec<(String, String)>,
    pub value: f64,
    pub timestamp: f64,
}

impl Page {
    fn insert(&mut self, name: &str, mut labels: Vec<(String, String)>, value: f64) -> Key {
        for (key, value) in &mut labels {
            if key == "le" {
                *value = value.parse::<f64>().unwrap().to_string();
            }
        }
        labels.sort();
        let keys: Vec<_> = labels.iter().map(|(key, _)| key).collect();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
        assert!(value.is_finite(), "{name} {labels:?} is {value}");
        let key = (name.to_owned(), labels);
        let twice = self.samples.insert(key.clone(), value);
        assert!(twice.is_none(), "duplicate sample {key:?}");
        key
    }

    /// Samples with this label.
    pub fn with<'p>(&'p self, key: &'p str, value: &'p str) -> impl Iterator<Item = &'p Key> {
        self.samples
            .keys()
            .filter(move |(_, labels)| labels.iter().any(|(k, v)| k == key && v == value))
    }

    /// The value of the one sample of this name with these labels among others.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let mut found = self.samples.iter().filter(|((n, all), _)| {
            n == name
                && labels
                    .iter()
                    .all(|(k, v)| all.iter().any(|(key, value)| key == k && value == v))
        });
        let (_, value) = found
            .next()
            .unwrap_or_else(|| panic!("no {name} {labels:?}"));
        assert!(found.next().is_none(), "several {name} {labels:?}");
        *value
    }
}

/// Suffixes of samples that belong to a family of this type.
fn suffixes(kind: &str, openmetrics: bool) -> &'static [&'static str] {
    match (kind, openmetrics) {
        ("counter", true) => &["_total"],
        ("info", true) => &["_info"],
        ("histogram", _) => &["_bucket", "_sum", "_count"],
        _ => &[""],
    }
}

/// OpenMetrics 1.0 or text 0.0.4.
pub fn text(page: &str, openmetrics: bool) -> Page {
    let mut parsed = Page::default();
    let body = match page.strip_suffix("# EOF\n") {
        Some(body) if openmetrics => body,
        None if !openmetrics => page,
        found => panic!("EOF found: {}, expected: {openmetrics}", found.is_some()),
    };
    let mut help = BTreeMap::new();
    let mut family = (String::new(), String::new());
    for line in body.split_terminator('\n') {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').unwrap();
            assert!(help.insert(name, text).is_none(), "second HELP of {name}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            let text = help
                .get(name)
                .unwrap_or_else(|| panic!("no HELP of {name}"));
            let known = (kind.to_owned(), (*text).to_owned());
            let twice = parsed.families.insert(name.to_owned(), known);
            assert!(twice.is_none(), "second TYPE of {name}");
            family = (name.to_owned(), kind.to_owned());
        } else if let Some(rest) = line.strip_prefix("# UNIT ") {
            assert!(openmetrics, "UNIT in text 0.0.4");
            let (name, unit) = rest.split_once(' ').unwrap();
            assert!(name.ends_with(&format!("_{unit}")), "{line}");
            parsed.units.insert(name.to_owned(), unit.to_owned());
        } else {
            let (name, labels, value, exemplar) = sample(line);
            let suffix = name.strip_prefix(&family.0);
            let suffix = suffix.unwrap_or_else(|| panic!("{name} outside of its family"));
            assert!(suffixes(&family.1, openmetrics).contains(&suffix), "{line}");
            let key = parsed.insert(&name, labels, value);
            if let Some(exemplar) = exemplar {
                assert!(openmetrics, "exemplar in text 0.0.4");
                parsed.exemplars.insert(key, exemplar);
            }
        }
    }
    assert_eq!(help.len(), parsed.families.len(), "HELP without TYPE");
    parsed
}

type Labels = Vec<(String, String)>;

fn sample(line: &str) -> (String, Labels, f64, Option<Exemplar>) {
    let end = line.find(['{', ' ']).unwrap();
    let name = line[..end].to_owned();
    let (labels, rest) = labels(&line[end..]);
    let value = rest.strip_prefix(' ').unwrap();
    let (value, exemplar) = match value.split_once(" # ") {
        None => (value, None),
        Some((value, exemplar)) => (value, Some(self::exemplar(exemplar))),
    };
    assert!(!value.contains(' '), "timestamp in {line}");
    (name, labels, value.parse().unwrap(), exemplar)
}

fn exemplar(text: &str) -> Exemplar {
    let (labels, rest) = labels(text);
    let (value, timestamp) = rest.strip_prefix(' ').unwrap().split_once(' ').unwrap();
    Exemplar {
        labels,
        value: value.parse().unwrap(),
        timestamp: timestamp.parse().unwrap(),
    }
}

/// Labels in braces, if there are any, and what follows them.
fn labels(mut rest: &str) -> (Labels, &str) {
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (key, after) = rest.split_once("=\"").unwrap();
            let mut value = String::new();
            let mut chars = after.chars();
            loop {
                match chars.next().unwrap() {
                    '"' => break,
                    '\\' => value.push(match chars.next().unwrap() {
                        'n' => '\n',
                        c @ ('"' | '\\') => c,
                        c => panic!("escaped {c:?}"),
                    }),
                    c => value.push(c),
                }
            }
            labels.push((key.to_owned(), value));
            rest = chars.as_str();
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap();
    }
    (labels, rest)
}

/// Delimited protobuf, flattened to the samples that Prometheus makes of it.
pub fn protobuf(mut page: &[u8]) -> Page {
    let mut parsed = Page::default();
    while !page.is_empty() {
        let family = proto::MetricFamily::decode_length_delimited(&mut page).unwrap();
        let name = &family.name;
        let kind = match family.r#type() {
            proto::MetricType::Counter => "counter",
            proto::MetricType::Gauge => "gauge",
            proto::MetricType::Histogram => "histogram",
            kind => panic!("type {kind:?}"),
        };
        assert!(!family.metric.is_empty(), "{name} has no samples");
        let known = (kind.to_owned(), family.help.clone());
        let twice = parsed.families.insert(name.clone(), known);
        assert!(twice.is_none(), "{name} comes twice");
        for metric in &family.metric {
            assert_eq!(metric.timestamp_ms, 0);
            let labels: Vec<_> = metric
                .label
                .iter()
                .map(|pair| (pair.name.clone(), pair.value.clone()))
                .collect();
            match kind {
                "counter" => {
                    parsed.insert(name, labels, metric.counter.as_ref().unwrap().value);
                }
                "gauge" => {
                    parsed.insert(name, labels, metric.gauge.as_ref().unwrap().value);
                }
                _ => {
                    let histogram = metric.histogram.as_ref().unwrap();
                    for bucket in &histogram.bucket {
                        assert!(bucket.exemplar.is_none(), "exemplar in protobuf");
                        let mut labels = labels.clone();
                        labels.push(("le".into(), bucket.upper_bound.to_string()));
                        let count = bucket.cumulative_count as f64;
                        parsed.insert(&format!("{name}_bucket"), labels, count);
                    }
                    let count = histogram.sample_count as f64;
                    parsed.insert(&format!("{name}_count"), labels.clone(), count);
                    parsed.insert(&format!("{name}_sum"), labels, histogram.sample_sum);
                }
            }
        }
    }
    parsed
}
