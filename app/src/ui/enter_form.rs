//! The form that opens a room: the same with and without script.

use protocol::{Code, RoomCode};
use serde::{Deserialize, Serialize};
use wasm_bindgen_futures::spawn_local;
use web_sys::Event;

use super::island::Island;
use super::text;
use super::tree::{El, el};
use crate::api::{EnterForm as ApiForm, Field, Flash, Refusal};
use crate::live::ask::{self, Answer};
use crate::live::signal::Signal;
use crate::live::{browser, watch};

/// What the form is for.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
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
    /// From the press of a button until there is an answer; after a good one, until the room's page is there.
    busy: Signal<bool>,
    /// What was refused, and what was typed.
    refused: Signal<Option<(Refusal, ApiForm)>>,
}

impl Entering {
    fn new(purpose: Purpose, flash: Option<&Flash>) -> Self {
        let refused = Signal::new(flash.map(|flash| (flash.refused, flash.form.clone())));
        let entering = Self { purpose, busy: Signal::new(false), refused };
        watch(move || {
            browser::recall_name();
            // Back from the room, out of the browser's page cache.
            browser::hear_page("pageshow", move |event| {
                if browser::is_awake_again(event) {
                    entering.busy.set(false);
                }
            });
        });
        entering
    }

    fn submit(self, event: &Event) {
        let Some(fields) = browser::form_fields(event) else { return };
        event.prevent_default();
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.refused.set(None);
        browser::remember_name(&fields.get("name"));
        let typed = ["name", "code", "capacity", "intent", "from"].map(|name| (name, fields.get(name)));
        spawn_local(async move {
            let answer = ask::to_enter(&typed).await;
            let [name, code, capacity, intent, from] = typed.map(|(_, text)| text);
            self.answered(answer, ApiForm { name, code, capacity, intent, from });
        });
    }

    fn answered(self, answer: Option<Answer>, typed: ApiForm) {
        if let Some(Answer { code: Some(code), .. }) = answer {
            return browser::go(&format!("/room/{code}"));
        }
        self.busy.set(false);
        let Some(refused) = answer.and_then(|answer| answer.refused) else {
            return self.refused.set(Some((Refusal { field: Field::Code, code: Code::Unknown }, typed)));
        };
        if let (Purpose::Door(code), Code::CodeUnknown) = (self.purpose, refused.code) {
            // It has ended meanwhile: its page says what to do next.
            return browser::go(&format!("/room/{code}"));
        }
        self.refused.set(Some((refused, typed)));
        if is_of_field(refused.code) {
            // A field in `details` takes the focus only once they are open.
            browser::next_frame(move || browser::focus(id(place(refused.field, self.purpose))));
        }
    }

    /// What is wrong with this field.
    fn error(self, field: Field) -> Option<String> {
        self.refused.with(|refused| {
            let (refusal, typed) =
                refused.as_ref().filter(|(refusal, _)| place(refusal.field, self.purpose) == field)?;
            Some(text::refusal(*refusal, typed))
        })
    }

    /// True where what was typed into this field is to be mended.
    fn is_invalid(self, field: Field) -> bool {
        self.error(field).is_some()
            && self.refused.with(|refused| refused.as_ref().is_some_and(|(refusal, _)| is_of_field(refusal.code)))
    }
}

/// The form.
#[derive(Serialize, Deserialize)]
pub(super) struct EnterForm {
    /// What it is for.
    pub(super) purpose: Purpose,
    /// What was refused before, with what was typed.
    pub(super) flash: Option<Flash>,
}

impl Island for EnterForm {
    const NAME: &'static str = "enter";

    fn begin(self) -> impl Fn() -> El + Send + Sync + 'static {
        let Self { purpose, flash } = self;
        let entering = Entering::new(purpose, flash.as_ref());
        let refused = flash.as_ref().map(|flash| flash.refused).filter(|refused| is_of_field(refused.code));
        let begins = refused.map(|refused| place(refused.field, purpose));
        let form = flash.map(|flash| flash.form).unwrap_or_default();
        move || view(entering, &form, begins)
    }
}

