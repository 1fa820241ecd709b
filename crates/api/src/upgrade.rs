//! Answers that give the socket up, for WebSockets.

use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};

/// A socket, whatever it is.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What is done with the socket.
pub type WithDuplex = Box<dyn FnOnce(Box<dyn Duplex>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// An extension of a response `101 Switching Protocols`: what comes then. Whoever owns the socket takes it.
#[derive(Clone)]
pub struct Upgrade(Arc<Mutex<Option<WithDuplex>>>);

impl Upgrade {
    /// Does that with the socket.
    pub fn new<F, Done>(then: F) -> Self
    where
        F: FnOnce(Box<dyn Duplex>) -> Done + Send + 'static,
        Done: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(Mutex::new(Some(Box::new(move |socket| Box::pin(then(socket)))))))
    }

    /// What is to be done, once.
    #[must_use]
    pub fn take(&self) -> Option<WithDuplex> {
        self.0.lock().take()
    }
}
