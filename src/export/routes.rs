//! What each path answers.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, AsHeaderName, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::Notify;

use super::explain::{self, Chosen, Refusal};
use super::http::{WebOptions, WebState};
use super::negotiate::Format;
use super::page::Shell;
use super::room::{Room, Seat};
use super::{Process, Sidecar, exposition, negotiate, page, status, url};
use crate::analysis::NotRebaselined;
use crate::engine::{Rebaseline, Snapshot};

/// Bodies up to this size are not worth compressing.
const GZIP_ABOVE: usize = 1024;
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const READ: &str = "GET, HEAD";
/// Characters of what someone says of themselves that are kept.
const MOST_TOLD: usize = 100;

/// What all connections share.
pub(super) struct Routes {
    pub(super) state: Arc<dyn WebState>,
    pub(super) options: WebOptions,
    pub(super) pages: Arc<Room>,
}

/// An answer before it becomes bytes on the wire.
struct Answer {
    status: StatusCode,
    content_type: Cow<'static, str>,
    body: Vec<u8>,
    /// Methods of the header `Allow`.
    allow: Option<&'static str>,
    gzipped: bool,
}

/// Where a request goes.
enum Route {
    Metrics,
    Landing,
    Status,
    Profile,
    Explain,
    Feature,
    Sidecar,
    Settings,
    Healthy,
    Ready,
    Reload,
    Rebaseline,
}

pub(super) async fn answer<B>(
    routes: Arc<Routes>,
    leave: Arc<Notify>,
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, _) = request.into_parts();
    let (answer, seat) = match routes.route(head.uri.path()) {
        None => (missing(head.uri.path(), &routes.options), None),
        Some(route) if !allowed(&route).split(", ").any(|m| m == head.method) => {
            (not_allowed(&head.method, allowed(&route)), None)
        }
        Some(Route::Healthy) => (sentence(StatusCode::OK, "driftgauge is healthy."), None),
        Some(Route::Ready) if routes.state.ready() => {
            (sentence(StatusCode::OK, "driftgauge is ready."), None)
        }
        Some(Route::Ready) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            (sentence(status, "driftgauge is still starting."), None)
        }
        Some(route) => {
            let seat = routes.pages.enter(&leave).await;
            let query = head.uri.query().unwrap_or_default().to_owned();
            let headers = head.headers;
            // Rendering takes milliseconds of pure computing: not on a thread that serves sockets.
            let rendered = tokio::task::spawn_blocking(move || {
                let answer = routes.render(&route, &query, &headers);
                answer.compressed(&headers)
            });
            (rendered.await.unwrap_or_else(|_| failed()), Some(seat))
        }
    };
    Ok(answer.into_response(seat))
}

fn allowed(route: &Route) -> &'static str {
    match route {
        Route::Reload | Route::Rebaseline => "POST",
        _ => READ,
    }
}

impl Routes {
    fn route(&self, path: &str) -> Option<Route> {
        Some(match path {
            _ if path == self.options.metrics_path => Route::Metrics,
            "/" => Route::Landing,
            "/-/healthy" => Route::Healthy,
            "/-/ready" => Route::Ready,
            "/-/reload" => Route::Reload,
            "/api/v1/status" => Route::Status,
            "/api/v1/profile" => Route::Profile,
            "/api/v1/rebaseline" => Route::Rebaseline,
            "/api/v1/explain" => Route::Explain,
            "/feature" => Route::Feature,
            "/sidecar" => Route::Sidecar,
            "/settings" => Route::Settings,
            _ => return None,
        })
    }

