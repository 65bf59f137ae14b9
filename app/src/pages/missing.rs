//! An address that is no page.

use leptos::prelude::*;

use crate::components::notice::Notice;
use crate::components::title::PageTitle;
use crate::text;

/// An address that is no page.
#[component]
pub(crate) fn MissingPage() -> impl IntoView {
    view! {
        <PageTitle name=text::no_page()/>
        <Notice heading=text::no_page()/>
    }
}