/// `begins` is the field the page begins at: only to mend it, since a phone's keyboard would hide the page.
fn view(entering: Entering, typed: &ApiForm, begins: Option<Field>) -> El {
    let from = match entering.purpose {
        Purpose::Home { .. } => "/".to_owned(),
        Purpose::Door(code) => format!("/room/{code}"),
    };
    let form = el("form")
        .class("card")
        .attr("method", "post")
        .attr("action", "/api/enter")
        .on("submit", move |event| entering.submit(event));
    let form = if entering.busy.get() { form.attr("aria-busy", "true") } else { form };
    // Enter in a field presses a form's first button: this one, which has no intent, so the fields decide.
    let first = el("button").class("visually-hidden").attr("tabindex", "-1").attr("aria-hidden", "true");
    let name = input(entering, Field::Name, &typed.name, begins).attr("autocomplete", "nickname").attr("dir", "auto");
    let form = form.child(first.text(text::JOIN)).child(hidden("from", from)).child(
        el("div")
            .class("field")
            .child(label(Field::Name, text::YOUR_NAME))
            .child(name)
            .child(error(entering, Field::Name)),
    );
    match entering.purpose {
        Purpose::Home { capacity } => create_or_join(form, entering, typed, begins, capacity),
        Purpose::Door(code) => form
            .child(hidden("code", code.to_string()))
            .child(error(entering, Field::Code))
            .child(button("join", text::JOIN_ROOM).class("button primary")),
    }
}

/// The two ways to go from home.
fn create_or_join(form: El, entering: Entering, typed: &ApiForm, begins: Option<Field>, seats: u32) -> El {
    let capacity = input(entering, Field::Capacity, &typed.capacity, begins)
        .attr("inputmode", "numeric")
        .attr("placeholder", seats.to_string());
    let code = input(entering, Field::Code, &typed.code, begins)
        .attr("placeholder", "KXQ4-7M2P")
        .attr("autocomplete", "off")
        .attr("autocapitalize", "characters")
        .attr("spellcheck", "false")
        .attr("translate", "no");
    let how_many = el("div")
        .class("field")
        .child(label(Field::Capacity, text::HOW_MANY))
        .child(capacity)
        .child(error(entering, Field::Capacity));
    let options = el("details")
        .flag("open", entering.error(Field::Capacity).is_some())
        .child(el("summary").text(text::OPTIONS))
        .child(how_many);
    let join = el("div")
        .class("join")
        .child(el("div").class("field").child(label(Field::Code, text::ROOM_CODE)).child(code))
        .child(button("join", text::JOIN).class("button"));
    form.child(button("create", text::CREATE).class("button primary"))
        .child(options)
        .child(el("div").class("or").text(text::OR_JOIN))
        .child(join)
        .child(error(entering, Field::Code))
}

fn input(entering: Entering, field: Field, value: &str, begins: Option<Field>) -> El {
    let input = el("input")
        .attr("id", id(field))
        .attr("name", id(field))
        .attr("value", value.to_owned())
        .attr("aria-describedby", error_id(field))
        .flag("autofocus", begins == Some(field));
    if entering.is_invalid(field) { input.attr("aria-invalid", "true") } else { input }
}

fn hidden(name: &'static str, value: String) -> El {
    el("input").attr("type", "hidden").attr("name", name).attr("value", value)
}

fn label(field: Field, words: &'static str) -> El {
    el("label").attr("for", id(field)).text(words)
}

fn button(intent: &'static str, words: &'static str) -> El {
    el("button").attr("name", "intent").attr("value", intent).text(words)
}

/// What is wrong with a field: announced when it appears.
fn error(entering: Entering, field: Field) -> El {
    let words = entering.error(field).unwrap_or_default();
    el("span").attr("id", error_id(field)).class("error").attr("role", "alert").text(words)
}

/// The id of a field's input, and its name.
fn id(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Capacity => "capacity",
        Field::Code | Field::Body => "code",
    }
}

fn error_id(field: Field) -> String {
    format!("{}-error", id(field))
}

/// False for what nobody mends by typing something else: it is said in the form, and no field is marked for it.
fn is_of_field(code: Code) -> bool {
    !matches!(code, Code::Cookie | Code::Origin | Code::Rate | Code::Storage | Code::Unknown)
}

/// The place where a field's error is shown; at the door there are no other fields than the name.
fn place(field: Field, purpose: Purpose) -> Field {
    match (field, purpose) {
        (Field::Capacity, Purpose::Door(_)) | (Field::Body, _) => Field::Code,
        (field, _) => field,
    }
}
