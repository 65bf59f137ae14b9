//! Announcements of reactions to the reader's messages, and of edits, for screen readers: off until asked for.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use client::{MessageRow, Reaction, Row, RowKey};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::announcer::{ANNOUNCED, Announcer, MAX_READ_OUT, NewMessage, say, withdraw};
use super::row::{author, excerpt};
use crate::components::room::notices::Notices;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::{markup, text};

/// Time within which changes are announced together.
const DELAY: Duration = Duration::from_millis(700);

/// A change of a message.
struct Change {
    /// The message as it is now.
    message: NewMessage,
    /// Name of who reacted, and the emoji; `None` for an edit.
    reaction: Option<(String, String)>,
}

/// Announces changes while this is asked for, and takes back what was announced of what is deleted, until the reactive
/// owner is cleaned up.
pub(in crate::components::room) fn announce_changes(announcer: Announcer) {
    withdraw(announcer);
    let (room, notices) = (announcer.room, expect_context::<Notices>());
    let pending = StoredValue::new(Vec::<Change>::new());
    let mut before = Vec::new();
    effect(move || {
        let now = if notices.announces_changes() { shown(room) } else { Vec::new() };
        // Both are in the log's order, so each row is looked for behind the one before.
        let mut rest = before.iter();
        let mut new = Vec::new();
        for (key, is) in &now {
            if let Some(at) = rest.as_slice().iter().position(|(before, _)| before == key)
                && let Some((_, was)) = rest.nth(at)
                && !Arc::ptr_eq(was, is)
            {
                new.extend(changes(was, is));
            }
        }
        before = now;
        if !new.is_empty() {
            if pending.read_value().is_empty() {
                set_timeout(move || announce(announcer, pending), DELAY);
            }
            pending.write_value().extend(new);
        }
    });
}

/// All rows. Tracked one by one: the list alone says nothing of what a row shows.
fn shown(room: Room) -> Vec<(RowKey, Arc<Row>)> {
    let mut rows = Vec::new();
    for block in &*room.log.blocks.read() {
        rows.extend(block.rows.read().iter().map(|handle| (handle.key, handle.row.get())));
    }
    rows
}

/// The changes from one state of a row to another that are to be announced: an edit of somebody else, and reactions of
/// others to a message of the reader.
fn changes(was: &Row, is: &Row) -> Vec<Change> {
    let (Row::Message(was), Row::Message(is)) = (was, is) else { return Vec::new() };
    let (Some(old), Some(body)) = (&was.body, &is.body) else { return Vec::new() };
    let change = |reaction| Change { message: NewMessage { id: is.id, by: author(is), body: body.clone() }, reaction };
    if is.own {
        is.reactions.iter().filter_map(|now| new_reaction(was, now)).map(|reaction| change(Some(reaction))).collect()
    } else if old != body {
        vec![change(None)]
    } else {
        Vec::new()
    }
}

/// The new one among the others with this emoji on a message, and the emoji; `None` if there are no more than before.
fn new_reaction(was: &MessageRow, now: &Reaction) -> Option<(String, String)> {
    let others = |reaction: &Reaction| reaction.count - usize::from(reaction.own);
    let before = was.reactions.iter().find(|before| before.emoji == now.emoji);
    if others(now) <= before.map_or(0, others) {
        return None;
    }
    let new = now.who.iter().rev().find(|name| !before.is_some_and(|before| before.who.contains(name)));
    Some((new.map_or_else(|| text::somebody().to_owned(), ToString::to_string), now.emoji.to_string()))
}

/// Announces the pending changes. Does nothing once the page is gone.
fn announce(announcer: Announcer, pending: StoredValue<Vec<Change>>) {
    let Some(mut changes) = pending.try_update_value(mem::take) else { return };
    if changes.len() > MAX_READ_OUT {
        announcer.notes.add(text::changes(changes.len()), ANNOUNCED);
        return;
    }
    let room = announcer.room;
    spawn_local(async move {
        for change in &changes {
            markup::wait_for_parser(change.message.body.as_str()).await;
        }
        // Deleted or edited again by now.
        changes.retain(|Change { message, .. }| {
            room.message(message.id).is_some_and(|now| now.body.as_ref() == Some(&message.body))
        });
        let words = |Change { message: NewMessage { id, by, body }, reaction }: &Change| {
            let said = excerpt(room, *id, body);
            match reaction {
                Some((name, emoji)) => text::reacted(name, emoji, &said),
                None => text::has_edited(by, &said),
            }
        };
        let words: Vec<_> = changes.iter().map(words).collect();
        if !words.is_empty() {
            say(announcer, &words, changes.into_iter().map(|change| change.message).collect());
        }
    });
}

#[cfg(test)]
mod tests {
    use client::RowState;
    use protocol::{DisplayName, EventId, MemberId, ShownName};
    use uuid::Uuid;

    use super::*;

    fn shown(name: &str) -> ShownName {
        name.parse::<DisplayName>().unwrap().into()
    }

    fn message(own: bool, body: &str, reactions: &[(&str, bool, &[&str])]) -> Row {
        let reaction = |(emoji, own, who): &(&str, bool, &[&str])| Reaction {
            emoji: emoji.parse().unwrap(),
            count: who.len(),
            own: *own,
            who: who.iter().map(|name| shown(name)).collect(),
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

    /// Names and emoji of the reactions between two states of an own message.
    fn reactions(was: &[(&str, bool, &[&str])], is: &[(&str, bool, &[&str])]) -> Vec<String> {
        let changes = changes(&message(true, "Hi", was), &message(true, "Hi", is)).into_iter();
        changes.filter_map(|change| change.reaction).map(|(name, emoji)| format!("{name} {emoji}")).collect()
    }

    #[test]
    fn reactions_of_others_to_an_own_message_are_changes() {
        assert_eq!(reactions(&[], &[("👍", false, &["Bo"]), ("🎉", false, &["Di"])]), ["Bo 👍", "Di 🎉"]);
        assert_eq!(reactions(&[("👍", false, &["Bo"])], &[("👍", false, &["Bo", "Chidi"])]), ["Chidi 👍"]);
        let own = reactions(&[("👍", false, &["Bo"])], &[("👍", true, &["Bo", "Ana"])]);
        let taken_back = reactions(&[("👍", false, &["Bo", "Chidi"])], &[("👍", false, &["Bo"])]);
        assert_eq!([own, taken_back], [[""; 0]; 2]);
    }

    #[test]
    fn reaction_to_a_message_of_somebody_else_is_no_change() {
        assert!(changes(&message(false, "Hi", &[]), &message(false, "Hi", &[("👍", false, &["Bo"])])).is_empty());
    }

    #[test]
    fn edit_of_somebody_else_is_a_change_and_a_deletion_none() {
        let edited = changes(&message(false, "Hi", &[]), &message(false, "Hello", &[]));
        let words: Vec<_> = edited.iter().map(|change| (change.message.body.as_str(), &change.reaction)).collect();
        assert_eq!(words, [("Hello", &None)]);
        assert!(changes(&message(true, "Hi", &[]), &message(true, "Hello", &[])).is_empty(), "the reader's own");
        assert!(changes(&message(false, "Hi", &[]), &message(false, "", &[])).is_empty());
    }
}
