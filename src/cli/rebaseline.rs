//! `driftgauge rebaseline`: tells a running sidecar that what is now is what is usual.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::sidecar::{Place, explained};
use crate::export::url;

/// Longer than the sidecar itself waits for its analysis.
const PATIENCE: Duration = Duration::from_secs(15);

/// Make the last day of a model its new reference, in a running sidecar.
///
/// Do it when a change is known, wanted and here to stay: a new market, a new sensor, a retrained
/// model. Drift is then measured from what is now, and its alarms for that change end. Never do it to
/// silence an alarm that nobody has explained.
///
/// Counts, mean, deviation, range and missing values of each field become those of the window; its
/// cells, and what is set for it, stay. Fields with too few values keep their reference and are named.
/// The window must be nearly full, because the reference of one morning is none for a day.
///
/// It holds for this sidecar alone, until another re-baseline, or until its settings name a profile
/// file other than the one it has now. With `state.directory` it survives restarts. To give it to all
/// pods, fetch it with GET /api/v1/profile?model=… and name it in their settings.
///
/// The sidecar allows it on its port with --web.enable-lifecycle, and always on the Unix socket of
/// --web.admin-socket. The exit code is 1 if there is no new reference; standard error says why.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Name of the model
    #[arg(long)]
    pub model: String,
    /// Only this version, from its own window; without it, all versions that have no profile of their
    /// own, from their windows together
    #[arg(long = "version", value_name = "VERSION")]
    pub model_version: Option<String>,
    /// The window that becomes the reference, such as 1h; without it, the longest
    #[arg(long)]
    pub window: Option<String>,
    /// Where the sidecar serves its metrics
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9599")]
    pub url: String,
    /// Unix socket of the sidecar's --web.admin-socket, instead of the URL
    #[arg(long, value_name = "PATH", conflicts_with = "url")]
    pub admin_socket: Option<PathBuf>,
    /// Who asks, for the log and the profile
    #[arg(long, value_name = "WHO", env = "USER", hide_env_values = true)]
    pub by: Option<String>,
}

/// What the sidecar did.
#[derive(Debug, Deserialize)]
struct Done {
    model: String,
    version: Option<String>,
    profile: String,
    replaced: String,
    rows: u64,
    window: String,
    kept_fields: Vec<String>,
    survives_restart: bool,
}

/// Asks the sidecar and prints what it did.
///
/// # Errors
/// A sidecar that cannot be reached, or that refuses; with its sentence.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (status, body) = runtime.block_on(async {
        let answer = tokio::time::timeout(PATIENCE, ask(arguments));
        answer
            .await
            .context("the sidecar did not answer within 15 s")?
    })?;
    if status != StatusCode::OK {
        bail!("{}", String::from_utf8_lossy(&body).trim_end());
    }
    let done: Done = serde_json::from_slice(&body)
        .context("whoever answers there is no driftgauge that can re-baseline")?;
    print(&done, out)?;
    Ok(ExitCode::SUCCESS)
}

fn print(done: &Done, out: &mut impl Write) -> std::io::Result<()> {
    let version = done.version.as_ref();
    let version = version.map_or_else(String::new, |version| format!(" version {version}"));
    writeln!(
        out,
        "model {}{version}: {} rows of window {} are its reference now: profile {} replaces {}",
        done.model, done.rows, done.window, done.profile, done.replaced
    )?;
    if !done.kept_fields.is_empty() {
        let fields = done.kept_fields.join(", ");
        writeln!(out, "too few values, so their reference stays: {fields}")?;
    }
    if !done.survives_restart {
        writeln!(
            out,
            "a restart will lose it: set state.directory, or save it from \
             /api/v1/profile?model={} and name it in the settings",
            url::encode(&done.model)
        )?;
    }
    Ok(())
}

async fn ask(arguments: &Arguments) -> Result<(StatusCode, Bytes)> {
    let mut path = format!("/api/v1/rebaseline?model={}", url::encode(&arguments.model));
    let further = [
        ("version", &arguments.model_version),
        ("window", &arguments.window),
        ("by", &arguments.by),
    ];
    for (key, value) in further {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", url::encode(value)));
        }
    }
    let (place, flag) = match &arguments.admin_socket {
        Some(socket) => (Place::Unix(socket.clone()), "--admin-socket"),
        None => (Place::of_url(&arguments.url)?, "--url"),
    };
    let answer = place.ask(Method::POST, &path).await;
    answer.map_err(|error| explained(error, flag))
}
