//! A request of a stream that waits for its replies.
//!
//! It is kept as it came and decoded with its first reply, so that what waits takes no more memory
//! than it took on the wire.

use bytes::Bytes;

use super::response::{self, Response};
use super::{inference, request};
use crate::batch::Outcome;
use crate::ingest::Limits;
use crate::ingest::inference::{Call, Elements, Fault, Tensor, Unusable};
use crate::ingest::seen::{Headers, Held};

/// How a server writes the replies of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `ModelInferResponse`, as MLServer does.
    Bare,
    /// `ModelStreamInferResponse`, as Triton does.
    Wrapped,
}

/// A request that has no final reply yet.
#[derive(Debug)]
pub(super) struct Pending {
    /// Its id; empty: none.
    pub(super) id: Bytes,
    /// Name of its model.
    pub(super) model: Bytes,
    /// The message, or why there is none.
    pub(super) message: Result<Bytes, Fault>,
    /// When its last byte came, in microseconds since the Unix epoch.
    pub(super) received_micros: i64,
    /// Its part of the budget.
    _held: Option<Held>,
    /// The first reply with tensors, of those that are not final.
    first: Option<First>,
    /// Tensors of later replies, without their values.
    further: Vec<Tensor>,
    further_bytes: usize,
}

/// A reply that is looked at once the final one has come.
#[derive(Debug)]
struct First {
    message: Bytes,
    form: Form,
    latency_micros: u32,
    _held: Option<Held>,
}

impl Pending {
    pub(super) fn new(
        id: Bytes,
        model: Bytes,
        message: Result<Bytes, Fault>,
        received_micros: i64,
        held: Option<Held>,
    ) -> Self {
        Self {
            id,
            model,
            message,
            received_micros,
            _held: held,
            first: None,
            further: Vec::new(),
            further_bytes: 0,
        }
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let message = self.message.as_ref().map_or(0, Bytes::len);
        let first = self.first.as_ref().map_or(0, |first| first.message.len());
        size_of::<Self>() + message + first + self.further_bytes
    }

    /// Time from the request to a moment.
    pub(super) fn latency(&self, at_micros: i64) -> u32 {
        let micros = at_micros.saturating_sub(self.received_micros).max(0);
        u32::try_from(micros).unwrap_or(u32::MAX)
    }

    /// Keeps a reply that is not final; of all but the first only which tensors it had.
    pub(super) fn keep(
        &mut self,
        (message, form): (Bytes, Form),
        response: Response,
        at_micros: i64,
        held: Option<Held>,
    ) {
        if self.first.is_some() {
            self.add_further(response);
        } else {
            self.first = Some(First {
                message,
                form,
                latency_micros: self.latency(at_micros),
                _held: held,
            });
        }
    }

    fn add_further(&mut self, response: Response) {
        for output in response.message.outputs {
            let shape = output.shape.iter();
            let tensor = Tensor {
                name: output.name,
                shape: shape
                    .map(|&length| usize::try_from(length).unwrap_or(0))
                    .collect(),
                elements: Elements::Unusable(Unusable::FurtherReply),
            };
            let heap = tensor.name.len() + size_of_val(&tensor.shape[..]);
            self.further_bytes += 2 * size_of::<Tensor>() + heap;
            self.further.push(tensor);
        }
    }

    /// The call, once its final reply has come.
    ///
    /// # Errors
    /// Its request cannot be decoded.
    pub(super) fn answered(
        mut self,
        last: Response,
        at_micros: i64,
        of: &Opened,
        limits: &Limits,
    ) -> Result<Call, Fault> {
        if self.first.is_none() {
            let latency = self.latency(at_micros);
            return self.call(Some(last), Outcome::Ok, Some(latency), of, limits);
        }
        self.add_further(last);
        self.ended(Outcome::Ok, at_micros, of, limits)
    }

    /// The call, once nothing can come any more. Of one that failed only the request is left.
    ///
    /// # Errors
    /// Its request cannot be decoded.
    pub(super) fn ended(
        mut self,
        outcome: Outcome,
        at_micros: i64,
        of: &Opened,
        limits: &Limits,
    ) -> Result<Call, Fault> {
        let first = self.first.take();
        let latency = first.as_ref().map(|first| first.latency_micros);
        if outcome != Outcome::Ok {
            self.further.clear();
            let latency = latency.unwrap_or_else(|| self.latency(at_micros));
            return self.call(None, outcome, Some(latency), of, limits);
        }
        let response = match first {
            None => None,
            Some(first) if first.form == Form::Bare => {
                Some(response::decode(first.message, limits)?)
            }
            Some(first) => Some(response::decode_wrapped(first.message, limits)?.1),
        };
        self.call(response, outcome, latency, of, limits)
    }

    fn call(
        self,
        response: Option<Response>,
        outcome: Outcome,
        latency_micros: Option<u32>,
        of: &Opened,
        limits: &Limits,
    ) -> Result<Call, Fault> {
        let request = request::decode(self.message?, limits)?;
        let mut inference = inference(request, response, outcome, &of.unnamed_model)?;
        inference.outputs.extend(self.further);
        Ok(Call {
            inference,
            headers: of.headers.clone(),
            started_micros: self.received_micros,
            latency_micros,
            draw: of.draw,
        })
    }
}

/// What all calls of a stream have in common.
#[derive(Debug)]
pub(super) struct Opened {
    /// Headers of the request.
    pub(super) headers: Headers,
    /// What the model is called where neither side names it.
    pub(super) unnamed_model: String,
    /// See [`Exchange::draw`](crate::ingest::seen::Exchange::draw).
    pub(super) draw: f64,
}
