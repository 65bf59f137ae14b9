//! The head of a page with one card.

use leptos::prelude::*;

use super::icon::Mark;
use super::look::LookButton;
use crate::text;

/// The head of a page with one card: the way home, and the look.
#[component]
pub(crate) fn Top() -> impl IntoView {
    view! {
        <header class="top">
            <a class="mark" href="/"><Mark/>{text::PRODUCT}</a>
            <LookButton/>
        </header>
    }
}
