//! Copies the database file, also while a server uses it.

use std::fs::{self, File};
use std::path::Path;

use store::StoreError;

use super::error::Failure;
use super::{file, schema};

/// Copies a store to a new file. It is written under a temporary name first, so that a file with the final name is
/// complete, synced and marked as a copy.
///
/// # Errors
/// `Unavailable` when the store cannot be opened, or the new file exists or cannot be written; `Corrupt` when the store
/// is damaged or not this program's.
pub fn write(store: &Path, to: &Path) -> Result<(), StoreError> {
    // True also for a dangling symbolic link.
    let is_there = to.symlink_metadata().is_ok();
    let (store, to) = (file::resolve(store)?, &file::resolve_any(to)?);
    if file::is_store_file(&store, to) {
        return Err(StoreError::unavailable(format!("{} is one of the store's own files", to.display())));
    }
    if is_there {
        return Err(StoreError::unavailable(format!("{} is there already", to.display())));
    }
    let store = schema::open_existing(&store)?;
    let partial = file::with_suffix(to, ".partial");
    file::create_private(&partial).map_err(|error| {
        StoreError::unavailable(format!(
            "cannot make {}, which is left by a copy that was interrupted or is still being made: {error}",
            partial.display()
        ))
    })?;
    let copied = copy(&store, &partial)
        .map_err(StoreError::from)
        .and_then(|()| publish(&partial, to).map_err(StoreError::unavailable));
    if copied.is_err() {
        // The first error is the one to report; a failure to remove the partial file adds nothing to it.
        drop(fs::remove_file(&partial));
    }
    copied
}

/// Copies with `VACUUM INTO`, which reads one snapshot and omits free pages, and so deleted content.
fn copy(store: &rusqlite::Connection, to: &Path) -> Result<(), Failure> {
    let name = to.to_str().ok_or_else(|| StoreError::unavailable("the name of the copy is not UTF-8"))?;
    store.execute("VACUUM INTO ?1", [name])?;
    schema::mark_as_copy(to)?;
    Ok(File::open(to).and_then(|file| file.sync_all()).map_err(StoreError::unavailable)?)
}

/// Renames the copy to its final name and syncs the directory.
fn publish(partial: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(partial, to)?;
    File::open(to.parent().unwrap_or(to))?.sync_all()
}
