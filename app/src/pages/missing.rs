//! An address that is no page.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::notice::Notice;
use crate::text;

/// An address that is no page.
#[component]
pub(crate) fn MissingPage() -> impl IntoView {
    view! {
        <Title text=text::NO_PAGE/>
        <Notice heading=text::NO_PAGE/>
    }
}
