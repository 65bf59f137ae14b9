//! Where a message is written. Text leaves the box only when it is in the outbox.

use protocol::{Code, EventId, body};
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlTextAreaElement, KeyboardEvent};

use super::{Desk, Mode, emoji, message};
use crate::api::Flash;
use crate::live::browser;
use crate::live::keeper::Aim;
use crate::live::signal::Signal;
use crate::live::store::RoomStore;
use crate::live::watch;
use crate::ui::kit::{Icon, tool};
use crate::ui::tree::{El, el};
use crate::ui::{markup, text};

mod about;
mod mention;

use about::about;
use mention::Mention;

/// The form's id.
const FORM: &str = "composer";
/// The box's id.
const FIELD: &str = "body";
/// From this length on, in scalar values, the counter is shown.
const NEAR_LIMIT: usize = body::MAX_SCALARS - 200;
/// While an input method composes, its keys arrive with this code and belong to it (UI Events, section 8.3.1).
const COMPOSING: u32 = 229;

/// The box and what is known of it.
#[derive(Clone, Copy)]
pub(super) struct Writing {
    store: RoomStore,
    desk: Desk,
    error: Signal<Option<String>>,
    /// How long the text is, as the limit counts it, from [`NEAR_LIMIT`] on.
    length: Signal<Option<usize>>,
    /// What stood in the box before a message came into it to be changed; `Some` exactly while one is there.
    aside: Signal<Option<String>>,
    /// What had been typed for a change before a reload.
    resumed: Signal<Option<String>>,
    mention: Mention,
}

impl Writing {
    pub(super) fn new(store: RoomStore, desk: Desk, flash: Option<&Flash>) -> Self {
        let this = Self {
            store,
            desk,
            error: Signal::new(flash.map(|flash| text::refusal(flash.refused, &flash.form))),
            length: Signal::new(None),
            aside: Signal::new(None),
            resumed: Signal::new(None),
            mention: Mention::new(store),
        };
        // A refused message comes back into the box, before whatever stands there.
        watch(move || {
            if let (Some(back), Some(field)) = (store.taken.get(), box_of_text()) {
                this.cancel();
                this.bring(&back);
                let _ = field.focus();
            }
        });
        // What stood in the box before a reload. What was typed before there was script counts from now on, too.
        watch(move || {
            let Some(field) = box_of_text() else { return };
            if browser::is_touch() {
                let _ = field.set_attribute("enterkeyhint", "enter");
            }
            // Both are read before either is written again.
            let (draft, aim) = (store.kept_draft(), store.kept_aim());
            this.bring(&draft.unwrap_or_default());
            if let Some(aim) = aim {
                this.resume(aim);
            }
            this.listen();
        });
        let mut begun = false;
        watch(move || {
            let mode = desk.mode.get();
            let Some(field) = box_of_text() else { return };
            match &mode {
                Mode::Edit(message) => {
                    this.aside.update(|aside| _ = aside.get_or_insert_with(|| field.value()));
                    let says = || message.body.as_ref().map(|body| body.as_str().to_owned());
                    let text = this.resumed.update(Option::take).or_else(says).unwrap_or_default();
                    this.fill(&text);
                    store.keep_aim(Some(Aim { edits: true, target: message.id, text }));
                }
                Mode::Reply(message) => {
                    this.put_back();
                    store.keep_aim(Some(Aim { edits: false, target: message.id, text: String::new() }));
                }
                Mode::New => {
                    this.put_back();
                    store.keep_aim(None);
                }
            }
            if std::mem::replace(&mut begun, true) {
                let _ = field.focus();
            }
        });
        watch(move || browser::toggle(FORM, "inert", store.leaving.get()));
        this
    }

    /// Goes on with the answer or change that was being written before a reload.
    fn resume(self, aim: Aim) {
        self.store.adopt_aim(&aim);
        let Aim { edits, target, text: typed } = aim;
        let message = self.store.message(target).filter(|message| message.body.is_some());
        match message.map(Box::new) {
            Some(message) if edits => {
                self.resumed.set(Some(typed));
                self.desk.mode.set(Mode::Edit(message));
            }
            Some(message) => self.desk.mode.set(Mode::Reply(message)),
            None => {
                self.bring(&typed);
                if !box_of_text().is_none_or(|field| field.value().is_empty()) {
                    self.error.set(Some(text::AIM_LOST.to_owned()));
                }
                self.store.keep_aim(None);
            }
        }
    }

