//! Two timeouts where hyper has one: its header timeout also covers the idle time between two requests.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt;
use tokio::io::{AsyncRead, AsyncWrite, Empty, ReadBuf, empty};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::either::Either;

/// Number of finished reads of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadCounter(Arc<AtomicU64>);

impl ReadCounter {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Timer of one connection. hyper starts a sleep with the idle timeout when it begins to wait for a request; once a
/// byte of that request has arrived, the rest of its header has the shorter timeout. Bytes that arrived together with
/// the previous request are not seen here: until another byte arrives, that header has the idle timeout. It costs no
/// more than an idle connection does, beside the buffer of 64 KiB.
#[derive(Debug)]
pub(super) struct HeaderTimer {
    reads: ReadCounter,
    timeout: Duration,
    is_new: AtomicBool,
}

impl HeaderTimer {
    /// Creates the timer of a connection that counts its reads in `reads`. Its first request has `timeout` from the
    /// start of the connection.
    pub(super) fn new(reads: ReadCounter, timeout: Duration) -> Self {
        Self { reads, timeout, is_new: AtomicBool::new(true) }
    }
}

impl rt::Timer for HeaderTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until((Instant::now() + duration).into_std())
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn rt::Sleep>> {
        let mut header = HeaderSleep {
            sleep: Box::pin(sleep_until(deadline.into())),
            idle: Some(self.reads.count()),
            reads: self.reads.clone(),
            timeout: self.timeout,
        };
        if self.is_new.swap(false, Ordering::Relaxed) {
            header.begin();
        }
        Box::pin(header)
    }
}

struct HeaderSleep {
    sleep: Pin<Box<Sleep>>,
    /// Count of reads when the sleep began; `None` once the header timeout runs.
    idle: Option<u64>,
    reads: ReadCounter,
    timeout: Duration,
}

impl HeaderSleep {
    fn begin(&mut self) {
        self.idle = None;
        let deadline = self.sleep.deadline().min(Instant::now() + self.timeout);
        self.sleep.as_mut().reset(deadline);
    }
}

impl Future for HeaderSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.idle.is_some_and(|idle| idle != self.reads.count()) {
            self.begin();
        }
        self.sleep.as_mut().poll(context)
    }
}

impl rt::Sleep for HeaderSleep {}

/// Connection that counts its reads, and fails when a pending write makes no progress for too long.
#[derive(Debug)]
pub(super) struct CountedStream {
    /// Empty once the stream is taken.
    stream: Pin<Box<TimeoutWriter<Either<TcpStream, Empty>>>>,
    reads: ReadCounter,
}

impl CountedStream {
    /// Wraps a stream. A pending write has to make progress within `write_timeout`.
    pub(super) fn new(stream: TcpStream, reads: ReadCounter, write_timeout: Duration) -> Self {
        let mut stream = TimeoutWriter::new(Either::Left(stream));
        stream.set_timeout(Some(write_timeout));
        Self { stream: Box::pin(stream), reads }
    }

    /// Returns the stream, without timeouts.
    pub(super) fn into_stream(mut self) -> Option<TcpStream> {
        match std::mem::replace(self.stream.as_mut().get_pin_mut().get_mut(), Either::Right(empty())) {
            Either::Left(stream) => Some(stream),
            Either::Right(_) => None,
        }
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.stream.as_mut().poll_read(context, buffer);
        if read.is_ready() {
            self.reads.0.fetch_add(1, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(context)
    }
}
