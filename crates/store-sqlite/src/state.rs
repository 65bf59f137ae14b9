//! Committed state of all rooms, in memory: what a room's record and its members' records say, and where the events of
//! its log are. It is rebuilt at start. The writer changes it after each commit; everybody reads it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use protocol::{EventId, Member, MemberId, Names, Position, RoomCode, RoomId, Seq, ShownName};
use store::{NameKeys, Room, StoreError};

use super::log::Log;
use super::record::{MemberRecord, RoomRecord};
use super::seal::{Keyring, Table};

/// State of all rooms, shared by the threads.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    rooms: Arc<RwLock<Rooms>>,
    /// Held while the database may be newer than the state.
    commit: Arc<Mutex<()>>,
}

impl Shared {
    /// The state is changed by assignments that cannot panic half-way, so a poisoned lock is as good as any.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Rooms> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Rooms> {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a commit, or waits for the one that is being made: as long as the guard is held, the database may be newer
    /// than this state.
    pub(super) fn commit(&self) -> MutexGuard<'_, ()> {
        self.commit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every room that can be read.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: HashMap<RoomId, RoomState>,
    codes: HashMap<RoomCode, RoomId>,
}

impl Rooms {
    pub(super) fn get(&self, id: RoomId) -> Result<&RoomState, StoreError> {
        self.rooms.get(&id).ok_or(StoreError::NotFound)
    }

    pub(super) fn get_mut(&mut self, id: RoomId) -> Option<&mut RoomState> {
        self.rooms.get_mut(&id)
    }

    /// Returns the id of the room that has or had this code.
    pub(super) fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError> {
        self.codes.get(&code).copied().ok_or(StoreError::NotFound)
    }

    pub(super) fn insert(&mut self, room: RoomState) {
        self.codes.extend(room.record.settings.codes().map(|code| (code, room.record.id)));
        self.rooms.insert(room.record.id, room);
    }

    /// Applies the codes that a room has and had after a commit, which may have dropped one of `before`.
    pub(super) fn update_codes(&mut self, id: RoomId, before: &[RoomCode]) {
        for code in before {
            self.codes.remove(code);
        }
        if let Some(room) = self.rooms.get(&id) {
            self.codes.extend(room.record.settings.codes().map(|code| (code, id)));
        }
    }

    pub(super) fn remove(&mut self, id: RoomId) -> Option<RoomState> {
        let room = self.rooms.remove(&id)?;
        for code in room.record.settings.codes() {
            // A new room may have the code already.
            if self.resolve(code).is_ok_and(|found| found == id) {
                self.codes.remove(&code);
            }
        }
        Some(room)
    }
}

/// State of one room.
#[derive(Debug)]
pub(super) struct RoomState {
    /// Number of the room in the tables.
    pub(super) number: i64,
    /// Slot of the keys file that has its secret.
    pub(super) slot: u32,
    pub(super) keys: Arc<Keyring>,
    pub(super) record: Arc<RoomRecord>,
    pub(super) roster: Arc<Roster>,
    pub(super) log: Log,
}

impl RoomState {
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.record.epoch, seq: self.log.head }
    }

    /// Returns the room as the store's callers see it.
    pub(super) fn room(&self) -> Room {
        Room {
            id: self.record.id,
            position: self.position(),
            oldest: self.log.oldest(),
            settings: self.record.settings.clone(),
            members: self.roster.members(),
        }
    }

    /// Returns the seq of the event with this id, even if the event has been trimmed. `None` also if the id is forgotten.
    pub(super) fn seq_of(&self, id: EventId) -> Option<Seq> {
        self.log.seq_of(&self.keys.hash(id))
    }
}

/// A member, or a former one whom the log still mentions.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// Row of the table `members`.
    pub(super) row: i64,
    pub(super) record: MemberRecord,
}

/// The members of a room, and whoever else its log mentions.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    people: HashMap<MemberId, Person>,
}

impl Roster {
    pub(super) fn get(&self, member: MemberId) -> Option<&Person> {
        self.people.get(&member)
    }

    pub(super) fn insert(&mut self, person: Person) {
        self.people.insert(person.record.member, person);
    }

    /// Everybody in the roster, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// The members with a seat, in no order.
    pub(super) fn seated(&self) -> impl Iterator<Item = &MemberRecord> {
        self.people.values().map(|person| &person.record).filter(|record| record.left.is_none())
    }

    /// Returns the record of a member with a seat.
    pub(super) fn seat(&self, member: MemberId) -> Option<&MemberRecord> {
        self.people.get(&member).map(|person| &person.record).filter(|record| record.left.is_none())
    }

    /// Returns hue and keys of everyone with a seat but this member.
    pub(super) fn others(&self, member: MemberId) -> Vec<(u8, NameKeys)> {
        let others = self.seated().filter(|seated| seated.member != member);
        others.map(|seated| (seated.name.hue, seated.keys.clone())).collect()
    }

    /// Returns the member with a seat who took it first, but for this one.
    pub(super) fn first_but(&self, member: MemberId) -> Option<MemberId> {
        let others = self.seated().filter(|seated| seated.member != member);
        others.min_by_key(|seated| seated.joined).map(|seated| seated.member)
    }

    /// Returns the members with a seat, in the order in which they joined.
    fn members(&self) -> Vec<Member> {
        let mut seated: Vec<_> = self.seated().collect();
        seated.sort_by_key(|seated| seated.joined);
        let member = |seated: &MemberRecord| Member { member: seated.member, name: seated.name.clone(), away: false };
        seated.into_iter().map(member).collect()
    }

    /// Returns the names of these members. A member who never had a seat has no name.
    pub(super) fn names(&self, members: impl IntoIterator<Item = MemberId>) -> Names {
        let name = |member| Some((member, self.name_of(member)?));
        members.into_iter().filter_map(name).collect()
    }

    fn name_of(&self, member: MemberId) -> Option<ShownName> {
        self.people.get(&member).map(|person| person.record.name.clone())
    }

    /// Rows of former members whose last event was at or before this seq.
    pub(super) fn forgotten(&self, trimmed: Seq) -> impl Iterator<Item = i64> {
        self.people.values().filter(move |person| is_forgotten(person, trimmed)).map(|person| person.row)
    }

    /// Removes the former members whose last event was at or before this seq.
    pub(super) fn forget(&mut self, trimmed: Seq) {
        self.people.retain(|_, person| !is_forgotten(person, trimmed));
    }
}

fn is_forgotten(person: &Person, trimmed: Seq) -> bool {
    person.record.left.is_some_and(|left| left <= trimmed)
}

/// Rows of a room that ended, which are still to be deleted.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Number of the room.
    pub(super) room: i64,
    pub(super) rows: Vec<(Table, i64)>,
}

impl RoomState {
    /// Returns the rows that the room has beside its own.
    pub(super) fn into_rows(self) -> Rows {
        let events = self.log.kept.iter().map(|kept| (Table::Events, kept.row()));
        let members = self.roster.iter().map(|person| (Table::Members, person.row));
        let ids = self.log.packs.iter().map(|pack| (Table::Ids, pack.row));
        Rows { room: self.number, rows: ids.chain(members).chain(events).collect() }
    }
}
