//! Creation of rooms, and the codes that lead to them.

use std::sync::Arc;

use ::store::seal::Random;
use ::store::{NewRoom, StoreError, draw_id};
use protocol::{RoomCode, RoomId};
use tokio::time::Instant;
use uuid::Uuid;

use super::Shared;
use super::jetstream::{BatchMessage, CommitError, JetStream};
use super::record::{CodeRecord, decode};
use super::room::{RoomState, non_empty};
use super::seal::Place;
use super::seats::RosterSource;
use super::subject::shard_of;

impl Shared {
    pub(super) async fn create(self: Arc<Self>, new: NewRoom, now: Instant) -> Result<RoomId, StoreError> {
        let code = self.secrets.codes.hash(new.code);
        let id = loop {
            let id = draw_id()?;
            if shard_of(id.0) == shard_of(code) {
                break id;
            }
        };
        let mut random = Random::new()?;
        // Stored before anything that is encrypted under it. If this fails later, a repair deletes it.
        let key = self.create_key(id, &mut random).await?;
        let names = self.jetstream.names.room(id);
        let room = RoomState::new(&new, key, code, self.limits.events);
        let roster = room.key.seal(&mut random, Place::Roster, &room.roster)?;
        // Stream sequence of the code's message, which may be that of an earlier room.
        let mut freed = 0;
        loop {
            let claim = claim(&self.jetstream, code, id, freed)?;
            let roster = BatchMessage::sealed(names.roster(), roster.clone()).if_seq(0);
            let head = BatchMessage::new(names.head(), &room.head)?.if_seq(0);
            match self.jetstream.commit(vec![claim, roster, head]).await {
                Ok(head_seq) => {
                    self.seats.update_roster(id, head_seq - 1, &room.roster, RosterSource::Own(now));
                    return Ok(id);
                }
                Err(CommitError::Failed(error)) => return Err(error),
                Err(CommitError::Conflict) => match free_place(&self.jetstream, code).await? {
                    // Freed, purged or taken and freed again just now.
                    Some(seq) => freed = seq,
                    None => {
                        // A key that stays does no harm until a repair deletes it.
                        drop(self.destroy_key(id).await);
                        return Err(StoreError::CodeTaken);
                    }
                },
            }
        }
    }

    pub(super) async fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError> {
        let (stream, subject) = self.jetstream.names.code(self.secrets.codes.hash(code));
        let found = non_empty(self.jetstream.last(&stream, &subject).await?).ok_or(StoreError::NotFound)?;
        let CodeRecord { room, ended } = decode(&found.payload)?;
        if ended { Err(self.ended(room).await) } else { Ok(room) }
    }
}

/// Returns the stream sequence of the message that the code's next room overwrites, 0 for none. `None` if a room has or
/// had the code.
pub(super) async fn free_place(jetstream: &JetStream, code: Uuid) -> Result<Option<u64>, StoreError> {
    let (stream, subject) = jetstream.names.code(code);
    let found = jetstream.last(&stream, &subject).await?;
    let seq = found.as_ref().map_or(0, |found| found.seq);
    // It is empty once a room has dropped the code.
    let taken = non_empty(found).map(|found| decode::<CodeRecord>(&found.payload)).transpose()?;
    Ok(taken.is_none_or(|taken| taken.ended).then_some(seq))
}

/// Returns the message that gives the room this code, in the place that is free at this stream sequence.
pub(super) fn claim(jetstream: &JetStream, code: Uuid, room: RoomId, seq: u64) -> Result<BatchMessage, StoreError> {
    Ok(BatchMessage::new(jetstream.names.code(code).1, &CodeRecord { room, ended: false })?.if_seq(seq))
}
