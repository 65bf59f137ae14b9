//! The flat form in which events travel: one struct of every field there is, of which each kind uses some.
//!
//! serde's own tagged enums keep what they read in a buffer until the tag is known. In the browser that machinery is
//! half of the decoder's size; this form is read straight into place.

use serde::{Deserialize, Serialize};

use super::body::MessageBody;
use super::event::{Delivered, Event, EventKind, LeaveReason, Proposal};
use super::ids::{EventId, MemberId};
use super::name::DisplayName;
use super::position::Seq;

/// The fields of an event, of its kind alone, of what a client proposes, or of an answer to a resend.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
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
enum Kind {
    Joined,
    Left,
    Message,
    Edited,
    Deleted,
    Reacted,
    #[serde(other)]
    Unknown,
}

/// What is not an event of this protocol. Carries nothing of it, so it may be logged.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a field is missing or not what it should be: {0}")]
pub(super) struct FieldError(&'static str);

fn need<T>(field: Option<T>, name: &'static str) -> Result<T, FieldError> {
    field.ok_or(FieldError(name))
}

impl Fields {
    fn body(&mut self) -> Result<Option<MessageBody>, FieldError> {
        self.body.take().map(|body| body.parse().map_err(|_| FieldError("body"))).transpose()
    }

    fn event_kind(mut self) -> Result<EventKind, FieldError> {
        Ok(match need(self.kind, "kind")? {
            Kind::Joined => EventKind::Joined { member: need(self.member, "member")?, name: need(self.name, "name")? },
            Kind::Left => EventKind::Left { member: need(self.member, "member")?, why: need(self.why, "why")? },
            Kind::Message => EventKind::Message { body: self.body()?, reply_to: self.reply_to, edited: self.edited },
            Kind::Edited => EventKind::Edited { body: self.body()?, target: need(self.target, "target")? },
            Kind::Deleted => EventKind::Deleted { target: need(self.target, "target")? },
            Kind::Reacted => EventKind::Reacted {
                target: need(self.target, "target")?,
                emoji: need(self.emoji, "emoji")?.parse().map_err(|_| FieldError("emoji"))?,
                on: need(self.on, "on")?,
            },
            Kind::Unknown => EventKind::Unknown,
        })
    }

    fn event(self) -> Result<Event, FieldError> {
        Ok(Event {
            seq: need(self.seq, "seq")?,
            prev: need(self.prev, "prev")?,
            id: need(self.id, "id")?,
            at: need(self.at, "at")?,
            by: need(self.by, "by")?,
            kind: self.event_kind()?,
        })
    }
}

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

impl TryFrom<Fields> for EventKind {
    type Error = FieldError;

    fn try_from(fields: Fields) -> Result<Self, FieldError> {
        fields.event_kind()
    }
}

impl From<Event> for Fields {
    fn from(event: Event) -> Self {
        let Event { seq, prev, id, at, by, kind } = event;
        Self { seq: Some(seq), prev: Some(prev), id: Some(id), at: Some(at), by: Some(by), ..kind.into() }
    }
}

impl TryFrom<Fields> for Event {
    type Error = FieldError;

    fn try_from(fields: Fields) -> Result<Self, FieldError> {
        fields.event()
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

impl TryFrom<Fields> for Delivered {
    type Error = FieldError;

    fn try_from(fields: Fields) -> Result<Self, FieldError> {
        // What has a kind is an event, also one that this version cannot read: taken for trimmed it would be lost
        // without a word.
        if fields.kind.is_some() {
            return fields.event().map(Self::Event);
        }
        Ok(Self::Trimmed { id: need(fields.id, "id")?, seq: need(fields.seq, "seq")? })
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
            Proposal::Forbidden => of(Kind::Joined),
            Proposal::Other => of(Kind::Unknown),
        }
    }
}

impl TryFrom<Fields> for Proposal {
    type Error = FieldError;

    fn try_from(fields: Fields) -> Result<Self, FieldError> {
        Ok(match need(fields.kind, "kind")? {
            Kind::Message => Self::Message { body: need(fields.body, "body")?, reply_to: fields.reply_to },
            Kind::Edited => Self::Edited { target: need(fields.target, "target")?, body: need(fields.body, "body")? },
            Kind::Deleted => Self::Deleted { target: need(fields.target, "target")? },
            Kind::Reacted => Self::Reacted {
                target: need(fields.target, "target")?,
                emoji: need(fields.emoji, "emoji")?,
                on: need(fields.on, "on")?,
            },
            Kind::Joined | Kind::Left => Self::Forbidden,
            Kind::Unknown => Self::Other,
        })
    }
}