    fn listen(self) {
        // Out of the browser's page cache: another page of this tab may have gone on with what stood in the box.
        browser::hear_page("pageshow", move |event| {
            let Some(draft) = self.store.kept_draft().filter(|_| browser::is_awake_again(event)) else { return };
            let aim = self.store.kept_aim();
            if !self.store.has_aim(aim.as_ref()) {
                self.cancel();
                self.fill(&draft);
                if let Some(aim) = aim {
                    self.resume(aim);
                }
                return;
            }
            match self.aside.get_untracked() {
                Some(_) => self.aside.set(Some(draft)),
                None => self.fill(&draft),
            }
        });
        // `/` goes to the box from everywhere, and `?` to the list of keys.
        browser::hear_page("keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
            if browser::is_writing(event) || modified || box_of_text().is_none() {
                return;
            }
            match event.key().as_str() {
                "/" => self.focus(),
                "?" => browser::open_dialog("help"),
                _ => return,
            }
            event.prevent_default();
        });
    }

    fn focus(self) {
        if let Some(field) = box_of_text() {
            let _ = field.focus();
        }
    }

    /// Puts text before whatever stands in the box.
    fn bring(self, text: &str) {
        let Some(field) = box_of_text() else { return };
        let rest = field.value();
        let between = if text.is_empty() || rest.is_empty() { "" } else { "\n" };
        self.fill(&if text == rest { rest } else { format!("{text}{between}{rest}") });
    }

    fn fill(self, text: &str) {
        if let Some(field) = box_of_text() {
            field.set_value(text);
            self.note(&field, text);
        }
    }

    /// Puts text where the caret is, or in place of everything between this place and the caret, in UTF-16 units.
    fn insert(self, text: &str, from: Option<u32>) {
        let Some(field) = box_of_text() else { return };
        let _ = field.focus();
        let caret = |place: Result<Option<u32>, _>| place.ok().flatten().unwrap_or_default();
        let (start, end) = (from.unwrap_or_else(|| caret(field.selection_start())), caret(field.selection_end()));
        let _ = field.set_range_text_with_start_and_end_and_mode(text, start, end, "end");
        self.input();
    }

    /// The text in the box is another one.
    fn note(self, field: &HtmlTextAreaElement, text: &str) {
        if self.aside.with_untracked(Option::is_none) {
            self.store.keep_draft(text);
        }
        let length = body::length(text);
        self.length.set_if_new((length >= NEAR_LIMIT).then_some(length));
        self.mention.close();
        browser::grow(field);
    }

    /// The person changed the text in the box. Others' messages wait while this runs, at every key: what is drawn here is
    /// only what became different.
    fn input(self) {
        self.store.note_key();
        let Some(field) = box_of_text() else { return };
        let text = field.value();
        self.note(&field, &text);
        self.mention.look(&field, &text);
        markup::foresee(&text);
        if self.aside.with_untracked(Option::is_some) {
            self.store.keep_change(&text);
        } else if !text.is_empty() {
            self.store.typing_now();
        }
        if self.length.with_untracked(|length| length.is_none_or(|length| length <= body::MAX_SCALARS)) {
            self.error.set_if_new(None);
        }
    }

    fn send(self) {
        let Some(field) = box_of_text().filter(|_| !self.store.leaving.get_untracked()) else { return };
        let typed = field.value();
        let mode = self.desk.mode.get_untracked();
        let sent = match &mode {
            Mode::New => self.store.send(&typed, None),
            Mode::Reply(message) => self.store.send(&typed, Some(message.id)),
            Mode::Edit(message) if typed.parse().ok() == message.body => Ok(()),
            Mode::Edit(message) => self.store.change(message.id, &typed),
        };
        match (sent, &mode) {
            (Ok(()), Mode::Edit(_)) => self.cancel(),
            (Ok(()), _) => {
                self.fill("");
                self.error.set_if_new(None);
                self.cancel();
            }
            (Err(Code::Empty), Mode::Edit(_)) => self.error.set(Some(text::EDIT_TO_NOTHING.to_owned())),
            (Err(Code::Empty), _) => self.error.set_if_new(None),
            (Err(problem), _) => self.error.set(Some(text::not_sent(problem).to_owned())),
        }
        let _ = field.focus();
    }

    /// The box is for a new message again.
    fn cancel(self) {
        self.put_back();
        self.error.set_if_new(None);
        if self.desk.mode.with_untracked(|mode| *mode != Mode::New) {
            self.desk.mode.set(Mode::New);
        }
    }

    fn put_back(self) {
        if let Some(text) = self.aside.update(Option::take) {
            self.fill(&text);
        }
    }

    fn edit_last(self) -> bool {
        let last = self.store.last_own();
        let found = last.is_some();
        if let Some(message) = last {
            self.desk.mode.set(Mode::Edit(message.into()));
        }
        found
    }

    fn key(self, event: &Event) {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        if event.is_composing() || event.key_code() == COMPOSING {
            return;
        }
        let key = event.key();
        let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
        let done = match key.as_str() {
            key if !modified && !event.shift_key() && self.mention.key(key) => true,
            "Enter" | "Tab" if !modified && !event.shift_key() && self.mention.is_open() => self.complete(),
            "Enter" if !event.shift_key() && (modified || !browser::is_touch()) => {
                self.send();
                true
            }
            "Escape" if self.desk.mode.with_untracked(|mode| *mode != Mode::New) => {
                self.cancel();
                true
            }
            "ArrowUp" if !modified && !event.shift_key() && self.is_blank() => self.edit_last(),
            _ => false,
        };
        if done {
            event.prevent_default();
        }
    }

    /// Writes out the mention that is offered.
    fn complete(self) -> bool {
        let taken = self.mention.take();
        if let Some((from, name)) = &taken {
            self.insert(&format!("@{name} "), Some(*from));
        }
        taken.is_some()
    }

    fn clicked(self, event: &Event) {
        let Some(target) = browser::target(event) else { return };
        if browser::closest(&target, ".about button").is_some() {
            self.cancel();
        } else if self.mention.point_at(&target) {
            self.complete();
        } else {
            self.mention.close();
        }
    }

    /// Whether nothing is in the box, and it is for a new message.
    fn is_blank(self) -> bool {
        let empty = box_of_text().is_some_and(|field| field.value().is_empty());
        empty && self.desk.mode.with_untracked(|mode| *mode == Mode::New)
    }
}

