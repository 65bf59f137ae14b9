//! State of a room as stored.

use std::collections::VecDeque;

use ::store::{BackendError, NewRoom};
use protocol::{EventKind, MemberId, RoomId, Seq, codec};

use super::record::{Entry, Head, Roster, decode};
use super::store::{Found, Store};
use super::subject;

/// State that an append needs. The room's writer reads it once and caches it. The commit, which is conditional on the
/// head's stream sequence, fails if the state is outdated.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// Stream sequence of the head.
    pub(super) mark: u64,
    pub(super) head: Head,
    pub(super) roster: Roster,
    /// The oldest events after `head.trimmed`, as far as they are known, in ascending order of seq.
    pub(super) oldest: VecDeque<Oldest>,
}

/// What trimming needs to know of an event.
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

impl Room {
    /// Creates the state of a new room that keeps at most `events` events.
    pub(super) fn new(new: &NewRoom, events: usize) -> Self {
        let none = Seq(0);
        let ring = (events as u64).max(1);
        Self {
            mark: 0,
            head: Head {
                epoch: new.epoch,
                seq: none,
                trimmed: none,
                blanked: none,
                bytes: 0,
                ring,
                roster: 0,
                forgotten: 0,
                counted: 0,
            },
            roster: Roster {
                code: new.code,
                epoch: new.epoch,
                version: 0,
                capacity: new.capacity,
                members: Vec::new(),
            },
            oldest: VecDeque::new(),
        }
    }

    /// Reads the room from the stream's leader, which has everything that was acknowledged.
    pub(super) async fn load(store: &Store, id: RoomId) -> Result<Self, BackendError> {
        loop {
            let names = store.names.room(id);
            let (head_subject, roster_subject) = (names.head(), names.roster());
            let (head, roster) =
                tokio::try_join!(store.last(&names.stream, &head_subject), store.last(&names.stream, &roster_subject))?;
            let (Some(head), Some(roster)) = (full(head), full(roster)) else { return Err(BackendError::NotFound) };
            let mark = head.seq;
            let (head, roster): (Head, Roster) = (decode(&head.payload)?, decode(&roster.payload)?);
            // Otherwise a member joined or left between the two requests.
            if (head.epoch, head.roster) == (roster.epoch, roster.version) {
                return Ok(Self { mark, head, roster, oldest: VecDeque::new() });
            }
        }
    }
}

/// Treats an empty message, such as an ended room leaves, as absent.
pub(super) fn full(found: Option<Found>) -> Option<Found> {
    found.filter(|found| !found.payload.is_empty())
}

/// Reads the events with these seqs from a replica that must have the head with the stream sequence `mark`. `None` if
/// it does not have that head, or if a slot does not contain the expected event because the room changed meanwhile.
pub(super) async fn entries(
    store: &Store,
    names: &subject::Room,
    (mark, head): (u64, &Head),
    places: std::ops::RangeInclusive<u64>,
) -> Result<Option<Vec<Entry>>, BackendError> {
    let subjects: Vec<_> = places.clone().map(|seq| names.event(head.slot(Seq(seq)))).collect();
    let head_subject = names.head();
    let Some(found) = store.snapshot(&names.stream, (&head_subject, mark), &subjects).await? else { return Ok(None) };
    let mut entries = Vec::with_capacity(subjects.len());
    for (seq, subject) in places.zip(&subjects) {
        let Some(found) = found.get(subject).filter(|found| !found.payload.is_empty()) else { return Ok(None) };
        let entry = Entry { stored: found.seq, ..decode(&found.payload)? };
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
