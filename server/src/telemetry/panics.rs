//! Panics: a panic ends the process, unless it happens while a request, a page or a connection is polled.
//!
//! A server whose background thread or task has ended would still report that it is alive. A process that ends is
//! started again, and the store survives a crash. The failure of a request or a connection is visible to its client, so
//! it fails alone: whatever polls one is wrapped in [`contained`], or runs on a thread that [`contain_thread`] marked.

use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::PanicHookInfo;
use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use prometheus_client::metrics::counter::Counter;

/// Exit code of a process that a panic ended, the same as Rust's.
const EXIT: i32 = 101;

/// Number of contained panics of this process.
pub(super) static CONTAINED: LazyLock<Counter> = LazyLock::new(Counter::default);

thread_local! {
    /// True while panics of this thread are contained.
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Sets the process's panic hook: logs and counts a contained panic, and ends the process at any other, after `fatal`
/// has written why.
pub fn set_hook(fatal: fn(&str)) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if IS_CONTAINED.get() {
            CONTAINED.inc();
            tracing::error!(place, panic = literal(panic), "a request or a connection panicked");
        } else {
            fatal(&format!("panicked at {place}: {}", literal(panic)));
            std::process::exit(EXIT);
        }
    }));
}

/// Returns the panic's message if it is a literal of the source. A formatted one may quote what a user wrote, as that
/// of a failed index into a string does.
fn literal(panic: &PanicHookInfo<'_>) -> &'static str {
    panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(message withheld)")
}

/// Contains panics of `future`: one that happens while it is polled fails the task that polls it, and nothing else.
///
/// Boxed, because a future that is moved into another one is stored there twice.
pub fn contained<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let mut future = Box::pin(future);
    poll_fn(move |context| {
        let _guard = ContainGuard::set();
        future.as_mut().poll(context)
    })
}

/// Contains panics of everything that the current thread runs from now on. For the threads of a runtime that serves
/// requests only, where libraries spawn tasks of their own (`tokio::runtime::Builder::on_thread_start`).
pub fn contain_thread() {
    IS_CONTAINED.set(true);
}

/// Returns the 500 response to a request whose handling panicked.
pub(crate) fn answer(_: Box<dyn Any + Send>) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "Something broke while this was answered. Please try again.").into_response()
}

/// Guard that marks the thread as contained until it is dropped, also by a panic.
struct ContainGuard {
    before: bool,
}

impl ContainGuard {
    fn set() -> Self {
        Self { before: IS_CONTAINED.replace(true) }
    }
}

impl Drop for ContainGuard {
    fn drop(&mut self) {
        IS_CONTAINED.set(self.before);
    }
}
