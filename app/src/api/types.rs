//! Forms that pages send, and the answers that the pages get.

use std::str::FromStr;

use protocol::{Epoch, ErrorCode, Event, EventId, MemberId, Names, Position, RoomCode, RoomName, Seq, Snapshot};
use serde::{Deserialize, Serialize};

use crate::markup::MessageMarkup;

/// The fields of the form that opens a room, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnterForm {
    /// Name that the person wants.
    pub name: String,
    /// The room's code; empty to create one.
    pub code: String,
    /// Seats of a new room; empty for the default.
    pub capacity: String,
    /// Name of a new room; empty for none.
    pub room_name: String,
    /// `create`, `join`, or empty: by `code`.
    pub intent: String,
    /// The page the form stood on.
    pub from: String,
}

/// The fields of a form of the room's host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManageForm {
    /// The room's code.
    pub code: String,
    /// `lock`, `host_only`, `slow`, `capacity`, `name`, `remove`, `remove_and_lock`, `hand_over`, `renew_code` or `end`.
    pub action: String,
    /// The member whom it is about, if any.
    pub member: String,
    /// `on`, a number or a name, as the action needs it.
    pub value: String,
}

/// The answer to `enter`: the caller's seat, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// The room that the caller has a seat in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<RoomCode>,
    /// The caller there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// Refusal, if the caller has no seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// The answer to `post_message`, `leave_room` and `manage_room`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Posted {
    /// Refusal; `None` when it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// Refusal of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Field to correct.
    pub field: Field,
    /// Reason.
    pub error: ErrorCode,
    /// Milliseconds after which the form may succeed, where its sender has only to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
}

/// A field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The person's name.
    Name,
    /// The room's code.
    Code,
    /// The new room's seats.
    Capacity,
    /// The new room's name.
    RoomName,
    /// The message.
    Body,
}

/// A refused form, brought back once to the page it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The refusal.
    pub refused: Refusal,
    /// The page it goes back to.
    #[serde(default)]
    pub to: String,
    /// The fields as typed.
    #[serde(default)]
    pub form: EnterForm,
    /// The message that was typed.
    #[serde(default)]
    pub body: String,
    /// Id that the message keeps, because it may have been stored. Only the page's form needs it.
    #[serde(skip)]
    pub id: Option<EventId>,
}

/// Content of the home page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Home {
    /// A refused form.
    pub flash: Option<Flash>,
    /// Seats of a room whose maker does not choose.
    pub capacity: u32,
}

/// A room of a browser, and how far it was read there. Written as a line: code, epoch and seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRoom {
    /// The room's code.
    pub code: RoomCode,
    /// Position up to which the reader has seen its log.
    pub read: Position,
}

impl FromStr for ReadRoom {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let (code, read) = line.split_once(' ').ok_or(())?;
        let (epoch, seq) = read.split_once(' ').ok_or(())?;
        let epoch = Epoch(u64::from_str_radix(epoch, 16).map_err(drop)?);
        let read = Position { epoch, seq: Seq(seq.parse().map_err(drop)?) };
        Ok(Self { code: code.parse().map_err(drop)?, read })
    }
}

/// A room in which the caller has a seat, as the home page lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyRoom {
    /// The room's code.
    pub code: RoomCode,
    /// Number of members.
    pub inside: u32,
    /// The room's name; empty where it has none.
    #[serde(default, skip_serializing_if = "RoomName::is_empty")]
    pub name: RoomName,
    /// Number of messages of others after the position read, as far as they were counted.
    pub unread: u32,
    /// True if there may be more of them.
    #[serde(default)]
    pub more: bool,
}

/// Content of `/room/{code}` for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visit {
    /// The caller has a seat.
    Inside(Box<Inside>),
    /// The room is there, and the caller has no seat.
    #[serde(rename = "Door")]
    JoinPage(Box<JoinPage>),
    /// No room has this code.
    Unknown(
        /// A message that the caller tried to send there.
        Vec<String>,
    ),
    /// The store does not answer.
    Unavailable,
}

