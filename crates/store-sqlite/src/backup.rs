//! Copies the database and the keys of its rooms, also while a server uses them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;

use store::StoreError;

use super::error::Failure;
use super::seal::{Keyring, Random};
use super::{file, keys, schema};

/// Copies a store to a new file, and the keys of its rooms to one beside it. Both are written under temporary names
/// first, so that files with the final names are complete, synced and marked as a copy.
///
/// # Errors
/// `Unavailable` when the store cannot be opened, or a new file exists or cannot be written; `Corrupt` when the store
/// is damaged or not this program's.
pub fn write(store: &Path, to: &Path) -> Result<(), StoreError> {
    let (store, given) = (file::resolve(store)?, to);
    let to = &file::resolve_any(given)?;
    for (given, to) in [(given, to), (&keys::path_of(given), &keys::path_of(to))] {
        if file::is_store_file(&store, to) {
            return Err(StoreError::unavailable(format!("{} is one of the store's own files", to.display())));
        }
        // True also for a dangling symbolic link.
        if given.symlink_metadata().is_ok() {
            return Err(StoreError::unavailable(format!("{} is there already", to.display())));
        }
    }
    let partial = file::with_suffix(to, ".partial");
    let (conn, keys) = (schema::open_newest(&store)?, keys::open_read_only(&keys::path_of(&store))?);
    let partials = [partial.clone(), keys::path_of(&partial)];
    let mut made = Vec::new();
    let copied = partials.iter().try_for_each(|path| {
        file::create_private(path).map_err(|error| {
            StoreError::unavailable(format!(
                "cannot make {}, which is left by a copy that was interrupted or is still being made: {error}",
                path.display()
            ))
        })?;
        made.push(path);
        Ok(())
    });
    let copied = copied
        .and_then(|()| copy(&conn, &keys, &partial).map_err(StoreError::from))
        .and_then(|()| publish(&partial, to).map_err(StoreError::unavailable));
    if copied.is_err() {
        // The first error is the one to report; a failure to remove a partial file adds nothing to it.
        made.into_iter().for_each(|path| drop(fs::remove_file(path)));
    }
    copied
}

/// Copies with `VACUUM INTO`, which reads one snapshot and omits free pages, and so deleted content.
fn copy(store: &rusqlite::Connection, keys: &File, to: &Path) -> Result<(), Failure> {
    let name = to.to_str().ok_or_else(|| StoreError::unavailable("the name of the copy is not UTF-8"))?;
    store.execute("VACUUM INTO ?1", [name])?;
    copy_keys(keys, to)?;
    schema::mark_as_copy(to)?;
    Ok(File::open(to).and_then(|file| file.sync_all()).map_err(StoreError::unavailable)?)
}

/// Copies the secrets of the rooms in the copy. A room whose secret does not open its record has ended since: it has
/// ended in the copy too.
fn copy_keys(keys: &File, to: &Path) -> Result<(), Failure> {
    let slots = keys::read_all(keys)?;
    let mut conn = schema::open_copy(to)?;
    let tx = conn.transaction()?;
    let mut rooms = HashMap::new();
    {
        let mut query = tx.prepare("SELECT room, slot, sealed FROM rooms WHERE sealed IS NOT NULL")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let (room, slot, sealed): (i64, u32, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let secret = slots.get(slot as usize).map(|slot| &slot.secret);
            let record = secret.map(|secret| Keyring::new(secret).open_room(room, &sealed)).transpose()?.flatten();
            match secret.filter(|_| record.is_some()) {
                Some(secret) => drop(rooms.insert(slot, (room, secret.clone()))),
                None => super::rows::end_room(&tx, room)?,
            }
        }
    }
    tx.commit()?;
    Ok(keys::write_copy(&keys::path_of(to), keys::store_secret(&slots)?, &rooms, &mut Random::new()?)?)
}

/// Renames the copy to its final name, after its keys, and syncs the directory.
fn publish(partial: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(keys::path_of(partial), keys::path_of(to))?;
    fs::rename(partial, to)?;
    File::open(to.parent().unwrap_or(to))?.sync_all()
}
