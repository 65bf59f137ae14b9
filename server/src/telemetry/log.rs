//! Log on standard error, written by a thread of its own, so that a slow reader cannot block the server.
//!
//! Lines wait in a bounded queue. One that finds it full, or that cannot be written, is dropped and counted.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// Maximum number of lines that wait: 1 MB of the usual ones, or two seconds of what is logged while all clients
/// reconnect, 2 000 a second.
const QUEUE: usize = 4_096;
/// Maximum time for writing the queued lines when the process ends, and again for its last line.
const LAST: Duration = Duration::from_millis(500);
/// Pause before writing again to a descriptor that would block.
const RETRY: Duration = Duration::from_millis(10);

/// Crates of this program that log.
const CRATES: [&str; 5] = ["server", "app", "store", "store_sqlite", "store_nats"];

/// Number of lines that could not be written.
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);
/// Counter of the lines that found the queue full.
static UNQUEUED: OnceLock<ErrorCounter> = OnceLock::new();
/// Guard of the writing thread: dropping it writes the queued lines and ends the thread.
static WORKER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Reason to refuse a log filter.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A word without a level that is neither a level itself nor a part of this program.
    #[error("{0:?} is no level: debug, info, warn, error, off")]
    Word(String),
    /// tracing-subscriber cannot read it.
    #[error(transparent)]
    Unreadable(#[from] ParseError),
}

/// Starts the log on standard error: as text on a terminal, as JSON elsewhere.
///
/// # Errors
/// Fails if the filter cannot be read.
pub fn start(filter: &str) -> Result<(), FilterError> {
    if let Some(word) = unknown_word(filter) {
        return Err(FilterError::Word(word.to_owned()));
    }
    // async_nats logs every event of the connection, and refused subjects. The NATS store logs what matters itself. A
    // filter that names async_nats enables its log again, but not that of answers from JetStream: keys are among them.
    // tungstenite logs the reason with which a client closes its socket, which may be any text.
    let filter = without_trace(&with_crates(filter));
    let filter = EnvFilter::try_new(format!("async_nats=off,{filter},async_nats::jetstream=off,tungstenite=info"))?;
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE).thread_name("log");
    let (writer, worker) = queue.finish(LineWriter::to(io::stderr()));
    UNQUEUED.get_or_init(|| writer.error_counter());
    *WORKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
    // Internal errors would be written with `eprintln!`, which panics if standard error cannot be written.
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
    if io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.json().flatten_event(true).init();
    }
    Ok(())
}

/// Returns the first word without a level that is neither a level itself nor a part of this program. The library would
/// take it for the name of a crate, and nothing would be logged.
fn unknown_word(filter: &str) -> Option<&str> {
    let is_part = |word: &str| {
        let name = word.split([':', '[']).next().unwrap_or(word);
        name == "flasky" || CRATES.contains(&name)
    };
    let is_known = |word: &str| word.contains('=') || is_part(word) || word.parse::<LevelFilter>().is_ok();
    filter.split(',').map(str::trim).find(|word| !word.is_empty() && !is_known(word))
}

