//! TCP connection that a session shares with its room's feed. What either writes is whole before the other goes on.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::hub::{Sent, Sink, TextFrame};

/// The session's end of the connection.
#[derive(Debug)]
pub(super) struct SharedStream {
    read: OwnedReadHalf,
    write: Arc<SharedWriter>,
}

impl SharedStream {
    pub(super) fn new(stream: TcpStream) -> Self {
        let (read, half) = stream.into_split();
        let writer = Writer { half, rest: Bytes::new(), is_unflushed: false, sent_by_feed: None };
        Self { read, write: Arc::new(SharedWriter(Mutex::new(writer))) }
    }

    /// Returns the feed's end of the connection.
    pub(super) fn writer(&self) -> &Arc<SharedWriter> {
        &self.write
    }
}

/// The half of the connection that is written to.
#[derive(Debug)]
pub(super) struct SharedWriter(Mutex<Writer>);

#[derive(Debug)]
struct Writer {
    half: OwnedWriteHalf,
    /// End of a frame of the feed that did not fit into the socket: before all else.
    rest: Bytes,
    /// True from a write of the session to its flush: part of a frame may be in the session's own buffer.
    is_unflushed: bool,
    sent_by_feed: Option<Instant>,
}

impl SharedWriter {
    /// Returns the time of the last frame that the feed sent.
    pub(super) fn sent_by_feed(&self) -> Option<Instant> {
        self.writer().sent_by_feed
    }

    /// Locks the writer. Code under this lock neither awaits nor panics.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for SharedWriter {
    fn try_send(&self, frame: &TextFrame, now: Instant) -> Sent {
        let mut writer = self.writer();
        if writer.is_unflushed || !writer.rest.is_empty() {
            return Sent::Nothing;
        }
        let bytes = frame.bytes();
        let sent = match writer.half.try_write(bytes) {
            Ok(written) if written == bytes.len() => Sent::All,
            Ok(written) if written > 0 => {
                writer.rest = bytes.slice(written..);
                Sent::Begun
            }
            // The session meets the same error.
            Ok(_) | Err(_) => return Sent::Nothing,
        };
        writer.sent_by_feed = Some(now);
        sent
    }
}

impl Writer {
    /// Writes the end of the feed's frame.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            match ready!(Pin::new(&mut self.half).poll_write(context, &self.rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.rest.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut writer = self.write.writer();
        writer.is_unflushed = true;
        ready!(writer.poll_rest(context))?;
        Pin::new(&mut writer.half).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut writer = self.write.writer();
        ready!(writer.poll_rest(context))?;
        writer.is_unflushed = false;
        Pin::new(&mut writer.half).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut writer = self.write.writer();
        ready!(writer.poll_rest(context))?;
        Pin::new(&mut writer.half).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn connection() -> (SharedStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = listener.accept().await.unwrap().0;
        stream.writable().await.unwrap();
        (SharedStream::new(stream), peer)
    }

    /// Frames of the feed until the socket is full. Returns what was taken, and the outcome of the last one.
    fn fill(writer: &SharedWriter) -> (Vec<u8>, Sent) {
        let (frame, mut taken) = (TextFrame::from("x".repeat(50_000).as_str()), Vec::new());
        for _ in 0..1_000 {
            match writer.try_send(&frame, Instant::now()) {
                Sent::All => taken.extend_from_slice(frame.bytes()),
                Sent::Begun => {
                    taken.extend_from_slice(frame.bytes());
                    return (taken, Sent::Begun);
                }
                Sent::Nothing => return (taken, Sent::Nothing),
            }
        }
        panic!("the socket is never full");
    }

    #[tokio::test]
    async fn frame_that_the_feed_began_is_written_whole_before_what_the_session_writes() {
        let (mut stream, mut peer) = connection().await;
        let (mut taken, last) = fill(stream.writer());
        assert_eq!(stream.writer().try_send(&"more".into(), Instant::now()), Sent::Nothing);
        assert!(last == Sent::Begun || !taken.is_empty());
        taken.extend_from_slice(b"session");
        let length = taken.len();
        let writing = async {
            stream.write_all(b"session").await.unwrap();
            assert_eq!(stream.writer().try_send(&"between".into(), Instant::now()), Sent::Nothing, "not flushed");
            stream.flush().await.unwrap();
        };
        let mut read = vec![0; length];
        let (_, got) = tokio::join!(writing, peer.read_exact(&mut read));
        got.unwrap();
        assert!(read == taken);
        assert_eq!(stream.writer().try_send(&"after".into(), Instant::now()), Sent::All);
    }
}
