//! Reads a room's state and its log.
//!
//! The leader provides the head of the log. Any replica provides the events, provided that it has that head. So every
//! node reads what any node has acknowledged, and no node reads text that was edited or deleted.

use ::store::{Page, ReadFrom, StoreError};
use protocol::{Event, EventId, EventKind, Member, MemberId, Names, RoomId, Seq};

use super::Shared;
use super::record::{Head, Seated, decode};
use super::room::{RoomState, entries, non_empty};
use super::seal::Place;

impl Shared {
    pub(super) async fn room(&self, id: RoomId) -> Result<::store::Room, StoreError> {
        Ok(view(id, self.load(id).await?))
    }

    /// Reads the room from the leader, and then the events up to its head, and no later one, from any replica that has
    /// that head.
    pub(super) async fn snapshot(
        &self,
        id: RoomId,
        from: ReadFrom,
        limit: usize,
    ) -> Result<(::store::Room, Page), StoreError> {
        // Read before the head, so that the head includes a seq that is found.
        let target = if let ReadFrom::Message(message) = from { self.seq_of(id, message).await? } else { None };
        loop {
            let room = self.load(id).await?;
            let (first, last) = seq_range(&room.head, from, target, limit as u64)?;
            let truncated = |start| {
                matches!(from, ReadFrom::Before(_) | ReadFrom::Latest)
                    && ::store::is_truncated_at(start, room.head.trimmed)
            };
            if first > last {
                let start = if let ReadFrom::Before(seq) = from { seq } else { room.head.seq };
                let page = Page { truncated: truncated(start), ..Page::default() };
                return Ok((view(id, room), page));
            }
            let names = self.jetstream.names.room(id);
            let head = (room.head_seq, &room.head);
            if let Some(entries) = entries(&self.jetstream, &names, &room.key, head, first..=last).await? {
                let mut events: Vec<_> = entries.into_iter().map(|entry| entry.event).collect();
                if target.is_some() {
                    events.retain(|event| matches!(event.kind, EventKind::Message { .. }));
                }
                if let Some(names) = self.names_of(id, &room, &events).await? {
                    let more = target.is_none() && last < room.head.seq.0;
                    let page = Page { names, truncated: truncated(Seq(first)), more, events };
                    return Ok((view(id, room), page));
                }
            }
            // A replica lags, or the room changed. The operation's time limit bounds this loop.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    /// Returns the seq of the event with this id, also if the event is trimmed.
    async fn seq_of(&self, id: RoomId, message: EventId) -> Result<Option<Seq>, StoreError> {
        let names = self.jetstream.names.room(id);
        let Some(key) = self.key(id).await? else { return Ok(None) };
        let found = non_empty(self.jetstream.last(&names.stream, &names.id(key.hash(message.0))).await?);
        found.map(|found| decode(&found.payload)).transpose()
    }

    /// Returns the names of the members whom these events mention. `None` if the replica lags, or if a name is not there
    /// and the room has changed: the name was purged with the trimmed event that mentioned it last.
    async fn names_of(&self, id: RoomId, room: &RoomState, events: &[Event]) -> Result<Option<Names>, StoreError> {
        let mut known = Names::new();
        let mut gone = Vec::<MemberId>::new();
        for member in events.iter().flat_map(::store::mentioned_members) {
            match room.roster.seat(member) {
                Some(seated) => drop(known.insert(member, seated.name.clone())),
                None if !gone.contains(&member) => gone.push(member),
                None => {}
            }
        }
        if gone.is_empty() {
            return Ok(Some(known));
        }
        let names = self.jetstream.names.room(id);
        let hashes: Vec<_> = gone.iter().map(|member| room.key.hash(member.0)).collect();
        let subjects: Vec<_> = hashes.iter().map(|hash| names.name(*hash)).collect();
        let head = names.head();
        let Some(found) = self.jetstream.snapshot(&names.stream, (&head, room.head_seq), &subjects).await? else {
            return Ok(None);
        };
        let changed = found.get(&head).is_none_or(|head| head.seq > room.head_seq);
        if changed && subjects.iter().any(|subject| !found.contains_key(subject)) {
            return Ok(None);
        }
        for ((member, hash), subject) in gone.into_iter().zip(hashes).zip(subjects) {
            // A member who never had a seat has no name.
            if let Some(found) = found.get(&subject) {
                known.insert(member, room.key.open(Place::Name(hash), &found.payload)?);
            }
        }
        Ok(Some(known))
    }
}

fn view(id: RoomId, room: RoomState) -> ::store::Room {
    let seated = |seated: Seated| Member { member: seated.member, name: seated.name, away: false };
    ::store::Room {
        id,
        position: room.head.position(),
        oldest: room.head.oldest(),
        settings: room.roster.settings,
        members: room.roster.members.into_iter().map(seated).collect(),
    }
}

/// Returns the first and the last seq to read; the first is greater than the last if there are none. `target` is the
/// seq of the message for `ReadFrom::Message`.
fn seq_range(head: &Head, from: ReadFrom, target: Option<Seq>, limit: u64) -> Result<(u64, u64), StoreError> {
    let Seq(oldest) = Seq(head.trimmed.0 + 1);
    let upto = |last: u64| (last.saturating_sub(limit).saturating_add(1).max(oldest), last);
    Ok(match from {
        ReadFrom::After(position) => {
            if position.epoch != head.epoch || position.seq < head.trimmed || position.seq > head.seq {
                return Err(StoreError::Reset);
            }
            (position.seq.0 + 1, position.seq.0.saturating_add(limit).min(head.seq.0))
        }
        ReadFrom::Before(seq) => upto(seq.0.saturating_sub(1).min(head.seq.0)),
        ReadFrom::Latest => upto(head.seq.0),
        ReadFrom::Message(_) => {
            let there = target.filter(|target| target.0 >= oldest && limit > 0);
            there.map_or((1, 0), |target| (target.0, target.0))
        }
    })
}
