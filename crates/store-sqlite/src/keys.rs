//! The keys file: the secret of each room, at a place where it can be overwritten.
//!
//! The file is a row of slots of 64 bytes. Slot 0 has the secret of the store itself. Every other slot has a random
//! secret, which a room uses or the next one will: the room's row names its slot. A slot in use also has the room's
//! number, written after the commit that made the room. So a number that the database has never given out shows that the
//! database is older than the file. Any other slot has the number of the newest room at the time when its secret was
//! drawn, negative. So a room whose slot has another secret has ended since, or is newer than the file.
//!
//! When a room has ended, its secret is overwritten with a new one, after the commit: until then the room must stay
//! readable. A crash in between leaves a secret without a room, which the next start overwrites.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use store::StoreError;
use zeroize::Zeroizing;

use super::seal::{Random, Secret};

/// Length of a slot. A power of two, so that no slot lies in two sectors of a disk.
const SLOT: usize = 64;
const SUM: usize = SLOT - 8 - Secret::LENGTH;
/// Number of secrets that are drawn at once. One sync of the disk is then enough for as many new rooms.
pub(super) const POOL: u32 = 1_000;
/// Number in slot 0.
const STORE: i64 = -1;

/// Content of one slot.
#[derive(Debug)]
pub(super) struct Slot {
    /// Number of the room that uses it. Otherwise that of the newest room when the secret was drawn, negative or 0.
    number: i64,
    pub(super) secret: Secret,
    /// False if the slot's check sum is wrong, as after a write that was interrupted.
    pub(super) is_sound: bool,
}

impl Slot {
    /// Returns the room that uses the slot.
    pub(super) fn room(&self) -> Option<i64> {
        Some(self.number).filter(|number| *number > 0)
    }

    /// True if the secret was drawn before this room was made. False if it is the room's, or was drawn after its end.
    pub(super) fn is_older_than(&self, room: i64) -> bool {
        self.is_sound && self.number.unsigned_abs() < room.unsigned_abs()
    }
}

/// The keys file of a store that is open for writing.
#[derive(Debug)]
pub(super) struct KeysFile {
    file: File,
    /// Number of slots.
    slots: u32,
    /// Slots whose secret no room has used, and that are synced.
    unused: Vec<(u32, Secret)>,
    /// Slots, rooms and secrets of rooms that are being made.
    taken: Vec<(u32, i64, Secret)>,
    /// Highest number of a room that has been used.
    newest: i64,
    /// Slots whose secret has to be overwritten.
    retired: Vec<u32>,
}

/// Returns the path of the keys file of a database.
pub(super) fn path_of(database: &Path) -> PathBuf {
    super::file::with_suffix(database, super::file::KEYS_SUFFIX)
}

/// Opens an existing keys file to read it.
///
/// # Errors
/// `Unavailable` when it is missing, cannot be opened, or has several names.
pub(super) fn open_read_only(path: &Path) -> Result<File, StoreError> {
    open(path, File::options().read(true))
}

/// Reads all slots, also while a server uses the file.
///
/// # Errors
/// `Unavailable` when the file cannot be read.
pub(super) fn read_all(file: &File) -> Result<Vec<Slot>, StoreError> {
    let slots = file.metadata().map_err(StoreError::unavailable)?.len() / SLOT as u64;
    let slots = u32::try_from(slots).map_err(StoreError::corrupt)?;
    (0..slots).map(|slot| read(file, slot)).collect::<io::Result<_>>().map_err(StoreError::unavailable)
}

impl KeysFile {
    /// Opens the file. For a new database it is created.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be opened, has several names, or is missing beside a database that exists.
    pub(super) fn open(path: &Path, is_new: bool) -> Result<Self, StoreError> {
        let mut options = File::options();
        options.read(true).write(true).create(is_new).truncate(false).mode(0o600);
        let file = open(path, &mut options)?;
        let slots = file.metadata().map_err(StoreError::unavailable)?.len() / SLOT as u64;
        let slots = u32::try_from(slots).map_err(StoreError::corrupt)?;
        Ok(Self { file, slots, unused: Vec::new(), taken: Vec::new(), newest: 0, retired: Vec::new() })
    }

    /// Draws the secret of a new store, and overwrites what is left of one that was never used.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written.
    pub(super) fn initialize(&mut self, path: &Path, random: &mut Random) -> Result<(), StoreError> {
        self.try_initialize(path, random).map_err(|error| failed(&error))
    }

