//! Which room this is, who is in it, the way to bring others in, and the way out.
//!
//! The buttons that need no client are heard by the document's script (`ui/page.js`) or by the browser itself: the link,
//! the look, what opens and closes.

use web_sys::Event;

use super::notices::{Notices, Setting};
use crate::live::browser;
use crate::live::store::RoomStore;
use crate::ui::kit::{Icon, look, mark, sign, tool};
use crate::ui::text;
use crate::ui::tree::{El, el};

/// The bar at the top.
pub(super) fn view(store: RoomStore, notices: Notices) -> El {
    let click = move |event: &Event| {
        if browser::target(event).and_then(|target| browser::closest(&target, ".bell")).is_some() {
            notices.toggle();
        }
    };
    let leave = move |event: &Event| {
        let unsent = store.unsent_words().len();
        let stays = unsent > 0 && !browser::confirm(&text::leave_unsent(unsent));
        if stays || store.leave() {
            event.prevent_default();
        }
    };
    let home = el("a").class("mark").attr("href", "/").attr("rel", "external").attr("aria-label", text::PRODUCT);
    el("header").on("click", click).on("submit", leave).child(home.child(mark())).live(move || bar(store, notices))
}

fn bar(store: RoomStore, notices: Notices) -> El {
    let code = store.code.to_string();
    let seats = seats(store.members.with(Vec::len), store.capacity);
    let mut bar = el("div")
        .class("bar")
        .child(el("h1").class("visually-hidden").text(text::room(store.code)))
        .child(chip(&code))
        .child(el("span").class("chip wide").children(seats.clone()))
        .child(tool().class("chip narrow").attr("popovertarget", "people").children(seats));
    if store.locked.get() {
        bar = bar.child(
            el("span")
                .class("chip lock")
                .attr("title", text::LOCKED)
                .child(Icon::Lock.drawing())
                .child(hidden(text::LOCKED)),
        );
    }
    bar.child(el("span").class("space"))
        .child(
            tool()
                .class("button icon narrow scripted")
                .attr("popovertarget", "tools")
                .attr("aria-label", text::MORE)
                .attr("title", text::MORE)
                .child(Icon::More.drawing()),
        )
        .child(
            el("div")
                .class("tools")
                .attr("id", "tools")
                .attr("popover", "")
                .child(invite())
                .child(bell(notices))
                .child(look()),
        )
        .child(leave(code))
}

/// The room's code. Without script it is the room's link, to be copied by the browser's own means.
fn chip(code: &str) -> El {
    el("a")
        .class("chip code")
        .attr("href", format!("/room/{code}"))
        .attr("rel", "external")
        .attr("title", text::COPY_LINK)
        .attr("data-copied", text::COPIED)
        .child(el("code").attr("data-testid", "code").attr("translate", "no").text(code.to_owned()))
        .child(Icon::Copy.drawing())
        .child(Icon::Done.drawing())
        .child(el("span").class("visually-hidden").attr("role", "status"))
}

fn seats(taken: usize, capacity: u32) -> [El; 4] {
    [
        Icon::People.drawing(),
        hidden(text::PEOPLE),
        // The space is for who hears it; the eye has the gap.
        el("span").text(format!(" {taken} ")),
        el("span").class("of").text(format!("/ {capacity}")),
    ]
}

fn invite() -> El {
    tool()
        .class("button icon scripted")
        .attr("command", "show-modal")
        .attr("commandfor", "invite")
        .child(sign(Icon::Qr, text::INVITE).attr("title", text::INVITE))
}

fn bell(notices: Notices) -> El {
    let (icon, words, title) = match notices.setting() {
        Setting::Off => (Icon::BellOff, text::NOTICES_OFF, text::NOTICES_OFF),
        Setting::Sound => (Icon::Bell, text::NOTICES_SOUND, text::NOTICES_DENIED),
        Setting::Desktop => (Icon::Bell, text::NOTICES_ON, text::NOTICES_ON),
    };
    tool().class("button icon bell hydrated").attr("title", title).child(sign(icon, words))
}

fn leave(code: String) -> El {
    el("form")
        .attr("method", "post")
        .attr("action", "/api/leave_room")
        .child(el("input").attr("type", "hidden").attr("name", "code").attr("value", code))
        .child(el("button").class("button icon leave").attr("title", text::LEAVE).child(sign(Icon::Leave, text::LEAVE)))
}

fn hidden(words: &'static str) -> El {
    el("span").class("visually-hidden").text(words)
}
