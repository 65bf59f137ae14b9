//! One row of the log.

use std::sync::Arc;

use client::{DayRow, MessageRow, NameIndex, Quote, QuotePlace, Reaction, Row, RowState};
use leptos::prelude::*;
use protocol::emoji::emoji_prefix_len;
use protocol::{ErrorCode, EventId, MessageBody, ShownName};

use super::ids::{element_id, words_id};
use crate::components::click::click;
use crate::components::focusable::focusable;
use crate::components::markup::blocks;
use crate::components::name::{Avatar, Name, hue, sentence};
use crate::components::room::find::goal::{Goal, Seek};
use crate::live::browser;
use crate::live::log::RowHandle;
use crate::live::room::Room;
use crate::markup::{self, Context, Node};
use crate::text;

/// "Sending" is said only after this long, in milliseconds: most messages are there before.
const PATIENT_MS: u64 = 300;
/// Maximum length of an excerpt, in scalar values.
const EXCERPT: usize = 120;

/// A row of the log: a message, a line, a day, or the beginning of what is unread. One effect for the whole row: each is
/// a task of its own, and there may be 2,000 rows. What a row shows is of the same type each time, so that its nodes
/// stay, and with them the focus and what is selected.
#[component]
pub(crate) fn RowView(
    /// Its place in the log.
    handle: RowHandle,
) -> impl IntoView {
    let room = expect_context::<Room>();
    view! {
        {move || match &**handle.row.read() {
            Row::Day(day) => day_line(room, day).into_any(),
            Row::Unread(unread) => view! { <div class="unread">{text::new_messages(unread.count)}</div> }.into_any(),
            Row::Roster(line) => view! { <div class="line">{sentence(text::roster_row(line))}</div> }.into_any(),
            Row::Message(message) => message_row(room, message).into_any(),
        }}
    }
}

/// The words of a message, as they are seen. Reads what may change them, so it belongs into a closure.
pub(in crate::components::room) fn words(room: Room, message: EventId, body: &MessageBody) -> String {
    markup::text_of(&read(room, message, body, &NameIndex::default()))
}

