//! One row of the log, as a piece of the page. What is pressed in it is heard by the log: see `data-do`.

use std::sync::Arc;

use crate::client::{MessageRow, NameIndex, Quote, Reaction, Row, RowState};
use crate::live::store::RoomStore;
use crate::live::{address, browser};
use crate::protocol::emoji::picture;
use crate::protocol::{Code, DisplayName, EventId, MemberId, MessageBody};
use crate::ui::markup::{self, Context, Node};
use crate::ui::text;
use crate::ui::tree::{El, el};
/// "Sending" is said only after this long, in milliseconds: most messages are there before.
const PATIENT_MS: u64 = 300;
/// How much of a quoted message is shown, in scalar values.
const EXCERPT: usize = 120;

/// What of a row still says what the server wrote. That stays in the page, and is not read again.
#[derive(Clone, Default)]
pub(super) struct Written {
    body: Option<MessageBody>,
    reply: Option<Quote>,
}

impl Written {
    /// All of this row.
    pub(super) fn all(row: &Row) -> Self {
        match row {
            Row::Message(message) => Self { body: message.body.clone(), reply: message.reply.clone() },
            _ => Self::default(),
        }
    }

    /// Without what the row says otherwise now.
    pub(super) fn still(&self, row: &Row) -> Self {
        let mut now = Self::all(row);
        now.body.take_if(|body| self.body.as_ref() != Some(body));
        now.reply.take_if(|reply| self.reply.as_ref() != Some(reply));
        now
    }
}

/// What a row shows. Reads what may change it, so it belongs into a closure.
pub(super) fn row(store: RoomStore, row: &Row, written: &Written) -> El {
    let local = store.local.get();
    match row {
        Row::Day(day) => {
            el("div").class("day").child(el("time").attr("datetime", text::iso_day(day.day)).text(if local {
                text::day(day.day, browser::today(), browser::local_date(day.at))
            } else {
                text::iso_day(day.day)
            }))
        }
        Row::Unread(unread) => el("div").class("unread").text(text::new_messages(unread.count)),
        Row::Line(line) => sentence(el("div").class("line"), text::line(line)),
        Row::Message(message) => said(store, message, written, local),
    }
}

/// A sentence in which names keep their own writing direction.
pub(super) fn sentence(into: El, pieces: Vec<text::Piece>) -> El {
    pieces.into_iter().fold(into, |into, piece| match piece {
        text::Piece::Name(name) => into.child(bdi(name)),
        text::Piece::Words(words) => into.text(words),
    })
}

/// The id of a message's element.
pub(super) fn element_id(id: EventId) -> String {
    format!("m-{id}")
}

/// A name, as it is written.
pub(super) fn bdi(name: String) -> El {
    el("bdi").attr("translate", "no").text(name)
}

fn said(store: RoomStore, message: &MessageRow, written: &Written, local: bool) -> El {
    let MessageRow { id, by, name, at, own, first_of_group, last_of_group, .. } = message;
    let calls = !own
        && message
            .body
            .as_ref()
            .is_some_and(|body| store.names.with_untracked(|names| names.calls_reader(body.as_str())));
    let mut class = format!("said hue-{}", by.hue());
    for (is, name) in [(*own, " own"), (*first_of_group, " first"), (*last_of_group, " last"), (calls, " calls")] {
        if is {
            class.push_str(name);
        }
    }
    let called = name.as_ref().map_or_else(|| text::SOMEBODY.to_owned(), ToString::to_string);
    let mut said =
        el("div").class(class).attr("id", element_id(*id)).attr("data-message", id.to_string()).attr("tabindex", "-1");
    if !own
        && *last_of_group
        && let Some(name) = name
    {
        said = said.child(avatar(name, *by));
    }
    said = if *first_of_group {
        let shown = if *own { "name visually-hidden" } else { "name" };
        said.child(el("div").class("by").child(bdi(called).class(shown)).child(time(*at, local)))
    } else {
        said.child(bdi(called).class("visually-hidden"))
    };
    said = said.child(bubble(store, message, written));
    if message.edited && message.body.is_some() {
        said = said.child(el("small").class("edited").text(text::EDITED));
    }
    if !message.reactions.is_empty() {
        said = said.child(el("div").class("reactions").children(message.reactions.iter().map(reaction)));
    }
    said.children(state(store, message.state))
}

