//! One server per file.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use super::file;
use crate::backend::BackendError;

/// Held as long as the store is open; the system releases it however the process ends.
///
/// A file of its own beside the database: SQLite's locks on the database file are lost when any other descriptor of
/// it is closed (POSIX `fcntl`), so the database file itself must not be opened here.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Locks the store of this resolved path. Whoever may read the lock's file could take it, so its owner alone may.
    ///
    /// # Errors
    /// `Unavailable` when another server holds it, or its file cannot be opened.
    pub(super) fn take(database: &Path) -> Result<Self, BackendError> {
        let path = file::beside(database, ".lock");
        let mut options = File::options();
        options.create(true).truncate(false).write(true).mode(0o600);
        // Without NONBLOCK a FIFO of that name would hold up the start for ever.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
        let file = options
            .open(&path)
            .map_err(|error| BackendError::unavailable(format!("cannot open {}: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => {
                Err(BackendError::unavailable(format!("another server is using {}", database.display())))
            }
            Err(TryLockError::Error(error)) => Err(BackendError::unavailable(error)),
        }
    }
}

/// Unlocks by name instead of by closing: a child process that is just being started shares the descriptor for a
/// moment, and with it the lock.
impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the store's lock file cannot be unlocked");
        }
    }
}
