//! The log: a `column-reverse` scroller around one list in normal order. It opens at its end without script, and stays
//! there while the reader does not scroll away.
//!
//! The rows are pieces without listeners; the log hears what happens in them. What is pressed says in `data-do` what it
//! is for, and the row around it in `data-message` which message is meant.

use std::sync::Arc;

use client::Row;
use protocol::{Emoji, EventId, MessageBody};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Event, PointerEvent};

use super::actions;
use super::message;
use super::{Desk, Mode, Picking};
use crate::live::browser::{self, Later};
use crate::live::signal::Signal;
use crate::live::store::RoomStore;
use crate::live::watch;
use crate::ui::kit::{mark, tool};
use crate::ui::tree::{El, el};
use crate::ui::{markup, text};

mod keys;
mod rows;

/// The scroller's id.
const SCROLLER: &str = "log";
/// The end is followed while it is no further away than this, in CSS pixels.
const AT_END: i32 = 30;
/// An older page is asked for when its place comes this near, in CSS pixels.
const NEAR: i32 = 800;
/// A finger that rests this long asks for the bar, in milliseconds.
const LONG_PRESS_MS: i32 = 450;
/// Messages that come within this time are told together, in milliseconds.
const TELL_AFTER_MS: i32 = 700;
/// More than this many are told as a number.
const TELL_EACH: usize = 3;

/// What the log knows beside the rows.
#[derive(Clone, Copy)]
pub(super) struct Log {
    pub(super) store: RoomStore,
    desk: Desk,
    /// The message that the bar is for.
    pub(super) target: Signal<Option<EventId>>,
    /// Whether deleting was asked for once.
    pub(super) sure: Signal<bool>,
    /// Whether the reader has scrolled away from the end.
    away: Signal<bool>,
    /// How many messages came below since then.
    below: Signal<usize>,
    /// What is said to who cannot see.
    told: Signal<String>,
    untold: Signal<Vec<(String, MessageBody)>>,
    /// The last message known here.
    last: Signal<Option<EventId>>,
    pressing: Signal<Option<Later>>,
    /// Whether the last press was a long one: the bar that it asked for may stand under the finger by now, and its click
    /// presses nothing.
    held: Signal<bool>,
}

impl Log {
    pub(super) fn new(store: RoomStore, desk: Desk) -> Self {
        let log = Self {
            store,
            desk,
            target: Signal::new(None),
            sure: Signal::new(false),
            away: Signal::new(false),
            below: Signal::new(0),
            told: Signal::default(),
            untold: Signal::default(),
            last: Signal::new(store.rows.with_untracked(|rows| last_message(rows))),
            pressing: Signal::new(None),
            held: Signal::new(false),
        };
        watch(move || {
            log.store.rows.with(|rows| log.came(rows));
            browser::next_frame(move || log.place_bar());
        });
        watch(move || {
            log.target.track();
            log.sure.set(false);
        });
        log
    }

    /// What is new at the end: an own message is followed, one of others is counted and told.
    fn came(self, rows: &[Arc<Row>]) {
        let known = self.last.get_untracked();
        let mut fresh = Vec::new();
        for row in rows.iter().rev() {
            if let Row::Message(message) = &**row {
                if Some(message.id) == known {
                    break;
                }
                fresh.push(message.clone());
                // Another log, or none before: its messages are not news.
                if fresh.len() > rows.len().min(200) {
                    break;
                }
            }
        }
        let Some(newest) = fresh.first() else { return };
        self.last.set(Some(newest.id));
        if newest.own {
            self.to_end();
        }
        if known.is_none() {
            return;
        }
        let others: Vec<_> = fresh.iter().rev().filter(|message| !message.own).collect();
        if self.away.get_untracked() {
            self.below.update(|below| *below += others.len());
        }
        let words = others.into_iter().filter_map(|message| {
            let name = message.name.as_ref().map_or_else(|| text::SOMEBODY.to_owned(), ToString::to_string);
            Some((name, message.body.clone()?))
        });
        self.tell(words.collect());
    }

