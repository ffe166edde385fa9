//! The body of a request, which tells when it was taken.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::oneshot;

use super::Shared;

/// One text, whole, with its length known beforehand.
#[derive(Debug)]
pub(super) struct RequestBody(Option<Untaken>);

#[derive(Debug)]
struct Untaken {
    text: Bytes,
    sent: oneshot::Sender<()>,
    shared: Arc<Shared>,
}

impl RequestBody {
    /// `sent` is told when the connection has taken the text, which is when it begins to leave.
    pub(super) fn new(text: String, sent: oneshot::Sender<()>, shared: Arc<Shared>) -> Self {
        Self(Some(Untaken { text: text.into(), sent, shared }))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(Untaken { text, sent, shared }) = self.0.take() else { return Poll::Ready(None) };
        shared.sent(text.len());
        // Whoever asked may have gone away since; the request leaves all the same.
        sent.send(()).ok();
        Poll::Ready(Some(Ok(Frame::data(text))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |untaken| untaken.text.len() as u64))
    }
}
