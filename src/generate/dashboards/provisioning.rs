//! How Grafana gets the boards: files of its provisioning folder, or config maps in Kubernetes.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::super::{File, yaml};
use super::board::Board;

/// Files for the folder of provisioning: Grafana reads all files in `dashboards` and `datasources`.
pub(super) fn folder() -> [File; 2] {
    [
        File {
            path: "grafana-dashboards/provisioning/dashboards/dashboards.yml",
            text: yaml::document("Where Grafana finds the boards.", &Providers::ours()),
        },
        File {
            path: "grafana-dashboards/provisioning/datasources/datasources.yml",
            text: yaml::document(
                "The Prometheus that scrapes the sidecars; in a copy of your own set its address, and its scrape interval as timeInterval.",
                &DataSources::prometheus(),
            ),
        },
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Providers {
    api_version: u32,
    providers: [Provider; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: &'static str,
    folder: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    disable_deletion: bool,
    allow_ui_updates: bool,
    update_interval_seconds: u32,
    options: ProviderOptions,
}

#[derive(Serialize)]
struct ProviderOptions {
    path: &'static str,
}

impl Providers {
    fn ours() -> Self {
        Self {
            api_version: 1,
            providers: [Provider {
                name: "driftgauge",
                folder: "Driftgauge",
                kind: "file",
                disable_deletion: true,
                allow_ui_updates: false,
                update_interval_seconds: 30,
                options: ProviderOptions {
                    path: "/var/lib/grafana/dashboards/driftgauge",
                },
            }],
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataSources {
    api_version: u32,
    datasources: [DataSource; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataSource {
    name: &'static str,
    uid: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    access: &'static str,
    url: &'static str,
    is_default: bool,
    json_data: DataSourceOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataSourceOptions {
    http_method: &'static str,
    time_interval: &'static str,
}

impl DataSources {
    fn prometheus() -> Self {
        Self {
            api_version: 1,
            datasources: [DataSource {
                name: "Prometheus",
                uid: "prometheus",
                kind: "prometheus",
                access: "proxy",
                url: "http://prometheus:9090",
                is_default: true,
                json_data: DataSourceOptions {
                    http_method: "POST",
                    time_interval: "15s",
                },
            }],
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigMap<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    data: BTreeMap<String, Text<'a>>,
}

#[derive(Serialize)]
struct Metadata {
    name: String,
    labels: Labels,
    annotations: Annotations,
}

#[derive(Serialize)]
struct Labels {
    #[serde(rename = "app.kubernetes.io/name")]
    name: &'static str,
    /// What Grafana's chart looks for: its sidecar loads every config map with this label.
    grafana_dashboard: &'static str,
}

#[derive(Serialize)]
struct Annotations {
    grafana_folder: &'static str,
}

#[derive(Serialize)]
struct Text<'a>(#[serde(serialize_with = "yaml::block")] &'a str);

/// A config map for each board: together they would be too large for `kubectl apply`, which keeps a
/// copy of what it has applied in an annotation of at most 256 KiB.
pub(super) fn config_maps(boards: &[Board]) -> File {
    let mut text = String::new();
    for board in boards {
        let json = board.json();
        let map = ConfigMap {
            api_version: "v1",
            kind: "ConfigMap",
            metadata: Metadata {
                name: format!("{}-dashboard", board.uid()),
                labels: Labels {
                    name: "driftgauge",
                    grafana_dashboard: "1",
                },
                annotations: Annotations {
                    grafana_folder: "Driftgauge",
                },
            },
            data: [(format!("{}.json", board.uid()), Text(&json))].into(),
        };
        let _ = match text.is_empty() {
            true => write!(
                text,
                "{}",
                yaml::document("Boards for Grafana in Kubernetes.", &map)
            ),
            false => writeln!(text, "---\n{}", yaml::text(&map)),
        };
    }
    File {
        path: "deploy/kubernetes/grafana-dashboards.yaml",
        text,
    }
}
