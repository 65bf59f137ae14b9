//! The button for the look of all pages. `head.js` applies the chosen one before the first paint.

use leptos::ev;
use leptos::prelude::*;

use super::click::click;
use super::icon::Icon;
use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

/// Key in the device's storage.
const STORAGE_KEY: &str = "flasky.look";
const LOOKS: [&str; 3] = ["auto", "light", "dark"];

/// Changes the look, from one to the next. Styles show the one of its three signs that says which it is.
#[component]
pub(crate) fn ThemeButton() -> impl IntoView {
    effect(move || {
        browser::on_window_event(ev::storage, |event| {
            if event.key().is_some_and(|key| key == STORAGE_KEY) {
                let stored = browser::local_item(STORAGE_KEY);
                apply(LOOKS.into_iter().find(|look| stored.as_deref() == Some(look)).unwrap_or(LOOKS[0]));
            }
        });
    });
    let sign = |look, icon, words| {
        view! { <span class=look title=words><Icon href=icon/><span class="label">{words}</span></span> }
    };
    view! {
        <button type="button" class="button icon look hydrated" on:click=click(|_| change())>
            {sign("auto", "#i-auto", text::theme_auto())}
            {sign("light", "#i-sun", text::theme_light())}
            {sign("dark", "#i-moon", text::theme_dark())}
        </button>
    }
}

fn change() {
    let now = document().document_element().and_then(|root| root.get_attribute("data-theme"));
    let at = LOOKS.iter().position(|look| now.as_deref() == Some(look)).unwrap_or_default();
    let next = LOOKS[(at + 1) % LOOKS.len()];
    apply(next);
    browser::set_local_item(STORAGE_KEY, Some(next));
}

/// Gives a look to the page and to the browser's own bars.
fn apply(look: &str) {
    let Some(root) = document().document_element() else { return };
    let _ = root.set_attribute("data-theme", look);
    for bar in browser::find_all(&root, "meta[name=theme-color]") {
        let scheme = bar.get_attribute("data-scheme").unwrap_or_default();
        let media = if look == LOOKS[0] {
            format!("(prefers-color-scheme: {scheme})")
        } else if look == scheme {
            "all".to_owned()
        } else {
            "not all".to_owned()
        };
        let _ = bar.set_attribute("media", &media);
    }
}
