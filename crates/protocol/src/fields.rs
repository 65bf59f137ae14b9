//! The flat form in which events travel: one struct of every field there is, of which each kind uses some.
//!
//! serde's own tagged enums keep what they read in a buffer until the tag is known, and every type is compiled a second
//! time for reading out of that buffer. In the browser that was half of the decoder's size.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::body::MessageBody;
use super::emoji::Emoji;
use super::event::{Delivered, Event, EventKind, LeaveReason, Proposal, ProposedChange, RoomChange};
use super::frame::Member;
use super::ids::{EventId, MemberId};
use super::name::{DisplayName, ShownName};
use super::position::Seq;
use super::room_code::RoomCode;
use super::room_name::RoomName;

/// The fields of an event, of its kind alone, of what a client proposes, of an answer to a resend, of a member, or of a
/// member's name. What is written is borrowed.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Fields<'a> {
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
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hue: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<ShownName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<LeaveReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<EventId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    edited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    away: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<RoomCode>,
}

/// The names of the kinds.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Joined,
    Renamed,
    Settings,
    Code,
    Host,
    Ended,
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

impl Fields<'_> {
    fn event_kind(self) -> Option<EventKind> {
        let body = |body: Option<Cow<'_, str>>| body.map(|body| MessageBody::stored(&body)).transpose().ok();
        Some(match self.kind? {
            Kind::Joined => EventKind::Joined { member: self.member?, name: self.shown_name()? },
            Kind::Renamed => {
                EventKind::Renamed { member: self.member?, was: self.was.clone()?, name: self.shown_name()? }
            }
            Kind::Settings => EventKind::Settings(RoomChange {
                name: self.name.map(|name| RoomName::stored(&name)).transpose().ok()?,
                locked: self.locked,
                capacity: self.capacity,
                slow_ms: self.slow_ms,
                host_only: self.host_only,
            }),
            Kind::Code => EventKind::Code { code: self.code? },
            Kind::Host => EventKind::Host { member: self.member? },
            Kind::Ended => EventKind::Ended,
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

    fn shown_name(self) -> Option<ShownName> {
        let name = DisplayName::stored(&self.name?).ok()?;
        Some(ShownName { name, number: self.number.unwrap_or(1), hue: self.hue? })
    }

    fn member(self) -> Option<Member> {
        Some(Member { member: self.member?, away: self.away, name: self.shown_name()? })
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

/// Writes a type as its [`Fields`], which borrow: serde's `into` clones what it writes.
macro_rules! serialize_as_fields {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Fields::from(self).serialize(serializer)
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
serialize_as_fields!(ShownName);
serialize_as_fields!(Member);
deserialize_from_fields!(EventKind, Fields::event_kind);
deserialize_from_fields!(Event, Fields::event);
deserialize_from_fields!(Delivered, Fields::delivered);
deserialize_from_fields!(ShownName, Fields::shown_name);
deserialize_from_fields!(Member, Fields::member);

impl<'a> From<&'a EventKind> for Fields<'a> {
    fn from(kind: &'a EventKind) -> Self {
        let text = |body: &'a Option<MessageBody>| body.as_ref().map(|body| body.as_str().into());
        match kind {
            EventKind::Joined { member, name } => {
                Self { member: Some(*member), kind: Some(Kind::Joined), ..name.into() }
            }
            EventKind::Renamed { member, name, was } => {
                Self { member: Some(*member), was: Some(was.clone()), kind: Some(Kind::Renamed), ..name.into() }
            }
            EventKind::Settings(RoomChange { name, locked, capacity, slow_ms, host_only }) => Self {
                name: name.as_ref().map(|name| name.as_str().into()),
                locked: *locked,
                capacity: *capacity,
                slow_ms: *slow_ms,
                host_only: *host_only,
                ..Kind::Settings.into()
            },
            EventKind::Code { code } => Self { code: Some(*code), ..Kind::Code.into() },
            EventKind::Host { member } => Self { member: Some(*member), ..Kind::Host.into() },
            EventKind::Ended => Kind::Ended.into(),
            EventKind::Left { member, why } => Self { member: Some(*member), why: Some(*why), ..Kind::Left.into() },
            EventKind::Message { body, reply_to, edited } => {
                Self { body: text(body), reply_to: *reply_to, edited: *edited, ..Kind::Message.into() }
            }
            EventKind::Edited { target, body } => {
                Self { target: Some(*target), body: text(body), ..Kind::Edited.into() }
            }
            EventKind::Deleted { target } => Self { target: Some(*target), ..Kind::Deleted.into() },
            EventKind::Reacted { target, emoji, on } => Self {
                target: Some(*target),
                emoji: Some(emoji.as_str().into()),
                on: Some(*on),
                ..Kind::Reacted.into()
            },
            EventKind::Unknown => Kind::Unknown.into(),
        }
    }
}

impl From<Kind> for Fields<'_> {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
}

impl<'a> From<&'a ShownName> for Fields<'a> {
    fn from(ShownName { name, number, hue }: &'a ShownName) -> Self {
        let number = Some(*number).filter(|number| *number != 1);
        Self { name: Some(name.as_str().into()), number, hue: Some(*hue), ..Self::default() }
    }
}

impl<'a> From<&'a Member> for Fields<'a> {
    fn from(Member { member, name, away }: &'a Member) -> Self {
        Self { member: Some(*member), away: *away, ..name.into() }
    }
}

impl<'a> From<&'a Event> for Fields<'a> {
    fn from(Event { seq, prev, id, at, by, kind }: &'a Event) -> Self {
        Self { seq: Some(*seq), prev: Some(*prev), id: Some(*id), at: Some(*at), by: Some(*by), ..kind.into() }
    }
}

impl<'a> From<&'a Delivered> for Fields<'a> {
    fn from(delivered: &'a Delivered) -> Self {
        match delivered {
            Delivered::Event(event) => event.into(),
            Delivered::Trimmed { id, seq } => Self { id: Some(*id), seq: Some(*seq), ..Self::default() },
        }
    }
}

impl<'a> From<&'a Proposal> for Fields<'a> {
    fn from(proposal: &'a Proposal) -> Self {
        match proposal {
            Proposal::Message { body, reply_to } => {
                Self { body: Some(body.into()), reply_to: *reply_to, ..Kind::Message.into() }
            }
            Proposal::Edited { target, body } => {
                Self { target: Some(*target), body: Some(body.into()), ..Kind::Edited.into() }
            }
            Proposal::Deleted { target } => Self { target: Some(*target), ..Kind::Deleted.into() },
            Proposal::Reacted { target, emoji, on } => {
                Self { target: Some(*target), emoji: Some(emoji.into()), on: Some(*on), ..Kind::Reacted.into() }
            }
            Proposal::Renamed { name } => Self { name: Some(name.into()), ..Kind::Renamed.into() },
            Proposal::Settings(ProposedChange { name, locked, capacity, slow_ms, host_only }) => Self {
                name: name.as_ref().map(Into::into),
                locked: *locked,
                capacity: *capacity,
                slow_ms: *slow_ms,
                host_only: *host_only,
                ..Kind::Settings.into()
            },
            Proposal::Code => Kind::Code.into(),
            Proposal::Host { member } => Self { member: Some(*member), ..Kind::Host.into() },
            Proposal::Remove { member } => {
                Self { member: Some(*member), why: Some(LeaveReason::Removed), ..Kind::Left.into() }
            }
            Proposal::Ended => Kind::Ended.into(),
            Proposal::NotAllowed => Kind::Joined.into(),
            Proposal::Unsupported | Proposal::BadText => Kind::Unknown.into(),
        }
    }
}