/// The form at the bottom: with the id of the message that a page without script sends, and a refused message.
pub(super) fn view(this: Writing, post_id: EventId, flash: Option<Flash>) -> El {
    let Writing { store, desk, mention, .. } = this;
    let mends = flash.is_some();
    let typed = flash.map(|flash| flash.body).unwrap_or_default();
    let hidden = |name, value: String| el("input").attr("type", "hidden").attr("name", name).attr("value", value);
    let smile = tool()
        .class("button icon")
        .attr("popovertarget", emoji::ID)
        .attr("aria-label", text::EMOJI)
        .attr("title", text::EMOJI)
        .child(Icon::Smile.drawing());
    let form = el("form")
        .attr("id", FORM)
        .class("composer")
        .attr("method", "post")
        .attr("action", "/api/post_message")
        .live(move || about(store, &desk.mode.get()))
        .live(move || mention.list())
        .child(hidden("code", store.code.to_string()))
        .child(hidden("id", post_id.to_string()))
        .child(smile)
        .live(move || field(this, mends, typed.clone()))
        .live(move || counter(this))
        .live(move || send(this))
        .on("submit", move |event| {
            event.prevent_default();
            this.send();
        })
        .on("click", move |event| this.clicked(event))
        .on("mousedown", mention::hold_caret);
    let error = el("p").attr("id", "body-error").class("error").attr("role", "alert");
    el("div")
        .class("foot")
        .live(move || typing(store))
        .live(move || error.clone().text(this.error.get().unwrap_or_default()))
        .child(form)
        .child(
            el("p")
                .class("hint")
                .child(keys())
                .child(
                    el("a")
                        .class("refresh")
                        .attr("href", format!("/room/{}", store.code))
                        .attr("rel", "external")
                        .text(text::REFRESH),
                )
                .child(el("span").text(text::GONE)),
        )
        .child(emoji::view(store, desk.picking, move |emoji| this.insert(emoji, None)))
}

fn field(this: Writing, mends: bool, typed: String) -> El {
    let Writing { store, desk, mention, .. } = this;
    let describes = if desk.mode.with(|mode| *mode == Mode::New) { "body-error" } else { "about body-error" };
    let mut field = el("textarea")
        .attr("id", FIELD)
        .attr("name", "body")
        .attr("rows", "1")
        .attr("placeholder", text::WHATS_NEW)
        .attr("aria-label", text::MESSAGE)
        .attr("dir", "auto")
        .attr("enterkeyhint", "send")
        .attr("autocomplete", "off")
        .attr("aria-haspopup", "listbox")
        .attr("aria-autocomplete", "list")
        .attr("aria-describedby", describes)
        .flag("autofocus", mends)
        .flag("disabled", store.leaving.get());
    if this.error.with(Option::is_some) {
        field = field.attr("aria-invalid", "true");
    }
    if let Some(active) = mention.active() {
        field = field.attr("aria-controls", mention::LIST).attr("aria-activedescendant", active);
    }
    field
        .text(typed)
        .on("keydown", move |event| this.key(event))
        .on("input", move |_| this.input())
        .on("blur", move |_| mention.close())
}

fn counter(this: Writing) -> El {
    let length = this.length.get();
    let counter = el("output").class(if length > Some(body::MAX_SCALARS) { "counter over" } else { "counter" });
    match length {
        Some(length) => counter.text(text::space_left(body::MAX_SCALARS, length)),
        None => counter,
    }
}

fn send(this: Writing) -> El {
    let edits = this.desk.mode.with(|mode| matches!(mode, Mode::Edit(_)));
    let (name, icon) = if edits { (text::SAVE, Icon::Done) } else { (text::SEND, Icon::Send) };
    el("button").class("button primary send").attr("aria-label", name).child(icon.drawing())
}

/// The box in the page.
fn box_of_text() -> Option<HtmlTextAreaElement> {
    browser::by_id(FIELD)?.dyn_into().ok()
}

/// Who else is writing. Never announced: it would interrupt everything else.
fn typing(store: RoomStore) -> El {
    let line = el("p").class("typing").attr("aria-hidden", "true");
    store.typing.with(|names| message::sentence(line, text::typing(names)))
}

fn keys() -> El {
    let all = tool().attr("command", "show-modal").attr("commandfor", "help");
    text::KEYS
        .iter()
        .fold(el("span").class("keys"), |keys, (key, does)| keys.child(el("kbd").text(*key)).text(*does))
        .child(all.child(el("kbd").text("?")).text(text::ALL_KEYS))
}
