//! The form that opens a room: the same with and without script.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::text;
use crate::api::{Enter, EnterForm as ApiForm, Entry, Field, Flash, Refusal};
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

/// What the form knows while it is open.
#[derive(Clone, Copy)]
struct Entering {
    purpose: Purpose,
    action: ServerAction<Enter>,
    /// What was refused, and what was typed.
    refused: RwSignal<Option<(Refusal, ApiForm)>>,
    sent: StoredValue<ApiForm>,
    name: NodeRef<html::Input>,
    code: NodeRef<html::Input>,
    capacity: NodeRef<html::Input>,
}

impl Entering {
    fn new(purpose: Purpose, flash: Option<Flash>) -> Self {
        let entering = Self {
            purpose,
            action: ServerAction::new(),
            refused: RwSignal::new(flash.map(|flash| (flash.refused, flash.form))),
            sent: StoredValue::default(),
            name: NodeRef::new(),
            code: NodeRef::new(),
            capacity: NodeRef::new(),
        };
        Effect::new(move |_| entering.answered());
        // Back from the room, out of the browser's page cache.
        Effect::new(move |_| {
            let handle = window_event_listener(leptos::ev::pageshow, move |_| entering.action.value().set(None));
            on_cleanup(move || handle.remove());
        });
        Effect::new(move |_| {
            if let Some(input) = entering.name.get() {
                browser::recall_name(&input);
            }
        });
        entering
    }

    fn submit(self, event: &SubmitEvent) {
        let Some(fields) = browser::form_fields(event) else { return };
        event.prevent_default();
        // Entered, too: the room's page is on its way.
        if self.action.pending().get_untracked()
            || matches!(*self.action.value().read_untracked(), Some(Ok(Entry::Entered { .. })))
        {
            return;
        }
        browser::remember_name(&fields.get("name"));
        self.refused.set(None);
        let form = ApiForm {
            name: fields.get("name"),
            code: fields.get("code"),
            capacity: fields.get("capacity"),
            intent: fields.get("intent"),
            from: fields.get("from"),
        };
        self.sent.set_value(form.clone());
        let ApiForm { name, code, capacity, intent, from } = form;
        self.action.dispatch(Enter { name, code, capacity, intent, from });
    }

    fn answered(self) {
        match self.action.value().get() {
            Some(Ok(Entry::Entered { code, .. })) => browser::go(&format!("/room/{code}")),
            Some(Ok(Entry::Refused { refused })) => {
                self.refused.set(Some((refused, self.sent.get_value())));
                self.focus(refused.field);
            }
            Some(Err(_)) => {
                self.refused.set(Some((Refusal { field: Field::Code, code: Code::Unknown }, ApiForm::default())));
            }
            None => {}
        }
    }

    fn focus(self, field: Field) {
        let input = match field {
            Field::Name => self.name,
            Field::Capacity => self.capacity,
            _ => self.code,
        };
        if let Some(input) = input.get_untracked() {
            let _ = input.focus();
        }
    }

    /// What is wrong with this field.
    fn error(self, field: Field) -> Signal<Option<String>> {
        Signal::derive(move || {
            let refused = self.refused.read();
            let (refusal, typed) =
                refused.as_ref().filter(|(refusal, _)| place(refusal.field, self.purpose) == field)?;
            Some(text::refusal(*refusal, typed))
        })
    }

    fn invalid(self, field: Field) -> impl Fn() -> Option<&'static str> + Send + Clone + 'static {
        let error = self.error(field);
        move || error.read().is_some().then_some("true")
    }

    /// Whether the page begins at this field: only to mend it, since a phone's keyboard would hide the page.
    fn begins_at(self, field: Field) -> bool {
        self.refused.with_untracked(|refused| {
            refused.as_ref().is_some_and(|(refusal, _)| place(refusal.field, self.purpose) == field)
        })
    }
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
    let entering = Entering::new(purpose, flash);
    let from = match purpose {
        Purpose::Home { .. } => "/".to_owned(),
        Purpose::Door(code) => format!("/room/{code}"),
    };
    let busy = move || entering.action.pending().get().then_some("true");
    view! {
        <form class="card" method="post" action="/api/enter" on:submit=move |event| entering.submit(&event) aria-busy=busy>
            // Enter in a field presses a form's first button: this one, which has no intent, so the fields decide.
            <button class="visually-hidden" tabindex="-1" aria-hidden="true">{text::JOIN}</button>
            <input type="hidden" name="from" value=from/>
            <div class="field">
                <label for="name">{text::YOUR_NAME}</label>
                <input node_ref=entering.name id="name" name="name" value=form.name autocomplete="nickname" dir="auto"
                    autofocus=entering.begins_at(Field::Name) aria-invalid=entering.invalid(Field::Name) aria-describedby="name-error"/>
                <FieldError id="name-error" message=entering.error(Field::Name)/>
            </div>
            {match purpose {
                Purpose::Home { capacity } => view! { <CreateOrJoin entering seats=capacity capacity=form.capacity code=form.code/> }.into_any(),
                Purpose::Door(code) => view! {
                    <input type="hidden" name="code" value=code.to_string()/>
                    <FieldError id="code-error" message=entering.error(Field::Code)/>
                    <button class="button primary" name="intent" value="join">{text::JOIN_ROOM}</button>
                }.into_any(),
            }}
        </form>
    }
}

/// The two ways to go from home.
#[component]
fn CreateOrJoin(
    entering: Entering,
    /// Seats of a room whose maker does not choose.
    seats: u32,
    /// The capacity as typed.
    capacity: String,
    /// The code as typed.
    code: String,
) -> impl IntoView {
    view! {
        <button class="button primary" name="intent" value="create">{text::CREATE}</button>
        <details open=move || entering.error(Field::Capacity).read().is_some()>
            <summary>{text::OPTIONS}</summary>
            <div class="field">
                <label for="capacity">{text::HOW_MANY}</label>
                <input node_ref=entering.capacity id="capacity" name="capacity" inputmode="numeric" placeholder=seats value=capacity
                    autofocus=entering.begins_at(Field::Capacity) aria-invalid=entering.invalid(Field::Capacity) aria-describedby="capacity-error"/>
                <FieldError id="capacity-error" message=entering.error(Field::Capacity)/>
            </div>
        </details>
        <div class="or">{text::OR_JOIN}</div>
        <div class="join">
            <div class="field">
                <label for="code">{text::ROOM_CODE}</label>
                <input node_ref=entering.code id="code" name="code" value=code placeholder="KXQ4-7M2P" autocomplete="off" autocapitalize="characters"
                    spellcheck="false" translate="no" autofocus=entering.begins_at(Field::Code)
                    aria-invalid=entering.invalid(Field::Code) aria-describedby="code-error"/>
            </div>
            <button class="button" name="intent" value="join">{text::JOIN}</button>
        </div>
        <FieldError id="code-error" message=entering.error(Field::Code)/>
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
