//! The one place where it is decided, and counted, what becomes of a request.
//!
//! received = accepted + shed + rejected + duplicate holds at every moment, because each hand-over is
//! checked, offered to the queue, remembered and counted under one short lock. Decoding happens
//! before, outside it; logging after.

mod admission;
mod clients;
mod reasons;
mod schemas;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use admission::{Admission, ModelLimits, ModelRefused};
pub use reasons::{Reject, Undecodable};
pub use schemas::KnownSchema;

use self::clients::Clients;
use self::reasons::{Counters, Refusal};
use self::schemas::Schemas;
use super::SourceCounts;
use crate::batch::Batch;
use crate::queue::{Full, Queue};

/// How long a client is asked to wait when the queue is full: ten ticks of the analysis thread.
pub const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The door of one source.
#[derive(Debug)]
pub struct Intake {
    source: &'static str,
    queue: Arc<Queue>,
    admission: Arc<Admission>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counters: Counters,
    clients: Clients,
    schemas: Schemas,
}

/// One decoded request, taken or refused as a whole where room is lacking.
#[derive(Clone, Debug, Default)]
pub struct HandOver {
    /// Who sends; empty: nobody that can be told apart, so neither duplicates nor gaps are seen, and
    /// `dropped_rows`, which is a sum per client, is not read.
    pub client_id: Arc<str>,
    /// Number of the request, from 1; 0: none.
    pub sequence: u64,
    /// Rows that the client has dropped so far.
    pub dropped_rows: u64,
    /// What can be taken.
    pub batches: Vec<Batch>,
    /// What decoding has refused already.
    pub refused: Vec<Refused>,
    /// Some batch names a schema that is not known: nothing is taken, so that the request can be
    /// sent again.
    pub needs_schema: bool,
}

/// Rows of one batch that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reject,
    /// How many.
    pub rows: u64,
    /// A sentence for people.
    pub detail: String,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What became of it.
    pub verdict: Verdict,
    /// The share of rows that the client should send from now on, when the queue is more than half
    /// full.
    pub sample_rate: Option<f64>,
}

/// What became of the rows of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// In the queue, but for the rejected rows.
    Taken {
        /// Rows in the queue.
        accepted: u64,
        /// Rows not taken.
        rejected: u64,
        /// Models for which there is no room, with their rows (part of `rejected`).
        models: Vec<(Arc<str>, ModelRefused, u64)>,
    },
    /// A retry of a request that was taken before.
    Duplicate {
        /// Rows that were taken then.
        accepted: u64,
        /// Rows that were not.
        rejected: u64,
    },
    /// Nothing is taken: send it again with its schemas.
    NeedsSchema {
        /// Rows not taken.
        rejected: u64,
    },
    /// Nothing is taken for lack of room: send it again later.
    Shed {
        /// Rows not taken.
        rows: u64,
        /// What is full.
        full: Full,
    },
    /// Nothing is taken, and never will be: the request exceeds the whole queue.
    TooLarge {
        /// Rows not taken.
        rejected: u64,
        /// By how much.
        full: Full,
    },
}

impl Intake {
    /// The door of `source` (a label value: `push`) into `queue`, for the models that `admission`
    /// lets in; both are shared by all sources.
    pub fn new(source: &'static str, queue: Arc<Queue>, admission: Arc<Admission>) -> Self {
        Self {
            source,
            queue,
            admission,
            state: Mutex::default(),
        }
    }

    /// Takes a request over, or refuses it, and counts either. Never waits.
    pub fn hand_over(&self, request: HandOver) -> Decision {
        let mut logs = Vec::new();
        let verdict = self.lock().decide(self, request, &mut logs);
        for refusal in logs {
            refusal.log(self.source);
        }
        let fill = self.queue.fill().ratio();
        Decision {
            verdict,
            // Falls from all at half full to a twentieth at the brim.
            sample_rate: (fill > 0.5).then(|| (2.0 * (1.0 - fill)).clamp(0.05, 1.0)),
        }
    }

    /// Counts a call, or a batch, of which not even the number of rows can be known.
    pub fn undecodable(&self, reason: Undecodable, detail: &str) {
        let refusal = self.lock().counters.undecodable(reason, detail);
        if let Some(refusal) = refusal {
            refusal.log(self.source);
        }
    }

    /// The schema that this client has sent under this number.
    pub fn schema(&self, client_id: &str, model: &str, id: u64) -> Option<Arc<KnownSchema>> {
        self.lock().schemas.get(client_id, model, id)
    }

    /// Remembers a schema under this number (0: under none), and returns the one to use: a schema
    /// that is known already keeps its identity, so that the engine resolves its names only once.
    pub fn remember_schema(
        &self,
        client_id: &str,
        model: &str,
        id: u64,
        schema: KnownSchema,
    ) -> Arc<KnownSchema> {
        self.lock().schemas.remember(client_id, model, id, schema)
    }