/// A room seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinPage {
    /// The room's code.
    pub code: RoomCode,
    /// Number of members.
    pub inside: u32,
    /// Number of seats.
    pub capacity: u32,
    /// Reason why the caller is not taken in, apart from the seats: locked, or removed.
    #[serde(default)]
    pub closed: Option<ErrorCode>,
    /// A refused form.
    #[serde(default)]
    pub flash: Option<Flash>,
}

/// A room from inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// The room as the caller sees it, at one position of its log.
    pub snapshot: Snapshot,
    /// The id of what the form without script will send, so that sending it twice is sending it once.
    pub post_id: EventId,
    /// A refused form.
    #[serde(default)]
    pub flash: Option<Flash>,
    /// Nodes of the snapshot's events that hold markup.
    #[serde(default)]
    pub markup: Vec<MessageMarkup>,
}

/// A page of earlier events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderPage {
    /// Oldest first.
    pub events: Vec<Event>,
    /// Names of everyone they mention.
    #[serde(default)]
    pub names: Names,
    /// Nodes of those that hold markup.
    #[serde(default)]
    pub markup: Vec<MessageMarkup>,
    /// Messages that replies among the events answer, and that are not among them.
    #[serde(default)]
    pub quoted: Vec<Event>,
}

#[cfg(test)]
mod tests {
    use protocol::codec;
    use serde_json::json;

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(answer: &serde_json::Value) -> T {
        codec::decode(&answer.to_string()).unwrap()
    }

    #[test]
    fn read_room_is_code_epoch_and_seq() {
        let read = Position { epoch: Epoch(0xff), seq: Seq(42) };
        let room = ReadRoom { code: "KXQ4-7M2P".parse().unwrap(), read };
        assert_eq!("KXQ4-7M2P 00000000000000ff 42".parse(), Ok(room));
        for nonsense in ["", "KXQ4-7M2P", "KXQ4-7M2P ff", "KXQ4-7M2P x 1", "KXQ4-7M2P ff -1", "KXQ4 ff 1", "ff 1"] {
            assert_eq!(nonsense.parse::<ReadRoom>(), Err(()), "{nonsense}");
        }
    }

    #[test]
    fn answers_of_another_version_are_read_without_optional_fields() {
        assert_eq!(read::<Home>(&json!({ "later": 1 })), Home::default());
        let refused = json!({ "field": "name", "error": "name_missing" });
        let Flash { to, form, body, .. } = read(&json!({ "refused": refused, "form": { "name": "Ana" } }));
        assert_eq!((&*to, &*form.name, &*form.code, &*body), ("", "Ana", "", ""));
        let door = json!({ "Door": { "code": "KXQ4-7M2P", "inside": 1, "capacity": 2 } });
        assert!(matches!(read(&door), Visit::JoinPage(page) if page.flash.is_none()));
        assert_eq!(read::<Visit>(&json!({ "Unknown": [] })), Visit::Unknown(Vec::new()));
        let id = "0198f3a0-0000-7000-8000-000000000001";
        let snapshot = json!({
            "member": id, "position": { "epoch": "1f", "seq": 0 }, "members": [], "events": [], "names": {}, "oldest": 0,
            "room": { "code": "KXQ4-7M2P", "capacity": 2 }
        });
        let inside = json!({ "Inside": { "snapshot": snapshot, "post_id": id } });
        assert!(matches!(read(&inside), Visit::Inside(inside) if inside.flash.is_none() && inside.markup.is_empty()));
        let mine = json!({ "code": "KXQ4-7M2P", "inside": 1, "unread": 2 });
        assert!(matches!(read(&mine), MyRoom { name, more: false, .. } if name.is_empty()));
        let OlderPage { names, markup, .. } = read(&json!({ "events": [] }));
        assert_eq!((names, markup), (Names::default(), Vec::new()));
    }
}
