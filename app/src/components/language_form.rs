//! The form that shows the page in another language.

use leptos::prelude::*;

use super::icon::LabelledIcon;
use crate::language::Language;
use crate::live::room::Room;

/// A button for each other language. The document is loaded anew, with script as without: so words never change under
/// whoever reads them, and nothing has to be drawn twice.
#[component]
pub(crate) fn LanguageForm(
    /// Address of the page, to come back to.
    from: String,
    /// The room that is open, whose tab keeps what was typed and what is not sent.
    #[prop(optional)]
    room: Option<Room>,
) -> impl IntoView {
    let submitted = move |_| {
        if let Some(room) = room {
            room.prepare_reload();
        }
    };
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
        <form class="languages" method="post" action="/api/language" on:submit=submitted>
            <input type="hidden" name="from" value=from/>
            {others.map(button).collect_view()}
        </form>
    }
}
