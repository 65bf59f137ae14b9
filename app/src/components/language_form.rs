//! The form that shows the page in another language.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::icon::LabelledIcon;
use crate::language::Language;

/// A button for each other language. The document is loaded anew, with script as without: so words never change under
/// whoever reads them, and nothing has to be drawn twice.
#[component]
pub(crate) fn LanguageForm(
    /// Address of the page, to come back to.
    from: String,
    /// Keeps what the page that follows needs. It may hold the form back.
    on_submit: Callback<SubmitEvent>,
) -> impl IntoView {
    let button = |language: Language| {
        let name = language.name();
        view! {
            <button class="button icon" name="language" value=language.tag() lang=language.tag()>
                <LabelledIcon icon="#i-language" label=name title=name/>
            </button>
        }
        .into_any()
    };
    let others = Language::ALL.into_iter().filter(|language| *language != Language::current());
    view! {
        <form class="languages" method="post" action="/api/language" on:submit=move |event| on_submit.run(event)>
            <input type="hidden" name="from" value=from/>
            {others.map(button).collect_view()}
        </form>
    }
}
