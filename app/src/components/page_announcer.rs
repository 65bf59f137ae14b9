//! The announcement of a page that comes without a document of its own.

use leptos::prelude::*;

use crate::live::browser;
use crate::live::effect::effect;

/// Does for such a page what the browser does for one that it loads: nothing has the focus, Tab begins at the top, and a
/// screen reader says the title. A context.
#[derive(Clone, Copy)]
pub(crate) struct PageAnnouncer {
    /// Number of pages that the router is waiting for. Two are while the reader goes on before the first one is there.
    routing: RwSignal<usize>,
    /// True while a page that stays asks for its content anew.
    reloading: RwSignal<bool>,
    title: RwSignal<Option<String>>,
}

impl PageAnnouncer {
    /// With nothing to say yet.
    pub(crate) fn new() -> Self {
        Self { routing: RwSignal::new(0), reloading: RwSignal::new(false), title: RwSignal::new(None) }
    }

    /// For the router, which sets it to true and to false once for each page.
    pub(crate) fn routing(self) -> SignalSetter<bool> {
        let count = move |begins: bool| {
            let waiting = self.routing.get_untracked();
            self.routing.set(if begins { waiting + 1 } else { waiting.saturating_sub(1) });
        };
        SignalSetter::map(count)
    }

    /// For a page that asks for its content anew.
    pub(crate) fn reloading(self) -> WriteSignal<bool> {
        self.reloading.write_only()
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

    fn is_loading(self) -> bool {
        self.routing.get() > 0 || self.reloading.get()
    }
}

/// The element that speaks.
#[component]
pub(crate) fn PageAnnouncement(announcer: PageAnnouncer) -> impl IntoView {
    let mut was_loading = false;
    effect(move || {
        let is_loading = announcer.is_loading();
        browser::toggle_root_attribute("data-loading", is_loading);
        if was_loading && !is_loading {
            announcer.announce();
        }
        was_loading = is_loading;
    });
    view! { <p id="announcer" class="visually-hidden" aria-live="polite">{move || announcer.title.get()}</p> }
}
