//! The proxy on a thread and a runtime of its own.
//!
//! A call passes two connections, and several threads would hand it to and fro: waking one costs more
//! than what it then does. Beside pages and pushes it would wait for them.

use std::io;
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use super::asked;
use crate::forward::{Forward, serve_forward};
use crate::settings::Address;
use crate::socket::Listener;

/// The running proxy.
pub(super) struct Proxying {
    /// Where it listens.
    pub address: String,
    thread: JoinHandle<()>,
}

impl Proxying {
    /// Opens the port and serves it until `stopped` turns true.
    ///
    /// # Errors
    /// When the port cannot be opened, or the system refuses a thread.
    pub async fn start(
        address: &Address,
        mode: u32,
        forward: Forward,
        stopped: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let address = address.to_string();
        let (tell, told) = oneshot::channel();
        let serve = async move {
            match Listener::bind(&address, mode).await {
                Err(error) => drop(tell.send(Err(error))),
                Ok(listener) => {
                    let _ = tell.send(Ok(listener.to_string()));
                    serve_forward(listener, forward, asked(stopped)).await;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("forward".into())
            .spawn(move || runtime.block_on(serve))?;
        let gone = |_| io::Error::other("the thread of the proxy ended");
        let address = told.await.map_err(gone)??;
        Ok(Self { address, thread })
    }

    /// Waits until it has ended.
    pub async fn ended(self) {
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the proxy ended by a panic");
        }
    }
}
