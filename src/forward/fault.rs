//! What an error of the connection upstream means: who ended the call, and what the client is to see.

use std::error::Error;

/// An error that ends a call. Of an [`h2::Error`] in it hyper takes the code of the reset.
pub(super) type Fault = Box<dyn Error + Send + Sync>;

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The model server ended this call: the client is to see the same reset.
    Reset,
    /// The model server is going away and has not begun with this call: it may be sent again.
    Unprocessed,
    /// The connection is gone.
    Gone,
    /// The client's request did not come whole: it went away, or what it sent is no HTTP.
    Request,
}

/// What `error` means.
pub(super) fn meaning(error: &(dyn Error + 'static)) -> Meaning {
    // Of the body that we read from the client; what is in it was not said by the model server.
    let own = error.downcast_ref::<hyper::Error>();
    if own.is_some_and(hyper::Error::is_user) {
        return Meaning::Request;
    }
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return if error.is_reset() && error.is_remote() {
                Meaning::Reset
            } else if error.is_reset() && !error.is_library() {
                // We ended it, as is done when its body breaks off.
                Meaning::Request
            } else if error.is_go_away()
                && error.is_remote()
                && error.reason() == Some(h2::Reason::NO_ERROR)
            {
                // h2 gives this error only to streams above the last one that the server took.
                Meaning::Unprocessed
            } else {
                Meaning::Gone
            };
        }
        source = error.source();
    }
    Meaning::Gone
}

/// Ends a call such that clients know that it can be sent again.
pub(super) fn refused() -> Fault {
    h2::Error::from(h2::Reason::REFUSED_STREAM).into()
}
