//! The head of a page with one card.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::Logo;
use super::language_form::LanguageForm;
use super::theme::ThemeButton;
use super::typed_forms::TypedForms;
use crate::text;

/// The head of a page with one card: the way home, the language, and the look.
#[component]
pub(crate) fn TopBar() -> impl IntoView {
    let (location, typed_forms) = (use_location(), expect_context::<TypedForms>());
    let (path, query) = (location.pathname.get_untracked(), location.search.get_untracked());
    // Such as `?left`.
    let from = if query.is_empty() { path } else { format!("{path}?{query}") };
    view! {
        <header class="top">
            <a class="mark" href="/"><Logo/>{text::PRODUCT}</a>
            <LanguageForm from on_submit=Callback::new(move |_| typed_forms.keep_over_load())/>
            <ThemeButton/>
        </header>
    }
}
