//! Grafana dashboards: fleet → model → feature, and the sidecar's own health.

use super::{File, Plan};

/// The files of all dashboards.
pub fn files(_plan: &Plan) -> Vec<File> {
    Vec::new()
}
