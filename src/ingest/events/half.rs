//! Half a call: its request or its response, as an event tells it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::cloud_event::CloudEvent;
use super::metadata;
use super::model_mesh::Payload;
use crate::ingest::inference::Fault;
use crate::ingest::seen::{Event, Held, Side};
use crate::ingest::{Limits, Undecodable};

/// What one event tells.
#[derive(Debug)]
pub(super) enum Told {
    /// Half a call.
    Half(Box<Half>),
    /// What somebody thinks of a call.
    Feedback,
    /// Nothing of a call.
    Other,
}

/// Half a call.
#[derive(Debug)]
pub(super) struct Half {
    /// Which call: the same in both halves, and in no other call that is under way.
    pub(super) key: Arc<str>,
    /// The request is the client's, the response the server's.
    pub(super) side: Side,
    /// What the event calls the model; may be empty.
    pub(super) model: String,
    /// Which of several versions that share the traffic; may be empty.
    pub(super) version: String,
    /// Path that the event was posted to.
    pub(super) path: Arc<str>,
    /// Headers of the call's request, as far as the event has them.
    pub(super) headers: HeaderMap,
    /// The body.
    pub(super) body: Bytes,
    /// When it happened; `None` when the event says only when it was sent, or nothing.
    pub(super) occurred_micros: Option<i64>,
    /// When the event came.
    pub(super) received_micros: i64,
    /// Its part of the budget.
    pub(super) held: Option<Held>,
}

/// Who tells.
#[derive(Clone, Copy, Debug)]
enum Teller {
    KServe,
    Seldon,
    ModelMesh,
}

/// Reads what was posted: one event, or several in batched mode.
///
/// # Errors
/// When it is not known what it is; each event has a result of its own beside.
pub(super) fn read(mut event: Event, limits: &Limits) -> Result<Vec<Result<Told, Fault>>, Fault> {
    let mode = Mode::of(&event.headers)?;
    let context = Context {
        path: std::mem::take(&mut event.path).into(),
        received_micros: event.received_micros,
    };
    let body = std::mem::take(&mut event.body);
    match mode {
        Mode::Binary => {
            let mut told = told(CloudEvent::from_binary(&event.headers, body), &context);
            if let Ok(Told::Half(half)) = &mut told {
                copy_encoding(&event.headers, &mut half.headers);
                half.held = event.held;
            }
            Ok(vec![told])
        }
        Mode::Structured => {
            let mut told = told(CloudEvent::from_structured(&body)?, &context);
            if let Ok(Told::Half(half)) = &mut told {
                half.held = event.held;
            }
            Ok(vec![told])
        }
        Mode::Batched => {
            let mut held = event.held;
            let events = CloudEvent::from_batch(&body, limits)?;
            let one = |found: Result<CloudEvent, Fault>| {
                let mut told = told(found?, &context)?;
                if let Told::Half(half) = &mut told {
                    let bytes = half.bytes();
                    half.held = held.as_mut().map(|held| held.split(bytes));
                }
                Ok(told)
            };
            Ok(events.into_iter().map(one).collect())
        }
        Mode::ModelMesh => {
            let payload = Payload::read(&body)?;
            let parts = [payload.model.as_str(), &payload.id];
            Ok(vec![Ok(Told::Half(Box::new(Half {
                key: key(Teller::ModelMesh, &parts),
                side: payload.side,
                version: String::new(),
                path: context.path,
                headers: HeaderMap::new(),
                body: payload.frame,
                occurred_micros: None,
                received_micros: context.received_micros,
                held: event.held,
                model: payload.model,
            })))])
        }
    }
}

impl Half {
    /// Memory that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 64);
        size_of::<Self>()
            + self.body.len()
            + headers.sum::<usize>()
            + 3 * self.key.len()
            + self.model.len()
            + self.version.len()
            + self.path.len()
    }
}

/// How an event was posted.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Binary,
    Structured,
    Batched,
    ModelMesh,
}

impl Mode {
    fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let text = |name: HeaderName| {
            let value = headers.get(name).map(HeaderValue::as_bytes);
            let value = String::from_utf8_lossy(value.unwrap_or_default());
            let essence = value.split(';').next().unwrap_or_default();
            essence.trim().to_ascii_lowercase()
        };
        let content_type = text(header::CONTENT_TYPE);
        let mode = match content_type.as_str() {
            "application/cloudevents+json" => Self::Structured,
            "application/cloudevents-batch+json" => Self::Batched,
            // Other formats of structured mode: their bodies are no data.
            other if other.starts_with("application/cloudevents") => {
                return Err(format(
                    "an event in structured mode in another format than JSON",
                ));
            }
            _ if headers.contains_key("ce-type") || headers.contains_key("ce-specversion") => {
                return Ok(Self::Binary);
            }
            _ => Self::ModelMesh,
        };
        match text(header::CONTENT_ENCODING).as_str() {
            "" | "identity" => Ok(mode),
            _ => Err(Fault {
                reason: Undecodable::Compression,
                detail: "an event in structured mode is compressed".into(),
            }),
        }
    }
}

