//! State of a room as stored.

use std::collections::VecDeque;
use std::sync::Arc;

use ::store::{NewRoom, Settings, StoreError};
use protocol::{EventKind, MemberId, RoomId, Seq, codec};
use uuid::Uuid;

use super::jetstream::{BatchMessage, JetStream, StoredMessage};
use super::record::{CodeRecord, End, Entry, Head, Roster, decode};
use super::seal::{Place, RoomKey};
use super::{Shared, secrets, subject};

/// State that an append needs. The room's writer reads it once and caches it. The commit, which is conditional on the
/// head's stream sequence, fails if the state is outdated.
#[derive(Clone, Debug)]
pub(super) struct RoomState {
    pub(super) key: Arc<RoomKey>,
    /// Stream sequence of the head.
    pub(super) head_seq: u64,
    pub(super) head: Head,
    pub(super) roster: Roster,
    /// The oldest events after `head.trimmed`, as far as they are known, in ascending order of seq.
    pub(super) oldest: VecDeque<Oldest>,
}

/// Properties of an event that trimming needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Oldest {
    pub(super) seq: Seq,
    /// Size that it has for retention: the length of its encoded kind in bytes.
    pub(super) size: usize,
    /// Member who left with it, and the stream sequence of its message.
    pub(super) left: Option<(MemberId, u64)>,
}

impl Oldest {
    pub(super) fn of(entry: &Entry) -> Self {
        let left = match entry.event.kind {
            EventKind::Left { member, .. } => Some((member, entry.stored)),
            _ => None,
        };
        Self { seq: entry.event.seq, size: size(entry), left }
    }
}

impl RoomState {
    /// Creates the state of a new room, with the hash of its code, that keeps at most `events` events.
    pub(super) fn new(new: &NewRoom, key: Arc<RoomKey>, code: Uuid, events: usize) -> Self {
        let none = Seq(0);
        let ring = (events as u64).max(1);
        Self {
            key,
            head_seq: 0,
            head: Head {
                epoch: new.epoch,
                codes: vec![code],
                seq: none,
                trimmed: none,
                blanked: none,
                bytes: 0,
                ring,
                roster: 0,
                forgotten: 0,
                counted: 0,
                counted_stored: 0,
            },
            roster: Roster {
                epoch: new.epoch,
                version: 0,
                settings: Settings::new(new.code, new.capacity, new.name.clone()),
                members: Vec::new(),
            },
            oldest: VecDeque::new(),
        }
    }
}

impl Shared {
    /// Reads the room from the stream's leader, which has everything that was acknowledged.
    pub(super) async fn load(&self, id: RoomId) -> Result<RoomState, StoreError> {
        let names = self.jetstream.names.room(id);
        let (head_subject, roster_subject) = (names.head(), names.roster());
        // Stream sequence of the head for which there was no key.
        let mut without_key = None;
        loop {
            let (head, roster) = tokio::try_join!(
                self.jetstream.last(&names.stream, &head_subject),
                self.jetstream.last(&names.stream, &roster_subject)
            )?;
            // A room is purged after its key.
            let (Some(head), Some(roster)) = (head, roster) else { return Err(StoreError::NotFound) };
            if head.payload.is_empty() || roster.payload.is_empty() {
                return Err(self.ended(id).await);
            }
            let Some(key) = self.key(id).await? else {
                // Otherwise the room may have ended between the requests.
                if without_key.replace(head.seq) == Some(head.seq) {
                    return Err(secrets::missing());
                }
                continue;
            };
            let head_seq = head.seq;
            let (head, roster): (Head, Roster) = (decode(&head.payload)?, key.open(Place::Roster, &roster.payload)?);
            // Otherwise a member joined or left between the two requests.
            if (head.epoch, head.roster) == (roster.epoch, roster.version) {
                return Ok(RoomState { key, head_seq, head, roster, oldest: VecDeque::new() });
            }
        }
    }

    /// Returns the error that tells of a room's end, once its key is deleted.
    pub(super) async fn ended(&self, id: RoomId) -> StoreError {
        self.destroy_key(id).await.err().unwrap_or(StoreError::NotFound)
    }
}

/// Returns the messages that end a room, of which the last is conditional on its head.
pub(super) fn end(
    names: &subject::Names,
    id: RoomId,
    head_seq: u64,
    head: &Head,
) -> Result<Vec<BatchMessage>, StoreError> {
    let room = names.room(id);
    let freed = CodeRecord { room: id, ended: true };
    let codes = head.codes.iter().map(|code| BatchMessage::new(names.code(*code).1, &freed));
    let end = End { codes: head.codes.clone(), epoch: head.epoch, seq: head.seq };
    let rest = [
        BatchMessage::new(room.end(), &end),
        Ok(BatchMessage::empty(room.roster())),
        Ok(BatchMessage::empty(room.head()).if_seq(head_seq)),
    ];
    codes.chain(rest).collect()
}

/// Treats an empty message, such as an ended room leaves, as absent.
pub(super) fn non_empty(found: Option<StoredMessage>) -> Option<StoredMessage> {
    found.filter(|found| !found.payload.is_empty())
}

/// Reads the events with these seqs from a replica that must have the head with the stream sequence `head_seq`. `None`
/// if it does not have that head, or if a slot does not contain the expected event because the room changed meanwhile.
pub(super) async fn entries(
    jetstream: &JetStream,
    names: &subject::RoomSubjects,
    key: &RoomKey,
    (head_seq, head): (u64, &Head),
    seqs: std::ops::RangeInclusive<u64>,
) -> Result<Option<Vec<Entry>>, StoreError> {
    let subjects: Vec<_> = seqs.clone().map(|seq| names.event(head.slot(Seq(seq)))).collect();
    let head_subject = names.head();
    let Some(found) = jetstream.snapshot(&names.stream, (&head_subject, head_seq), &subjects).await? else {
        return Ok(None);
    };
    let mut entries = Vec::with_capacity(subjects.len());
    for (seq, subject) in seqs.zip(&subjects) {
        let Some(found) = found.get(subject).filter(|found| !found.payload.is_empty()) else { return Ok(None) };
        let place = Place::Event(head.slot(Seq(seq)));
        let entry = Entry { stored: found.seq, ..key.open(place, &found.payload)? };
        if entry.epoch != head.epoch || entry.event.seq != Seq(seq) {
            return Ok(None);
        }
        entries.push(entry);
    }
    Ok(Some(entries))
}

/// Returns the size that an event has for retention.
pub(super) fn size(entry: &Entry) -> usize {
    codec::encode(&entry.event.kind).len()
}
