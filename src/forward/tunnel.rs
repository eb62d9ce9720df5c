//! A connection that has left HTTP (`101 Switching Protocols`): bytes both ways until both have ended.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Carries bytes between the two ends of an upgraded connection.
pub(super) async fn carry_bytes(downstream: OnUpgrade, upstream: OnUpgrade) {
    let (Ok(downstream), Ok(upstream)) = (downstream.await, upstream.await) else {
        return;
    };
    let (mut downstream, mut upstream) = (TokioIo::new(downstream), TokioIo::new(upstream));
    // An error is the end of one side; both ends close.
    let _ = tokio::io::copy_bidirectional(&mut downstream, &mut upstream).await;
}
