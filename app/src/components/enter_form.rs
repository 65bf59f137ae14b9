//! The form that opens a room: the same with and without script.

use leptos::ev::{self, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{ErrorCode, RoomCode};
use wasm_bindgen::JsCast;
use web_sys::{HtmlButtonElement, HtmlFormElement};

use super::click::click;
use super::name::sentence;
use super::typed_forms::{TypedForms, typed_fields};
use crate::api::{self, CallError, Cause, EnterForm as Fields, Field, Flash, Refusal};
use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

/// Purpose of the form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Create a room, or join one by its code.
    Home {
        /// Seats of a room whose maker does not choose.
        capacity: u32,
    },
    /// Join this room.
    JoinPage {
        /// The room's code.
        code: RoomCode,
        /// True for who has just left it.
        again: bool,
    },
    /// Join another room than that of a code which is none's.
    OtherCode,
}

/// State of the form.
#[derive(Clone, Copy)]
struct FormState {
    purpose: Purpose,
    /// Called when the form has done its work.
    entered: Callback<RoomCode>,
    /// True from the press of a button until there is an answer; after a good one, as long as the form is there.
    busy: RwSignal<bool>,
    /// The refusal, and the fields as typed.
    refused: RwSignal<Option<(Refusal, Fields)>>,
    /// The name that this device remembers, while it is on the button instead of in its field.
    saved_name: RwSignal<Option<String>>,
    /// The typed forms of this document.
    typed_forms: TypedForms,
}

impl FormState {
    fn submit(self, event: &SubmitEvent) {
        let Some(fields) = fields(event) else { return };
        event.prevent_default();
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.refused.set(None);
        browser::save_name(&fields.name);
        spawn_local(async move {
            let Fields { name, code, capacity, room_name, intent, from } = fields.clone();
            let answer = api::enter(name, code, capacity, room_name, intent, from).await;
            self.answered(answer, fields);
        });
    }

    fn answered(self, answer: Result<api::Entry, CallError>, fields: Fields) {
        if self.busy.is_disposed() {
            // The reader went to another page meanwhile. A seat that nobody comes to is free again by itself; to give it
            // back from here could take it from another tab.
            return;
        }
        let (entered, refused) = match answer {
            Ok(entry) => (entry.code, entry.refused),
            // Whatever was taken there is free again by itself.
            Err(CallError { cause: Cause::Release, .. }) => return browser::reload(),
            Err(error) => (None, error.refused),
        };
        let refused = refused.unwrap_or(Refusal { field: Field::Code, error: ErrorCode::Unknown, retry_ms: None });
        let done = match self.purpose {
            // It has ended or filled up meanwhile: its page says what to do next, and keeps checking.
            Purpose::JoinPage { code, .. } if matches!(refused.error, ErrorCode::CodeUnknown | ErrorCode::Full) => {
                Some(code)
            }
            _ => entered,
        };
        if let Some(code) = done {
            self.typed_forms.forget(&fields.from);
            return self.entered.run(code);
        }
        self.busy.set(false);
        if refused.field == Field::Name {
            self.saved_name.set(None);
        }
        let place = place(refused, &fields, self.purpose);
        self.refused.set(Some((refused, fields)));
        if is_of_field(refused.error) {
            // A field in `details` takes the focus only once they are open.
            request_animation_frame(move || browser::focus(id(place)));
        }
    }

    /// The error of this field.
    fn error(self, field: Field) -> Option<String> {
        let refused = self.refused.read();
        let (refusal, typed) =
            refused.as_ref().filter(|(refusal, typed)| place(*refusal, typed, self.purpose) == field)?;
        Some(text::refusal(*refusal, typed))
    }

    /// Fills the empty fields with what is known.
    fn fill(self, page: &str, form: &HtmlFormElement) {
        let is_restored = self.typed_forms.restore(page, form);
        if let (Some(field), Some(name)) = (browser::field(form, "name"), browser::saved_name()) {
            let asks_name_alone = matches!(self.purpose, Purpose::JoinPage { .. });
            let is_saved = (field.value().is_empty() && !is_restored) || field.value() == name;
            if asks_name_alone && is_saved && self.refused.read_untracked().is_none() {
                self.saved_name.set(Some(name.clone()));
            }
            // One that the reader took out stays out.
            if !is_restored {
                browser::fill_if_empty(&field, &name);
            }
        }
    }