/// Returns the filter with the program's name, `flasky`, replaced by the names of its crates.
fn with_crates(filter: &str) -> String {
    let parts = filter.split(',').map(|part| match part.strip_prefix("flasky") {
        Some(rest) if rest.is_empty() || rest.starts_with(['=', ':', '[']) => {
            CRATES.map(|name| format!("{name}{rest}")).join(",")
        }
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// Returns the filter with `debug` in the place of `trace`, which is not compiled in: the library would say so with
/// `eprintln!`, and without parts that would log keys. A part without a level would be at `trace`.
fn without_trace(filter: &str) -> String {
    let is_trace = |level: &str| level.parse::<LevelFilter>().is_ok_and(|level| level == LevelFilter::TRACE);
    // Answers from JetStream, which have keys, are logged there. A longer name would go before `off`.
    let parts = filter.split(',').map(str::trim).filter(|part| !part.starts_with("async_nats::jetstream")).map(
        |part| match part.rsplit_once('=').filter(|(_, level)| !level.contains(']')) {
            Some((name, level)) if is_trace(level) => format!("{name}=debug"),
            None if is_trace(part) => "debug".to_owned(),
            None if !part.is_empty() && part.parse::<LevelFilter>().is_err() => format!("{part}=debug"),
            _ => part.to_owned(),
        },
    );
    parts.collect::<Vec<_>>().join(",")
}

/// Returns the number of lines of this process that were dropped: the queue was full, or they could not be written.
#[must_use]
pub fn dropped() -> u64 {
    let unqueued = UNQUEUED.get().map_or(0, ErrorCounter::dropped_lines);
    UNWRITTEN.load(Ordering::Relaxed) + unqueued as u64
}

/// Writes the queued lines and ends the log, within half a second: what its reader has not taken by then is lost.
pub fn finish() {
    if let Some(worker) = WORKER.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // On another thread: dropping it may write to standard output, which may block.
        run_with_timeout(move || drop(worker));
    }
}

/// Ends the log, then writes the line to standard error whatever the filter is: it is the reason why the process ends.
pub fn fatal(line: &str) {
    finish();
    let line = format!("flasky: {line}\n");
    let write = move || drop(io::stderr().write_all(line.as_bytes()));
    if !run_with_timeout(write.clone()) {
        write();
    }
}

/// Runs the work on another thread, and waits for it at most [`LAST`]. Returns false if the system provides no thread.
fn run_with_timeout(work: impl FnOnce() + Send + 'static) -> bool {
    let (done, ended) = mpsc::channel::<()>();
    let started = thread::Builder::new().spawn(move || {
        super::panics::contain_thread();
        work();
        drop(done);
    });
    // Ends when the sender is dropped, also if no thread was started, or by the timeout.
    let _ = ended.recv_timeout(LAST);
    started.is_ok()
}

/// Writer of lines to a file descriptor, whose writes may fail or block. It never fails itself, and counts the lines that
/// are lost.
struct LineWriter<W> {
    to: W,
    /// True if a line was written only in part.
    has_partial_line: bool,
    /// True if the last line was written.
    last_write_ok: bool,
    /// Number of dropped lines that the log itself has reported.
    reported: u64,
}

impl<W: Write> LineWriter<W> {
    fn to(to: W) -> Self {
        Self { to, has_partial_line: false, last_write_ok: true, reported: 0 }
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.to.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.has_partial_line = !bytes.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<W: Write> Write for LineWriter<W> {
    /// Writes the whole line, or counts it as dropped.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mended = if self.has_partial_line { self.put(b"\n") } else { Ok(()) };
        self.last_write_ok = mended.and_then(|()| self.put(line)).is_ok();
        if !self.last_write_ok {
            UNWRITTEN.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    /// Reports dropped lines. Called when the queue is empty, so that the report finds room in it.
    fn flush(&mut self) -> io::Result<()> {
        let dropped = dropped();
        if self.last_write_ok && dropped > self.reported {
            tracing::error!(since_start = dropped, "log lines were dropped");
            self.reported = dropped;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flasky_in_a_filter_names_every_crate_that_logs() {
        for (typed, read) in [
            ("info", "info"),
            ("flasky=debug", "server=debug,app=debug,store=debug,store_sqlite=debug,store_nats=debug"),
            (
                "warn,flasky::feed=debug,hyper=off",
                "warn,server::feed=debug,app::feed=debug,store::feed=debug,store_sqlite::feed=debug,\
                 store_nats::feed=debug,hyper=off",
            ),
            ("flasky", "server,app,store,store_sqlite,store_nats"),
            ("flasky_other=info", "flasky_other=info"),
            ("", ""),
        ] {
            assert_eq!(with_crates(typed), read);
        }
    }

    #[test]
    fn trace_in_a_filter_becomes_debug() {
        for (typed, read) in [
            ("trace", "debug"),
            ("TRACE,hyper=trace", "debug,hyper=debug"),
            ("5, server=5", "debug,server=debug"),
            ("server,app[room{code=5}]", "server=debug,app[room{code=5}]=debug"),
            ("app[room{code=5}]=trace", "app[room{code=5}]=debug"),
            ("info,hyper=off,store=warn,3,", "info,hyper=off,store=warn,3,"),
            ("", ""),
            ("async_nats=debug,async_nats::jetstream::context=debug", "async_nats=debug"),
        ] {
            assert_eq!(without_trace(typed), read);
        }
    }

    #[test]
    fn unknown_word_in_a_filter_is_found() {
        for filter in [
            "",
            "info",
            "OFF",
            "3",
            "flasky",
            "server::session,warn",
            "app[room]",
            "hyper=trace",
            "warn, info",
            "a=off,",
        ] {
            assert_eq!(unknown_word(filter), None, "{filter}");
        }
        for (filter, word) in [
            ("verbose", "verbose"),
            ("info,hyper", "hyper"),
            ("flasky=debug, al", "al"),
            ("flaskyd", "flaskyd"),
            ("7", "7"),
        ] {
            assert_eq!(unknown_word(filter), Some(word), "{filter}");
        }
    }

    /// Writer with room for a number of bytes, like a disk, whose every second write would block, like that of a pipe.
    #[derive(Default)]
    struct Disk {
        place: usize,
        written: Vec<u8>,
        is_busy: bool,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_busy = !self.is_busy;
            if self.is_busy {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.place).min(3);
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.place -= count;
            self.written.extend(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn line_after_a_partial_one_begins_on_a_new_line() {
        let mut lines = LineWriter::to(Disk { place: 13, ..Disk::default() });
        for line in ["first\n", "a second one\n", "a third one\n"] {
            lines.write_all(line.as_bytes()).unwrap();
            lines.flush().unwrap();
        }
        lines.to.place = 100;
        for line in ["fourth\n", "fifth\n"] {
            lines.write_all(line.as_bytes()).unwrap();
            lines.flush().unwrap();
        }
        assert_eq!(String::from_utf8_lossy(&lines.to.written), "first\na secon\nfourth\nfifth\n");
    }
}
