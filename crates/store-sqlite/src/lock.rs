//! File lock that admits one server per database.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use store::StoreError;

use super::file;

/// Lock on a database, held as long as the store is open. The operating system releases it however the process ends.
///
/// It is a separate file beside the database. A process loses SQLite's locks on the database file when it closes any
/// other descriptor of that file (POSIX `fcntl`), so the database file itself must not be opened here.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Locks the database at this resolved path. Only the owner may open the lock file: whoever opens it can lock it.
    ///
    /// # Errors
    /// `Unavailable` when another server holds the lock, or its file cannot be opened.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = file::with_suffix(database, ".lock");
        let mut options = File::options();
        options.create(true).truncate(false).write(true).mode(0o600);
        // Without NONBLOCK, opening a FIFO of that name would block the start forever.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
        let file = options
            .open(&path)
            .map_err(|error| StoreError::unavailable(format!("cannot open {}: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => {
                Err(StoreError::unavailable(format!("another server is using {}", database.display())))
            }
            Err(TryLockError::Error(error)) => Err(StoreError::unavailable(error)),
        }
    }
}

/// Unlocks explicitly instead of by closing the file: a child process that is just being started shares the descriptor,
/// and with it the lock, for a moment.
impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the store's lock file cannot be unlocked");
        }
    }
}
