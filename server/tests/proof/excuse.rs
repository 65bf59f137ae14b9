//! Whether a connection that ends may end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the times at which connections were given a reason to end. Odd while there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Excuse(Arc<AtomicU64>);

impl Excuse {
    /// There is always a reason: the network is bad.
    pub(crate) fn always() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }

    /// From here on connections end, until [`Excuse::over`].
    pub(crate) fn begin(&self) {
        self.0.fetch_or(1, Ordering::SeqCst);
    }

    /// Connections that begin from here on have no reason to end.
    pub(crate) fn over(&self) {
        let odd = self.0.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        assert!(odd, "it was not begun");
    }

    /// When a connection begins.
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether one that began then may have ended by now.
    pub(crate) fn covers(&self, begun: u64) -> bool {
        begun % 2 == 1 || self.now() != begun
    }
}
