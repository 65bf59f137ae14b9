//! The head of a page with one card.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use super::icon::Logo;
use super::language_form::LanguageForm;
use super::theme::ThemeButton;
use super::typed_forms::TypedForms;
use crate::live::browser;
use crate::text;

/// The head of a page with one card: the way home, the language, and the look.
#[component]
pub(crate) fn TopBar() -> impl IntoView {
    let (location, typed_forms) = (use_location(), expect_context::<TypedForms>());
    let (path, query) = (location.pathname.get_untracked(), location.search.get_untracked());
    // Such as `?left`.
    let from = if query.is_empty() { path } else { format!("{path}?{query}") };
    let is_unreachable = RwSignal::new(false);
    let load = Callback::new(move |load: Box<dyn FnOnce()>| {
        // Said again when it is so again.
        is_unreachable.set(false);
        spawn_local(async move {
            let is_reachable = browser::is_reachable("/healthz").await;
            // The reader may be on another page by now.
            if is_unreachable.try_set(!is_reachable).is_none() && is_reachable {
                typed_forms.keep_over_load();
                load();
            }
        });
    });
    view! {
        <header class="top">
            <a class="mark" href="/"><Logo/>{text::PRODUCT}</a>
            <LanguageForm from load/>
            <ThemeButton/>
            <span class="error" role="alert">{move || is_unreachable.get().then(text::server_unreachable)}</span>
        </header>
    }
}
