//! The title of the window.

use leptos::prelude::*;
use leptos::text_prop::TextProp;

use crate::text;

/// Gives the window this page's name. The server writes it into the head; the browser needs nothing of `leptos_meta` for
/// it, which would be 6 KB of its program.
#[component]
pub(crate) fn PageTitle(
    /// Name of the page; empty for the product's name alone.
    #[prop(into)]
    name: TextProp,
) -> impl IntoView {
    // Read at once: the head is written when the page's signals may be gone.
    #[cfg(feature = "ssr")]
    let _ = view! { <leptos_meta::Title text=text::page_title(&name.get())/> };
    #[cfg(not(feature = "ssr"))]
    crate::live::effect::effect(move || document().set_title(&text::page_title(&name.get())));
}