    fn try_initialize(&mut self, path: &Path, random: &mut Random) -> io::Result<()> {
        let slots = self.file.metadata()?.len().div_ceil(SLOT as u64);
        self.slots = u32::try_from(slots).map_err(io::Error::other)?.max(1);
        write(&self.file, 0, STORE, &Secret::draw(random))?;
        self.unused = (1..self.slots).map(|slot| self.renew(slot, random)).collect::<io::Result<_>>()?;
        self.file.sync_all()?;
        File::open(path.parent().unwrap_or(path))?.sync_all()
    }

    /// Reads all slots.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be read.
    pub(super) fn read_all(&self) -> Result<Vec<Slot>, StoreError> {
        read_all(&self.file)
    }

    /// Brings the file into the state that the database expects: a slot that a room uses has the room's number, and
    /// every other secret is overwritten, because an interrupted run may have used it. `newest` is the highest number of a
    /// room that has been used.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be read or written.
    pub(super) fn repair(
        &mut self,
        rooms: &HashMap<u32, i64>,
        newest: i64,
        random: &mut Random,
    ) -> Result<(), StoreError> {
        self.newest = newest;
        self.try_repair(rooms, random).map_err(|error| failed(&error))
    }

    fn try_repair(&mut self, rooms: &HashMap<u32, i64>, random: &mut Random) -> io::Result<()> {
        let mut unused = Vec::new();
        for slot in 1..self.slots {
            let Some(room) = rooms.get(&slot) else {
                unused.push(self.renew(slot, random)?);
                continue;
            };
            let stored = read(&self.file, slot)?;
            if !stored.is_sound || stored.room() != Some(*room) {
                write(&self.file, slot, *room, &stored.secret)?;
            }
        }
        self.file.sync_all()?;
        self.unused = unused;
        Ok(())
    }

    /// Draws new secrets if there are fewer unused ones than that.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be written. Those that are left can be used.
    pub(super) fn provide(&mut self, rooms: usize, random: &mut Random) -> Result<(), StoreError> {
        if self.unused.len() >= rooms { Ok(()) } else { self.grow(random).map_err(|error| failed(&error)) }
    }

    /// True if a room can be made.
    pub(super) fn has_unused(&self) -> bool {
        !self.unused.is_empty()
    }

    /// Gives an unused secret to a room that is being made. [`KeysFile::keep_taken`] or [`KeysFile::retire_taken`] has to
    /// follow. `None` when none is left.
    pub(super) fn take(&mut self, room: i64) -> Option<(u32, Secret)> {
        let (slot, secret) = self.unused.pop()?;
        self.newest = self.newest.max(room);
        self.taken.push((slot, room, secret.clone()));
        Some((slot, secret))
    }

    /// Writes the numbers of rooms into their slots, after the commit that made them. Without a sync: the next start
    /// writes what is missing.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written.
    pub(super) fn keep_taken(&mut self) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut self.taken);
        let written = taken.iter().try_for_each(|(slot, room, secret)| write(&self.file, *slot, *room, secret));
        written.map_err(|error| failed(&error))
    }

    /// Marks the secrets of rooms that were not made after all.
    pub(super) fn retire_taken(&mut self) {
        self.retired.extend(self.taken.drain(..).map(|(slot, ..)| slot));
    }

    fn grow(&mut self, random: &mut Random) -> io::Result<()> {
        let end = self.slots.checked_add(POOL).ok_or(io::ErrorKind::FileTooLarge)?;
        let new: Vec<_> = (self.slots..end).map(|slot| self.renew(slot, random)).collect::<io::Result<_>>()?;
        self.file.sync_data()?;
        self.slots = end;
        self.unused.extend(new);
        Ok(())
    }

    /// Marks the secret of a room that is gone. [`KeysFile::destroy_retired`] overwrites it.
    pub(super) fn retire(&mut self, slot: u32) {
        self.retired.push(slot);
    }

    /// Overwrites the secrets of rooms that are gone, and syncs the file once.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written. The secrets stay marked.
    pub(super) fn destroy_retired(&mut self, random: &mut Random) -> Result<(), StoreError> {
        if self.retired.is_empty() {
            return Ok(());
        }
        let renewed: io::Result<Vec<_>> = self.retired.iter().map(|slot| self.renew(*slot, random)).collect();
        let renewed = renewed.and_then(|renewed| self.file.sync_data().map(|()| renewed));
        self.unused.extend(renewed.map_err(|error| failed(&error))?);
        self.retired.clear();
        Ok(())
    }

    /// Puts another file in the place of the one that is open.
    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    /// Overwrites a slot with a new secret.
    fn renew(&self, slot: u32, random: &mut Random) -> io::Result<(u32, Secret)> {
        let secret = Secret::draw(random);
        write(&self.file, slot, -self.newest, &secret)?;
        Ok((slot, secret))
    }
}

