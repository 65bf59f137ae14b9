//! Consequences of a goal that is reached, or cannot be.

use client::{MessageRow, Row, RowState};
use leptos::prelude::*;
use protocol::EventId;

use super::bring::Outcome;
use super::goal::{Form, Goal};
use super::talk::{Answered, Said, Talk};
use crate::components::room::log::ids::element_id;
use crate::components::room::log::row::{author, quoted_words};
use crate::components::room::toast::Toast;
use crate::live::browser;
use crate::live::room::Room;
use crate::text;

/// Does what the goal was for.
pub(super) fn reach(room: Room, toast: Toast, goal: Goal, outcome: Outcome) {
    match (goal, outcome) {
        (Goal::Search, _) => {}
        (Goal::Save(_), Outcome::Failed) => toast.show(text::nothing_saved()),
        (_, Outcome::Failed) => toast.show(text::not_loaded()),
        (Goal::Message(id), Outcome::Here) => go_to(id),
        (Goal::Message(_), _) => toast.show(text::not_found()),
        (Goal::Day(day), _) => {
            if outcome == Outcome::Partial {
                toast.show(text::not_whole());
            }
            if let Some(id) = first_since(room, day) {
                go_to(id);
            }
        }
        (Goal::Save(form), _) => save(room, toast, form, outcome == Outcome::Whole),
    }
}

/// Goes to a message, once it is drawn.
fn go_to(id: EventId) {
    request_animation_frame(move || {
        browser::scroll_into_view(&element_id(id));
        browser::focus(&element_id(id));
    });
}

/// The first message of this day or after it; where there is none, the last one.
fn first_since(room: Room, wanted: i64) -> Option<EventId> {
    let (mut is_since, mut last) = (false, None);
    for block in &*room.log.blocks.read_untracked() {
        for handle in &*block.rows.read_untracked() {
            match &**handle.row.read_untracked() {
                Row::Day(day) => is_since |= day.day >= wanted,
                Row::Message(message) if is_since => return Some(message.id),
                Row::Message(message) => last = Some(message.id),
                Row::Unread(_) | Row::Roster(_) => {}
            }
        }
    }
    last
}

/// Gives the browser the talk as a file.
fn save(room: Room, toast: Toast, form: Form, is_whole: bool) {
    let mut messages = Vec::new();
    room.log.find_back(|message| {
        messages.extend(said(room, message));
        None::<()>
    });
    messages.reverse();
    let (at, utc_offset) = (browser::unix_ms(), browser::utc_offset());
    let talk = Talk { code: room.code, at, utc_offset, is_whole, messages };
    let name = talk.file_name(form);
    let is_saved = browser::save_file(&name, &talk.written(form)).is_some();
    toast.show(&match (is_saved, is_whole) {
        (false, _) => text::not_saved().to_owned(),
        (true, false) => text::saved_part(&name),
        (true, true) => text::saved_as(&name),
    });
}

/// A message as it is saved; `None` for one that is not in the log.
fn said(room: Room, message: &MessageRow) -> Option<Said> {
    let is_stored = matches!(message.state, RowState::Sent | RowState::Changing { .. });
    is_stored.then(|| Said {
        author: author(message),
        at: message.at,
        body: message.body.as_ref().map(|body| body.as_str().to_owned()),
        edited: message.edited,
        reply: message.reply.as_ref().map(|quote| Answered {
            author: quote.name.as_ref().map(ToString::to_string),
            words: quoted_words(room, quote),
        }),
    })
}
