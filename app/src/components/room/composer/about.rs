//! The line above the box: which message the text in it answers or changes.

use client::{MessageRow, Row, RowKey};
use leptos::prelude::*;

use super::super::context::{ComposerContext, Mode};
use super::super::log::row::excerpt;
use crate::components::click::click;
use crate::components::name::{Name, hue};
use crate::live::room::Room;
use crate::text;

/// The message that the text answers or changes, and a button to give that up.
#[component]
pub(super) fn AboutLine(
    /// Gives it up.
    cancel: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let (room, composer) = (expect_context::<Room>(), expect_context::<ComposerContext>());
    let about = move || {
        let (what, name, message) = match composer.mode.get() {
            Mode::New => return None,
            Mode::Reply(message) => (text::REPLYING, Some(called(&message)), message),
            Mode::Edit(message) => (text::EDITING, None, message),
        };
        Some(
            view! {
                <div id="about" class=format!("about hue-{}", hue(message.name.as_ref()))>
                    <p>
                        <b>{what} {name.map(|name| view! { " " <Name name class="name"/> }.into_any())}</b>
                        <span dir="auto">{beginning(room, &message)}</span>
                    </p>
                    <button
                        type="button"
                        class="button icon"
                        aria-label=text::CANCEL
                        title=text::CANCEL
                        on:click=click(move |_| cancel())
                    >
                        <svg aria-hidden="true"><use href="#i-close"/></svg>
                    </button>
                </div>
            }
            .into_any(),
        )
    };
    view! { {move || about()} }
}

fn called(message: &MessageRow) -> String {
    message.name.as_ref().map_or_else(|| text::SOMEBODY.to_owned(), ToString::to_string)
}

/// The beginning of the message as it is now: its author can still change it or take it back.
fn beginning(room: Room, message: &MessageRow) -> String {
    let now = room.log.find(RowKey::Event(message.id)).map(|handle| handle.row.get());
    let body = match now.as_deref() {
        Some(Row::Message(now)) => now.body.clone(),
        _ => message.body.clone(),
    };
    body.map_or_else(|| text::DELETED.to_owned(), |body| excerpt(room, message.id, &body))
}
