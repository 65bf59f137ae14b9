//! Views of a room: from outside, and pages of its log for its members.

use std::collections::HashSet;
use std::time::Duration;

use app::api::{self, Inside, JoinPage, MessageMarkup, OlderPage, Visit};
use axum::http::StatusCode;
use futures_util::future::try_join_all;
use protocol::{ErrorCode, Event, EventId, EventKind, Member, MemberId, Names, RoomCode, RoomId, Snapshot};
use store::{Page, ReadFrom, Room, StoreError};

use super::{RequestRooms, failed, room_page};
use crate::entropy;

/// Maximum number of messages that come with a page because its replies quote them.
const QUOTED: usize = 20;

impl RequestRooms {
    pub(super) async fn try_visit(&self, typed: &str) -> Result<Visit, StoreError> {
        let Ok(code) = typed.parse::<RoomCode>() else { return Err(StoreError::NotFound) };
        let (room, member) = self.find(code, self.session()).await?;
        let Some(member) = member else { return Ok(self.join_page(&room)) };
        if room.settings.code != code && self.renders_page() {
            self.redirect(&room_page(room.settings.code));
        }
        self.hold_page(room.id, member, Duration::from_millis(self.state.limits.page_lease_ms)).await;
        let (room, page) = self.state.store.snapshot(room.id, ReadFrom::Latest, self.state.limits.page).await?;
        if !room.has(member) {
            return Ok(self.join_page(&room));
        }
        let Page { events, mut names, .. } = page;
        let quoted = self.quoted(room.id, &events, &mut names).await?;
        Ok(Visit::Inside(Box::new(self.inside(room, member, (events, quoted, names)))))
    }

    /// Returns the room as it is seen from outside, without a refused form.
    fn join_page(&self, room: &Room) -> Visit {
        Visit::JoinPage(Box::new(JoinPage {
            code: room.settings.code,
            inside: room.members.len() as u32,
            capacity: room.settings.capacity,
            closed: self.closed(room),
            flash: None,
        }))
    }

    /// Returns why the room takes the caller not in, apart from its seats.
    fn closed(&self, room: &Room) -> Option<ErrorCode> {
        let member = self.session().map(|session| self.state.identity.member(session, room.id));
        match member {
            Some(member) if room.settings.removed.contains(&member) => Some(ErrorCode::Removed),
            _ => room.settings.locked.then_some(ErrorCode::Locked),
        }
    }

    /// Reads a page of the log for a member, and the messages that its replies quote.
    async fn try_page(&self, code: RoomCode, from: ReadFrom) -> Result<OlderPage, StoreError> {
        let (room, member) = self.find(code, self.session()).await?;
        let member = member.ok_or(StoreError::NotFound)?;
        let (room, page) = self.state.store.snapshot(room.id, from, self.state.limits.page).await?;
        let Page { events, mut names, .. } = page;
        let quoted = if let ReadFrom::Message(_) = from {
            Vec::new()
        } else {
            self.quoted(room.id, &events, &mut names).await?
        };
        Ok(OlderPage { markup: markup_of(&events, &quoted, &room.members, member), events, names, quoted })
    }

    /// Returns the page for a member. `None` without a seat and, with status 503, when the store fails.
    pub(super) async fn page(&self, code: RoomCode, from: ReadFrom) -> Option<OlderPage> {
        if self.call_is_limited() {
            return None;
        }
        match self.try_page(code, from).await {
            Ok(page) => Some(page),
            Err(StoreError::NotFound) => {
                self.pay_for_code().unwrap_or_else(|wait| self.limit(wait));
                None
            }
            Err(error) => {
                failed("read a page", &error);
                self.response.set_status(StatusCode::SERVICE_UNAVAILABLE);
                None
            }
        }
    }

    /// Reads the messages that these events reply to and that are not among them, at most [`QUOTED`], those of the
    /// newest replies first. Adds the names of their authors.
    async fn quoted(&self, room: RoomId, events: &[Event], names: &mut Names) -> Result<Vec<Event>, StoreError> {
        let known: HashSet<EventId> = events.iter().map(|event| event.id).collect();
        let mut asked = Vec::new();
        for event in events.iter().rev() {
            if let EventKind::Message { body: Some(_), reply_to: Some(target), .. } = event.kind
                && !known.contains(&target)
                && !asked.contains(&target)
                && asked.len() < QUOTED
            {
                asked.push(target);
            }
        }
        let pages = asked.into_iter().map(|target| self.state.store.read(room, ReadFrom::Message(target), 1));
        let mut quoted = Vec::new();
        for page in try_join_all(pages).await? {
            quoted.extend(page.events);
            names.extend(page.names);
        }
        Ok(quoted)
    }

    fn inside(
        &self,
        mut room: Room,
        member: MemberId,
        (events, quoted, names): (Vec<Event>, Vec<Event>, Names),
    ) -> Inside {
        self.state.hub.set_away_flags(room.id, &mut room.members);
        for seated in &mut room.members {
            // The member who requests the page is not away.
            seated.away &= seated.member != member;
        }
        Inside {
            markup: markup_of(&events, &quoted, &room.members, member),
            snapshot: Snapshot {
                member,
                position: room.position,
                room: room.info(),
                members: room.members,
                events,
                names,
                quoted,
                oldest: room.oldest,
            },
            post_id: entropy::event_id(),
            flash: self.flash(&room_page(room.settings.code)),
        }
    }
}

/// Returns the parsed markup of a page's messages and of those it quotes.
fn markup_of(events: &[Event], quoted: &[Event], members: &[Member], reader: MemberId) -> Vec<MessageMarkup> {
    api::markup_of(&[events, quoted].concat(), members, reader)
}
