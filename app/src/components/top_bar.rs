//! The head of a page with one card.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::Logo;
use super::language_form::LanguageForm;
use super::theme::ThemeButton;
use crate::text;

/// The head of a page with one card: the way home, the language, and the look.
#[component]
pub(crate) fn TopBar() -> impl IntoView {
    view! {
        <header class="top">
            <a class="mark" href="/"><Logo/>{text::PRODUCT}</a>
            <LanguageForm from=use_location().pathname.get_untracked()/>
            <ThemeButton/>
        </header>
    }
}
