//! Reads a room's state and its log.
//!
//! The leader provides the head of the log. Any replica provides the events, provided that it has that head. So every
//! node reads what any node has acknowledged, and no node reads text that was edited or deleted.

use ::store::{BackendError, From, Page};
use protocol::{Event, EventId, EventKind, Member, MemberId, Names, RoomId, Seq};

use super::Engine;
use super::record::{Head, Seated, decode};
use super::room::{Room, entries, full};

impl Engine {
    pub(super) async fn room(&self, id: RoomId) -> Result<::store::Room, BackendError> {
        Ok(view(id, Room::load(&self.store, id).await?))
    }

    /// Reads the room from the leader, and then the events up to its head, and no later one, from any replica that has
    /// that head.
    pub(super) async fn snapshot(
        &self,
        id: RoomId,
        from: From,
        limit: usize,
    ) -> Result<(::store::Room, Page), BackendError> {
        // Read before the head, so that the head includes a seq that is found.
        let place = if let From::Message(message) = from { self.place(id, message).await? } else { None };
        loop {
            let room = Room::load(&self.store, id).await?;
            let (first, last) = range(&room.head, from, place, limit as u64)?;
            let truncated = |start| {
                matches!(from, From::Before(_) | From::Latest)
                    && ::store::starts_where_trimmed(start, room.head.trimmed)
            };
            if first > last {
                let start = if let From::Before(seq) = from { seq } else { room.head.seq };
                let page = Page { truncated: truncated(start), ..Page::default() };
                return Ok((view(id, room), page));
            }
            let names = self.store.names.room(id);
            if let Some(entries) = entries(&self.store, &names, (room.mark, &room.head), first..=last).await? {
                let mut events: Vec<_> = entries.into_iter().map(|entry| entry.event).collect();
                if place.is_some() {
                    events.retain(|event| matches!(event.kind, EventKind::Message { .. }));
                }
                if let Some(names) = self.called(id, &room, &events).await? {
                    let more = place.is_none() && last < room.head.seq.0;
                    let page = Page { names, truncated: truncated(Seq(first)), more, events };
                    return Ok((view(id, room), page));
                }
            }
            // A replica lags, or the room changed. The operation's time limit bounds this loop.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    /// Returns the seq of the event with this id, also if the event is trimmed.
    async fn place(&self, id: RoomId, message: EventId) -> Result<Option<Seq>, BackendError> {
        let names = self.store.names.room(id);
        let found = full(self.store.last(&names.stream, &names.id(message)).await?);
        found.map(|found| decode(&found.payload)).transpose()
    }

    /// Returns the names of the members whom these events mention. `None` if the replica lags.
    async fn called(&self, id: RoomId, room: &Room, events: &[Event]) -> Result<Option<Names>, BackendError> {
        let mut called = Names::new();
        let mut gone = Vec::<MemberId>::new();
        for member in events.iter().flat_map(::store::mentioned) {
            match room.roster.seat(member) {
                Some(seated) => drop(called.insert(member, seated.name.clone())),
                None if !gone.contains(&member) => gone.push(member),
                None => {}
            }
        }
        if gone.is_empty() {
            return Ok(Some(called));
        }
        let names = self.store.names.room(id);
        let subjects: Vec<_> = gone.iter().map(|member| names.name(*member)).collect();
        let head = names.head();
        let Some(found) = self.store.snapshot(&names.stream, (&head, room.mark), &subjects).await? else {
            return Ok(None);
        };
        for (member, subject) in gone.into_iter().zip(subjects) {
            // A member who never had a seat has no name.
            if let Some(found) = found.get(&subject) {
                called.insert(member, decode(&found.payload)?);
            }
        }
        Ok(Some(called))
    }
}

fn view(id: RoomId, room: Room) -> ::store::Room {
    let seated = |seated: Seated| Member { member: seated.member, name: seated.name, away: false };
    ::store::Room {
        id,
        code: room.roster.code,
        position: room.head.position(),
        oldest: room.head.oldest(),
        capacity: room.roster.capacity,
        members: room.roster.members.into_iter().map(seated).collect(),
    }
}

/// Returns the first and the last seq to read; the first is greater than the last if there are none. `place` is the seq
/// of the message for `From::Message`.
fn range(head: &Head, from: From, place: Option<Seq>, limit: u64) -> Result<(u64, u64), BackendError> {
    let Seq(oldest) = Seq(head.trimmed.0 + 1);
    let upto = |last: u64| (last.saturating_sub(limit).saturating_add(1).max(oldest), last);
    Ok(match from {
        From::After(position) => {
            if position.epoch != head.epoch || position.seq < head.trimmed || position.seq > head.seq {
                return Err(BackendError::Reset);
            }
            (position.seq.0 + 1, position.seq.0.saturating_add(limit).min(head.seq.0))
        }
        From::Before(seq) => upto(seq.0.saturating_sub(1).min(head.seq.0)),
        From::Latest => upto(head.seq.0),
        From::Message(_) => {
            let there = place.filter(|place| place.0 >= oldest && limit > 0);
            there.map_or((1, 0), |place| (place.0, place.0))
        }
    })
}
