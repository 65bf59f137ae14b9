//! Runtime of pages and server functions, separate from the one that serves connections.
//!
//! Rendering a page is CPU-bound. On a runtime of its own it delays other pages, but neither sockets nor health checks.
//! A call returns its whole response body, compressed, so that a slow reader keeps no state of leptos in memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::telemetry::panics;

/// Maximum number of calls in progress. Each may hold a whole page; forms that wait for the store count too.
const CALLS: usize = 64;
/// Maximum number of threads; fewer if the machine has fewer cores.
const THREADS: usize = 4;
/// Maximum time that a caller waits, for a permit and for the result.
const DEADLINE: Duration = Duration::from_secs(10);

/// Bounded runtime for pages and server functions.
#[derive(Debug)]
pub struct RenderPool {
    /// `None` once dropped.
    runtime: Option<Runtime>,
    calls: Arc<Semaphore>,
    deadline: Duration,
}

impl RenderPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// Fails if the system provides no thread or file descriptor.
    pub fn start() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        Self::with(threads, CALLS, DEADLINE)
    }

    fn with(threads: usize, calls: usize, deadline: Duration) -> io::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(threads).thread_name("render").on_thread_start(panics::contain_thread).enable_all();
        let runtime = runtime.build()?;
        Ok(Self { runtime: Some(runtime), calls: Arc::new(Semaphore::new(calls)), deadline })
    }

    /// Runs a call until its response body is complete. Returns `None` if that takes longer than the deadline. A call
    /// that has begun then continues, and counts as in progress until it ends: rendering cannot be interrupted between
    /// two awaits, and the tasks that leptos spawned for a page panic if the page is dropped before them.
    ///
    /// # Panics
    /// Panics if the call does, so that only the request that made it fails.
    pub async fn run(&self, call: impl Future<Output = Response> + Send + 'static) -> Option<Response> {
        let runtime = self.runtime.as_ref()?;
        let call = async {
            let permit = Arc::clone(&self.calls).acquire_owned().await;
            let call = async move {
                let response = whole(call.await).await;
                drop(permit);
                response
            };
            runtime.spawn(call).await
        };
        match timeout(self.deadline, call).await.ok()? {
            Ok(response) => Some(response),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Cancelled: the server has ended.
            Err(_) => None,
        }
    }
}

impl Drop for RenderPool {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The last owner may be a task, where waiting for the threads would panic.
            runtime.shutdown_background();
        }
    }
}

/// Reads the response's body into memory.
async fn whole(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => Response::from_parts(parts, body.into()),
        Err(error) => {
            tracing::error!(%error, "a response broke off");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(200);
    /// Timeout that no passing test reaches.
    const PATIENCE: Duration = Duration::from_secs(20);

    async fn quick() -> Response {
        "quick".into_response()
    }

    /// Blocks the thread until the sender is dropped.
    async fn blocks(until: mpsc::Receiver<()>) -> Response {
        let _ = until.recv();
        "done".into_response()
    }

    #[tokio::test]
    async fn blocked_call_times_out_and_keeps_its_permit_until_it_ends() {
        let pool = RenderPool::with(1, 1, DEADLINE).unwrap();
        let (end, until) = mpsc::channel();
        assert!(pool.run(blocks(until)).await.is_none());
        assert_eq!(pool.calls.available_permits(), 0, "it still runs");
        assert!(pool.run(quick()).await.is_none(), "no permit is free");
        drop(end);
        drop(timeout(PATIENCE, pool.calls.acquire()).await.expect("the permit is free again"));
        assert_eq!(pool.calls.available_permits(), 1);
    }

    #[tokio::test]
    async fn panic_reaches_the_caller_and_the_pool_still_works() {
        let pool = Arc::new(RenderPool::with(1, 1, PATIENCE).unwrap());
        let call = {
            let pool = Arc::clone(&pool);
            async move { pool.run(async { panic!("expected") }).await }
        };
        assert!(tokio::spawn(call).await.is_err_and(|error| error.is_panic()));
        assert!(pool.run(quick()).await.is_some());
    }

    #[tokio::test]
    async fn pool_may_be_dropped_by_its_last_call() {
        let pool = Arc::new(RenderPool::with(1, 1, DEADLINE).unwrap());
        let (end, until) = mpsc::channel();
        let (ends, ended) = tokio::sync::oneshot::channel();
        let inside = Arc::clone(&pool);
        let call = async move {
            let response = blocks(until).await;
            drop(inside);
            let _ = ends.send(());
            response
        };
        assert!(pool.run(call).await.is_none());
        drop(pool);
        drop(end);
        ended.await.unwrap();
    }
}
