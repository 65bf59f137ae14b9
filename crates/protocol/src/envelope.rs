//! Client frames out of JSON, which servers alone do.
//!
//! The fields of a frame are cut out unread (`RawValue`): an append's id is known before its event is looked at, so
//! that an event that cannot be read is refused by its id. Nothing is read into a tree, and what nobody asks for is not
//! read at all, however deep or large it is.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::event::{LeaveReason, Proposal, ProposedChange};
use super::fields::Kind;
use super::frame::ClientFrame;

type Field<'a> = Option<&'a RawValue>;

/// Union of the fields of all client frames.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    #[serde(borrow)]
    v: Field<'a>,
    #[serde(borrow)]
    position: Field<'a>,
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    event: Field<'a>,
    #[serde(borrow)]
    typing: Field<'a>,
    #[serde(borrow)]
    n: Field<'a>,
}

/// Reads a field that is there, also `null`: an event that is none can be refused, and a missing one cannot.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Field<'de>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// Union of the fields of all events that clients may append.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    kind: Field<'a>,
    #[serde(borrow)]
    target: Field<'a>,
    #[serde(borrow)]
    body: Field<'a>,
    #[serde(borrow)]
    reply_to: Field<'a>,
    #[serde(borrow)]
    name: Field<'a>,
    #[serde(borrow)]
    emoji: Field<'a>,
    #[serde(borrow)]
    on: Field<'a>,
    #[serde(borrow)]
    member: Field<'a>,
    #[serde(borrow)]
    why: Field<'a>,
    #[serde(borrow)]
    locked: Field<'a>,
    #[serde(borrow)]
    capacity: Field<'a>,
    #[serde(borrow)]
    slow_ms: Field<'a>,
    #[serde(borrow)]
    host_only: Field<'a>,
}

/// Reason why a field cannot be read.
enum ReadError {
    /// It is not there, or of another type.
    Shape,
    /// A string with half a surrogate pair (RFC 8259 section 8.2), which no text can hold.
    Text,
}

impl<'de> Deserialize<'de> for ClientFrame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        frame(Deserialize::deserialize(deserializer)?).map_err(|_| D::Error::custom("not a frame of a client"))
    }
}

fn frame(text: &RawValue) -> Result<ClientFrame, ReadError> {
    let frame: Envelope<'_> = object(text)?;
    let kind = match string(Some(frame.kind)) {
        Err(ReadError::Text) => return Ok(ClientFrame::Unknown),
        kind => kind?,
    };
    Ok(match kind.as_str() {
        "hello" => ClientFrame::Hello { v: need(frame.v)?, position: frame.position.map(object).transpose()? },
        "append" => ClientFrame::Append { id: need(frame.id)?, event: proposal(frame.event.ok_or(ReadError::Shape)?) },
        "leave" => ClientFrame::Leave,
        "signal" => ClientFrame::Signal { typing: need(frame.typing)? },
        "ping" => ClientFrame::Ping { n: need(frame.n)? },
        _ => ClientFrame::Unknown,
    })
}

/// Reads what to append. Whatever it is, it is something that can be refused.
fn proposal(event: &RawValue) -> Proposal {
    event_of_client(event).unwrap_or_else(|error| match error {
        ReadError::Shape => Proposal::Unsupported,
        ReadError::Text => Proposal::BadText,
    })
}

fn event_of_client(event: &RawValue) -> Result<Proposal, ReadError> {
    let event: Event<'_> = object(event)?;
    // serde takes an object with the word as its only field for the word as well.
    let kind = event.kind.filter(|kind| kind.get().starts_with('"'));
    Ok(match need(kind).unwrap_or(Kind::Unknown) {
        Kind::Message => Proposal::Message { body: string(event.body)?, reply_to: maybe(event.reply_to)? },
        Kind::Edited => Proposal::Edited { target: need(event.target)?, body: string(event.body)? },
        Kind::Deleted => Proposal::Deleted { target: need(event.target)? },
        Kind::Reacted => {
            Proposal::Reacted { target: need(event.target)?, emoji: string(event.emoji)?, on: need(event.on)? }
        }
        Kind::Renamed => Proposal::Renamed { name: string(event.name)? },
        Kind::Settings => {
            let change = ProposedChange {
                name: event.name.map(|name| string(Some(name))).transpose()?,
                locked: maybe(event.locked)?,
                capacity: maybe(event.capacity)?,
                slow_ms: maybe(event.slow_ms)?,
                host_only: maybe(event.host_only)?,
            };
            // Without anything that this version knows.
            if change == ProposedChange::default() { Proposal::Unsupported } else { Proposal::Settings(change) }
        }
        Kind::Code => Proposal::Code,
        Kind::Host => Proposal::Host { member: need(event.member)? },
        Kind::Ended => Proposal::Ended,
        Kind::Left if matches!(need(event.why), Ok(LeaveReason::Removed)) => {
            Proposal::Remove { member: need(event.member)? }
        }
        Kind::Joined | Kind::Left => Proposal::NotAllowed,
        Kind::Unknown => Proposal::Unsupported,
    })
}

/// Reads a struct out of an object. serde takes an array of its fields' values for one as well.
fn object<'a, T: Deserialize<'a>>(json: &'a RawValue) -> Result<T, ReadError> {
    let object = Some(json.get()).filter(|json| json.starts_with('{'));
    object.and_then(|json| serde_json::from_str(json).ok()).ok_or(ReadError::Shape)
}

fn need<T: DeserializeOwned>(field: Field<'_>) -> Result<T, ReadError> {
    field.and_then(|json| serde_json::from_str(json.get()).ok()).ok_or(ReadError::Shape)
}

fn maybe<T: DeserializeOwned>(field: Field<'_>) -> Result<Option<T>, ReadError> {
    field.map(|json| need(Some(json))).transpose()
}

fn string(field: Field<'_>) -> Result<String, ReadError> {
    let json = field.ok_or(ReadError::Shape)?.get();
    // The frame is JSON, so a string that cannot be read holds what is no text.
    serde_json::from_str(json).map_err(|_| if json.starts_with('"') { ReadError::Text } else { ReadError::Shape })
}