/// Writes a keys file for a copy of the database: the secrets of the store and of these rooms at the same places, and
/// random ones elsewhere. The file must exist and be empty.
///
/// # Errors
/// `Unavailable` when the file cannot be written.
pub(super) fn write_copy(
    path: &Path,
    store: &Secret,
    rooms: &HashMap<u32, (i64, Secret)>,
    random: &mut Random,
) -> Result<(), StoreError> {
    let mut write_all = || -> io::Result<()> {
        let file = File::options().write(true).open(path)?;
        write(&file, 0, STORE, store)?;
        for slot in 1..=rooms.keys().copied().max().unwrap_or(0) {
            match rooms.get(&slot) {
                Some((room, secret)) => write(&file, slot, *room, secret)?,
                None => write(&file, slot, 0, &Secret::draw(random))?,
            }
        }
        file.sync_all()
    };
    write_all().map_err(|error| failed(&error))
}

/// Returns the secret of the store itself from the slots of its keys file.
///
/// # Errors
/// `Corrupt` when it is missing or damaged.
pub(super) fn store_secret(slots: &[Slot]) -> Result<&Secret, StoreError> {
    let slot = slots.first().filter(|slot| slot.is_sound && slot.number == STORE);
    slot.map(|slot| &slot.secret).ok_or_else(|| StoreError::corrupt("the keys file is damaged"))
}

/// Returns the highest number of a room that uses a slot, 0 if none does.
pub(super) fn newest_room(slots: &[Slot]) -> i64 {
    slots.iter().filter(|slot| slot.is_sound).filter_map(Slot::room).max().unwrap_or(0)
}

fn failed(error: &io::Error) -> StoreError {
    StoreError::unavailable(format!("the keys file cannot be written: {error}"))
}

fn open(path: &Path, options: &mut fs::OpenOptions) -> Result<File, StoreError> {
    let name = path.display();
    // Without NONBLOCK, opening a FIFO of that name would block the start forever.
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    let file = options.open(path).map_err(|error| {
        StoreError::unavailable(format!("cannot open {name}, without which the database cannot be read: {error}"))
    })?;
    let metadata = file.metadata().map_err(StoreError::unavailable)?;
    if !metadata.is_file() {
        return Err(StoreError::unavailable(format!("{name} is no regular file")));
    }
    if metadata.nlink() > 1 {
        return Err(StoreError::unavailable(format!("{name} has more than one name (hard links): remove the others")));
    }
    Ok(file)
}

fn read(file: &File, slot: u32) -> io::Result<Slot> {
    let mut bytes = Zeroizing::new([0; SLOT]);
    file.read_exact_at(&mut *bytes, u64::from(slot) * SLOT as u64)?;
    let (mut number, mut secret, mut sum) = ([0; 8], Zeroizing::new([0; Secret::LENGTH]), [0; SUM]);
    number.copy_from_slice(&bytes[..8]);
    secret.copy_from_slice(&bytes[8..SLOT - SUM]);
    sum.copy_from_slice(&bytes[SLOT - SUM..]);
    Ok(Slot {
        number: i64::from_le_bytes(number),
        secret: Secret::from_bytes(*secret),
        is_sound: sum == check_sum(&bytes),
    })
}

fn write(file: &File, slot: u32, number: i64, secret: &Secret) -> io::Result<()> {
    let mut bytes = Zeroizing::new([0; SLOT]);
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..SLOT - SUM].copy_from_slice(secret.bytes());
    let sum = check_sum(&bytes);
    bytes[SLOT - SUM..].copy_from_slice(&sum);
    file.write_all_at(&*bytes, u64::from(slot) * SLOT as u64)
}

/// Check sum of a slot's number and secret: the beginning of their SHA-256, which does not reveal the secret.
fn check_sum(slot: &[u8; SLOT]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&Sha256::digest(&slot[..SLOT - SUM])[..SUM]);
    sum
}

#[cfg(test)]
mod tests;
