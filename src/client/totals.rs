//! What became of the rows that a client sent.

use tonic::Status;

use crate::proto::ingest::{ObserveResponse, Rejection, RejectionCode};

/// Most rejections that are kept.
const REJECTIONS: usize = 64;

/// Rows by what became of them: sent = accepted + rejected + lost once all is answered for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Rows given to the client.
    pub sent: u64,
    /// Rows that the sidecar has taken.
    pub accepted: u64,
    /// Rows that it has refused for good.
    pub rejected: u64,
    /// Rows that could not be delivered in time. Rows whose answer alone was lost are among them.
    pub lost: u64,
    /// Of the accepted, rows that an earlier attempt had delivered already.
    pub duplicate: u64,
    /// Requests.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// What was not taken, and why, added up by code and field; of at most 64 kinds.
    pub rejections: Vec<Rejection>,
    /// Why rows were lost, in the last case.
    pub last_error: Option<String>,
}

impl Totals {
    /// Adds an answer to one request.
    pub(super) fn answer(&mut self, response: &ObserveResponse) {
        self.accepted += response.accepted_rows;
        self.rejected += response.rejected_rows;
        self.duplicate += response.duplicate_rows;
        self.note(&response.rejections);
    }

    /// Adds a request that was refused for good.
    pub(super) fn refused(&mut self, rows: u64, status: &Status) {
        self.rejected += rows;
        self.note(&[Rejection {
            code: RejectionCode::Unspecified as i32,
            field: String::new(),
            rows,
            detail: format!("{:?}: {}", status.code(), status.message()),
        }]);
    }

    /// Adds a request that could not be delivered.
    pub(super) fn lose(&mut self, rows: u64, status: &Status) {
        self.lost += rows;
        self.last_error = Some(format!("{:?}: {}", status.code(), status.message()));
    }

    pub(super) fn note(&mut self, rejections: &[Rejection]) {
        for one in rejections {
            let mut known = self.rejections.iter_mut();
            let known = known.find(|known| known.code == one.code && known.field == one.field);
            if let Some(known) = known {
                known.rows += one.rows;
            } else if self.rejections.len() < REJECTIONS {
                self.rejections.push(one.clone());
            }
        }
    }
}
