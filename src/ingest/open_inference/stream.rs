//! One call of `ModelStreamInfer`: its requests joined with their replies.
//!
//! A reply belongs to the oldest request with its id; without an id, or with one that no request
//! has, to the oldest request without. Triton sends several replies to a request of a decoupled
//! model, those of different requests mixed, and marks the last, which may be empty; a reply that
//! marks nothing is the only one.

use std::collections::VecDeque;

use bytes::Bytes;

use super::pending::{Form, Opened, Pending};
use super::response::{self, Response};
use super::scan::{self, Envelope};
use super::status;
use crate::batch::Outcome;
use crate::ingest::grpc_frames::{Frame, Reassembly};
use crate::ingest::inference::{Call, Elements, Fault, Tensor};
use crate::ingest::seen::{Ending, Headers, Held, Side};
use crate::ingest::{Limits, Undecodable};
use crate::proto::inference::infer_parameter::ParameterChoice;

/// Requests of one stream that may wait for replies.
const WAITING: usize = 1_024;

/// A stream that has not ended.
#[derive(Debug)]
pub(super) struct Stream {
    opened: Opened,
    /// The server's first headers.
    answered: Headers,
    client: Half,
    server: Half,
    waiting: VecDeque<Pending>,
    waiting_bytes: usize,
    /// Model of the request that came last.
    model: Bytes,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    frames: Reassembly,
    /// The part of the budget of what is unfinished.
    held: Option<Held>,
}

/// What comes out of a part of a stream.
pub(super) type Results = Vec<Result<Call, Fault>>;

/// Leaves to the calls that one part completes what those before them have left: all of them are
/// there at once.
fn spend(left: &mut Limits, result: &Result<Call, Fault>) {
    let taken = result.as_ref().map_or(0, decoded_bytes);
    left.decoded_bytes = left.decoded_bytes.saturating_sub(taken);
}

/// Bytes of memory that a call takes. Numbers are left out: they take at most a few times what they
/// took on the wire.
fn decoded_bytes(call: &Call) -> usize {
    let tensors = call.inference.inputs.iter().chain(&call.inference.outputs);
    let bytes = |tensor: &Tensor| {
        let own = size_of::<Tensor>() + tensor.name.len() + size_of_val(&tensor.shape[..]);
        own + match &tensor.elements {
            Elements::Text(texts) => {
                size_of_val(&texts[..]) + texts.iter().map(String::len).sum::<usize>()
            }
            // Those of strings that are valid are few beside the rest.
            Elements::Mixed(values) => 2 * size_of_val(&values[..]),
            Elements::Fixed { .. } | Elements::Unusable(_) => 0,
        }
    };
    tensors.map(bytes).sum()
}

impl Stream {
    pub(super) fn new(opened: Opened) -> Self {
        Self {
            opened,
            answered: Headers::default(),
            client: Half::default(),
            server: Half::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            model: Bytes::new(),
        }
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let unfinished = self.client.frames.unfinished() + self.server.frames.unfinished();
        size_of::<Self>() + unfinished + self.waiting_bytes
    }

    /// The server's first headers.
    pub(super) fn answer(&mut self, headers: Headers) {
        self.answered = headers;
    }

