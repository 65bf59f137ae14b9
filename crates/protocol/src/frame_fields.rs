//! The flat form in which the server's frames are read: one struct of every field there is, of which each type uses some.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::error::ErrorCode;
use super::event::Delivered;
use super::fields::INVALID_FIELDS;
use super::frame::{Member, Names, RoomInfo, ServerFrame, Welcome};
use super::ids::{EventId, MemberId};
use super::limits::Limits;
use super::position::{Position, Seq};

/// Union of the fields of all server frames.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FrameFields {
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
    error: Option<ErrorCode>,
    code: Option<u16>,
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
            Kind::Rejected => ServerFrame::Rejected { id: self.id?, error: self.error?, retry_ms: self.retry_ms },
            Kind::Pong => ServerFrame::Pong { n: self.n? },
            Kind::Bye => ServerFrame::Bye { code: self.code?, reason: self.reason?, retry_ms: self.retry_ms },
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

impl<'de> Deserialize<'de> for ServerFrame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FrameFields::deserialize(deserializer)?.frame().ok_or_else(|| D::Error::custom(INVALID_FIELDS))
    }
}
