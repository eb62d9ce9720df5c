//! Halves of calls wait here for each other.
//!
//! A logger sends both on their own: the response may come first, or one of them never. So a half
//! waits for a while, within bounds of number and memory: when there are too many, the oldest goes
//! as if its time were over.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::EventCounts;
use super::counts::Fate;
use super::exchange;
use super::half::{self, Half, Told};
use crate::ingest::Limits;
use crate::ingest::inference::Fault;
use crate::ingest::seen::{Event, Exchange, Held, Side};

/// Makes calls of events. Has no clock: the time is an argument.
#[derive(Debug)]
pub struct Pairs {
    ttl_micros: i64,
    max_pending: usize,
    max_bytes: usize,
    halves: HashMap<Arc<str>, Pending>,
    /// Keys by the order of their arrival.
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
    bytes: usize,
    counts: Arc<EventCounts>,
}

#[derive(Debug)]
struct Pending {
    half: Box<Half>,
    order: u64,
    since_micros: i64,
    bytes: usize,
}

impl Pairs {
    /// Room for `max_pending` halves of `max_bytes` together, each for `ttl_micros`.
    ///
    /// The bytes should be fewer than those of the [`Budget`](crate::ingest::seen::Budget): what
    /// waits here stays counted there, and a logger that sends only requests would use all of it.
    pub fn new(ttl_micros: i64, max_pending: usize, max_bytes: usize) -> Self {
        Self {
            ttl_micros,
            max_pending,
            max_bytes,
            halves: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            bytes: 0,
            counts: Arc::default(),
        }
    }

    /// What became of events.
    pub fn counts(&self) -> &Arc<EventCounts> {
        &self.counts
    }

    /// Reads an event (or a batch of them) and gives the calls that are complete with it; and those
    /// that have to go to make room, which lack their response.
    pub fn event(
        &mut self,
        event: Event,
        now_micros: i64,
        limits: &Limits,
    ) -> Vec<Result<Exchange, Fault>> {
        let mut out = Vec::new();
        let told = half::read(event, limits).unwrap_or_else(|fault| vec![Err(fault)]);
        for told in told {
            self.counts.event();
            match told {
                Ok(Told::Half(half)) => self.take(half, now_micros, &mut out),
                Ok(Told::Feedback) => self.counts.end(Fate::Feedback),
                Ok(Told::Other) => self.counts.end(Fate::Other),
                Err(fault) => {
                    self.counts.end(Fate::Faulty);
                    out.push(Err(fault));
                }
            }
        }
        self.counts.set_pending(self.halves.len());
        out
    }

    /// Gives the calls whose response has not come in time, which lack it.
    pub fn expire(&mut self, now_micros: i64) -> Vec<Result<Exchange, Fault>> {
        let mut out = Vec::new();
        while let Some((&order, key)) = self.order.first_key_value() {
            let since_micros = self.halves.get(key).map(|pending| pending.since_micros);
            let is_over = |since: i64| now_micros.saturating_sub(since) >= self.ttl_micros;
            if !since_micros.is_none_or(is_over) {
                break;
            }
            self.give_up(order, &mut out);
        }
        self.counts.set_pending(self.halves.len());
        out
    }

    fn take(&mut self, half: Box<Half>, now_micros: i64, out: &mut Vec<Result<Exchange, Fault>>) {
        let waiting = self.halves.get(&half.key).map(|pending| pending.half.side);
        if waiting == Some(half.side) {
            self.counts.end(Fate::Duplicate);
            return;
        }
        if let Some(other) = self.remove(&half.key) {
            self.counts.end(Fate::Paired);
            let (request, response) = match half.side {
                Side::Client => (half, other),
                Side::Server => (other, half),
            };
            self.complete(request, Some(response), out);
            return;
        }
        // Of the budget a half may hold more than it takes: headers of its event, room in its body.
        let held = half.held.as_ref().map_or(0, Held::bytes);
        let (order, bytes) = (self.next, half.bytes().max(held));
        self.next += 1;
        self.bytes += bytes;
        self.order.insert(order, half.key.clone());
        let key = half.key.clone();
        let pending = Pending {
            half,
            order,
            since_micros: now_micros,
            bytes,
        };
        self.halves.insert(key, pending);
        while self.halves.len() > self.max_pending || self.bytes > self.max_bytes {
            let Some((&oldest, _)) = self.order.first_key_value() else {
                break;
            };
            self.give_up(oldest, out);
        }
    }

    fn remove(&mut self, key: &str) -> Option<Box<Half>> {
        let pending = self.halves.remove(key)?;
        self.order.remove(&pending.order);
        self.bytes -= pending.bytes;
        Some(pending.half)
    }

    /// Ends the wait of a half.
    fn give_up(&mut self, order: u64, out: &mut Vec<Result<Exchange, Fault>>) {
        let Some(key) = self.order.remove(&order) else {
            return;
        };
        let Some(half) = self.remove(&key) else {
            return;
        };
        self.counts.end(Fate::Unpaired(half.side));
        if half.side == Side::Client {
            self.complete(half, None, out);
        }
    }

    fn complete(
        &self,
        request: Box<Half>,
        response: Option<Box<Half>>,
        out: &mut Vec<Result<Exchange, Fault>>,
    ) {
        if exchange::is_empty(&request) {
            self.counts.skip_without_body();
            return;
        }
        let response = response.map(|response| *response);
        out.push(exchange::of(*request, response));
    }
}
