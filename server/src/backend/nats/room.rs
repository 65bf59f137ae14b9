//! A room as the store has it.

use std::collections::VecDeque;

use protocol::{RoomCode, Seq, codec};

use super::record::{Entry, Head, Roster, decode};
use super::store::{Found, Store};
use super::subject;
use crate::backend::{BackendError, NewRoom};

/// What an append must know. Read once and kept by whoever writes to the room; the head's place in the stream says at
/// the commit whether it is still true.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// The head's place in the stream.
    pub(super) mark: u64,
    pub(super) head: Head,
    pub(super) roster: Roster,
    /// The oldest events' sizes, as far as they are known: from `head.trimmed` on.
    pub(super) sizes: VecDeque<(Seq, usize)>,
}

impl Room {
    /// One that nobody has come to, and that is to keep so many events.
    pub(super) fn new(new: &NewRoom, events: usize) -> Self {
        let none = Seq(0);
        let ring = (events as u64).max(1);
        Self {
            mark: 0,
            head: Head { epoch: new.epoch, seq: none, trimmed: none, blanked: none, bytes: 0, ring, roster: 0 },
            roster: Roster { epoch: new.epoch, version: 0, capacity: new.capacity, members: Vec::new() },
            sizes: VecDeque::new(),
        }
    }

    /// What the leader knows; it knows all that was acknowledged.
    pub(super) async fn load(store: &Store, code: RoomCode) -> Result<Self, BackendError> {
        loop {
            let names = store.names.room(code);
            let (head_subject, roster_subject) = (names.head(), names.roster());
            let (head, roster) =
                tokio::try_join!(store.last(&names.stream, &head_subject), store.last(&names.stream, &roster_subject))?;
            let (Some(head), Some(roster)) = (full(head), full(roster)) else { return Err(BackendError::NotFound) };
            let mark = head.seq;
            let (head, roster): (Head, Roster) = (decode(&head.payload)?, decode(&roster.payload)?);
            // Otherwise somebody came or went between the two questions.
            if (head.epoch, head.roster) == (roster.epoch, roster.version) {
                return Ok(Self { mark, head, roster, sizes: VecDeque::new() });
            }
        }
    }
}

/// What an ended room left is as good as nothing.
pub(super) fn full(found: Option<Found>) -> Option<Found> {
    found.filter(|found| !found.payload.is_empty())
}

/// The events of these places as one replica knows them, which must know the head's mark. None when it does not, or
/// when an event is not where it was: the room went on meanwhile.
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
        let entry: Entry = decode(&found.payload)?;
        if entry.epoch != head.epoch || entry.event.seq != Seq(seq) {
            return Ok(None);
        }
        entries.push(entry);
    }
    Ok(Some(entries))
}

/// What an event counts for.
pub(super) fn size(entry: &Entry) -> usize {
    codec::encode(&entry.event.kind).len()
}
