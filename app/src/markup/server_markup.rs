//! Messages that the server has read. The browser takes it over with the page, so that what it draws first is what stands there
//! already, without the parser, and whatever its own idea of an address is.

use std::sync::Arc;

use client::timeline::WINDOW;
use leptos::prelude::*;
use protocol::{Event, EventId, EventKind, MessageBody};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::context::{Context, names_of};
#[cfg(feature = "ssr")]
use super::inline::holds_address;
#[cfg(feature = "ssr")]
use super::lazy::read;
use super::node::Node;
#[cfg(feature = "ssr")]
use super::plain::is_plain;

/// A message that was read for a page, because the browser might read it otherwise, or not without the parser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageMarkup {
    /// The first event of the page that says it.
    pub id: EventId,
    /// Its nodes.
    pub nodes: Vec<Node>,
}

/// Messages that the server has read. A handle: every copy knows the same. Bounded: a page that has seen many messages
/// come and go reads further ones by itself. Another message may say the same words when other people are here, and mean
/// others by its mentions; so each has nodes of its own.
#[derive(Clone, Copy, Default)]
pub struct ServerMarkup(StoredValue<Vec<Read>>);

/// A message as it was when the server read it.
struct Read {
    message: EventId,
    body: MessageBody,
    nodes: Arc<[Node]>,
}

impl ServerMarkup {
    /// Learns what the server read of these events.
    pub fn insert(self, events: &[Event], marked: Vec<MessageMarkup>) {
        let Some(mut known) = self.0.try_write_value() else { return };
        for MessageMarkup { id, nodes } in marked {
            let Some((_, body)) = events.iter().find(|event| event.id == id).and_then(said_by) else { continue };
            let nodes: Arc<[Node]> = nodes.into();
            let same = events.iter().filter_map(said_by).filter(|(_, other)| *other == body);
            for (message, body) in same {
                known.retain(|read| read.message != message || read.body != *body);
                if known.len() < WINDOW {
                    known.push(Read { message, body: body.clone(), nodes: nodes.clone() });
                }
            }
        }
    }

    /// Nodes of this message as the server read it, as long as that is what it says. What it said before is forgotten.
    #[must_use]
    pub fn nodes(self, message: EventId, body: &MessageBody) -> Option<Arc<[Node]>> {
        let mut known = self.0.try_write_value()?;
        known.retain(|read| read.message != message || read.body == *body);
        known.iter().find(|read| read.message == message).map(|read| read.nodes.clone())
    }

    /// Forgets a message that is deleted.
    pub fn forget(self, message: EventId) {
        if let Some(mut known) = self.0.try_write_value() {
            known.retain(|read| read.message != message);
        }
    }
}

/// Words of an event, and the message that has them.
fn said_by(event: &Event) -> Option<(EventId, &MessageBody)> {
    match &event.kind {
        EventKind::Message { body, .. } => Some((event.id, body.as_ref()?)),
        EventKind::Edited { target, body } => Some((*target, body.as_ref()?)),
        _ => None,
    }
}

/// Reads for a page what its browser would need the parser for, and what holds addresses, which browsers may read in ways
/// of their own: one that found a link where the server wrote none could not take over the page.
#[cfg(feature = "ssr")]
#[must_use]
pub fn markup_of(events: &[Event], members: &[protocol::Member], reader: protocol::MemberId) -> Vec<MessageMarkup> {
    let names = names_of(members, reader);
    let mut seen = std::collections::HashSet::new();
    let needed = |body: &MessageBody| !is_plain(body.as_str()) || holds_address(body.as_str());
    let marked = |event: &Event| {
        let (_, body) = said_by(event).filter(|(_, body)| needed(body))?;
        seen.insert(body.clone())
            .then(|| MessageMarkup { id: event.id, nodes: read(body.as_str(), Context::of(&names)) })
    };
    events.iter().filter_map(marked).collect()
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use protocol::{Member, MemberId, Seq};
    use uuid::Uuid;

    use super::*;

    fn said(nth: u64, kind: EventKind) -> Event {
        let id = EventId(Uuid::from_u128(nth.into()));
        Event { seq: Seq(nth), prev: Seq(nth - 1), id, at: 0, by: MemberId(Uuid::nil()), kind }
    }

    fn events(bodies: &[&str]) -> Vec<Event> {
        (1..).zip(bodies).map(|(nth, body)| said(nth, EventKind::message(body.parse().unwrap()))).collect()
    }

    fn seated(nth: u128, name: &str) -> Member {
        Member {
            member: MemberId(Uuid::from_u128(nth)),
            name: name.parse::<protocol::DisplayName>().unwrap().into(),
            away: false,
        }
    }

    #[test]
    fn message_that_needs_the_parser_comes_with_its_nodes() {
        let members = [seated(1, "Ana"), seated(2, "Bo")];
        let events = events(&["plain", "**bold** @ana", "https://a.example", "hi @bo", "**bold** @ana", "not://a b"]);
        let marked = markup_of(&events, &members, members[0].member);
        let ids: Vec<u128> = marked.iter().map(|marked| marked.id.0.as_u128()).collect();
        assert_eq!(ids, [2, 3, 6]);
        let json = serde_json::to_string(&marked).unwrap();
        assert_eq!(serde_json::from_str::<Vec<MessageMarkup>>(&json).unwrap(), marked);

        let owner = Owner::new();
        owner.set();
        let known = ServerMarkup::default();
        known.insert(&events, marked);
        let mention = Node::Mention { text: "@ana".to_owned(), own: true };
        let bold = Node::Bold(vec![Node::Text("bold".to_owned())]);
        let nodes = [Node::Paragraph(vec![bold, Node::Text(" ".to_owned()), mention])];
        let read = |nth: u128, body: &str| known.nodes(EventId(Uuid::from_u128(nth)), &body.parse().unwrap());
        assert_eq!(read(2, "**bold** @ana").unwrap()[..], nodes);
        assert_eq!(read(5, "**bold** @ana").unwrap()[..], nodes, "said again on the same page");
        assert!(read(7, "**bold** @ana").is_none(), "said later, when somebody else may be called so");
        assert!(read(2, "**bold** @bo").is_none(), "changed");
        assert!(read(1, "plain").is_none());
    }

    #[test]
    fn edit_of_a_message_not_on_the_page_comes_with_its_nodes() {
        let target = EventId(Uuid::from_u128(99));
        let body: MessageBody = "*new*".parse().unwrap();
        let events = [said(1, EventKind::Edited { target, body: Some(body.clone()) })];
        let owner = Owner::new();
        owner.set();
        let known = ServerMarkup::default();
        known.insert(&events, markup_of(&events, &[], MemberId(Uuid::nil())));
        assert!(known.nodes(target, &body).is_some());
    }
}
