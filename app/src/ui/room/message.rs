//! One row of the log.

use leptos::prelude::*;

use super::roster::Avatar;
use crate::client::{MessageRow, Row, RowState};
use crate::live::browser;
use crate::live::store::{RoomStore, RowSignal};
use crate::ui::text;

/// "Sending" is said only after this long, in milliseconds: most messages are there before.
const PATIENT_MS: u64 = 300;

/// A message, or a line about who came and went.
#[component]
pub(super) fn RowView(
    /// The room.
    store: RoomStore,
    /// What the row shows; it changes while its key stays.
    row: RowSignal,
) -> impl IntoView {
    let row = row.row;
    move || match row.get() {
        Row::Line(line) => {
            view! { <div class="line">{text::line(&line).into_iter().map(piece).collect_view()}</div> }.into_any()
        }
        Row::Message(message) => view! { <MessageView store message/> }.into_any(),
    }
}

fn piece(piece: text::Piece) -> AnyView {
    match piece {
        text::Piece::Name(name) => view! { <bdi translate="no">{name}</bdi> }.into_any(),
        text::Piece::Words(words) => words.into_any(),
    }
}

#[component]
fn MessageView(store: RoomStore, message: MessageRow) -> impl IntoView {
    let MessageRow { id, by, name, at, body, own, first_of_group, last_of_group, state } = message;
    let class = format!(
        "said hue-{}{}{}{}",
        by.hue(),
        if own { " own" } else { "" },
        if first_of_group { " first" } else { "" },
        if last_of_group { " last" } else { "" },
    );
    let big = is_emoji_only(body.as_str());
    let shown_name = name.as_ref().map(ToString::to_string).unwrap_or_else(|| text::SOMEBODY.to_owned());
    view! {
        <div class=class data-message=id.to_string()>
            {(!own && last_of_group).then(|| name.clone().map(|name| view! { <Avatar name=(*name).clone() member=by/> }))}
            {first_of_group.then(|| view! {
                <div class="by">
                    <bdi class="name" class:visually-hidden=own translate="no">{shown_name}</bdi>
                    <At unix_ms=at/>
                </div>
            })}
            <div class="message" class:big=big class:failed=matches!(state, RowState::Refused(_)) dir="auto">{body.as_str().to_owned()}</div>
            {match state {
                RowState::Sent => ().into_any(),
                RowState::Pending { since } => view! {
                    <div class="state" class:hidden=move || store.now.get().saturating_sub(since) < PATIENT_MS>{text::SENDING}</div>
                }.into_any(),
                RowState::Refused(code) => view! {
                    <div class="state failed" role="alert">
                        <span>{text::not_sent(code)}</span>
                        <button on:click=move |_| store.retry(id)>{text::RETRY}</button>
                        <button on:click=move |_| store.edit(id)>{text::EDIT}</button>
                        <button on:click=move |_| store.discard(id)>{text::DELETE}</button>
                    </div>
                }.into_any(),
            }}
        </div>
    }
}

/// A moment: in UTC as the server renders it, in the reader's own clock once there is script.
#[component]
fn At(unix_ms: u64) -> impl IntoView {
    let local = RwSignal::new(None::<String>);
    Effect::new(move |_| local.set(Some(browser::local_time(unix_ms))));
    view! { <time datetime=text::iso(unix_ms)>{move || local.get().unwrap_or_else(|| text::utc_time(unix_ms))}</time> }
}

/// Up to three emoji and nothing else are drawn large.
fn is_emoji_only(body: &str) -> bool {
    use unicode_segmentation::UnicodeSegmentation;
    let mut count = 0;
    for grapheme in body.graphemes(true).filter(|grapheme| !grapheme.trim().is_empty()) {
        count += 1;
        let emoji =
            grapheme.chars().any(|c| matches!(c, '\u{fe0f}' | '\u{1f1e6}'..='\u{1f1ff}' | '\u{1f300}'..='\u{1faff}'));
        if !emoji || count > 3 {
            return false;
        }
    }
    count > 0
}
