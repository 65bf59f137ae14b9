//! Times in which connections may end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the beginnings and ends of times in which connections have a reason to end. Odd during such a time.
#[derive(Clone, Debug, Default)]
pub struct Excuse(Arc<AtomicU64>);

impl Excuse {
    /// An excuse that always holds, for a bad network.
    pub fn always() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }

    /// Begins a time in which connections may end, until [`Excuse::over`].
    pub fn begin(&self) {
        self.0.fetch_or(1, Ordering::SeqCst);
    }

    /// Ends that time. Connections that begin later have no reason to end.
    pub fn over(&self) {
        let odd = self.0.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        assert!(odd, "it was not begun");
    }

    /// Count to remember when a connection begins.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// True if a connection that began at this count may have ended by now.
    pub fn covers(&self, begun: u64) -> bool {
        begun % 2 == 1 || self.now() != begun
    }
}
