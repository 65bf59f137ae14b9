//! The flat form in which the server's frames are read: one struct of every field there is, of which each type uses some.

use std::fmt;

use serde::de::{Error, IntoDeserializer as _, Visitor};
use serde::{Deserialize, Deserializer};

use super::event::Delivered;
use super::fault::Code;
use super::fields::Misfit;
use super::frame::{Member, Names, RoomInfo, ServerFrame, Welcome};
use super::ids::{EventId, MemberId};
use super::limits::Limits;
use super::position::{Position, Seq};

/// The fields of all frames of the server.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FrameFields {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    member: Option<MemberId>,
    position: Option<Position>,
    recovered: Option<bool>,
    room: Option<RoomInfo>,
    members: Option<Vec<Member>>,
    oldest: Option<Seq>,
    limits: Option<Limits>,
    build: Option<String>,
    events: Option<Vec<Delivered>>,
    names: Option<Names>,
    more: Option<bool>,
    typing: Option<bool>,
    away: Option<bool>,
    until: Option<u64>,
    id: Option<EventId>,
    code: Option<WordOrNumber>,
    retry_ms: Option<u64>,
    n: Option<u64>,
    reason: Option<String>,
}

/// The types of the server's frames.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Welcome,
    Events,
    Signal,
    Rejected,
    Pong,
    Bye,
    #[serde(other)]
    Unknown,
}

/// The one field that two types of frames have in different forms: `rejected` says a word of [`Code`], `bye` the number
/// of a close.
#[derive(Clone, Copy)]
enum WordOrNumber {
    Word(Code),
    Number(u16),
}

impl WordOrNumber {
    fn word(self) -> Option<Code> {
        if let Self::Word(code) = self { Some(code) } else { None }
    }

    fn number(self) -> Option<u16> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }
}

impl<'de> Deserialize<'de> for WordOrNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherVisitor)
    }
}

struct EitherVisitor;

impl Visitor<'_> for EitherVisitor {
    type Value = WordOrNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a number")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<WordOrNumber, E> {
        Code::deserialize(word.into_deserializer()).map(WordOrNumber::Word)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<WordOrNumber, E> {
        number.try_into().map(WordOrNumber::Number).map_err(E::custom)
    }
}

impl FrameFields {
    fn frame(self) -> Option<ServerFrame> {
        Some(match self.kind? {
            Kind::Welcome => ServerFrame::Welcome(Box::new(self.welcome()?)),
            Kind::Events => ServerFrame::Events {
                events: self.events?,
                names: self.names.unwrap_or_default(),
                more: self.more.unwrap_or_default(),
            },
            Kind::Signal => {
                ServerFrame::Signal { member: self.member?, typing: self.typing, away: self.away, until: self.until }
            }
            Kind::Rejected => ServerFrame::Rejected { id: self.id?, code: self.code?.word()?, retry_ms: self.retry_ms },
            Kind::Pong => ServerFrame::Pong { n: self.n? },
            Kind::Bye => ServerFrame::Bye { code: self.code?.number()?, reason: self.reason?, retry_ms: self.retry_ms },
            Kind::Unknown => ServerFrame::Unknown,
        })
    }

    fn welcome(self) -> Option<Welcome> {
        Some(Welcome {
            member: self.member?,
            position: self.position?,
            recovered: self.recovered?,
            room: self.room?,
            members: self.members?,
            oldest: self.oldest?,
            limits: self.limits?,
            build: self.build?,
        })
    }
}

impl TryFrom<FrameFields> for ServerFrame {
    type Error = Misfit;

    fn try_from(fields: FrameFields) -> Result<Self, Misfit> {
        fields.frame().ok_or(Misfit)
    }
}
