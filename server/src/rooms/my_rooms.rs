//! Rooms of the caller, as the home page lists them.

use std::collections::HashSet;

use app::api::{MyRoom, ReadRoom};
use futures_util::future::try_join_all;
use protocol::{Event, EventKind, MemberId, Position, RoomId};
use store::{ReadFrom, Room, StoreError};
use uuid::Uuid;

use super::RequestRooms;
use crate::identity::Session;

/// Maximum number of rooms that one call about the caller's rooms may name.
const MY_ROOMS: usize = 20;

impl RequestRooms {
    /// Returns those of these rooms in which the caller has a seat. Reads only: no lease is renewed. `None`, with status
    /// 429, for who asks too often or whose address has named too many others.
    pub(super) async fn try_my_rooms(&self, rooms: &str) -> Result<Option<Vec<MyRoom>>, StoreError> {
        let Some(session) = self.session() else { return Ok(Some(Vec::new())) };
        let caller = self.state.identity.member(session, RoomId(Uuid::nil()));
        let refuse = |wait| {
            self.limit(wait);
            Ok(None)
        };
        if let Err(wait) = self.state.list_rate.take(caller) {
            return refuse(wait);
        }
        let mut asked: Vec<ReadRoom> = Vec::new();
        for room in rooms.lines().take(MY_ROOMS).filter_map(|line| line.parse::<ReadRoom>().ok()) {
            if !asked.iter().any(|known| known.code == room.code) {
                asked.push(room);
            }
        }
        let found = try_join_all(asked.iter().map(|asked| self.my_room(session, *asked))).await?;
        let mine: Vec<(RoomId, MyRoom)> = found.into_iter().flatten().collect();
        let wrong = (asked.len() - mine.len()) as u32;
        if let Err(wait) = self.state.address_limits.codes.take_many(self.network, wrong) {
            return refuse(wait);
        }
        // A room that had another code may be asked for under both.
        let mut rooms = HashSet::new();
        Ok(Some(mine.into_iter().filter(|(id, _)| rooms.insert(*id)).map(|(_, room)| room).collect()))
    }

    /// Returns the room as the caller's home page lists it; `None` without a seat in it.
    async fn my_room(&self, session: Session, asked: ReadRoom) -> Result<Option<(RoomId, MyRoom)>, StoreError> {
        let found = async {
            let (room, member) = self.find(asked.code, Some(session)).await?;
            let member = member.ok_or(StoreError::NotFound)?;
            let (unread, more) = self.unread(&room, member, asked.read).await?;
            let Room { id, settings, members, .. } = room;
            // Under the code that was asked for, also where it is a former one: by it the page knows its line.
            let inside = members.len() as u32;
            Ok((id, MyRoom { code: asked.code, inside, name: settings.name, unread, more }))
        };
        match found.await {
            Ok(room) => Ok(Some(room)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts the messages of others after a position, on one page of the log; true if there may be more of them.
    async fn unread(&self, room: &Room, reader: MemberId, read: Position) -> Result<(u32, bool), StoreError> {
        if read == room.position {
            return Ok((0, false));
        }
        let limit = self.state.limits.page;
        let (page, more) = match self.state.store.read(room.id, ReadFrom::After(read), limit).await {
            // Of a log that is trimmed there, or of another one: all that is left is unread.
            Err(StoreError::Reset) => {
                let page = self.state.store.read(room.id, ReadFrom::Latest, limit).await?;
                let more = page.events.first().is_some_and(|first| first.seq > room.oldest);
                (page, more)
            }
            page => {
                let page = page?;
                let more = page.more;
                (page, more)
            }
        };
        let is_unread =
            |event: &&Event| event.by != reader && matches!(event.kind, EventKind::Message { body: Some(_), .. });
        let unread = page.events.iter().filter(is_unread).count();
        Ok((unread as u32, more))
    }
}
