//! The form that opens a room: the same with and without script.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::text;
use crate::api::{Enter, Entry, Field, Flash, Refusal};
use crate::live::browser;
use crate::protocol::{Code, RoomCode};

/// What the form is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Create a room, or join one by its code.
    Home {
        /// Seats of a room whose maker does not choose.
        capacity: u32,
    },
    /// Join this room.
    Door(RoomCode),
}

/// The form.
#[component]
pub(super) fn EnterForm(
    /// What it is for.
    purpose: Purpose,
    /// What was refused before, with what was typed.
    flash: Option<Flash>,
) -> impl IntoView {
    let form = flash.as_ref().map(|flash| flash.form.clone()).unwrap_or_default();
    let refused = RwSignal::new(flash.map(|flash| (flash.refused, flash.form.code)));
    let sent_code = StoredValue::new(String::new());
    let action = ServerAction::<Enter>::new();
    let name = NodeRef::<html::Input>::new();
    let code = NodeRef::<html::Input>::new();
    let capacity = NodeRef::<html::Input>::new();
    let focus = move |field| {
        let input = match field {
            Field::Name => name,
            Field::Capacity => capacity,
            _ => code,
        };
        if let Some(input) = input.get_untracked() {
            let _ = input.focus();
        }
    };
    Effect::new(move |_| match action.value().get() {
        Some(Ok(Entry::Entered { code, .. })) => browser::go(&format!("/room/{code}")),
        Some(Ok(Entry::Refused { refused: refusal })) => {
            refused.set(Some((refusal, sent_code.get_value())));
            focus(refusal.field);
        }
        Some(Err(_)) => refused.set(Some((Refusal { field: Field::Code, code: Code::Unknown }, String::new()))),
        None => {}
    });
    Effect::new(move |_| {
        if let Some(input) = name.get() {
            browser::recall_name(&input);
        }
    });
    let submit = move |event: SubmitEvent| {
        if let Some(fields) = browser::form_fields(&event) {
            event.prevent_default();
            if action.pending().get_untracked() {
                return;
            }
            browser::remember_name(&fields.get("name"));
            refused.set(None);
            sent_code.set_value(fields.get("code"));
            action.dispatch(Enter {
                name: fields.get("name"),
                code: fields.get("code"),
                capacity: fields.get("capacity"),
                intent: fields.get("intent"),
                from: fields.get("from"),
            });
        }
    };
    let error = move |field| {
        refused.get().filter(|(refusal, _)| place(refusal.field, purpose) == field).map(|(refusal, typed)| text::refusal(refusal, &typed))
    };
    let wrong = move |field| error(field).map(|_| "true");
    let at_first = move |field| refused.get_untracked().is_some_and(|(refusal, _)| place(refusal.field, purpose) == field);
    let from = match purpose {
        Purpose::Home { .. } => "/".to_owned(),
        Purpose::Door(code) => format!("/room/{code}"),
    };
    let busy = move || action.pending().get();
    view! {
        <form class="card" method="post" action="/api/enter" on:submit=submit aria-busy=move || busy().then_some("true")>
            // Enter in a field presses a form's first button: this one, which has no intent, so the fields decide.
            <button class="visually-hidden" tabindex="-1" aria-hidden="true">{text::JOIN}</button>
            <input type="hidden" name="from" value=from/>
            <div class="field">
                <label for="name">{text::YOUR_NAME}</label>
                <input node_ref=name id="name" name="name" value=form.name autocomplete="nickname" dir="auto" autofocus=at_first(Field::Name)
                    aria-invalid=move || wrong(Field::Name) aria-describedby="name-error"/>
                <FieldError id="name-error" message=Signal::derive(move || error(Field::Name))/>
            </div>
            {match purpose {
                Purpose::Home { capacity: seats } => view! {
                    <button class="button primary" name="intent" value="create">{text::CREATE}</button>
                    <details open=at_first(Field::Capacity)>
                        <summary>{text::OPTIONS}</summary>
                        <div class="field">
                            <label for="capacity">{text::HOW_MANY}</label>
                            <input node_ref=capacity id="capacity" name="capacity" type="number" inputmode="numeric" placeholder=seats value=form.capacity
                                autofocus=at_first(Field::Capacity) aria-invalid=move || wrong(Field::Capacity) aria-describedby="capacity-error"/>
                            <FieldError id="capacity-error" message=Signal::derive(move || error(Field::Capacity))/>
                        </div>
                    </details>
                    <div class="or">{text::OR_JOIN}</div>
                    <div class="join">
                        <div class="field">
                            <label for="code">{text::ROOM_CODE}</label>
                            <input node_ref=code id="code" name="code" value=form.code placeholder="KXQ4-7M2P" autocomplete="off" autocapitalize="characters"
                                spellcheck="false" translate="no" autofocus=at_first(Field::Code)
                                aria-invalid=move || wrong(Field::Code) aria-describedby="code-error"/>
                        </div>
                        <button class="button" name="intent" value="join">{text::JOIN}</button>
                    </div>
                    <FieldError id="code-error" message=Signal::derive(move || error(Field::Code))/>
                }.into_any(),
                Purpose::Door(code) => view! {
                    <input type="hidden" name="code" value=code.to_string()/>
                    <FieldError id="code-error" message=Signal::derive(move || error(Field::Code))/>
                    <button class="button primary" name="intent" value="join">{text::JOIN_ROOM}</button>
                }.into_any(),
            }}
        </form>
    }
}

/// The place where a field's error is shown; at the door there are no other fields than the name.
fn place(field: Field, purpose: Purpose) -> Field {
    match (field, purpose) {
        (Field::Capacity, Purpose::Door(_)) | (Field::Body, _) => Field::Code,
        (field, _) => field,
    }
}

/// A field's error: announced when it appears.
#[component]
fn FieldError(
    /// What the field's `aria-describedby` names.
    id: &'static str,
    /// What is wrong.
    message: Signal<Option<String>>,
) -> impl IntoView {
    view! { <span id=id class="error" role="alert">{move || message.get()}</span> }
}