/// The beginning of a message, on one line. Reads what may change it, so it belongs into a closure.
pub(crate) fn excerpt(room: Room, message: EventId, body: &MessageBody) -> String {
    let text = words(room, message, body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// True if a message mentions the reader.
pub(crate) fn mentions_reader(room: Room, message: EventId, body: &MessageBody) -> bool {
    markup::mentions_reader(&read(room, message, body, &room.names.read_untracked()))
}

fn day_line(room: Room, day: &DayRow) -> impl IntoView + use<> {
    let words = match room.today.get() {
        Some(today) => text::day(day.day, today, browser::local_date(day.at)),
        None => text::iso_day(day.day),
    };
    view! {
        <div class="day">
            <time datetime=text::iso_day(day.day)>{words}</time>
        </div>
    }
}

fn message_row(room: Room, message: &MessageRow) -> impl IntoView + use<> {
    let MessageRow { id, name, own, first_of_group, last_of_group, .. } = message;
    let mut class = format!("said hue-{}", hue(name.as_ref()));
    let words = message.body.as_ref().map(|body| read(room, *id, body, &room.names.read_untracked()));
    let is_edited = is_edited(message);
    let calls = !own && words.as_deref().is_some_and(markup::mentions_reader);
    for (is, name) in [
        (*own, " own"),
        (*first_of_group, " first"),
        (*last_of_group, " last"),
        (calls, " calls"),
        (is_edited, " changed"),
    ] {
        if is {
            class.push_str(name);
        }
    }
    let has_avatar = !own && *last_of_group;
    let avatar = name.as_ref().filter(|_| has_avatar).map(|name| view! { <Avatar name/> }.into_any());
    // With the focus on it, a screen reader says who said it and when, and then the words; styles say the former where
    // they do not stand.
    view! {
        <div
            class=class
            id=element_id(*id)
            data-message=id.to_string()
            role="article"
            aria-label=label(room, message)
            aria-describedby=words_id(*id)
            use:focusable
        >
            {avatar}
            {first_of_group.then(|| by_line(room, message))}
            {bubble(room, message, words.as_deref())}
            {below(room, message)}
        </div>
    }
}

/// Everything below the words. Most messages have nothing there, and then it is nothing as a whole: each part that is
/// not there is a comment in the page.
fn below(room: Room, message: &MessageRow) -> Option<AnyView> {
    let is_edited = is_edited(message);
    let is_any = is_edited || !message.reactions.is_empty() || message.state != RowState::Sent;
    is_any.then(|| {
        view! {
            {is_edited.then(|| view! { <small class="edited">{text::edited()}</small> }.into_any())}
            {reactions(room, message)}
            {state(room, message)}
        }
        .into_any()
    })
}

fn is_edited(message: &MessageRow) -> bool {
    message.edited && message.body.is_some()
}

/// Author and time of a message: in UTC until the reader's time is known. Rows are not drawn anew for it.
pub(in crate::components::room) fn label(room: Room, message: &MessageRow) -> String {
    let is_local = room.utc_offset.get_untracked().is_some();
    let time = if is_local { browser::local_time(message.at) } else { text::utc_time(message.at) + " UTC" };
    text::said_at(&author(message), &time)
}

/// Name of the author.
pub(in crate::components::room) fn author(message: &MessageRow) -> String {
    message.name.as_ref().map_or_else(|| text::somebody().to_owned(), ToString::to_string)
}

/// Author and time, where a group begins. Readers know that what stands on their own side is theirs.
fn by_line(room: Room, message: &MessageRow) -> AnyView {
    let name = (!message.own).then(|| view! { <Name name=author(message) class="name"/> }.into_any());
    view! {
        <div class="by">
            {name}
            {time(room, message.at)}
        </div>
    }
    .into_any()
}

/// A moment: in UTC as the server writes it, by the reader's own clock once there is script.
fn time(room: Room, at: u64) -> impl IntoView + use<> {
    let is_local = room.utc_offset.get().is_some();
    let words = if is_local { browser::local_time(at) } else { text::utc_time(at) };
    view! { <time datetime=text::iso(at) title=is_local.then(|| browser::exact_time(at))>{words}</time> }
}

fn bubble(room: Room, message: &MessageRow, words: Option<&[Node]>) -> AnyView {
    let (Some(body), Some(words)) = (&message.body, words) else {
        room.server_markup.forget(message.id);
        return view! { <div class="message gone" id=words_id(message.id)>{text::deleted()}</div> }.into_any();
    };
    let is_big = is_emoji_only(body.as_str()) && message.reply.is_none();
    let class = match (matches!(message.state, RowState::Refused(_)), is_big) {
        (false, false) => "message",
        (false, true) => "message big",
        (true, false) => "message failed",
        (true, true) => "message failed big",
    };
    let words = blocks(words);
    let inner = match &message.reply {
        None => words,
        Some(reply) => view! { {quote(room, reply)} {words} }.into_any(),
    };
    view! { <div class=class id=words_id(message.id)>{inner}</div> }.into_any()
}

/// Reads a message, as the server did where it has read it.
fn read(room: Room, message: EventId, body: &MessageBody, names: &NameIndex) -> Arc<[Node]> {
    let known = room.server_markup.nodes(message, body);
    known.unwrap_or_else(|| markup::read(body.as_str(), Context::of(names)).into())
}

/// The beginning of the message that is answered, or what became of it.
pub(in crate::components::room) fn quoted_words(room: Room, quote: &Quote) -> String {
    match (&quote.body, quote.place) {
        (Some(body), _) => excerpt(room, quote.target, body),
        (None, QuotePlace::Here | QuotePlace::Older) => text::deleted().to_owned(),
        (None, QuotePlace::Unknown) => text::earlier_message().to_owned(),
        (None, QuotePlace::Gone) => text::gone_message().to_owned(),
        (None, QuotePlace::Ignored) => text::ignored_message().to_owned(),
    }
}

/// Author and beginning of the message that is answered.
fn quote(room: Room, quote: &Quote) -> AnyView {
    let words = quoted_words(room, quote);
    let class = quote.name.as_ref().map_or("quote".to_owned(), |name| format!("quote hue-{}", name.hue));
    let name = quote.name.as_ref().map(|name| {
        view! {
            <b>
                <Name name=name.to_string()/>
            </b>
            " "
        }
        .into_any()
    });
    let inner = view! {
        {name}
        <span dir="auto">{words}</span>
    };
    if !matches!(quote.place, QuotePlace::Here | QuotePlace::Older) {
        return view! { <span class=class>{inner}</span> }.into_any();
    }
    let (Seek(goal), target) = (expect_context(), quote.target);
    view! {
        <button class=class type="button" tabindex="-1" on:click=click(move |_| goal.set(Some(Goal::Message(target))))>
            {inner}
        </button>
    }
    .into_any()
}

fn reactions(room: Room, message: &MessageRow) -> Option<AnyView> {
    let id = message.id;
    let button = |reaction: &Reaction| {
        let Reaction { emoji, count, own, who } = reaction;
        let (put, on) = (emoji.clone(), !own);
        view! {
            <button
                type="button"
                tabindex="-1"
                aria-pressed=if *own { "true" } else { "false" }
                title=names(who, *count)
                on:click=click(move |_| room.react(id, put.clone(), on))
            >
                {format!("{emoji} {count}")}
            </button>
        }
        .into_any()
    };
    let any = !message.reactions.is_empty();
    let buttons = || message.reactions.iter().map(button).collect_view();
    any.then(|| view! { <div class="reactions">{buttons()}</div> }.into_any())
}

/// The first of those who reacted, and how many more there are.
pub(super) fn names(who: &[ShownName], count: usize) -> String {
    let named = who.iter().map(ToString::to_string).collect::<Vec<_>>().join(text::comma());
    text::and_more(count - who.len().min(count), &named)
}

/// State of delivery, where it is not in the log as it stands.
fn state(room: Room, message: &MessageRow) -> Option<AnyView> {
    match message.state {
        RowState::Sent => None,
        RowState::Held => Some(view! { <div class="state">{text::held()}</div> }.into_any()),
        RowState::Pending { waiting: Some(wait), .. } => {
            let words = move || {
                let left_ms = wait.until.saturating_sub(room.now.get());
                text::sent_later(wait.error, left_ms.div_ceil(1_000))
            };
            Some(view! { <div class="state">{words}</div> }.into_any())
        }
        RowState::Pending { since, .. } | RowState::Changing { since } => {
            let waits = move || room.now.get().saturating_sub(since) >= PATIENT_MS;
            let is_new = matches!(message.state, RowState::Pending { .. });
            let class = move || match (is_new, waits()) {
                (true, true) => "state pending",
                (true, false) => "state pending hidden",
                (false, true) => "state",
                (false, false) => "state hidden",
            };
            Some(view! { <div class=class>{text::sending()}</div> }.into_any())
        }
        RowState::Refused(error) => Some(refused(room, message.id, error)),
    }
}

fn refused(room: Room, id: EventId, error: ErrorCode) -> AnyView {
    // The same text will not be taken another time, and what a change is of will not come back.
    let is_final = matches!(error, ErrorCode::TooLong | ErrorCode::BadText | ErrorCode::TooOld | ErrorCode::NoTarget);
    let retry = (!is_final).then(|| {
        view! {
            <button type="button" on:click=click(move |_| room.retry(id))>
                {text::retry()}
            </button>
        }
        .into_any()
    });
    let compose = move |_| {
        room.recompose(id);
        browser::focus("body");
    };
    view! {
        <div class="state failed" role="alert">
            <span>{text::not_sent(error)}</span>
            {retry}
            <button type="button" on:click=click(compose)>
                {text::edit()}
            </button>
            <button type="button" on:click=click(move |_| room.discard(id))>
                {text::delete()}
            </button>
        </div>
    }
    .into_any()
}

/// Up to three emoji and nothing else are drawn large.
fn is_emoji_only(body: &str) -> bool {
    let mut rest = body;
    for _ in 0..3 {
        let Some(length) = emoji_prefix_len(rest) else { return false };
        rest = rest[length..].trim_start();
        if rest.is_empty() {
            return true;
        }
    }
    false
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests;