/// A member's colour and initial.
pub(super) fn avatar(name: &DisplayName, member: MemberId) -> El {
    el("span")
        .class(format!("avatar hue-{}", member.hue()))
        .attr("aria-hidden", "true")
        .attr("translate", "no")
        .text(name.initial().to_owned())
}

/// A moment: in UTC as the server writes it, by the reader's own clock once there is script.
fn time(at: u64, local: bool) -> El {
    el("time").attr("datetime", text::iso(at)).text(if local { browser::local_time(at) } else { text::utc_time(at) })
}

fn bubble(store: RoomStore, message: &MessageRow, written: &Written) -> El {
    let mut class = "message".to_owned();
    let Some(body) = &message.body else {
        return el("div").class(class + " gone").text(text::DELETED);
    };
    if matches!(message.state, RowState::Refused(_)) {
        class.push_str(" failed");
    }
    if is_emoji_only(body.as_str()) && message.reply.is_none() {
        class.push_str(" big");
    }
    let mut bubble = el("div").class(class);
    if let Some(reply) = &message.reply {
        let read = if written.reply.is_some() { markup::read_if_here } else { markup::read };
        bubble = bubble.child(quote(reply, read));
    }
    if written.body.is_some() {
        bubble.written().children(words(store, body, markup::read_if_here))
    } else {
        bubble.children(words(store, body, markup::read))
    }
}

fn words(store: RoomStore, body: &MessageBody, read: markup::Read) -> Vec<El> {
    store.names.with_untracked(|names| read(body.as_str(), context(names)).iter().map(block).collect())
}

fn context(names: &NameIndex) -> Context<'_> {
    Context { names, parse_address: address::parse }
}

/// What a message answers: who, and how it began.
fn quote(quote: &Quote, read: markup::Read) -> El {
    let words = match &quote.body {
        Some(body) => beginning(body.as_str(), read),
        None if quote.is_here => text::DELETED.to_owned(),
        None => text::EARLIER_MESSAGE.to_owned(),
    };
    let tag = if quote.is_here { "button" } else { "span" };
    let mut shown = el(tag).class(quote.by.map_or("quote".to_owned(), |by| format!("quote hue-{}", by.hue())));
    if quote.is_here {
        shown = shown
            .attr("type", "button")
            .attr("tabindex", "-1")
            .attr("data-do", "jump")
            .attr("data-to", quote.target.to_string());
    }
    if let Some(name) = &quote.name {
        shown = shown.child(el("b").child(bdi(name.to_string()))).text(" ");
    }
    shown.child(el("span").attr("dir", "auto").text(words))
}

/// The beginning of a message, on one line.
pub(super) fn excerpt(body: &str) -> String {
    beginning(body, markup::read)
}

