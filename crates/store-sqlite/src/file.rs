//! The database file: its unique path, and its permissions.
//!
//! The lock, the write-ahead log and the shared memory are found by their names beside the database. A file with two
//! names would have two locks and two logs: two servers could write, and each would lose what the other stored. So
//! symbolic links are resolved first, and a file with a second name that cannot be resolved is refused.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use store::StoreError;

/// Suffix of the name of the keys file.
pub(super) const KEYS_SUFFIX: &str = "-keys";
/// Suffixes of the names of a store's files: the database, the files that SQLite puts beside it, the keys, and the lock.
const SUFFIXES: [&str; 6] = ["", "-wal", "-shm", "-journal", KEYS_SUFFIX, ".lock"];

/// Resolves symbolic links and relative parts of a database's path. The file need not exist; its directory must.
///
/// # Errors
/// `Unavailable` when the path cannot be resolved, is not a regular file, or is a file with more than one name: hard
/// links, or a mount of its own.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    let file = resolve_any(path)?;
    let Ok(metadata) = fs::metadata(&file) else { return Ok(file) };
    if !metadata.is_file() {
        return Err(StoreError::unavailable(format!("{} is no regular file", file.display())));
    }
    if metadata.nlink() > 1 {
        return Err(StoreError::unavailable(format!(
            "{} has more than one name (hard links), and a write-ahead log belongs to one of them: remove the others",
            file.display()
        )));
    }
    if is_mount(&file) {
        return Err(StoreError::unavailable(format!(
            "{} is a mount of its own, without the write-ahead log beside it: mount its directory instead",
            file.display()
        )));
    }
    Ok(file)
}

/// Resolves symbolic links and relative parts of any path whose directory exists.
///
/// # Errors
/// `Unavailable` when the path cannot be resolved.
pub(super) fn resolve_any(path: &Path) -> Result<PathBuf, StoreError> {
    resolve_link(path).map_err(|error| StoreError::unavailable(format!("cannot find {}: {error}", path.display())))
}

fn resolve_link(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        resolved => return resolved,
    }
    let name = path.file_name().ok_or(ErrorKind::NotFound)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = fs::canonicalize(parent)?;
    let file = directory.join(name);
    match fs::read_link(&file) {
        // A dangling link: the file is to be created at its target. A cycle of links is not `NotFound`: returned above.
        Ok(target) => resolve_link(&directory.join(target)),
        Err(_) => Ok(file),
    }
}

/// True for a file that is a mount point, as `docker run -v FILE:FILE` makes it. Systems other than Linux mount
/// directories only.
#[cfg(target_os = "linux")]
fn is_mount(file: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, file, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount(_: &Path) -> bool {
    false
}

/// Appends `end` to the file's name.
pub(super) fn with_suffix(file: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(end);
    name.into()
}

/// True if the store uses, or will use, a file of that name. Both paths must be resolved.
pub(super) fn is_store_file(database: &Path, file: &Path) -> bool {
    SUFFIXES.iter().any(|end| with_suffix(database, end) == file)
}

/// Creates a file that only its owner may read and write.
///
/// # Errors
/// `AlreadyExists` also for any symbolic link, dangling or not (`open(2)`, `O_EXCL`).
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Removes all permissions of group and others from the store's files, because these contain keys and messages.
/// Logs a failure.
pub(super) fn make_private(database: &Path) {
    for file in SUFFIXES.map(|end| with_suffix(database, end)) {
        let Ok(metadata) = fs::symlink_metadata(&file) else { continue };
        let mode = metadata.permissions().mode();
        if !metadata.is_file() || mode & 0o077 == 0 {
            continue;
        }
        match fs::set_permissions(&file, Permissions::from_mode(mode & 0o700)) {
            Ok(()) => {
                tracing::warn!(file = %file.display(), "others could read a file of the store, and no longer can")
            }
            Err(error) => tracing::warn!(file = %file.display(), %error, "others can read a file of the store"),
        }
    }
}

/// Identities of a store's files at the time when it was opened: path, device and inode of each.
#[derive(Debug)]
pub(super) struct OpenFiles {
    files: Vec<(PathBuf, u64, u64)>,
}

impl OpenFiles {
    /// Records the database, its write-ahead log and its shared memory, which exist as long as a connection does; the
    /// keys file; and the lock file: if it is replaced, a second server can lock the new file.
    pub(super) fn record(database: &Path) -> io::Result<Self> {
        let files = ["", "-wal", "-shm", KEYS_SUFFIX, ".lock"].map(|end| with_suffix(database, end)).map(|file| {
            let metadata = fs::metadata(&file)?;
            Ok((file, metadata.dev(), metadata.ino()))
        });
        Ok(Self { files: files.into_iter().collect::<io::Result<_>>()? })
    }

    /// Returns the first file that was removed, moved or replaced, or the database if it was emptied. Compares files by
    /// device and inode, as SQLite does. Only the database is checked for that: it is never empty while it is open, but
    /// a checkpoint empties its write-ahead log.
    pub(super) fn first_missing(&self) -> Option<&Path> {
        let database = self.files.first().map(|(file, ..)| file);
        let missing = self.files.iter().find(|(file, device, inode)| match fs::metadata(file) {
            Ok(metadata) => {
                let is_emptied = metadata.len() == 0 && Some(file) == database;
                is_emptied || (metadata.dev(), metadata.ino()) != (*device, *inode)
            }
            // Any other error does not show that the file is gone.
            Err(error) => error.kind() == ErrorKind::NotFound,
        });
        missing.map(|(file, ..)| file.as_path())
    }
}
