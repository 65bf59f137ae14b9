//! Rate limit of what a member's connections send.

use std::io::{self, Cursor};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use protocol::{Limits, MemberId};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

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
/// The size of a read is known only afterwards, so it is charged before the next one. Bytes and frames are counted here,
/// below the WebSocket, because tungstenite does not return a fragment of a message before the last one, and not how many
/// there were.
pub(super) struct Metered {
    stream: SharedStream,
    budget: Arc<RateLimiter>,
    member: MemberId,
    frames: FrameCounter,
    /// KiB that were read and are still to be charged.
    owed: u32,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Metered {
    /// `begun` are the bytes that were read before.
    pub(super) fn new(stream: SharedStream, begun: &[u8], budget: Arc<RateLimiter>, member: MemberId) -> Self {
        let frames = FrameCounter::default();
        let mut metered = Self { stream, budget, member, frames, owed: HANDSHAKE_KIB, pause: None };
        metered.charge(begun);
        metered
    }

    fn charge(&mut self, read: &[u8]) {
        let frames = self.frames.count(read).saturating_mul(FRAME_KIB);
        self.owed = self.owed.saturating_add(kib(read.len())).saturating_add(frames);
    }

    /// Waits until the budget covers everything that was read.
    pub(super) fn poll_paid(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            if self.owed == 0 {
                return Poll::Ready(());
            }
            match self.budget.take_many(self.member, self.owed) {
                Ok(taken) => self.owed -= taken,
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
        self.charge(&buffer.filled()[before..]);
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

/// Longest header of a frame in bytes (RFC 6455 section 5.2).
const MAX_HEADER: usize = 14;

/// Counter of the frames in what is read.
#[derive(Default)]
struct FrameCounter {
    /// Begin of a header, and its length.
    header: [u8; MAX_HEADER],
    filled: usize,
    /// Bytes of the last frame's payload that are still to come.
    payload: u64,
}

impl FrameCounter {
    /// Returns the number of headers that end in these bytes.
    fn count(&mut self, mut bytes: &[u8]) -> u32 {
        let mut frames = 0;
        loop {
            let payload = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= payload as u64;
            bytes = &bytes[payload..];
            let Some((byte, rest)) = bytes.split_first() else { return frames };
            bytes = rest;
            self.header[self.filled] = *byte;
            self.filled += 1;
            match FrameHeader::parse(&mut Cursor::new(&self.header[..self.filled])) {
                Ok(None) if self.filled < MAX_HEADER => continue,
                Ok(Some((_, payload))) => self.payload = payload,
                // tungstenite reads the same header, and nothing after it.
                Ok(None) | Err(_) => self.payload = u64::MAX,
            }
            self.filled = 0;
            frames += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_however_they_are_split() {
        let masked = |length: &[u8]| [&[0x81][..], length, &[1, 2, 3, 4]].concat();
        let frames = [
            masked(&[0x80]),
            [masked(&[0x80 | 2]), vec![0x81; 2]].concat(),
            [masked(&[0x80 | 126, 1, 0]), vec![0x81; 256]].concat(),
            [masked(&[0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0]), vec![0x81; 65_536]].concat(),
            masked(&[0x80]),
        ];
        let bytes = frames.concat();
        for size in [1, 2, 3, 7, 1_024, bytes.len()] {
            let mut counter = FrameCounter::default();
            let counted: u32 = bytes.chunks(size).map(|read| counter.count(read)).sum();
            assert_eq!(counted, 5, "in reads of {size}");
        }
        let mut broken = FrameCounter::default();
        assert_eq!(broken.count(&[0xff; 1_000]), 1, "nothing follows a header that is none");
    }
}