fn beginning(body: &str, read: markup::Read) -> String {
    let line =
        markup::text_of(&read(body, context(&NameIndex::default()))).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn reaction(reaction: &Reaction) -> El {
    let Reaction { emoji, count, own, who } = reaction;
    el("button")
        .attr("type", "button")
        .attr("tabindex", "-1")
        .attr("aria-pressed", if *own { "true" } else { "false" })
        .attr("data-do", "react")
        .attr("data-emoji", emoji.to_string())
        .attr("title", names(who, *count))
        .text(format!("{emoji} {count}"))
}

fn names(who: &[Arc<DisplayName>], count: usize) -> String {
    let named = who.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    text::and_more(named, count - who.len().min(count))
}

fn state(store: RoomStore, state: RowState) -> Option<El> {
    match state {
        RowState::Sent => None,
        RowState::Pending { waiting: Some(code), .. } => Some(el("div").class("state").text(text::sent_later(code))),
        RowState::Pending { since, .. } | RowState::Changing { since } => {
            let waits = store.now.get().saturating_sub(since) >= PATIENT_MS;
            Some(el("div").class(if waits { "state" } else { "state hidden" }).text(text::SENDING))
        }
        RowState::Refused(code) => {
            let button = |verb: &'static str, words: &'static str| {
                el("button").attr("type", "button").attr("data-do", verb).text(words)
            };
            // What it changes will not come back.
            let again = (code != Code::NoTarget).then(|| button("retry", text::RETRY));
            Some(
                el("div")
                    .class("state failed")
                    .attr("role", "alert")
                    .child(el("span").text(text::not_sent(code)))
                    .children(again)
                    .child(button("compose", text::EDIT))
                    .child(button("discard", text::DELETE)),
            )
        }
    }
}

fn block(node: &Node) -> El {
    match node {
        Node::Paragraph(inner) => inline(el("p").attr("dir", "auto"), inner),
        Node::Quote(inner) => el("blockquote").children(inner.iter().map(block)),
        Node::Pre { label, code } => el("div")
            .class("pre")
            .children((!label.is_empty()).then(|| el("div").class("label").text(label.clone())))
            .child(el("pre").attr("tabindex", "-1").attr("dir", "ltr").child(el("code").text(code.clone())))
            .child(
                el("button")
                    .attr("type", "button")
                    .attr("tabindex", "-1")
                    .attr("data-do", "copy-code")
                    .text(text::COPY),
            ),
        Node::List { start, items } => {
            let list = match start {
                Some(start) => el("ol").attr("start", start.to_string()),
                None => el("ul"),
            };
            list.children(items.iter().map(|item| item_of(item)))
        }
        other => inline(el("p").attr("dir", "auto"), std::slice::from_ref(other)),
    }
}

/// An item's own words stand in it as they are; what is a block in it stays one.
fn item_of(nodes: &[Node]) -> El {
    nodes.iter().fold(el("li").attr("dir", "auto"), |item, node| match node {
        Node::Paragraph(_) | Node::Quote(_) | Node::Pre { .. } | Node::List { .. } => item.child(block(node)),
        other => inline(item, std::slice::from_ref(other)),
    })
}

fn inline(into: El, nodes: &[Node]) -> El {
    nodes.iter().fold(into, |into, node| match node {
        Node::Text(text) => into.text(text.clone()),
        Node::Break => into.child(el("br")),
        Node::Bold(inner) => into.child(inline(el("strong"), inner)),
        Node::Italic(inner) => into.child(inline(el("em"), inner)),
        Node::Strike(inner) => into.child(inline(el("s"), inner)),
        Node::Code(code) => into.child(el("code").text(code.clone())),
        Node::Mention { text, own } => {
            let class = if *own { "mention me" } else { "mention" };
            into.child(el("span").class(class).child(bdi(text.clone())))
        }
        Node::Link { href, shown, leads_to } => {
            let link = el("a")
                .attr("href", href.clone())
                .attr("target", "_blank")
                .attr("rel", "noopener noreferrer nofollow")
                .attr("tabindex", "-1");
            // Each in its own direction: words that turn what follows them would turn the host, too.
            let into = into.child(link.child(inline(el("bdi"), shown)));
            match leads_to {
                Some(host) => into.child(el("span").class("host").text(" (").child(bdi(host.clone())).text(")")),
                None => into,
            }
        }
        other => into.child(block(other)),
    })
}

/// Up to three emoji and nothing else are drawn large.
fn is_emoji_only(body: &str) -> bool {
    let mut rest = body;
    for _ in 0..3 {
        let Some(length) = picture(rest) else { return false };
        rest = rest[length..].trim_start();
        if rest.is_empty() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound of a message's elements counts them before they are made.
    #[test]
    fn elements_and_texts_of_a_message_are_as_many_as_were_counted() {
        let names = NameIndex::new([("Ana", false)].into_iter());
        for body in [
            "**a** *b* ~~c~~ `d`\ne",
            "```rust\na\n```",
            "> a\n\n- b\n- *c*\n\n3. d",
            "[a](https://b.example) <https://c.example/> ana@d.example",
            "hi @Ana!",
        ] {
            let nodes = markup::read(body, context(&names));
            let html: String = nodes.iter().map(|node| block(node).html()).collect();
            let elements = html.matches('<').count() - html.matches("</").count();
            let texts = html.split('>').filter(|piece| piece.split('<').next().is_some_and(|text| !text.is_empty()));
            assert_eq!(markup::drawn(&nodes), elements + texts.count(), "{html}");
        }
    }

    #[test]
    fn words_that_turn_around_do_not_turn_where_a_link_leads() {
        let nodes =
            markup::read("[https://bank.example/\u{202e}](https://evil.example)", context(&NameIndex::default()));
        let link = el("a")
            .attr("href", "https://evil.example/")
            .attr("target", "_blank")
            .attr("rel", "noopener noreferrer nofollow")
            .attr("tabindex", "-1")
            .child(el("bdi").text("https://bank.example/\u{202e}"));
        let host = el("span").class("host").text(" (").child(bdi("evil.example".to_owned())).text(")");
        assert!(block(&nodes[0]) == el("p").attr("dir", "auto").child(link).child(host));
    }
}