    fn render(&self, route: &Route, query: &str, headers: &HeaderMap) -> Answer {
        let snapshot = self.state.snapshot().load_full();
        let sidecar = self.state.sidecar();
        match route {
            Route::Metrics => self.metrics(snapshot, sidecar, headers),
            Route::Landing => html(page::render(&self.shell(&sidecar), &snapshot, query)),
            Route::Sidecar => {
                let process = Process::read();
                let all = exposition::render(
                    Format::OpenMetrics,
                    snapshot.clone(),
                    sidecar.clone(),
                    Some(process),
                );
                let series = all.ok().map(|page| page.series);
                let shell = self.shell(&sidecar);
                html(Ok(page::render_sidecar(
                    &shell, &snapshot, &process, series,
                )))
            }
            Route::Settings => {
                let settings = self.state.settings();
                html(Ok(page::render_settings(&self.shell(&sidecar), &settings)))
            }
            Route::Status => {
                let body = status::render(&snapshot, &sidecar);
                Answer::new(StatusCode::OK, JSON, body)
            }
            Route::Profile => self.profile(&snapshot, query),
            Route::Explain => match Chosen::by(&snapshot, query) {
                Ok(chosen) => Answer::new(StatusCode::OK, JSON, explain::render(&chosen)),
                Err(refusal) => sentence(refusal.status, refusal.why),
            },
            Route::Feature => {
                let chosen = Chosen::by(&snapshot, query);
                html(chosen.map(|chosen| page::render_feature(&self.shell(&sidecar), &chosen)))
            }
            Route::Reload => self.reload(),
            Route::Rebaseline => self.rebaseline(query),
            Route::Healthy | Route::Ready => sentence(StatusCode::OK, "driftgauge is up."),
        }
    }

    fn shell<'a>(&'a self, sidecar: &'a Sidecar) -> Shell<'a> {
        Shell {
            sidecar,
            metrics_path: &self.options.metrics_path,
        }
    }

    fn metrics(&self, snapshot: Arc<Snapshot>, sidecar: Sidecar, headers: &HeaderMap) -> Answer {
        let chosen = negotiate::format(&joined(headers, ACCEPT));
        match exposition::render(chosen.format, snapshot, sidecar, Some(Process::read())) {
            Ok(page) => Answer::new(StatusCode::OK, chosen.content_type(), page.body),
            Err(_) => failed(),
        }
    }

    fn profile(&self, snapshot: &Snapshot, query: &str) -> Answer {
        let Some(model) = url::parameter(query, "model").filter(|model| !model.is_empty()) else {
            let hint =
                "Say which model: /api/v1/profile?model=<model>, optionally &version=<version>.";
            return sentence(StatusCode::BAD_REQUEST, hint);
        };
        let version = url::parameter(query, "version").filter(|version| !version.is_empty());
        if let Some(profile) = self.state.profile(&model, version.as_deref()) {
            return Answer::new(StatusCode::OK, JSON, profile.to_json());
        }
        let known = snapshot.models.iter().find(|known| {
            *known.model == *model && version.as_ref().is_none_or(|v| *known.version == **v)
        });
        let why = match known.map(|known| known.learning) {
            None => format!(
                "No traffic of model {model:?} has been seen, and no profile is configured for it."
            ),
            Some(Some(learning)) => format!(
                "Model {model:?} is still learning its reference: {} of {} rows so far.",
                learning.rows, learning.wanted
            ),
            Some(None) => format!("Model {model:?} has no reference yet."),
        };
        sentence(StatusCode::NOT_FOUND, why)
    }

    fn reload(&self) -> Answer {
        if !self.options.enable_lifecycle {
            let why = "Reloading over HTTP is off; start driftgauge with --web.enable-lifecycle, or send it SIGHUP.";
            return sentence(StatusCode::FORBIDDEN, why);
        }
        match self.state.reload() {
            Ok(()) => sentence(StatusCode::OK, "The settings were loaded anew."),
            Err(why) => {
                let why = format!("The old settings stay in force: {why}");
                sentence(StatusCode::INTERNAL_SERVER_ERROR, why)
            }
        }
    }

