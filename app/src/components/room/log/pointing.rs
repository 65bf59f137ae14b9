//! The message that the reader points at: with the mouse, with a finger that rests on it, or by the keyboard's focus.
//!
//! It is heard on the sheet around all rows: on each of up to 2,000 rows these would be a dozen thousand listeners, which
//! a row would get anew whenever it is drawn. What is pressed in a row hears that itself.

use std::mem;
use std::time::Duration;

use leptos::prelude::*;
use protocol::EventId;
use web_sys::{Element, Event, PointerEvent};

use crate::live::browser;
use crate::live::signal::set_if_new;

/// A finger that rests this long asks for the bar.
const LONG_PRESS: Duration = Duration::from_millis(450);

/// The message pointed at, and the press on it. A handle.
#[derive(Clone, Copy)]
pub(in crate::components::room) struct Pointing {
    /// The message that the bar is for.
    pub(super) target: RwSignal<Option<EventId>>,
    /// The message that the sheet is for.
    pub(super) sheet: RwSignal<Option<EventId>>,
    /// Runs while a finger rests.
    resting: StoredValue<Option<TimeoutHandle>>,
    /// True after a long press: the bar that it asked for may stand under the finger by now, and its click presses
    /// nothing.
    held: StoredValue<bool>,
}

impl Pointing {
    pub(super) fn new() -> Self {
        let (resting, held) = (StoredValue::default(), StoredValue::default());
        let pointing = Self { target: RwSignal::default(), sheet: RwSignal::default(), resting, held };
        on_cleanup(move || pointing.released());
        pointing
    }

    /// Points at the message that this stands in, or at none.
    pub(super) fn point_at(self, element: Option<&Element>) {
        set_if_new(self.target, element.and_then(message_of));
    }

    pub(super) fn hovered(self, event: &PointerEvent) {
        if is_by(event, "mouse")
            && let Some(element) = browser::target(event)
        {
            self.point_at(Some(&element));
        }
    }

    pub(super) fn left(self, event: &PointerEvent) {
        if is_by(event, "mouse") {
            self.point_at(None);
        }
    }

    pub(super) fn focused(self, event: &Event) {
        if let Some(element) = browser::target(event)
            && browser::closest(&element, "#actions").is_none()
            && browser::is_keyboard_focus(&element)
        {
            self.point_at(Some(&element));
        }
    }

    pub(super) fn pressed(self, event: &PointerEvent) {
        self.cancelled();
        let in_row = |element: &Element| is_by(event, "touch") && browser::closest(element, "#actions").is_none();
        let Some(element) = browser::target(event).filter(in_row) else { return };
        let rested = move || {
            self.held.set_value(true);
            self.target.set(None);
            self.sheet.set(message_of(&element));
        };
        self.resting.set_value(set_timeout_with_handle(rested, LONG_PRESS).ok());
    }

    pub(super) fn released(self) {
        if let Some(timeout) = self.resting.try_write_value().and_then(|mut resting| resting.take()) {
            timeout.clear();
        }
    }

    /// Forgets the press: what comes next is no click of it.
    pub(super) fn cancelled(self) {
        self.released();
        self.held.set_value(false);
    }

    /// Keeps the click of a long press from whatever is under the finger. So it has to be heard before that: capturing.
    pub(super) fn clicked(self, event: &Event) {
        if self.held.try_write_value().is_some_and(|mut held| mem::take(&mut *held)) {
            event.prevent_default();
            event.stop_propagation();
        }
    }
}

/// True if a pointer of this kind is used.
fn is_by(event: &PointerEvent, kind: &str) -> bool {
    event.pointer_type() == kind
}

/// The message that this stands in.
pub(super) fn message_of(element: &Element) -> Option<EventId> {
    let row = browser::closest(element, "[data-message]")?;
    row.get_attribute("data-message")?.parse().ok().map(EventId)
}
