//! Where a message is written. Text leaves the box only when it is in the outbox.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;

use crate::api::Flash;
use crate::live::browser;
use crate::live::store::RoomStore;
use crate::protocol::{Code, EventId, body};
use crate::ui::kit::{Glyph, Icon};
use crate::ui::text;

/// From this length on, in scalar values, the counter is shown.
const NEAR_LIMIT: usize = body::MAX_SCALARS - 200;
/// While an input method composes, its keys arrive with this code and belong to it (UI Events, section 8.3.1).
const COMPOSING: u32 = 229;

/// The form at the bottom.
#[component]
pub(super) fn Composer(
    /// The room.
    store: RoomStore,
    /// The id of the message a page without script sends.
    post_id: EventId,
    /// A refused message.
    flash: Option<Flash>,
) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let error = RwSignal::new(flash.as_ref().map(|flash| text::refusal(flash.refused, "")));
    let length = RwSignal::new(0);
    let focused_at_first = flash.is_some();
    let typed = flash.map(|flash| flash.body).unwrap_or_default();
    let send = move || {
        let Some(field) = field.get_untracked() else { return };
        match store.send(&field.value()) {
            Ok(()) => {
                field.set_value("");
                length.set(0);
                error.set(None);
            }
            Err(Code::BodyEmpty) => error.set(None),
            Err(problem) => error.set(Some(text::not_sent(problem).to_owned())),
        }
        let _ = field.focus();
    };
    // An edited message comes back into the box, before whatever stands there.
    Effect::new(move |_| {
        if let (Some(back), Some(field)) = (store.taken.get(), field.get_untracked()) {
            let rest = field.value();
            field.set_value(&if rest.is_empty() { back } else { format!("{back}\n{rest}") });
            length.set(body::length(&field.value()));
            let _ = field.focus();
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send();
    };
    let key = move |event: KeyboardEvent| {
        let composing = event.is_composing() || event.key_code() == COMPOSING;
        if event.key() == "Enter" && !event.shift_key() && !composing && !browser::is_touch() {
            event.prevent_default();
            send();
        }
    };
    let typing = move |_| {
        if let Some(field) = field.get_untracked() {
            length.set(body::length(&field.value()));
            if length.get_untracked() <= body::MAX_SCALARS {
                error.set(None);
            }
        }
    };
    view! {
        <div class="foot">
            <p id="body-error" class="error" role="alert">{move || error.get()}</p>
            <form class="composer" method="post" action="/api/post_message" on:submit=submit>
                <input type="hidden" name="code" value=store.code.to_string()/>
                <input type="hidden" name="id" value=post_id.to_string()/>
                <textarea node_ref=field name="body" rows="1" placeholder=text::WHATS_NEW aria-label=text::MESSAGE dir="auto"
                    enterkeyhint="send" autocomplete="off" autofocus=focused_at_first aria-describedby="body-error"
                    aria-invalid=move || error.get().map(|_| "true") on:keydown=key on:input=typing>{between_tags(typed)}</textarea>
                <output class="counter" class:over=move || { length.get() > body::MAX_SCALARS }>
                    {move || (length.get() >= NEAR_LIMIT).then(|| body::MAX_SCALARS as i64 - length.get() as i64)}
                </output>
                <button class="button primary send" aria-label=text::SEND><Glyph icon=Icon::Send/></button>
            </form>
            <p class="hint"><span class="keys">{text::KEYS}</span><a class="refresh" href="" rel="external">{text::REFRESH}</a><span>{text::GONE}</span></p>
        </div>
    }
}

/// Text to stand in a `textarea`. leptos writes that element's children as they are, like a script's, so on the way
/// into HTML it is escaped here; a parser that finds it there reads it back as it was typed.
fn between_tags(text: String) -> String {
    if cfg!(feature = "ssr") { text.replace('&', "&amp;").replace('<', "&lt;") } else { text }
}
