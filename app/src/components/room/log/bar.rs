//! What can be done with a message: one bar for all of them, at the one that is pointed at, pressed long or focused.

use super::log::Log;
use crate::client::{MessageRow, RowState};
use crate::ui::kit::Icon;
use crate::ui::text;
use crate::ui::tree::{El, el};
/// The reactions that are one press away.
const QUICK: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// The bar; empty while there is no message for it.
pub(super) fn bar(log: Log) -> El {
    let bar = el("div").attr("role", "toolbar").attr("aria-label", text::ACTIONS).attr("id", "actions");
    let Some(message) = log.target.get().and_then(|id| log.store.message(id)).filter(can_be_acted_on) else {
        return bar.class("actions").attr("hidden", "");
    };
    let mut bar = bar
        .class(if message.own { "actions own" } else { "actions" })
        .attr("data-message", message.id.to_string())
        .children(QUICK.iter().map(|emoji| {
            button("react", text::REACT_WITH, (*emoji).to_owned()).attr("data-emoji", *emoji).text(*emoji)
        }))
        .child(drawn("pick", text::REACT, Icon::Smile))
        .child(drawn("reply", text::REPLY, Icon::Reply))
        .child(drawn("copy", text::COPY, Icon::Copy));
    if message.own {
        bar = bar.child(drawn("edit", text::EDIT, Icon::Edit));
        bar = bar.child(if log.sure.get() {
            button("delete", text::DELETE_SURE, String::new()).class("sure").text(text::DELETE_SURE)
        } else {
            drawn("delete", text::DELETE, Icon::Delete)
        });
    }
    bar
}

fn can_be_acted_on(message: &MessageRow) -> bool {
    message.body.is_some() && matches!(message.state, RowState::Sent | RowState::Changing { .. })
}

fn button(verb: &'static str, name: &'static str, more: String) -> El {
    let name = if more.is_empty() { name.to_owned() } else { format!("{name} {more}") };
    el("button")
        .attr("type", "button")
        .attr("tabindex", "-1")
        .attr("data-do", verb)
        .attr("title", name.clone())
        .attr("aria-label", name)
}

fn drawn(verb: &'static str, name: &'static str, icon: Icon) -> El {
    button(verb, name, String::new()).child(icon.drawing())
}
