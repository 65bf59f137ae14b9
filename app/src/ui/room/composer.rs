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

/// The box and what is known of it.
#[derive(Clone, Copy)]
struct Writing {
    store: RoomStore,
    field: NodeRef<html::Textarea>,
    error: RwSignal<Option<String>>,
    /// What is typed, as the limit counts it.
    length: RwSignal<usize>,
}

impl Writing {
    fn new(store: RoomStore, error: Option<String>) -> Self {
        let this = Self { store, field: NodeRef::new(), error: RwSignal::new(error), length: RwSignal::new(0) };
        // An edited message comes back into the box, before whatever stands there.
        Effect::new(move |_| {
            if let (Some(back), Some(field)) = (store.taken.get(), this.field.get_untracked()) {
                let rest = field.value();
                this.fill(&if rest.is_empty() { back } else { format!("{back}\n{rest}") });
                let _ = field.focus();
            }
        });
        // What stood in the box before a reload, unless something is in it already.
        Effect::new(move |_| {
            if let (Some(field), Some(draft)) = (this.field.get(), store.kept_draft())
                && field.value().is_empty()
            {
                this.fill(&draft);
            }
        });
        this
    }

    fn fill(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
            self.typed();
        }
    }

    fn typed(self) {
        let Some(field) = self.field.get_untracked() else { return };
        let text = field.value();
        self.store.keep_draft(&text);
        self.length.set(body::length(&text));
        if self.length.get_untracked() <= body::MAX_SCALARS {
            self.error.set(None);
        }
    }

    fn send(self) {
        let Some(field) = self.field.get_untracked() else { return };
        match self.store.send(&field.value()) {
            Ok(()) => self.fill(""),
            Err(Code::Empty) => self.error.set(None),
            Err(problem) => self.error.set(Some(text::not_sent(problem).to_owned())),
        }
        let _ = field.focus();
    }

    fn key(self, event: &KeyboardEvent) {
        let composing = event.is_composing() || event.key_code() == COMPOSING;
        if event.key() == "Enter" && !event.shift_key() && !composing && !browser::is_touch() {
            event.prevent_default();
            self.send();
        }
    }
}

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
    let this = Writing::new(store, flash.as_ref().map(|flash| text::refusal(flash.refused, &flash.form)));
    let Writing { field, error, length, .. } = this;
    let mends = flash.is_some();
    let typed = flash.map(|flash| flash.body).unwrap_or_default();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        this.send();
    };
    view! {
        <div class="foot">
            <p id="body-error" class="error" role="alert">{move || error.get()}</p>
            <form class="composer" method="post" action="/api/post_message" on:submit=submit>
                <input type="hidden" name="code" value=store.code.to_string()/>
                <input type="hidden" name="id" value=post_id.to_string()/>
                <textarea node_ref=field name="body" rows="1" placeholder=text::WHATS_NEW aria-label=text::MESSAGE dir="auto"
                    enterkeyhint="send" autocomplete="off" autofocus=mends aria-describedby="body-error"
                    aria-invalid=move || error.get().map(|_| "true") on:keydown=move |event| this.key(&event)
                    on:input=move |_| this.typed()>{between_tags(typed)}</textarea>
                <output class="counter" class:over=move || { length.get() > body::MAX_SCALARS }>
                    {move || (length.get() >= NEAR_LIMIT).then(|| body::MAX_SCALARS as i64 - length.get() as i64)}
                </output>
                <button class="button primary send" aria-label=text::SEND><Glyph icon=Icon::Send/></button>
            </form>
            <p class="hint">
                <span class="keys">{text::KEYS}</span>
                <a class="refresh" href="" rel="external">{text::REFRESH}</a>
                <span>{text::GONE}</span>
            </p>
        </div>
    }
}

/// Text to stand in a `textarea`. leptos writes that element's children as they are, like a script's, so on the way
/// into HTML it is escaped here; a parser that finds it there reads it back as it was typed.
fn between_tags(text: String) -> String {
    if cfg!(feature = "ssr") { text.replace('&', "&amp;").replace('<', "&lt;") } else { text }
}
