//! Creation of rooms, and the codes that lead to them.

use std::sync::Arc;

use ::store::seal::Random;
use ::store::{NewRoom, StoreError, draw_id};
use protocol::{RoomCode, RoomId};
use tokio::time::Instant;

use super::Shared;
use super::jetstream::{BatchMessage, CommitError};
use super::record::{CodeRecord, decode};
use super::room::RoomState;
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
        let (names, (stream, subject)) = (self.jetstream.names.room(id), self.jetstream.names.code(code));
        let room = RoomState::new(&new, key, code, self.limits.events);
        let roster = room.key.seal(&mut random, Place::Roster, &room.roster)?;
        // Stream sequence of the code's message, which may be that of an earlier room that ended.
        let mut freed = 0;
        loop {
            let code = BatchMessage::new(subject.clone(), &CodeRecord { room: id, ended: false })?.if_seq(freed);
            let roster = BatchMessage::sealed(names.roster(), roster.clone()).if_seq(0);
            let head = BatchMessage::new(names.head(), &room.head)?.if_seq(0);
            match self.jetstream.commit(vec![code, roster, head]).await {
                Ok(head_seq) => {
                    self.seats.update_roster(id, head_seq - 1, &room.roster, RosterSource::Own(now));
                    return Ok(id);
                }
                Err(CommitError::Failed(error)) => return Err(error),
                Err(CommitError::Conflict) => match self.jetstream.last(&stream, &subject).await? {
                    Some(code) if !decode::<CodeRecord>(&code.payload)?.ended => {
                        // A key that stays does no harm until a repair deletes it.
                        drop(self.destroy_key(id).await);
                        return Err(StoreError::Conflict);
                    }
                    // Freed, purged or taken and freed again just now.
                    code => freed = code.map_or(0, |code| code.seq),
                },
            }
        }
    }

    pub(super) async fn resolve(&self, code: RoomCode) -> Result<RoomId, StoreError> {
        let (stream, subject) = self.jetstream.names.code(self.secrets.codes.hash(code));
        let found = self.jetstream.last(&stream, &subject).await?.ok_or(StoreError::NotFound)?;
        let CodeRecord { room, ended } = decode(&found.payload)?;
        if ended { Err(self.ended(room).await) } else { Ok(room) }
    }
}
