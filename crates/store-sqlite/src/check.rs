//! Checks a whole store: SQLite's integrity check, the invariants of the rows, and that each room has its key.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use protocol::Seq;
use protocol::name::HUES;
use rusqlite::{Connection, Transaction};
use store::StoreError;

use super::contents::{LogReader, trimmed_ids};
use super::error::Failure;
use super::keys::{self, Slot};
use super::load::{self, Fault};
use super::log::Kept;
use super::state::RoomState;
use super::{file, schema};

/// Number of times that a room and its key are looked at when they do not belong together. A server may just be making
/// or ending the room.
const LOOKS: usize = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// Result of [`run`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegrityReport {
    /// Number of rooms checked.
    pub rooms: usize,
    /// Number of events checked.
    pub events: usize,
    /// Descriptions of what is wrong. They contain no message text.
    pub faults: Vec<String>,
}

/// Checks the integrity of a whole store. A server may use it meanwhile.
///
/// # Errors
/// `Unavailable` when a file cannot be opened; `Corrupt` when the store is damaged or not this program's.
pub fn run(store: &Path) -> Result<IntegrityReport, StoreError> {
    Ok(examine(store)?)
}

/// Number of faults of each kind, in words.
type Counts = BTreeMap<&'static str, usize>;

fn examine(store: &Path) -> Result<IntegrityReport, Failure> {
    let path = file::resolve(store)?;
    let mut conn = schema::open_newest(&path)?;
    let keys = keys::open_read_only(&keys::path_of(&path))?;
    let mut counts = Counts::new();
    for suspect in suspects(&mut conn, &keys)? {
        *counts.entry(suspect.words()).or_default() += 1;
    }
    let tx = conn.transaction()?;
    let faults = damage(&tx)?;
    // Queries over damaged pages would return meaningless counts.
    if !faults.is_empty() {
        return Ok(IntegrityReport { faults, ..IntegrityReport::default() });
    }
    let loaded = load::load(&tx, &keys::read_all(&keys)?)?;
    if loaded.keys.is_none() {
        counts.insert("other number of key sets than one", 1);
    }
    for fault in &loaded.faults {
        let words = match fault {
            Fault::Member(_) => "members that cannot be read",
            Fault::Log(_) => "rooms with a hole in their log",
            Fault::Ids(_) => "rooms with a hole in the ids that they know",
            Fault::Slot(_) => "rooms that have the key of another one",
            Fault::Stray(_) => "rows of rooms that ended",
        };
        *counts.entry(words).or_default() += 1;
    }
    let mut events = 0;
    let mut codes = HashMap::new();
    for room in &loaded.rooms {
        events += room.log.kept.len();
        examine_room(&tx, room, &mut counts)?;
        for code in room.record.settings.codes() {
            if codes.insert(code, room.number).is_some() {
                *counts.entry("rooms with the code of another one").or_default() += 1;
            }
        }
    }
    let faults = counts.into_iter().map(|(words, count)| format!("{count} {words}")).collect();
    // A room that cannot be read is among the suspects.
    Ok(IntegrityReport { rooms: loaded.rooms.len() + loaded.unreadable.len(), events, faults })
}

/// Checks what is in the memory of a server, and decrypts all events and ids.
fn examine_room(tx: &Connection, room: &RoomState, counts: &mut Counts) -> Result<(), Failure> {
    let mut fault = |words, is_so: bool| {
        if is_so {
            *counts.entry(words).or_default() += 1;
        }
    };
    let seated = room.roster.seated().count();
    fault("rooms with more members than seats", seated > room.record.settings.capacity as usize);
    let has_host = room.record.settings.host.is_some_and(|host| room.roster.seat(host).is_some());
    fault("rooms whose host has no seat", seated > 0 && !has_host);
    for person in room.roster.iter() {
        let name = &person.record.name;
        fault("names whose number or hue is none", name.number < 1 || name.hue >= HUES);
    }
    for _ in room.roster.forgotten(room.log.deleted()) {
        fault("names that no event mentions", true);
    }
    let mut log = LogReader::new(tx, room)?;
    for seq in (room.log.deleted().0 + 1..=room.log.head.0).map(Seq) {
        if room.log.kept(seq).is_some_and(Kept::is_missing) {
            // It is a hole in the log.
            continue;
        }
        match log.event(seq) {
            Ok(event) => fault("events whose id leads elsewhere", room.seq_of(event.id) != Some(seq)),
            Err(Failure(StoreError::Corrupt(_))) => fault("events that cannot be read", true),
            Err(error) => return Err(error),
        }
    }
    match trimmed_ids(tx, room) {
        Ok(ids) => {
            let wrong = ids.iter().filter(|(seq, id)| room.seq_of(*id) != Some(*seq)).count();
            fault("rooms with ids that lead elsewhere", wrong > 0);
        }
        Err(Failure(StoreError::Corrupt(_))) => fault("rooms with ids that cannot be read", true),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// A room or a key that lacks the other, unless a server is just making or ending the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suspect {
    /// The key of this room is not there, or the room's record is damaged.
    Unreadable(i64),
    /// The slot of this room is damaged, or has another number.
    Unmarked(i64),
    /// This slot has the key of a room that does not exist.
    Unused(u32),
    /// This slot is damaged, and no room names it.
    Torn(u32),
}

impl Suspect {
    fn words(self) -> &'static str {
        match self {
            Self::Unreadable(_) => "rooms that cannot be read",
            Self::Unmarked(_) => "rooms whose key is damaged",
            Self::Unused(_) => "keys of rooms that ended",
            Self::Torn(_) => "damaged keys",
        }
    }
}

/// Returns those suspects that are so at every look.
fn suspects(conn: &mut Connection, keys: &File) -> Result<BTreeSet<Suspect>, Failure> {
    let mut suspects = look(conn, keys)?;
    for _ in 1..LOOKS {
        if suspects.is_empty() {
            break;
        }
        thread::sleep(PAUSE);
        let again = look(conn, keys)?;
        suspects.retain(|suspect| again.contains(suspect));
    }
    Ok(suspects)
}

fn look(conn: &mut Connection, keys: &File) -> Result<BTreeSet<Suspect>, Failure> {
    let tx = conn.transaction()?;
    let slots = keys::read_all(keys)?;
    let rooms = load::rooms(&tx, &slots)?;
    let suspect = |(number, slot): (u32, &Slot)| match rooms.slots.get(&number) {
        Some(room) => (!slot.is_sound || slot.room() != Some(*room)).then_some(Suspect::Unmarked(*room)),
        None if rooms.unreadable.iter().any(|room| room.slot == Some(number)) => None,
        None if slot.room().is_some() => Some(Suspect::Unused(number)),
        None => (!slot.is_sound).then_some(Suspect::Torn(number)),
    };
    let mut suspects: BTreeSet<_> = (0..).zip(&slots).skip(1).filter_map(suspect).collect();
    suspects.extend(rooms.unreadable.iter().map(|room| Suspect::Unreadable(room.room)));
    Ok(suspects)
}

fn damage(tx: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
    let mut lines: Vec<String> =
        tx.prepare("PRAGMA integrity_check")?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    lines.retain(|line| line != "ok");
    Ok(lines)
}
