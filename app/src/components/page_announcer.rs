//! The announcement of a page that comes without a document of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use leptos::prelude::*;

use crate::live::browser;
use crate::live::effect::effect;

/// Does for such a page what the browser does for one that it loads: nothing has the focus, Tab begins at the top, and a
/// screen reader says the title. A context.
///
/// Its signals are outside leptos' arena: a [`SignalSetter`] runs its closure under the arena's lock, which is taken a
/// second time by whatever the closure reads there. On the server another thread that waits to write stops both for ever.
#[derive(Clone)]
pub(crate) struct PageAnnouncer {
    /// Number of those that wait: the router for a page, also for two while the reader goes on before the first one is
    /// there, and pages for their content.
    waiting: ArcRwSignal<usize>,
    title: ArcRwSignal<Option<String>>,
}

impl PageAnnouncer {
    /// With nothing to say yet.
    pub(crate) fn new() -> Self {
        Self { waiting: ArcRwSignal::new(0), title: ArcRwSignal::new(None) }
    }

    /// For the router, which sets it to true and to false once for each page.
    pub(crate) fn routing(&self) -> SignalSetter<bool> {
        let announcer = self.clone();
        SignalSetter::map(move |begins| announcer.count(begins))
    }

    /// For a page that waits for its content: true while it does. It waits no more once it is gone.
    pub(crate) fn pending(&self) -> SignalSetter<bool> {
        let announcer = self.clone();
        let waits = Arc::new(AtomicBool::new(false));
        let set = move |now: bool| {
            if waits.swap(now, Ordering::Relaxed) != now {
                announcer.count(now);
            }
        };
        on_cleanup({
            let set = set.clone();
            move || set(false)
        });
        SignalSetter::map(set)
    }

    fn count(&self, begins: bool) {
        let waiting = self.waiting.get_untracked();
        self.waiting.set(if begins { waiting + 1 } else { waiting.saturating_sub(1) });
    }

    /// Announces the page that is put in, and its title set, before the next frame.
    pub(crate) fn announce(&self) {
        // So that the same title is said again.
        self.title.set(None);
        let title = self.title.clone();
        request_animation_frame(move || {
            browser::restart_focus();
            title.set(Some(document().title()));
        });
    }
}

/// The element that speaks.
#[component]
pub(crate) fn PageAnnouncement(announcer: PageAnnouncer) -> impl IntoView {
    let title = announcer.title.clone();
    let mut was_loading = false;
    effect(move || {
        let is_loading = announcer.waiting.get() > 0;
        browser::toggle_root_attribute("data-loading", is_loading);
        if was_loading && !is_loading {
            announcer.announce();
        }
        was_loading = is_loading;
    });
    view! { <p id="announcer" class="visually-hidden" aria-live="polite">{move || title.get()}</p> }
}
