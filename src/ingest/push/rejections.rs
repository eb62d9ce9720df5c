//! What a request's sender is told of what was not taken.

use crate::proto::ingest::{Rejection, RejectionCode};

/// Most rejections in one answer.
const MOST: usize = 16;

/// Rejections, added up by code and field.
#[derive(Clone, Debug, Default)]
pub(super) struct Rejections {
    list: Vec<Rejection>,
}

impl Rejections {
    /// Adds `rows` to the rejection of this code and field. The first detail is kept; beyond 16 of
    /// them, new ones are left out.
    pub(super) fn add(
        &mut self,
        code: RejectionCode,
        field: &str,
        rows: u64,
        detail: impl FnOnce() -> String,
    ) {
        let known = self
            .list
            .iter_mut()
            .find(|known| known.code == code as i32 && known.field == field);
        if let Some(known) = known {
            known.rows = known.rows.saturating_add(rows);
        } else if self.list.len() < MOST {
            self.list.push(Rejection {
                code: code as i32,
                field: field.to_owned(),
                rows,
                detail: detail(),
            });
        }
    }

    /// Adds all of `others`.
    pub(super) fn extend(&mut self, others: &[Rejection]) {
        for other in others {
            self.add(other.code(), &other.field, other.rows, || {
                other.detail.clone()
            });
        }
    }

    pub(super) fn list(&self) -> &[Rejection] {
        &self.list
    }

    pub(super) fn into_list(self) -> Vec<Rejection> {
        self.list
    }
}