    fn tell(self, said: Vec<(String, MessageBody)>) {
        if said.is_empty() {
            return;
        }
        let begun = self.untold.with_untracked(Vec::is_empty);
        self.untold.update(|untold| untold.extend(said));
        if begun {
            browser::later(TELL_AFTER_MS, move || {
                let untold = self.untold.update(std::mem::take);
                if untold.len() > TELL_EACH {
                    return self.told.set(text::new_messages(untold.len()));
                }
                spawn_local(async move {
                    let mut told = Vec::new();
                    for (name, body) in &untold {
                        markup::until_read(body.as_str()).await;
                        told.push(format!("{name}: {}", message::excerpt(body.as_str())));
                    }
                    self.told.set(told.join(". "));
                });
            });
        }
    }

    fn to_end(self) {
        if let Some(scroller) = browser::by_id(SCROLLER) {
            scroller.set_scroll_top(0);
        }
        self.below.set(0);
    }

    fn scrolled(self) {
        let Some(scroller) = browser::by_id(SCROLLER) else { return };
        // From the end, upwards it is negative.
        let top = scroller.scroll_top();
        let away = top < -AT_END;
        if self.away.get_untracked() != away {
            self.away.set(away);
        }
        if !away && self.below.get_untracked() > 0 {
            self.below.set(0);
        }
        if scroller.scroll_height() - scroller.client_height() + top < NEAR {
            self.store.load_older();
        }
        self.place_bar();
    }

    fn point_at(self, element: Option<&Element>) {
        let id = element.and_then(message_of);
        if self.target.get_untracked() != id {
            self.target.set(id);
        }
        self.place_bar();
    }

    /// Puts the bar beside its message: what comes above, and gets its size there, moves it.
    fn place_bar(self) {
        let row = self.target.get_untracked().and_then(|id| browser::by_id(&message::element_id(id)));
        if let (Some(row), Some(bar)) = (row, browser::by_id("actions"))
            && let Some(sheet) = browser::closest(&row, ".sheet")
        {
            browser::set_property(&bar, "--at", &format!("{}px", browser::top_within(&row, &sheet)));
        }
    }

    fn pressed(self, event: &Event) {
        self.let_go();
        self.held.set(false);
        let in_log = |element: &Element| is_by(event, "touch") && browser::closest(element, "#actions").is_none();
        let Some(element) = browser::target(event).filter(in_log) else { return };
        let handle = browser::later(LONG_PRESS_MS, move || {
            self.held.set(true);
            self.point_at(Some(&element));
        });
        self.pressing.set(handle);
    }

    fn let_go(self) {
        if let Some(handle) = self.pressing.update(Option::take) {
            handle.call_off();
        }
    }

    fn clicked(self, event: &Event) {
        if self.held.update(std::mem::take) {
            return event.prevent_default();
        }
        let Some(button) = browser::target(event).and_then(|target| browser::closest(&target, "[data-do]")) else {
            return;
        };
        let verb = button.get_attribute("data-do").unwrap_or_default();
        if let Some(to) = button.get_attribute("data-to").filter(|_| verb == "jump") {
            if let Ok(to) = to.parse() {
                browser::reveal(&message::element_id(EventId(to)));
            }
            return;
        }
        if let Some(id) = message_of(&button) {
            self.act(&verb, id, &button);
        }
    }

