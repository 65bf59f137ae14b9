//! The log, on standard error: written by a thread of its own, so that no reader of it can hold up the server.
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

/// Maximum number of lines that wait, 1 MB of the usual ones: two seconds of what is logged while everybody reconnects,
/// 2 000 a second.
const QUEUE: usize = 4_096;
/// Maximum time for writing what waits when the process ends, and for its last line.
const LAST: Duration = Duration::from_millis(500);
/// Pause before a descriptor that would block is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Lines that could not be written.
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);
/// Lines that found the queue full.
static UNQUEUED: OnceLock<ErrorCounter> = OnceLock::new();
/// Ends the writing thread when it is dropped, after what waits.
static WORKER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Reason to refuse a filter.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A word alone that is neither a level nor a part of this program.
    #[error("{0:?} is no level: trace, debug, info, warn, error, off")]
    Word(String),
    /// Refused by the library.
    #[error(transparent)]
    Unreadable(#[from] ParseError),
}

/// Writes logs to standard error from now on: for people on a terminal, as JSON elsewhere.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(filter: &str) -> Result<(), FilterError> {
    if let Some(word) = unknown_word(filter) {
        return Err(FilterError::Word(word.to_owned()));
    }
    // The library reports every event of the connection, and a refused subject with it, which names a room. What counts
    // of it the engine says itself. Who asks for it by name has it.
    let filter = EnvFilter::try_new(format!("async_nats=off,{}", with_crates(filter)))?;
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE).thread_name("log");
    let (writer, worker) = queue.finish(Lines::to(io::stderr()));
    UNQUEUED.get_or_init(|| writer.error_counter());
    *WORKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
    // An internal error would be written with `eprintln!`, which panics where standard error cannot be written.
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
    if io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.json().flatten_event(true).init();
    }
    Ok(())
}

/// The first word alone that is neither a level nor a part of this program. The library takes any word for the name of a
/// crate, and then nothing is logged.
fn unknown_word(filter: &str) -> Option<&str> {
    let is_part = |word: &str| ["flasky", "server", "app"].contains(&word.split([':', '[']).next().unwrap_or(word));
    let is_known = |word: &str| word.contains('=') || is_part(word) || word.parse::<LevelFilter>().is_ok();
    filter.split(',').map(str::trim).find(|word| !word.is_empty() && !is_known(word))
}

/// The filter with the program's name, `flasky`, as the names of its two crates.
fn with_crates(filter: &str) -> String {
    let parts = filter.split(',').map(|part| match part.strip_prefix("flasky") {
        Some(rest) if rest.is_empty() || rest.starts_with(['=', ':', '[']) => format!("server{rest},app{rest}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// Lines of this process that nobody can read: the queue was full, or they could not be written.
#[must_use]
pub fn dropped() -> u64 {
    let unqueued = UNQUEUED.get().map_or(0, ErrorCounter::dropped_lines);
    UNWRITTEN.load(Ordering::Relaxed) + unqueued as u64
}

/// Writes what waits and ends the log, as far as its reader allows in half a second.
pub fn finish() {
    if let Some(worker) = WORKER.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // On another thread, because dropping it may write to standard output, which may be stalled.
        in_time(move || drop(worker));
    }
}

/// Writes the line to standard error, whatever is logged: it says why the process ends. The log ends before it.
pub fn fatal(line: &str) {
    finish();
    let line = format!("flasky: {line}\n");
    let write = move || drop(io::stderr().write_all(line.as_bytes()));
    if !in_time(write.clone()) {
        write();
    }
}

/// Does it on another thread, and waits for it no longer than [`LAST`]. False where the system gives no thread.
fn in_time(work: impl FnOnce() + Send + 'static) -> bool {
    let (done, ended) = mpsc::channel::<()>();
    let started = thread::Builder::new().spawn(move || {
        super::panics::contain_thread();
        work();
        drop(done);
    });
    // It ends by the sender's drop, also where nothing was started, or by the time.
    let _ = ended.recv_timeout(LAST);
    started.is_ok()
}

/// Writes lines to a descriptor that may do anything, and never fails.
struct Lines<W> {
    to: W,
    /// A line was written in part.
    is_torn: bool,
    /// The last line was written.
    writes: bool,
    /// Dropped lines that the log itself has reported.
    reported: u64,
}

impl<W: Write> Lines<W> {
    fn to(to: W) -> Self {
        Self { to, is_torn: false, writes: true, reported: 0 }
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.to.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.is_torn = !bytes.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<W: Write> Write for Lines<W> {
    /// Takes the whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mended = if self.is_torn { self.put(b"\n") } else { Ok(()) };
        self.writes = mended.and_then(|()| self.put(line)).is_ok();
        if !self.writes {
            UNWRITTEN.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    /// Called when the queue is empty, so that there is place for the report.
    fn flush(&mut self) -> io::Result<()> {
        let dropped = dropped();
        if self.writes && dropped > self.reported {
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
    fn flasky_in_a_filter_names_both_crates() {
        for (typed, read) in [
            ("info", "info"),
            ("flasky=debug", "server=debug,app=debug"),
            ("warn,flasky::session=debug,hyper=off", "warn,server::session=debug,app::session=debug,hyper=off"),
            ("flasky", "server,app"),
            ("flasky_other=info", "flasky_other=info"),
            ("", ""),
        ] {
            assert_eq!(with_crates(typed), read);
        }
    }

    #[test]
    fn word_alone_is_a_level_or_a_part_of_this_program() {
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

    /// Has place for so many bytes, as a disk, and answers every second time that it would block, as a pipe.
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
    fn line_that_was_cut_does_not_spoil_the_next_one() {
        let mut lines = Lines::to(Disk { place: 13, ..Disk::default() });
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
