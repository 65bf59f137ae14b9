//! Announcements of reactions to the reader's messages, and of edits, for screen readers: off until asked for.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use client::{MessageRow, Row, RowKey};
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::MessageBody;

use super::announcer::{ANNOUNCED, Announcer, MAX_READ_OUT, NewMessage, say, withdraw};
use super::row::{author, excerpt};
use crate::components::room::notices::Notices;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::{markup, text};

/// Time within which changes are announced together.
const DELAY: Duration = Duration::from_millis(700);

/// The rows that are shown.
type Rows = BTreeMap<RowKey, Arc<Row>>;

/// A change of a message: the message as it is now, and the reaction, or `None` for an edit.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    message: MessageRow,
    body: MessageBody,
    /// Name of who reacted, and the emoji.
    reaction: Option<(String, String)>,
}

/// Announces changes while this is asked for, and takes back what was announced of what is deleted, until the reactive
/// owner is cleaned up.
pub(in crate::components::room) fn announce_changes(announcer: Announcer) {
    withdraw(announcer);
    let (room, notices) = (announcer.room, expect_context::<Notices>());
    let pending = StoredValue::new(Vec::<Change>::new());
    let mut before: Option<Rows> = None;
    effect(move || {
        let now = notices.announces_changes().then(|| shown(room));
        if let (Some(before), Some(now)) = (&before, &now) {
            let changes: Vec<_> = now.iter().filter_map(|(key, is)| change(before.get(key)?, is)).collect();
            if !changes.is_empty() {
                if pending.read_value().is_empty() {
                    set_timeout(move || announce(announcer, pending), DELAY);
                }
                pending.write_value().extend(changes);
            }
        }
        before = now;
    });
}

/// All rows. Tracked one by one: the list alone says nothing of what a row shows.
fn shown(room: Room) -> Rows {
    let mut rows = Rows::new();
    for block in &*room.log.blocks.read() {
        rows.extend(block.rows.read().iter().map(|handle| (handle.key, handle.row.get())));
    }
    rows
}

/// The change from one state of a row to another that is to be announced. An edit is that of somebody else, a reaction
/// that of somebody else to a message of the reader.
fn change(was: &Row, is: &Row) -> Option<Change> {
    let (Row::Message(was), Row::Message(is)) = (was, is) else { return None };
    let (old, body) = (was.body.as_ref()?, is.body.clone()?);
    let reaction = if is.own { Some(reaction(was, is)?) } else { None };
    let is_change = is.own || *old != body;
    is_change.then(|| Change { message: is.clone(), body, reaction })
}

/// The first emoji that more of the others have put on a message than before, and who is new.
fn reaction(was: &MessageRow, is: &MessageRow) -> Option<(String, String)> {
    is.reactions.iter().find_map(|now| {
        let before = was.reactions.iter().find(|before| before.emoji == now.emoji);
        let of_others = |count: usize, own: bool| count - usize::from(own);
        let is_more = of_others(now.count, now.own) > before.map_or(0, |before| of_others(before.count, before.own));
        let is_new = |name: &&protocol::DisplayName| !before.is_some_and(|before| before.who.contains(name));
        let name = now.who.iter().filter(is_new).next_back();
        is_more.then(|| (name.map_or_else(|| text::SOMEBODY.to_owned(), ToString::to_string), now.emoji.to_string()))
    })
}

/// Announces the pending changes. Does nothing once the page is gone.
fn announce(announcer: Announcer, pending: StoredValue<Vec<Change>>) {
    let Some(changes) = pending.try_update_value(mem::take) else { return };
    if changes.len() > MAX_READ_OUT {
        announcer.notes.add(text::changes(changes.len()), ANNOUNCED);
        return;
    }
    let room = announcer.room;
    spawn_local(async move {
        for change in &changes {
            markup::wait_for_parser(change.body.as_str()).await;
        }
        let mut words = Vec::new();
        let mut messages = Vec::new();
        for Change { message, body, reaction } in changes {
            // Deleted or edited again by now.
            if room.message(message.id).is_none_or(|now| now.body.as_ref() != Some(&body)) {
                continue;
            }
            let (by, said) = (author(&message), excerpt(room, message.id, &body));
            words.push(match reaction {
                Some((name, emoji)) => text::reacted(&name, &emoji, &said),
                None => text::edited(&by, &said),
            });
            messages.push(NewMessage { id: message.id, by, body });
        }
        if !words.is_empty() {
            say(announcer, &words, messages);
        }
    });
}

#[cfg(test)]
mod tests {
    use client::{Reaction, RowState};
    use protocol::{EventId, MemberId};
    use uuid::Uuid;

    use super::*;

    fn message(own: bool, body: &str, reactions: &[(&str, bool, &[&str])]) -> Row {
        let reaction = |(emoji, own, who): &(&str, bool, &[&str])| Reaction {
            emoji: emoji.parse().unwrap(),
            count: who.len(),
            own: *own,
            who: who.iter().map(|name| name.parse().unwrap()).collect(),
        };
        Row::Message(MessageRow {
            id: EventId(Uuid::nil()),
            by: MemberId(Uuid::nil()),
            name: None,
            at: 0,
            body: body.parse().ok(),
            edited: false,
            own,
            first_of_group: false,
            last_of_group: false,
            reply: None,
            reactions: Arc::new(reactions.iter().map(reaction).collect()),
            state: RowState::Sent,
        })
    }

    fn reaction_of(was: &Row, is: &Row) -> Option<(String, String)> {
        change(was, is).and_then(|change| change.reaction)
    }

    #[test]
    fn reaction_of_somebody_else_to_an_own_message_is_a_change() {
        let none = message(true, "Hi", &[]);
        let one = message(true, "Hi", &[("👍", false, &["Bo"])]);
        let two = message(true, "Hi", &[("👍", false, &["Bo", "Chidi"])]);
        let with_own = message(true, "Hi", &[("👍", true, &["Bo", "Ana"])]);
        let named = |name: &str| Some((name.to_owned(), "👍".to_owned()));
        assert_eq!(reaction_of(&none, &one), named("Bo"));
        assert_eq!(reaction_of(&one, &two), named("Chidi"));
        assert_eq!(change(&one, &with_own), None, "the reader's own");
        assert_eq!(change(&two, &one), None, "taken back");
    }

    #[test]
    fn reaction_to_a_message_of_somebody_else_is_none() {
        assert_eq!(change(&message(false, "Hi", &[]), &message(false, "Hi", &[("👍", false, &["Bo"])])), None);
    }

    #[test]
    fn edit_of_somebody_else_is_a_change_and_a_deletion_none() {
        let edited = change(&message(false, "Hi", &[]), &message(false, "Hello", &[])).unwrap();
        assert_eq!((edited.body.as_str(), edited.reaction), ("Hello", None));
        assert_eq!(change(&message(true, "Hi", &[]), &message(true, "Hello", &[])), None, "the reader's own");
        assert_eq!(change(&message(false, "Hi", &[]), &message(false, "", &[])), None);
    }
}
