//! Chunks: parts of the program that the browser fetches apart from the rest.
//!
//! The server has them at hand. A debug build is not split, so that `cargo leptos watch` needs no flag, and has them as late
//! as a browser that fetches them. `#[lazy]` of leptos 0.8 expands to the same attribute without `fallible`, and then a
//! chunk that does not come ends the program: leptos-rs/leptos#4785.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};

use futures_channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::{ArcTrigger, Notify, Track};
// Not that of leptos: a chunk may be needed before leptos runs.
use wasm_bindgen_futures::spawn_local;

/// Time until a chunk that did not come is asked for again, in milliseconds; each further time is twice as long.
const FIRST_WAIT_MS: u32 = 1_000;
/// Maximum time until then.
const MAX_WAIT_MS: u32 = 30_000;

static IS_OUTDATED: AtomicBool = AtomicBool::new(false);

/// Asks for no chunk again that did not come: the server has become another build, and mostly has none of this one.
pub(crate) fn stop_retrying() {
    IS_OUTDATED.store(true, Ordering::Relaxed);
}

/// The functions of a chunk once it has come, or `None`.
pub(crate) type Fetching<T> = Pin<Box<dyn Future<Output = Option<T>>>>;

/// A part of the program with these functions. [`chunk!`](crate::chunk::chunk) makes one.
pub(crate) struct Chunk<T: 'static> {
    built_in: Option<T>,
    fetched: OnceLock<T>,
    fetch: fn() -> Fetching<T>,
    is_loading: AtomicBool,
    has_failed: AtomicBool,
    /// Those that wait for the attempt under way: dropped when it is over.
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    on_loaded: LazyLock<ArcTrigger>,
}

impl<T: Copy> Chunk<T> {
    /// A chunk that is at hand, or one that this fetches.
    pub(crate) const fn new(built_in: Option<T>, fetch: fn() -> Fetching<T>) -> Self {
        Self {
            built_in,
            fetched: OnceLock::new(),
            fetch,
            is_loading: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            waiting: Mutex::new(Vec::new()),
            on_loaded: LazyLock::new(ArcTrigger::new),
        }
    }

    /// Its functions, if they are here now.
    pub(crate) fn loaded(&self) -> Option<T> {
        self.built_in.or_else(|| self.fetched.get().copied())
    }

    /// Its functions, if they are here. An effect that asked runs again when they have come.
    pub(crate) fn get(&self) -> Option<T> {
        let loaded = self.loaded();
        if loaded.is_none() {
            self.on_loaded.track();
        }
        loaded
    }

    /// The same, and fetches it where it is not here.
    pub(crate) fn get_or_fetch(&'static self) -> Option<T> {
        self.prefetch();
        self.get()
    }

    /// Its functions, as soon as they are here; `None` when they cannot be fetched. The next call asks again.
    pub(crate) async fn load(&'static self) -> Option<T> {
        if self.loaded().is_none() {
            // A page's futures are `Send`, and the browser's are not.
            let (tell, told) = oneshot::channel();
            if let Ok(mut waiting) = self.waiting.lock() {
                waiting.push(tell);
            }
            self.prefetch();
            let _ = told.await;
        }
        self.loaded()
    }

    /// Fetches it, unless it is here or on its way.
    pub(crate) fn prefetch(&'static self) {
        if self.loaded().is_none() && !self.is_loading.swap(true, Ordering::Relaxed) {
            spawn_local(async {
                self.fetch().await;
                self.is_loading.store(false, Ordering::Relaxed);
                if let Ok(mut waiting) = self.waiting.lock() {
                    waiting.clear();
                }
            });
        }
    }

    /// The same, again and again until it is here.
    pub(crate) async fn load_with_retries(&'static self) {
        let mut wait = FIRST_WAIT_MS;
        while self.load().await.is_none() {
            TimeoutFuture::new(wait).await;
            wait = (wait * 2).min(MAX_WAIT_MS);
        }
    }

    async fn fetch(&self) {
        if IS_OUTDATED.load(Ordering::Relaxed) && self.has_failed.load(Ordering::Relaxed) {
            return;
        }
        // The browser writes to its console why a chunk did not come.
        let functions = (self.fetch)().await;
        self.has_failed.store(functions.is_none(), Ordering::Relaxed);
        if functions.is_some_and(|functions| self.fetched.set(functions).is_ok()) {
            self.on_loaded.notify();
        }
    }
}

/// Makes a static [`Chunk`] of everything that only this expression leads to.
macro_rules! chunk {
    ($(#[$doc:meta])* $vis:vis static $name:ident: $entry:ty = $module:ident::$fetch:ident($functions:expr);) => {
        #[cfg(all(feature = "hydrate", not(debug_assertions)))]
        #[::wasm_split_helpers::wasm_split($module, fallible)]
        fn $fetch() -> Result<$entry, ::wasm_split_helpers::SplitLoaderError> {
            Ok($functions)
        }

        #[cfg(all(feature = "hydrate", debug_assertions))]
        async fn $fetch() -> Result<$entry, std::convert::Infallible> {
            Ok($functions)
        }

        $(#[$doc])*
        #[cfg(feature = "hydrate")]
        $vis static $name: $crate::chunk::Chunk<$entry> =
            $crate::chunk::Chunk::new(None, || Box::pin(async { $fetch().await.ok() }));

        $(#[$doc])*
        #[cfg(not(feature = "hydrate"))]
        $vis static $name: $crate::chunk::Chunk<$entry> =
            $crate::chunk::Chunk::new(Some($functions), || Box::pin(async { None }));
    };
}
pub(crate) use chunk;
