//! The flat form in which events travel: one struct of every field there is, of which each kind uses some.
//!
//! serde's own tagged enums keep what they read in a buffer until the tag is known, and every type is compiled a second
//! time for reading out of that buffer. In the browser that was half of the decoder's size.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::body::MessageBody;
use super::emoji::Emoji;
use super::event::{Delivered, Event, EventKind, LeaveReason, Proposal};
use super::ids::{EventId, MemberId};
use super::name::DisplayName;
use super::position::Seq;

/// The fields of an event, of its kind alone, of what a client proposes, or of an answer to a resend.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<MemberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<MemberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<DisplayName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<LeaveReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<EventId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    edited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
}

/// The names of the kinds.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Joined,
    Left,
    Message,
    Edited,
    Deleted,
    Reacted,
    #[serde(other)]
    Unknown,
}

/// Error of a reader that finds a field absent which the kind needs, or one that cannot be of this kind.
pub(super) const INVALID_FIELDS: &str = "a field that its kind needs is missing or bad";

impl Fields {
    fn event_kind(self) -> Option<EventKind> {
        let body = |body: Option<String>| body.map(|body| MessageBody::stored(&body)).transpose().ok();
        Some(match self.kind? {
            Kind::Joined => EventKind::Joined { member: self.member?, name: self.name? },
            Kind::Left => EventKind::Left { member: self.member?, why: self.why? },
            Kind::Message => {
                EventKind::Message { body: body(self.body)?, reply_to: self.reply_to, edited: self.edited }
            }
            Kind::Edited => EventKind::Edited { target: self.target?, body: body(self.body)? },
            Kind::Deleted => EventKind::Deleted { target: self.target? },
            Kind::Reacted => {
                EventKind::Reacted { target: self.target?, emoji: Emoji::stored(&self.emoji?).ok()?, on: self.on? }
            }
            Kind::Unknown => EventKind::Unknown,
        })
    }

    fn event(self) -> Option<Event> {
        let (seq, prev, id, at, by) = (self.seq?, self.prev?, self.id?, self.at?, self.by?);
        Some(Event { seq, prev, id, at, by, kind: self.event_kind()? })
    }

    fn delivered(self) -> Option<Delivered> {
        // What has a kind is an event, also one that this version cannot read: taken for trimmed it would be lost
        // without a word.
        if self.kind.is_some() {
            return self.event().map(Delivered::Event);
        }
        Some(Delivered::Trimmed { id: self.id?, seq: self.seq? })
    }
}

/// Writes a type as its [`Fields`].
macro_rules! serialize_as_fields {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Fields::from(self.clone()).serialize(serializer)
            }
        }
    };
}

/// Reads a type out of its [`Fields`].
macro_rules! deserialize_from_fields {
    ($type:ty, $read:path) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read(Fields::deserialize(deserializer)?).ok_or_else(|| D::Error::custom(INVALID_FIELDS))
            }
        }
    };
}

serialize_as_fields!(EventKind);
serialize_as_fields!(Event);
serialize_as_fields!(Delivered);
serialize_as_fields!(Proposal);
deserialize_from_fields!(EventKind, Fields::event_kind);
deserialize_from_fields!(Event, Fields::event);
deserialize_from_fields!(Delivered, Fields::delivered);

impl From<EventKind> for Fields {
    fn from(kind: EventKind) -> Self {
        let text = |body: Option<MessageBody>| body.map(|body| body.as_str().to_owned());
        let of = |kind| Self { kind: Some(kind), ..Self::default() };
        match kind {
            EventKind::Joined { member, name } => Self { member: Some(member), name: Some(name), ..of(Kind::Joined) },
            EventKind::Left { member, why } => Self { member: Some(member), why: Some(why), ..of(Kind::Left) },
            EventKind::Message { body, reply_to, edited } => {
                Self { body: text(body), reply_to, edited, ..of(Kind::Message) }
            }
            EventKind::Edited { target, body } => Self { target: Some(target), body: text(body), ..of(Kind::Edited) },
            EventKind::Deleted { target } => Self { target: Some(target), ..of(Kind::Deleted) },
            EventKind::Reacted { target, emoji, on } => {
                Self { target: Some(target), emoji: Some(emoji.as_str().to_owned()), on: Some(on), ..of(Kind::Reacted) }
            }
            EventKind::Unknown => of(Kind::Unknown),
        }
    }
}

impl From<Event> for Fields {
    fn from(event: Event) -> Self {
        let Event { seq, prev, id, at, by, kind } = event;
        Self { seq: Some(seq), prev: Some(prev), id: Some(id), at: Some(at), by: Some(by), ..kind.into() }
    }
}

impl From<Delivered> for Fields {
    fn from(delivered: Delivered) -> Self {
        match delivered {
            Delivered::Event(event) => event.into(),
            Delivered::Trimmed { id, seq } => Self { id: Some(id), seq: Some(seq), ..Self::default() },
        }
    }
}

impl From<Proposal> for Fields {
    fn from(proposal: Proposal) -> Self {
        let of = |kind| Self { kind: Some(kind), ..Self::default() };
        match proposal {
            Proposal::Message { body, reply_to } => Self { body: Some(body), reply_to, ..of(Kind::Message) },
            Proposal::Edited { target, body } => Self { target: Some(target), body: Some(body), ..of(Kind::Edited) },
            Proposal::Deleted { target } => Self { target: Some(target), ..of(Kind::Deleted) },
            Proposal::Reacted { target, emoji, on } => {
                Self { target: Some(target), emoji: Some(emoji), on: Some(on), ..of(Kind::Reacted) }
            }
            Proposal::NotAllowed => of(Kind::Joined),
            Proposal::Unsupported | Proposal::BadText => of(Kind::Unknown),
        }
    }
}
