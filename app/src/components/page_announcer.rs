//! The announcement of a page that comes without a document of its own.

use std::mem;

use leptos::prelude::*;

use crate::live::browser;
use crate::live::effect::effect;

/// Does for such a page what the browser does for one that it loads: nothing has the focus, Tab begins at the top, and a
/// screen reader says the title. A context.
#[derive(Clone, Copy)]
pub(crate) struct PageAnnouncer {
    /// Number of those that wait: the router for a page, also for two while the reader goes on before the first one is
    /// there, and pages for their content.
    waiting: RwSignal<usize>,
    title: RwSignal<Option<String>>,
}

impl PageAnnouncer {
    /// With nothing to say yet.
    pub(crate) fn new() -> Self {
        Self { waiting: RwSignal::new(0), title: RwSignal::new(None) }
    }

    /// For the router, which sets it to true and to false once for each page.
    pub(crate) fn routing(self) -> SignalSetter<bool> {
        SignalSetter::map(move |begins| self.count(begins))
    }

    /// For a page that waits for its content: true while it does. It waits no more once it is gone.
    pub(crate) fn pending(self) -> SignalSetter<bool> {
        let waits = StoredValue::new(false);
        let set = move |now: bool| {
            if waits.try_update_value(|waits| mem::replace(waits, now)).is_some_and(|before| before != now) {
                self.count(now);
            }
        };
        on_cleanup(move || set(false));
        SignalSetter::map(set)
    }

    fn count(self, begins: bool) {
        let waiting = self.waiting.get_untracked();
        self.waiting.set(if begins { waiting + 1 } else { waiting.saturating_sub(1) });
    }

    /// Announces the page that is put in, and its title set, before the next frame.
    pub(crate) fn announce(self) {
        // So that the same title is said again.
        self.title.set(None);
        request_animation_frame(move || {
            browser::restart_focus();
            self.title.set(Some(document().title()));
        });
    }
}

/// The element that speaks.
#[component]
pub(crate) fn PageAnnouncement(announcer: PageAnnouncer) -> impl IntoView {
    let mut was_loading = false;
    effect(move || {
        let is_loading = announcer.waiting.get() > 0;
        browser::toggle_root_attribute("data-loading", is_loading);
        if was_loading && !is_loading {
            announcer.announce();
        }
        was_loading = is_loading;
    });
    view! { <p id="announcer" class="visually-hidden" aria-live="polite">{move || announcer.title.get()}</p> }
}
