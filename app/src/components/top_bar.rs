//! The head of a page with one card.

use leptos::prelude::*;

use super::icon::Logo;
use super::theme::ThemeButton;
use crate::text;

/// The head of a page with one card: the way home, and the look.
#[component]
pub(crate) fn TopBar() -> impl IntoView {
    view! {
        <header class="top">
            <a class="mark" href="/"><Logo/>{text::PRODUCT}</a>
            <ThemeButton/>
        </header>
    }
}