    /// Puts the remembered name into its field, to be changed.
    fn rename(self) {
        self.saved_name.set(None);
        request_animation_frame(|| browser::select("name"));
    }

    /// The value of `aria-invalid`: set where what was typed into this field is to be mended.
    fn invalid(self, field: Field) -> Option<&'static str> {
        let is_invalid = |(refusal, typed): &(Refusal, Fields)| {
            is_of_field(refusal.error) && place(*refusal, typed, self.purpose) == field
        };
        self.refused.read().as_ref().is_some_and(is_invalid).then_some("true")
    }
}

/// The form.
#[component]
pub(crate) fn EnterForm(
    /// Its purpose.
    purpose: Purpose,
    /// A form that was refused before.
    #[prop(optional_no_strip)]
    flash: Option<Flash>,
    /// The code that is to be mended.
    #[prop(optional)]
    code: String,
    /// Called with the room's code when the room's page is to be shown: its sender has a seat there, or it has ended.
    entered: Callback<RoomCode>,
) -> impl IntoView {
    let refused = flash.as_ref().map(|flash| (flash.refused, flash.form.clone()));
    // The page begins at a field only to mend it, since a phone's keyboard would hide the page.
    let mends = flash.as_ref().filter(|flash| is_of_field(flash.refused.error));
    let begins = mends.map(|flash| place(flash.refused, &flash.form, purpose));
    let typed = flash.map_or_else(|| Fields { code, ..Fields::default() }, |flash| flash.form);
    let from = match purpose {
        // A room that is not there has no page to mend the form on.
        Purpose::Home { .. } | Purpose::OtherCode => "/".to_owned(),
        Purpose::JoinPage { code, .. } => format!("/room/{code}"),
    };
    let form = FormState {
        purpose,
        entered,
        busy: RwSignal::new(false),
        refused: RwSignal::new(refused),
        saved_name: RwSignal::new(None),
        typed_forms: expect_context(),
    };
    let key = from.clone();
    // Not by id: the form may not be in the document yet.
    let element = NodeRef::<html::Form>::new();
    effect(move || {
        let Some(element) = element.get() else { return };
        form.fill(&key, &element);
        // Out of the browser's page cache: the answer that was waited for does not come any more.
        browser::on_window_event(ev::pageshow, move |event| {
            if event.persisted() {
                form.busy.set(false);
            }
        });
    });
    let intent = (purpose == Purpose::OtherCode).then_some("join");
    let rest = match purpose {
        Purpose::Home { capacity } => {
            view! { <CreateOrJoin form seats=capacity typed=typed.clone() begins/> }.into_any()
        }
        Purpose::OtherCode => view! { <JoinByCode form typed=typed.code.clone() begins class="button primary"/> }.into_any(),
        Purpose::JoinPage { code, again } => view! {
            <input type="hidden" name="code" value=code.to_string()/>
            <FieldError form field=Field::Code/>
            <button class="button primary" name="intent" value="join">
                <span>{move || join_words(form.saved_name.get(), again)}</span>
            </button>
            <button type="button" class="button rename" on:click=click(move |_| form.rename())>{text::other_name()}</button>
        }
        .into_any(),
    };
    view! {
        <form node_ref=element class="card" class:known=move || form.saved_name.read().is_some() method="post" action="/api/enter"
            aria-busy=move || form.busy.get().then_some("true")
            on:submit=move |event| form.submit(&event) on:input=move |event| form.typed_forms.keep(&event)>
            // Enter in a field presses a form's first button: this one, which has no intent where the fields decide.
            <button class="visually-hidden" tabindex="-1" aria-hidden="true" name="intent" value=intent>{text::join()}</button>
            <input type="hidden" name="from" value=from/>
            <div class="field">
                <label for="name">{text::your_name()}</label>
                <input id="name" name="name" value=typed.name autocomplete="nickname" dir="auto"
                    autofocus=begins == Some(Field::Name) aria-describedby="name-error"
                    aria-invalid=move || form.invalid(Field::Name)/>
                <FieldError form field=Field::Name/>
            </div>
            {rest}
        </form>
    }
}

