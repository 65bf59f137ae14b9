//! Who is here: beside the log, or on a narrow screen a sheet that the header opens.

use protocol::Member;

use super::message::avatar;
use crate::live::store::RoomStore;
use crate::ui::kit::{Icon, tool};
use crate::ui::text;
use crate::ui::tree::{El, el};

/// The panel.
pub(super) fn panel(store: RoomStore) -> El {
    let members = store.members.get();
    let typing = store.typing.get();
    let (me, others): (Vec<_>, Vec<_>) = members.iter().partition(|member| member.member == store.me);
    let people = me.into_iter().chain(others).map(|member| {
        let word = if member.member == store.me {
            text::YOU
        } else if member.away {
            text::AWAY
        } else if typing.iter().any(|name| **name == member.name) {
            text::TYPING
        } else {
            ""
        };
        person(member, word)
    });
    el("aside")
        .class("people")
        .attr("id", "people")
        .attr("popover", "")
        .attr("aria-label", text::PEOPLE)
        // It may have to be scrolled, and Safari lets keys do that only in what can have the focus.
        .attr("tabindex", "0")
        .child(el("h2").text(text::here_now(members.len(), store.capacity)))
        .child(
            tool()
                .class("button icon narrow")
                .attr("popovertarget", "people")
                .attr("popovertargetaction", "hide")
                .attr("aria-label", text::CLOSE)
                .child(Icon::Close.drawing()),
        )
        .child(el("ul").attr("role", "list").children(people))
}

fn person(member: &Member, word: &'static str) -> El {
    el("li")
        .class(if member.away { "person away" } else { "person" })
        .child(avatar(&member.name, member.member))
        .child(el("bdi").attr("translate", "no").text(member.name.to_string()))
        .child(el("small").text(word))
}