/// What all events of one post have in common.
struct Context {
    path: Arc<str>,
    received_micros: i64,
}

fn told(mut event: CloudEvent, context: &Context) -> Result<Told, Fault> {
    if !["0.3", "1.0"].contains(&event.get("specversion")) {
        return Err(format("the version of an event is neither 0.3 nor 1.0"));
    }
    let (teller, side) = match event.get("type") {
        "org.kubeflow.serving.inference.request" | "io.kserve.inference.request" => {
            (Teller::KServe, Side::Client)
        }
        "org.kubeflow.serving.inference.response" | "io.kserve.inference.response" => {
            (Teller::KServe, Side::Server)
        }
        "io.seldon.serving.inference.request" => (Teller::Seldon, Side::Client),
        "io.seldon.serving.inference.response" => (Teller::Seldon, Side::Server),
        "io.seldon.serving.feedback" | "io.seldon.serving.inference.feedback" => {
            return Ok(Told::Feedback);
        }
        _ => return Ok(Told::Other),
    };
    // Seldon gives each event an id of its own, and both halves of a call the same request id.
    let id = match (teller, event.get("requestid")) {
        (Teller::Seldon, request_id) if !request_id.is_empty() => request_id,
        _ => event.get("id"),
    };
    if id.is_empty() {
        return Err(format("an event has no id"));
    }
    // One request passes several components of a service, under the same id.
    let place = [
        "namespace",
        "inferenceservicename",
        "component",
        "endpoint",
        "modelid",
    ];
    let [namespace, service, component, endpoint, model] = place.map(|name| event.get(name));
    let key = key(
        teller,
        &[namespace, service, component, endpoint, model, id],
    );
    let headers = headers(&event);
    let model = match (model, component) {
        ("", "" | "predictor") => service.to_owned(),
        // As KServe itself names what it makes of the component.
        ("", _) if !service.is_empty() => format!("{service}-{component}"),
        _ => model.to_owned(),
    };
    let version = match endpoint {
        "default" => String::new(),
        other => other.to_owned(),
    };
    // Loggers that do not record when it happened say in `time` when they sent the event.
    let is_recorded = !event.get("recordedtime").is_empty();
    let time = event.get("time").parse::<jiff::Timestamp>().ok();
    let occurred_micros = time.filter(|_| is_recorded).map(|t| t.as_microsecond());
    Ok(Told::Half(Box::new(Half {
        key,
        side,
        model,
        version,
        path: context.path.clone(),
        headers,
        body: std::mem::take(&mut event.data),
        occurred_micros,
        received_micros: context.received_micros,
        held: None,
    })))
}

/// Headers of the call: those that the logger passes on, and what the event itself has.
fn headers(event: &CloudEvent) -> HeaderMap {
    let mut headers = HeaderMap::new();
    metadata::read_into(&mut headers, event.get("metadata"));
    let own = [
        (header::CONTENT_TYPE, event.get("datacontenttype")),
        (
            HeaderName::from_static("traceparent"),
            event.get("traceparent"),
        ),
        // So that settings may name it as what identifies a call.
        (HeaderName::from_static("ce-id"), event.get("id")),
    ];
    for (name, value) in own {
        let value = HeaderValue::from_str(value).ok().filter(|v| !v.is_empty());
        if let Some(value) = value
            && !headers.contains_key(&name)
        {
            let _ = headers.try_append(name, value);
        }
    }
    headers
}

fn copy_encoding(from: &HeaderMap, to: &mut HeaderMap) {
    if let Some(encoding) = from.get(header::CONTENT_ENCODING) {
        let _ = to.try_insert(header::CONTENT_ENCODING, encoding.clone());
    }
}

/// Parts in one text. No part can be mistaken for another: the lengths are in it.
fn key(teller: Teller, parts: &[&str]) -> Arc<str> {
    let mut key = format!("{teller:?}");
    for part in parts {
        key.push_str(&format!(" {}:{part}", part.len()));
    }
    key.into()
}

fn format(detail: &str) -> Fault {
    Fault {
        reason: Undecodable::Format,
        detail: detail.into(),
    }
}