    fn rebaseline(&self, query: &str) -> Answer {
        if !self.options.enable_lifecycle {
            let why = "Re-baselining over this port is off; start driftgauge with --web.enable-lifecycle, or use the socket of --web.admin-socket.";
            return sentence(StatusCode::FORBIDDEN, why);
        }
        let said = |key| url::parameter(query, key).filter(|value| !value.is_empty());
        let Some(model) = said("model") else {
            let hint = "Say which model: /api/v1/rebaseline?model=<model>, optionally &version=<version>&window=<window>&by=<who asks>.";
            return sentence(StatusCode::BAD_REQUEST, hint);
        };
        let door = self.options.door;
        let asked = Rebaseline {
            model,
            version: said("version"),
            window: said("window"),
            by: match said("by") {
                Some(who) => format!("{} over {door}", told(&who)),
                None => format!("over {door}"),
            },
        };
        match self.state.rebaseline(asked) {
            Ok(done) => {
                let how = done.profile.provenance.rebaseline.as_ref();
                let kept_fields = how.map_or(&[][..], |how| &how.kept_fields);
                let body = serde_json::json!({
                    "model": done.model,
                    "version": done.version,
                    "profile": done.hash,
                    "replaced": done.replaced,
                    "rows": done.profile.rows,
                    "window": done.window,
                    "kept_fields": kept_fields,
                    "survives_restart": self.state.keeps_references(),
                });
                Answer::new(StatusCode::OK, JSON, format!("{body}\n"))
            }
            Err(why) => {
                let status = match &why {
                    NotRebaselined::Refused(refusal) if refusal.is_unknown() => {
                        StatusCode::NOT_FOUND
                    }
                    NotRebaselined::Refused(_) => StatusCode::CONFLICT,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                sentence(status, why.to_string())
            }
        }
    }
}

/// Text from outside for logs and records: in one line, and not long.
fn told(text: &str) -> String {
    let text = text.chars().filter(|c| !c.is_control());
    text.take(MOST_TOLD).collect()
}

/// A page, or a sentence why there is none.
fn html(page: Result<String, Refusal>) -> Answer {
    match page {
        Ok(page) => Answer::new(StatusCode::OK, HTML, page),
        Err(refusal) => sentence(refusal.status, refusal.why),
    }
}

fn sentence(status: StatusCode, sentence: impl Into<String>) -> Answer {
    Answer::new(status, TEXT, sentence.into() + "\n")
}

fn missing(path: &str, options: &WebOptions) -> Answer {
    let why = format!(
        "There is nothing at {path}; metrics are at {}.",
        options.metrics_path
    );
    sentence(StatusCode::NOT_FOUND, why)
}

fn not_allowed(method: &Method, allow: &'static str) -> Answer {
    let why = format!("{method} is not allowed here; use {allow}.");
    Answer {
        allow: Some(allow),
        ..sentence(StatusCode::METHOD_NOT_ALLOWED, why)
    }
}

fn failed() -> Answer {
    tracing::error!("a page could not be rendered");
    sentence(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The page could not be rendered; see the log.",
    )
}

/// All values of a header that is a list, as one.
fn joined(headers: &HeaderMap, name: impl AsHeaderName) -> String {
    let values = headers.get_all(name).into_iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

impl Answer {
    fn new(
        status: StatusCode,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            status,
            content_type: content_type.into(),
            body: body.into(),
            allow: None,
            gzipped: false,
        }
    }

    /// Compressed, if the client allows it and it pays. Level 1: three times as fast as level 6
    /// for half as many bytes again.
    fn compressed(mut self, headers: &HeaderMap) -> Self {
        if self.body.len() > GZIP_ABOVE && negotiate::gzip(&joined(headers, ACCEPT_ENCODING)) {
            let buffer = Vec::with_capacity(self.body.len() / 4);
            let mut encoder = GzEncoder::new(buffer, Compression::new(1));
            if encoder.write_all(&self.body).is_ok()
                && let Ok(body) = encoder.finish()
            {
                self.body = body;
                self.gzipped = true;
            }
        }
        self
    }

    /// The seat stays taken until the socket has the last byte of the body; hyper sends none in
    /// answer to HEAD.
    fn into_response(self, seat: Option<Seat>) -> Response<Full<Bytes>> {
        let length = self.body.len();
        let body = Bytes::from_owner(Held {
            body: self.body,
            _seat: seat,
        });
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Ok(content_type) = HeaderValue::from_str(&self.content_type) {
            headers.insert(CONTENT_TYPE, content_type);
        }
        headers.insert(CONTENT_LENGTH, length.into());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(page::content_security_policy()),
        );
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if self.gzipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

/// A body and the seat that it occupies.
struct Held {
    body: Vec<u8>,
    _seat: Option<Seat>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}
