//! `Expect: 100-continue`: the body is not asked for before the model server asks for it.
//!
//! hyper says "100 Continue" as soon as the body is read. So it is read when the model server has said
//! so, or after the time that clients wait as well: they send the body then in any case.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, StatusCode, header};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

/// How long curl waits as well.
const PATIENCE: Duration = Duration::from_secs(1);

/// Keeps a body back.
pub(super) struct Expecting {
    told: oneshot::Receiver<()>,
    patience: Pin<Box<Sleep>>,
}

impl Expecting {
    /// Keeps the body of this HTTP/1.1 request back if it says that it waits.
    pub(super) fn of<B>(request: &mut Request<B>) -> Option<Box<Self>> {
        let expect = request.headers().get(header::EXPECT)?;
        if !expect.as_bytes().eq_ignore_ascii_case(b"100-continue") {
            return None;
        }
        let (tell, told) = oneshot::channel();
        let tell = Mutex::new(Some(tell));
        hyper::ext::on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                let tell = tell.lock().unwrap_or_else(PoisonError::into_inner).take();
                tell.map(|tell| tell.send(()));
            }
        });
        Some(Box::new(Self {
            told,
            patience: Box::pin(sleep(PATIENCE)),
        }))
    }

    /// Ready when the body may be read.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match Pin::new(&mut self.told).poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            // The request was dropped, or no word came: the time decides.
            Poll::Ready(Err(_)) | Poll::Pending => self.patience.as_mut().poll(cx),
        }
    }
}
