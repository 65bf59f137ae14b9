//! The line above the box: which message the text in it answers or changes.

use super::super::Mode;
use super::super::message::{bdi, excerpt};
use crate::client::{MessageRow, Row, RowKey};
use crate::live::store::RoomStore;
use crate::ui::kit::Icon;
use crate::ui::text;
use crate::ui::tree::{El, el};

/// What the box is for, while it is for no new message. Reads what may change it, so it belongs into a closure.
pub(super) fn about(store: RoomStore, mode: &Mode) -> El {
    let (what, message) = match mode {
        Mode::New => return el("div").attr("hidden", ""),
        Mode::Reply(message) => (text::REPLYING, message),
        Mode::Edit(message) => (text::EDITING, message),
    };
    let mut heading = el("b").text(what);
    if matches!(mode, Mode::Reply(_)) {
        let name = message.name.as_ref().map_or_else(|| text::SOMEBODY.to_owned(), ToString::to_string);
        heading = heading.text(" ").child(bdi(name).class("name"));
    }
    let cancel = el("button")
        .class("button icon")
        .attr("type", "button")
        .attr("aria-label", text::CANCEL)
        .attr("title", text::CANCEL)
        .child(Icon::Close.drawing());
    let words = el("p").child(heading).child(el("span").attr("dir", "auto").text(quoted(store, message)));
    let class = format!("about hue-{}", message.by.hue());
    el("div").class(class).attr("id", "about").child(words).child(cancel)
}

/// How the message begins now: its author can still change it or take it back.
fn quoted(store: RoomStore, message: &MessageRow) -> String {
    let body = store.rows.with(|rows| {
        match rows.iter().rev().find(|row| row.key() == RowKey::Event(message.id)).map(|row| &**row) {
            Some(Row::Message(now)) => now.body.clone(),
            _ => message.body.clone(),
        }
    });
    body.map_or_else(|| text::DELETED.to_owned(), |body| excerpt(body.as_str()))
}