/// The two ways to go from home.
#[component]
fn CreateOrJoin(
    form: FormState,
    /// Seats of a room whose maker does not choose.
    seats: u32,
    /// The text typed before.
    typed: Fields,
    /// The field that the page begins at.
    begins: Option<Field>,
) -> impl IntoView {
    view! {
        <button class="button primary" name="intent" value="create">{text::create()}</button>
        <details open=move || [Field::RoomName, Field::Capacity].into_iter().any(|field| form.error(field).is_some())>
            <summary>{text::options()}</summary>
            <div class="field">
                <label for="room_name">{text::room_name()}</label>
                <input id="room_name" name="room_name" value=typed.room_name autocomplete="off" dir="auto"
                    autofocus=begins == Some(Field::RoomName) aria-describedby="room_name-error"
                    aria-invalid=move || form.invalid(Field::RoomName)/>
                <FieldError form field=Field::RoomName/>
            </div>
            <div class="field">
                <label for="capacity">{text::how_many()}</label>
                // Unknown (0) where the server did not answer.
                <input id="capacity" name="capacity" value=typed.capacity inputmode="numeric"
                    placeholder=(seats > 0).then(|| seats.to_string())
                    autofocus=begins == Some(Field::Capacity) aria-describedby="capacity-error"
                    aria-invalid=move || form.invalid(Field::Capacity)/>
                <FieldError form field=Field::Capacity/>
            </div>
        </details>
        <div class="or">{text::or_join()}</div>
        <JoinByCode form typed=typed.code begins class="button"/>
    }
}

/// The way into a room whose code is typed.
#[component]
fn JoinByCode(
    /// State of the form.
    form: FormState,
    /// The code typed before.
    typed: String,
    /// The field that the page begins at.
    begins: Option<Field>,
    /// Class of its button.
    class: &'static str,
) -> impl IntoView {
    view! {
        <div class="join">
            <div class="field">
                <label for="code">{text::room_code()}</label>
                <input id="code" name="code" value=typed placeholder="KXQ4-7M2P" autocomplete="off"
                    autocapitalize="characters" spellcheck="false" translate="no"
                    autofocus=begins == Some(Field::Code) aria-describedby="code-error"
                    aria-invalid=move || form.invalid(Field::Code)/>
            </div>
            <button class=class name="intent" value="join">{text::join()}</button>
        </div>
        <FieldError form field=Field::Code/>
    }
}

/// The error of a field: announced when it appears.
#[component]
fn FieldError(form: FormState, field: Field) -> impl IntoView {
    view! { <span id=format!("{}-error", id(field)) class="error" role="alert">{move || form.error(field)}</span> }
}

/// Words on the button that joins a room.
fn join_words(saved_name: Option<String>, again: bool) -> AnyView {
    match saved_name {
        _ if again => text::join_again().into_any(),
        Some(name) => sentence(text::join_as(name)).into_any(),
        None => text::join_room().into_any(),
    }
}

/// The fields of a form that is being sent, and the button that was pressed.
fn fields(event: &SubmitEvent) -> Option<Fields> {
    let pressed = event.submitter().and_then(|button| button.dyn_into::<HtmlButtonElement>().ok());
    let intent = pressed.map(|button| button.value()).unwrap_or_default();
    Some(Fields { intent, ..typed_fields(&browser::target(event)?)? })
}

/// The id of a field's input, and its name.
fn id(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Capacity => "capacity",
        Field::RoomName => "room_name",
        Field::Code | Field::Body => "code",
    }
}

/// False for what nobody mends by typing something else: it is said in the form, and no field is marked for it.
fn is_of_field(error: ErrorCode) -> bool {
    !matches!(error, ErrorCode::Cookie | ErrorCode::Origin | ErrorCode::Rate | ErrorCode::Storage | ErrorCode::Unknown)
}

/// The place where an error is shown; the form of the join page has no field but the name.
fn place(refused: Refusal, typed: &Fields, purpose: Purpose) -> Field {
    let creates = typed.intent == "create" || (typed.intent.is_empty() && typed.code.trim().is_empty());
    match (refused.field, purpose) {
        // Beside the button that was pressed, which follows the name.
        (Field::Code, Purpose::Home { .. }) if creates && !is_of_field(refused.error) => Field::Name,
        (Field::Capacity | Field::RoomName, Purpose::JoinPage { .. } | Purpose::OtherCode) | (Field::Body, _) => {
            Field::Code
        }
        (field, _) => field,
    }
}