    /// Takes a piece of one direction and adds the calls that it completes.
    ///
    /// # Errors
    /// The frames make no sense, or more requests wait than may: nothing that follows can be
    /// understood.
    pub(super) fn data(
        &mut self,
        from: Side,
        at_micros: i64,
        (bytes, held): (Bytes, Option<Held>),
        limits: &Limits,
        results: &mut Results,
    ) -> Result<(), Fault> {
        let half = match from {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        let mut frames = Vec::new();
        let fed = half.feed(bytes, held, limits, &mut frames);
        let mut left = limits.clone();
        for (frame, held) in frames {
            match from {
                Side::Client => self.request(frame, at_micros, held, limits)?,
                Side::Server => {
                    let result = self.reply(frame, at_micros, held, &left);
                    if let Some(result) = result {
                        spend(&mut left, &result);
                        results.push(result);
                    }
                }
            }
        }
        fed
    }

    fn request(
        &mut self,
        frame: Frame,
        at_micros: i64,
        held: Option<Held>,
        limits: &Limits,
    ) -> Result<(), Fault> {
        if self.waiting.len() >= WAITING {
            let detail = format!("more than {WAITING} requests of a stream wait for replies");
            return Err(Fault::new(Undecodable::TooMuchArriving, detail));
        }
        let message = frame.open(&self.opened.headers, limits);
        let envelope = message.as_ref().ok().and_then(|message| {
            let Envelope { first, id, .. } = scan::envelope(message)?;
            Some((message.slice_ref(first), message.slice_ref(id)))
        });
        let (model, id) = envelope.unwrap_or_default();
        self.model = model.clone();
        let pending = Pending::new(id, model, message, at_micros, held);
        self.waiting_bytes += pending.bytes();
        self.waiting.push_back(pending);
        Ok(())
    }

    fn reply(
        &mut self,
        frame: Frame,
        at_micros: i64,
        held: Option<Held>,
        limits: &Limits,
    ) -> Option<Result<Call, Fault>> {
        let opened = frame.open(&self.answered, limits);
        let reply = opened.and_then(|message| {
            let form = self.form_of(&message);
            let (error, response) = match form {
                Form::Bare => (String::new(), response::decode(message.clone(), limits)?),
                Form::Wrapped => response::decode_wrapped(message.clone(), limits)?,
            };
            Ok(((message, form), error, response))
        });
        let (message, error, response) = match reply {
            Ok(reply) => reply,
            // Whose it was cannot be told; the oldest request is the likeliest.
            Err(fault) => {
                self.take(0);
                return Some(Err(fault));
            }
        };
        let id = match response.message.id.as_str() {
            "" => id_in(&error),
            id => id,
        };
        let at = self.position(id);
        if !error.is_empty() {
            return Some(match at.and_then(|at| self.take(at)) {
                Some(pending) => pending.ended(meaning(&error), at_micros, &self.opened, limits),
                None => Err(unasked("an error")),
            });
        }
        let is_final = is_final(&response);
        let has_tensors = !response.message.outputs.is_empty();
        let Some(at) = at else {
            // The end of what has failed already says nothing.
            return has_tensors.then(|| Err(unasked("a reply")));
        };
        if is_final {
            let pending = self.take(at)?;
            return Some(pending.answered(response, at_micros, &self.opened, limits));
        }
        if has_tensors && let Some(pending) = self.waiting.get_mut(at) {
            self.waiting_bytes -= pending.bytes();
            pending.keep(message, response, at_micros, held);
            self.waiting_bytes += pending.bytes();
        }
        None
    }

    /// How a reply is written. Both forms begin with two fields that have a length, so that each can
    /// pass as the other: bare is what begins with the name of a model that was asked for, or has
    /// more than those two.
    fn form_of(&self, message: &[u8]) -> Form {
        let Some(envelope) = scan::envelope(message) else {
            return Form::Wrapped;
        };
        let is_model = |model: &Bytes| !model.is_empty() && model[..] == *envelope.first;
        let is_asked_for =
            is_model(&self.model) || self.waiting.iter().any(|pending| is_model(&pending.model));
        if envelope.is_bare || is_asked_for {
            Form::Bare
        } else {
            Form::Wrapped
        }
    }

    /// Which request a reply with this id is to.
    fn position(&self, id: &str) -> Option<usize> {
        let mut waiting = self.waiting.iter();
        if id.is_empty() {
            return (!self.waiting.is_empty()).then_some(0);
        }
        let same = waiting.position(|pending| pending.id[..] == *id.as_bytes());
        same.or_else(|| {
            self.waiting
                .iter()
                .position(|pending| pending.id.is_empty())
        })
    }

    fn take(&mut self, at: usize) -> Option<Pending> {
        let pending = self.waiting.remove(at)?;
        self.waiting_bytes -= pending.bytes();
        Some(pending)
    }

    /// What is left of a stream that has ended. Requests without a reply have the outcome of the
    /// stream; if that is success, the server had nothing to say to them.
    pub(super) fn end(
        mut self,
        ending: Ending,
        at_micros: i64,
        trailers: &Headers,
        limits: &Limits,
    ) -> Results {
        let said = status::said(trailers).or_else(|| status::said(&self.answered));
        let outcome = said
            .or_else(|| status::unsaid(ending, None))
            .unwrap_or(status::UNKNOWN);
        let mut left = limits.clone();
        let mut results = Results::new();
        for pending in std::mem::take(&mut self.waiting) {
            let result = pending.ended(outcome, at_micros, &self.opened, &left);
            spend(&mut left, &result);
            results.push(result);
        }
        if self.client.frames.unfinished() > 0 {
            let detail = "the stream ends before a request of it does";
            results.push(Err(Fault::new(Undecodable::Truncated, detail)));
        }
        results
    }
}

impl Half {
    /// Cuts frames, each with its part of the budget.
    fn feed(
        &mut self,
        bytes: Bytes,
        held: Option<Held>,
        limits: &Limits,
        into: &mut Vec<(Frame, Option<Held>)>,
    ) -> Result<(), Fault> {
        let mut whole = match (self.held.take(), held) {
            (Some(mut earlier), Some(new)) => {
                earlier.absorb(new);
                Some(earlier)
            }
            (earlier, new) => earlier.or(new),
        };
        let mut frames = Vec::new();
        let fed = self.frames.feed(bytes, limits, &mut frames);
        // What is unfinished is a copy. What a piece holds beyond its frames goes with the last.
        let unfinished = self.frames.unfinished();
        self.held = whole
            .as_mut()
            .filter(|_| unfinished > 0)
            .map(|held| held.split(unfinished));
        let last = frames.len().saturating_sub(1);
        into.extend(frames.into_iter().enumerate().map(|(at, frame)| {
            let own = if at == last {
                whole.take()
            } else {
                whole.as_mut().map(|held| held.split(frame.len()))
            };
            (frame, own)
        }));
        fed
    }
}

/// Whether no further reply to the same request comes.
fn is_final(response: &Response) -> bool {
    let parameter = response.message.parameters.get("triton_final_response");
    match parameter.and_then(|parameter| parameter.parameter_choice.as_ref()) {
        Some(ParameterChoice::BoolParam(is_final)) => *is_final,
        _ => true,
    }
}

/// The id of the request in the text of an error, where Triton has put it since before replies with
/// errors had ids: `[request id: …] `.
fn id_in(error: &str) -> &str {
    let id = error
        .strip_prefix("[request id: ")
        .and_then(|rest| rest.split_once(']'));
    id.map_or("", |(id, _)| id)
        .trim_start_matches("<id_unknown>")
}

/// The code of an error that is told in a stream, where Triton leaves it out. One text is known: a
/// model that is not there must not look like one that fails.
fn meaning(error: &str) -> Outcome {
    if error.contains("Request for unknown model") {
        status::NOT_FOUND
    } else {
        status::UNKNOWN
    }
}

fn unasked(what: &str) -> Fault {
    let detail = format!("{what} of a stream belongs to no request");
    Fault::new(Undecodable::Incomplete, detail)
}
