//! What became of a request → what its sender is told.

use prost_types::Duration as WireDuration;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::rejections::Rejections;
use crate::ingest::intake::RETRY_AFTER;
use crate::ingest::{Decision, ModelRefused, Verdict};
use crate::proto::ingest::{ObserveResponse, RejectionCode};
use crate::queue::Full;

/// What became of one request.
#[derive(Debug)]
pub(super) struct Answer {
    /// As the stream tells it.
    pub(super) response: ObserveResponse,
    /// Number of the request.
    pub(super) sequence: u64,
    /// How a unary call fails, if it does.
    pub(super) failure: Option<Failure>,
}

/// How a unary call fails.
#[derive(Debug)]
pub(super) enum Failure {
    /// The queue is full.
    Overload(Full),
    /// Nothing of the request can ever be taken; the sentence says why.
    Invalid(String),
}

impl Answer {
    /// The answer to a request with `batches` batches.
    pub(super) fn new(
        decision: Decision,
        mut rejections: Rejections,
        sequence: u64,
        batches: usize,
    ) -> Self {
        let mut response = ObserveResponse {
            sample_rate: decision.sample_rate,
            ..ObserveResponse::default()
        };
        let mut failure = None;
        let mut taken_or_later = false;
        match decision.verdict {
            Verdict::Taken {
                accepted,
                rejected,
                models,
            } => {
                (response.accepted_rows, response.rejected_rows) = (accepted, rejected);
                taken_or_later = accepted > 0 || !models.is_empty() || rejected == 0;
                for (model, reason, rows) in models {
                    let field = match reason {
                        ModelRefused::TooManyModels => "model.name",
                        ModelRefused::TooManyVersions => "model.version",
                    };
                    rejections.add(RejectionCode::UnknownModel, field, rows, || {
                        format!("model {model:?}: {reason}")
                    });
                }
            }
            Verdict::Duplicate { accepted, rejected } => {
                (response.accepted_rows, response.rejected_rows) = (accepted, rejected);
                response.duplicate_rows = accepted;
                taken_or_later = true;
            }
            Verdict::NeedsSchema { rejected } => {
                response.rejected_rows = rejected;
                response.need_schema = true;
                taken_or_later = true;
            }
            Verdict::Shed { rows, full } => {
                response.retry_after = WireDuration::try_from(RETRY_AFTER).ok();
                rejections.add(RejectionCode::Overload, "", rows, || full.to_string());
                failure = Some(Failure::Overload(full));
                taken_or_later = true;
            }
            Verdict::TooLarge { rejected, full } => {
                response.rejected_rows = rejected;
                rejections.add(RejectionCode::Limit, "", rejected, || full.to_string());
            }
        }
        response.rejections = rejections.into_list();
        // Rows 0 with values count as no rows at all, yet the request is as wrong as can be.
        let unreadable = response.accepted_rows == 0
            && response.rejections.iter().any(|one| one.field == "rows");
        if batches > 0 && (!taken_or_later || unreadable) && failure.is_none() {
            let detail = response.rejections.first();
            failure = Some(Failure::Invalid(
                detail.map_or_else(String::new, |one| one.detail.clone()),
            ));
        }
        Self {
            response,
            sequence,
            failure,
        }
    }

    /// The answer to a unary call.
    pub(super) fn into_unary(self) -> Result<ObserveResponse, Status> {
        match self.failure {
            None => Ok(self.response),
            Some(Failure::Overload(full)) => Err(later(&full.to_string())),
            Some(Failure::Invalid(detail)) => Err(Status::invalid_argument(detail)),
        }
    }
}

/// RESOURCE_EXHAUSTED, with the time to try again in both of the ways that clients look for.
pub(super) fn later(why: &str) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(
        "grpc-retry-pushback-ms",
        (RETRY_AFTER.as_millis() as u64).into(),
    );
    Status::with_error_details_and_metadata(
        Code::ResourceExhausted,
        why,
        ErrorDetails::with_retry_info(Some(RETRY_AFTER)),
        metadata,
    )
}
