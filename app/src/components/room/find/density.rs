//! Density of the log: rows that stand closer. `head.js` applies the choice of the device before the first paint.

use leptos::ev;
use leptos::prelude::*;

use crate::components::click::click;
use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

/// Key in the device's storage.
const STORAGE_KEY: &str = "flasky.compact";

/// The box that makes the rows compact, in all tabs.
pub(super) fn compact_box() -> AnyView {
    let stored = || browser::local_item(STORAGE_KEY).is_some();
    let is_compact = RwSignal::new(stored());
    effect(move || browser::toggle_root_attribute("data-compact", is_compact.get()));
    effect(move || {
        browser::on_window_event(ev::storage, move |event| {
            if event.key().is_none_or(|key| key == STORAGE_KEY) {
                is_compact.set(stored());
            }
        });
    });
    let toggle = move |_| {
        is_compact.update(|is| *is = !*is);
        browser::set_local_item(STORAGE_KEY, is_compact.get_untracked().then_some("on"));
    };
    view! {
        <label>
            <input type="checkbox" prop:checked=move || is_compact.get() on:click=click(toggle)/>
            {text::compact()}
        </label>
    }
    .into_any()
}
