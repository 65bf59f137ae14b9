//! The link of a room: what copies it, and what shares it.

use std::time::Duration;

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::RoomCode;

use super::click::click;
use crate::live::browser;
use crate::text;

/// Time for which a button says that something is copied.
const SAID: Duration = Duration::from_secs(2);

/// The link of a room, to give away. In the browser only: the server does not know by which name it is reached.
pub(crate) fn link(code: RoomCode) -> String {
    format!("{}/room/{code}", browser::origin())
}

/// The room's code, which copies the link. Without script it is the link, to be copied by the browser's own means.
#[component]
pub(crate) fn CodeChip(
    /// The room's code.
    code: RoomCode,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let clicked = move |event: MouseEvent| {
        event.prevent_default();
        copy(code, copied);
    };
    view! {
        <a class="chip code" href=format!("/room/{code}") rel="external" title=text::copy_link() data-copied=text::copied() on:click=click(clicked)>
            <code data-testid="code" translate="no">{code.to_string()}</code>
            <svg aria-hidden="true"><use href="#i-copy"/></svg>
            <svg aria-hidden="true"><use href="#i-done"/></svg>
            <Copied copied words=text::copied()/>
        </a>
    }
}

/// Copies the link.
#[component]
pub(crate) fn CopyButton(
    /// The room's code.
    code: RoomCode,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    view! {
        <button type="button" class="button primary copy hydrated" data-copied=text::copied() on:click=click(move |_| copy(code, copied))>
            <svg aria-hidden="true"><use href="#i-copy"/></svg>
            <svg aria-hidden="true"><use href="#i-done"/></svg>
            {text::copy_short()}
            <Copied copied words=text::copied()/>
        </button>
    }
}

/// Hands the link to other programs of the device. Styles show it where the browser can do that (`data-share`).
#[component]
pub(crate) fn ShareButton(
    /// The room's code.
    code: RoomCode,
) -> impl IntoView {
    view! {
        <button type="button" class="button share hydrated" on:click=click(move |_| browser::share(&link(code)))>
            <svg aria-hidden="true"><use href="#i-share"/></svg>
            {text::share()}
        </button>
    }
}

/// Says that something is copied. What holds it has two signs, and styles show the one that fits.
#[component]
pub(crate) fn Copied(
    /// True while there is something to say.
    copied: RwSignal<bool>,
    /// The words.
    words: &'static str,
) -> impl IntoView {
    view! { <span class="visually-hidden" role="status">{move || copied.get().then(|| words.to_owned())}</span> }
}

/// Notes for a while that something is copied.
pub(crate) fn say_copied(copied: RwSignal<bool>) {
    copied.set(true);
    set_timeout(move || copied.set(false), SAID);
}

fn copy(code: RoomCode, copied: RwSignal<bool>) {
    spawn_local(async move {
        if browser::copy(&link(code)).await {
            say_copied(copied);
        } else {
            // There is no clipboard on plain HTTP beyond this machine; what is selected can be copied by hand.
            browser::open_dialog("invite");
            browser::select("link");
        }
    });
}
