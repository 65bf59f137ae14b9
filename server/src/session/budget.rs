//! Rate limit of what a member's connections send.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use protocol::{Limits, MemberId};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::shared_stream::{SharedStream, SharedWriter};
use crate::rate::RateLimiter;

/// KiB that a frame is charged beside its bytes, so that many small frames do not cost the server more than a few large
/// ones: reading and answering a frame takes about as long as copying that much.
const FRAME_KIB: u32 = 4;

/// KiB that a connection is charged before its first byte: a `hello` of 24 bytes makes the server read, encode and
/// write up to a page of the log, which took 2 ms for one of 400 KB.
const HANDSHAKE_KIB: u32 = 16;

/// Creates the rate limit of members in KiB, over all of their connections: as many of the largest frames as appends.
#[must_use]
pub fn rate(limits: &Limits) -> RateLimiter {
    let frame = kib(limits.frame);
    RateLimiter::new(limits.appends_per_second.saturating_mul(frame), limits.append_burst.saturating_mul(frame))
}

fn kib(bytes: usize) -> u32 {
    bytes.div_ceil(1024).try_into().unwrap_or(u32::MAX)
}

/// Connection that is read no faster than its member's budget allows. TCP slows the peer down.
///
/// The size of a read is known only afterwards, so it is charged before the next one. Bytes are counted here, below the
/// WebSocket, because tungstenite does not return a fragment of a message before the last one.
pub(super) struct Metered {
    stream: SharedStream,
    budget: Arc<RateLimiter>,
    member: MemberId,
    /// KiB that were read and are still to be charged.
    owed: u32,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Metered {
    /// `begun` is the number of bytes that were read before.
    pub(super) fn new(stream: SharedStream, begun: usize, budget: Arc<RateLimiter>, member: MemberId) -> Self {
        Self { stream, budget, member, owed: HANDSHAKE_KIB + kib(begun), pause: None }
    }

    /// Charges one frame, in addition to its bytes.
    pub(super) fn charge_frame(&mut self) {
        self.owed = self.owed.saturating_add(FRAME_KIB);
    }

    /// Waits until the budget covers everything that was read.
    pub(super) fn poll_paid(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match self.budget.take_many(self.member, self.owed) {
                Ok(()) => {
                    self.owed = 0;
                    return Poll::Ready(());
                }
                // Tried again after that: another connection of the member may have used the budget by then.
                Err(wait) => self.pause = Some(Box::pin(sleep(wait))),
            }
        }
    }

    /// Returns the connection without the rate limit.
    pub(super) fn unmetered(&mut self) -> &mut SharedStream {
        &mut self.stream
    }

    /// Returns the feed's end of the connection.
    pub(super) fn writer(&self) -> &Arc<SharedWriter> {
        self.stream.writer()
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_paid(context));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = kib(buffer.filled().len() - before);
        self.owed = self.owed.saturating_add(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