    /// Makes room: forgets the admitted models and versions that the engine does not follow (any
    /// more) and that have sent nothing since the call before.
    pub fn retain_models(&self, live: &[(Arc<str>, Arc<str>)]) {
        self.admission.retain(live);
    }

    /// Everything counted so far, all at one moment.
    pub fn counts(&self) -> SourceCounts {
        let state = self.lock();
        let mut counts = state.counters.counts(self.source);
        counts.client_dropped = state.clients.dropped_rows;
        counts.missing_requests = state.clients.missing_requests;
        counts
    }

    /// The queue behind the door.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// No code panics half way through a change, so a poisoned lock is still in order.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn decide(&mut self, intake: &Intake, request: HandOver, logs: &mut Vec<Refusal>) -> Verdict {
        let HandOver {
            client_id,
            sequence,
            dropped_rows,
            mut batches,
            mut refused,
            needs_schema,
        } = request;
        // A name that only calls to nowhere have told is no model, and would cost memory and series.
        batches.retain(|batch| {
            let is_nowhere =
                is_not_found(batch) && !intake.admission.knows(&batch.model, &batch.version);
            if is_nowhere {
                refused.push(Refused {
                    reason: Reject::UnknownModel,
                    // A call without rows is seen as well.
                    rows: batch.rows.max(1) as u64,
                    detail: format!(
                        "model {:?} version {:?}: the server does not know it",
                        batch.model, batch.version
                    ),
                });
            }
            !is_nowhere
        });
        let rows = |batches: &[Batch]| batches.iter().map(|batch| batch.rows as u64).sum::<u64>();
        let refused_rows = refused
            .iter()
            .fold(0, |sum: u64, refused| sum.saturating_add(refused.rows));
        let all_rows = rows(&batches).saturating_add(refused_rows);
        self.counters.receive(all_rows);
        self.clients.came(&client_id, sequence, dropped_rows);

        if self.clients.was_accepted(&client_id, sequence) {
            self.counters.duplicate(all_rows);
            batches.retain(|batch| intake.admission.has(&batch.model, &batch.version));
            let accepted = rows(&batches);
            return Verdict::Duplicate {
                accepted,
                rejected: all_rows - accepted,
            };
        }

        if needs_schema {
            let detail = "another batch of the request names an unknown schema";
            logs.extend(
                self.counters
                    .reject(Reject::UnknownSchema, rows(&batches), detail),
            );
            self.reject_all(&refused, logs);
            return Verdict::NeedsSchema { rejected: all_rows };
        }

        let mut models = Vec::new();
        let mut admitted = Vec::new();
        batches.retain(|batch| {
            // It belongs to a version that is there already.
            if batch.version.is_empty() && is_not_found(batch) {
                return true;
            }
            match intake.admission.admit(&batch.model, &batch.version) {
                Ok(true) => admitted.push((batch.model.clone(), batch.version.clone())),
                Ok(false) => {}
                Err(reason) => {
                    models.push((batch.model.clone(), reason, batch.rows as u64));
                    refused.push(Refused {
                        reason: reason.into(),
                        rows: batch.rows as u64,
                        detail: format!(
                            "model {:?} version {:?}: {reason}",
                            batch.model, batch.version
                        ),
                    });
                    return false;
                }
            }
            true
        });

        let taken = !batches.is_empty();
        let accepted = rows(&batches);
        match intake.queue.offer(batches) {
            Ok(()) => {
                self.counters.accept(accepted);
                self.reject_all(&refused, logs);
                if taken {
                    self.clients.accept(&client_id, sequence);
                }
                Verdict::Taken {
                    accepted,
                    rejected: all_rows - accepted,
                    models,
                }
            }
            Err(full) => {
                intake.admission.withdraw(&admitted);
                if let Full::Never { .. } = full {
                    logs.extend(self.counters.reject(
                        Reject::LimitQueue,
                        all_rows,
                        &full.to_string(),
                    ));
                    Verdict::TooLarge {
                        rejected: all_rows,
                        full,
                    }
                } else {
                    logs.extend(self.counters.shed(full, all_rows));
                    Verdict::Shed {
                        rows: all_rows,
                        full,
                    }
                }
            }
        }
    }

    fn reject_all(&mut self, refused: &[Refused], logs: &mut Vec<Refusal>) {
        for Refused {
            reason,
            rows,
            detail,
        } in refused
        {
            logs.extend(self.counters.reject(*reason, *rows, detail));
        }
    }
}

/// Whether the server knew the model of none of its calls.
fn is_not_found(batch: &Batch) -> bool {
    let outcomes = &batch.calls.outcomes;
    !outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.is_not_found())
}

#[cfg(test)]
mod tests;