    fn act(self, verb: &str, id: EventId, button: &Element) {
        let Some(message) = self.store.message(id) else { return };
        match verb {
            "react" => {
                let Some(emoji) = button.get_attribute("data-emoji").and_then(|emoji| emoji.parse::<Emoji>().ok())
                else {
                    return;
                };
                let own = message.reactions.iter().any(|reaction| reaction.own && reaction.emoji == emoji);
                self.store.react(id, emoji, !own);
            }
            "pick" => self.desk.picking.set(Some(Picking::Reaction(id))),
            "reply" => self.desk.mode.set(Mode::Reply(Box::new(message))),
            // What was typed for the change stays.
            "edit" if self.desk.mode.with_untracked(|mode| matches!(mode, Mode::Edit(edited) if edited.id == id)) => {}
            "edit" => self.desk.mode.set(Mode::Edit(Box::new(message))),
            "delete" if !self.sure.get_untracked() => return self.sure.set(true),
            "delete" => self.store.remove(id),
            "copy" => copy(message.body.map(|body| body.as_str().to_owned())),
            "copy-code" => copy(button.previous_element_sibling().and_then(|code| code.text_content())),
            "retry" => self.store.retry(id),
            "compose" => self.store.edit(id),
            "discard" => self.store.discard(id),
            _ => {}
        }
        if matches!(verb, "reply" | "edit" | "compose") {
            browser::focus("body");
        }
        if browser::closest(button, "#actions").is_some() {
            // The button goes with the bar; the focus stays at the message.
            if !matches!(verb, "reply" | "edit" | "pick") {
                browser::focus(&message::element_id(id));
            }
            self.point_at(None);
        }
    }

    fn focused(self, event: &Event) {
        if let Some(element) = browser::target(event)
            && browser::closest(&element, "#actions").is_none()
            && browser::is_keyboard_focus(&element)
        {
            self.point_at(Some(&element));
        }
    }
}

fn copy(words: Option<String>) {
    if let Some(words) = words {
        spawn_local(async move {
            browser::copy(&words).await;
        });
    }
}

fn message_of(element: &Element) -> Option<EventId> {
    let row = browser::closest(element, "[data-message]")?;
    row.get_attribute("data-message")?.parse().ok().map(EventId)
}

fn last_message(rows: &[Arc<Row>]) -> Option<EventId> {
    rows.iter().rev().find_map(|row| match &**row {
        Row::Message(message) => Some(message.id),
        _ => None,
    })
}

/// Whether a pointer of this kind is used.
fn is_by(event: &Event, kind: &str) -> bool {
    event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == kind)
}

/// Everything said, oldest first.
pub(super) fn view(log: Log) -> El {
    let rows = el("div")
        .class("rows")
        .attr("role", "log")
        .attr("aria-label", text::MESSAGES)
        .attr("aria-live", "off")
        .attr("tabindex", "0")
        .rows(rows::drawn(log.store));
    let sheet = el("div")
        .class("sheet")
        .child(rows)
        .live(move || quiet(log.store))
        .live(move || actions::bar(log))
        .on("click", move |event| log.clicked(event))
        .on("keydown", move |event| log.key(event))
        .on("focusin", move |event| log.focused(event))
        .on("pointerover", move |event| {
            if is_by(event, "mouse")
                && let Some(element) = browser::target(event)
            {
                log.point_at(Some(&element));
            }
        })
        .on("pointerleave", move |event| {
            if is_by(event, "mouse") {
                log.point_at(None);
            }
        })
        .on("pointerdown", move |event| log.pressed(event))
        .on("pointerup", move |_| log.let_go())
        .on("pointercancel", move |_| {
            log.let_go();
            log.held.set(false);
        })
        .on("contextmenu", |event| {
            if browser::is_touch() {
                event.prevent_default();
            }
        });
    el("section").attr("id", SCROLLER).class("log").child(sheet).on("scroll", move |_| log.scrolled())
}

/// What is at the end of the log: a voice, and the way there.
pub(super) fn below(log: Log) -> El {
    let voice = el("p").class("visually-hidden").attr("aria-live", "polite").attr("data-testid", "told");
    el("div")
        .class("below")
        .live(move || voice.clone().text(log.told.get()))
        .live(move || {
            let class = if log.away.get() { "button jump shown" } else { "button jump" };
            tool().class(class).text(text::jump(log.below.get()))
        })
        .on("click", move |_| log.to_end())
}

fn quiet(store: RoomStore) -> El {
    if store.rows.with(|rows| last_message(rows).is_some()) {
        return el("div").attr("hidden", "");
    }
    el("div").class("quiet").child(mark()).child(el("p").text(text::EMPTY_ROOM))
}
