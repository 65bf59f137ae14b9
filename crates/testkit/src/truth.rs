//! Final state of a room, read from the server's file or from a cluster.

use std::collections::HashMap;
use std::path::Path;

use protocol::{ErrorCode, Event, EventId, EventKind, Position, RoomCode, RoomInfo, Seq};
use store::{ReadFrom, Store, StoreError};
use store_sqlite::contents;

use super::history::Seated;

/// One entry of a room's whole log, trimmed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: Seq,
    pub id: EventId,
    /// Kind of the event; `None` once it is trimmed.
    pub kind: Option<EventKind>,
}

impl Entry {
    /// Current text.
    pub fn words(&self) -> Option<&str> {
        self.kind.as_ref().and_then(words)
    }
}

/// Text of a message or of an edit.
pub fn words(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::Message { body, .. } | EventKind::Edited { body, .. } => body.as_ref().map(|body| body.as_str()),
        _ => None,
    }
}

/// Expected state that histories are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// In log order.
    pub log: Vec<Entry>,
    /// In the order in which they were taken.
    pub seats: Vec<Seated>,
    /// The room apart from its log; `None` if it has ended.
    pub room: Option<RoomInfo>,
    /// True if the room has had another code.
    pub renewed: bool,
    /// True if for some time only the host could write.
    pub host_only: bool,
    /// Number of events that the room keeps.
    pub keeps: usize,
    /// Codes with which the server had a reason to refuse events for now.
    pub defers: Vec<ErrorCode>,
}

impl Truth {
    /// Reads a room from a SQLite file, with the default retention and no reason for refusals. The log of a room that
    /// does not exist is empty.
    pub fn read(store: &Path, code: RoomCode) -> Result<Self, StoreError> {
        let room = contents::room(store, code)?.unwrap_or_default();
        let mut kinds: HashMap<_, _> = room.events.into_iter().map(|event| (event.seq, event.kind)).collect();
        let log: Vec<_> = room.ids.into_iter().map(|(seq, id)| Entry { seq, id, kind: kinds.remove(&seq) }).collect();
        let seats = room.members.into_iter().map(|seated| (seated.member, seated.name.to_string())).collect();
        let keeps = protocol::Limits::default().events;
        let (renewed, host_only) = (is_renewed(&log), was_host_only(&log));
        Ok(Self { renewed, host_only, log, seats, room: room.info, keeps, defers: Vec::new() })
    }

    /// Reads a room from a cluster. `keeps` is the number of events that it keeps, and more than were sent.
    pub async fn ask(store: &dyn Store, code: RoomCode, keeps: usize) -> Self {
        let room = store.find(code).await.unwrap();
        let start = ReadFrom::After(Position { epoch: room.position.epoch, seq: Seq(0) });
        let log = store.read(room.id, start, keeps).await.unwrap().events;
        let entry = |event: Event| Entry { seq: event.seq, id: event.id, kind: Some(event.kind) };
        let log: Vec<_> = log.into_iter().map(entry).collect();
        Self {
            renewed: is_renewed(&log),
            host_only: was_host_only(&log),
            log,
            room: Some(room.info()),
            seats: room.members.into_iter().map(|seated| (seated.member, seated.name.to_string())).collect(),
            keeps,
            defers: Vec::new(),
        }
    }
}

fn is_renewed(log: &[Entry]) -> bool {
    log.iter().any(|entry| matches!(entry.kind, Some(EventKind::Code { .. })))
}

fn was_host_only(log: &[Entry]) -> bool {
    log.iter().any(|entry| matches!(&entry.kind, Some(EventKind::Settings(change)) if change.host_only == Some(true)))
}

/// Last sequence number of the room's log.
///
/// # Errors
/// `NotFound` when there is no such room; otherwise as [`contents::room`].
pub fn head(store: &Path, code: RoomCode) -> Result<Seq, StoreError> {
    let room = contents::room(store, code)?.ok_or(StoreError::NotFound)?;
    Ok(room.ids.last().map_or(Seq(0), |(seq, _)| *seq))
}
