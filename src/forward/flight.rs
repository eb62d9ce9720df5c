//! A call on its way: counted while it lasts, however it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::serve::Server;

/// A call that has begun; it ends when this is dropped.
pub(super) struct Flight {
    server: Arc<Server>,
    is_watched: bool,
}

impl Flight {
    pub(super) fn begin(server: Arc<Server>, is_watched: bool) -> Self {
        server.calls.fetch_add(1, Ordering::Relaxed);
        if is_watched {
            server.forward.observer.counts().begin();
        }
        Self { server, is_watched }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.server.calls.fetch_sub(1, Ordering::Relaxed);
        if self.is_watched {
            self.server.forward.observer.counts().end();
        }
    }
}
