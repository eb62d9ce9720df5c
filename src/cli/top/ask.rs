//! Asks the sidecar for its status.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use http::{Method, StatusCode};

use super::document::Document;
use crate::cli::sidecar::Place;

/// A sidecar answers in milliseconds; one far away, or that is being debugged, in seconds.
const PATIENCE: Duration = Duration::from_secs(10);
const PATH: &str = "/api/v1/status";

/// What it says now.
///
/// # Errors
/// A sentence: nobody answers there, or somebody else.
pub(super) async fn status(place: &Place) -> Result<Document> {
    let answer = tokio::time::timeout(PATIENCE, place.ask(Method::GET, PATH));
    let (status, body) = answer
        .await
        .with_context(|| format!("{place} does not answer within {} s", PATIENCE.as_secs()))??;
    match status {
        StatusCode::OK => Document::read(&body).map_err(|why| anyhow!("{place}: {why}")),
        StatusCode::NOT_FOUND => {
            bail!("{place} answers, but has no {PATH}: is it the web port of a driftgauge?")
        }
        status => bail!("{place} answers {PATH} with {status}"),
    }
}
