//! The form that shows the page in another language.

use std::mem;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlFormElement};

use super::icon::LabelledIcon;
use crate::language::Language;
use crate::live::browser;

/// A button for each other language. The document is loaded anew, with script as without: so words never change under
/// whoever reads them, and nothing has to be drawn twice.
#[component]
pub(crate) fn LanguageForm(
    /// Address of the page, to come back to.
    from: String,
    /// Keeps what the page that follows needs, and then calls its argument, but only if the server can be reached:
    /// otherwise this page would give way to the browser's error page.
    load: Callback<Box<dyn FnOnce()>>,
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
    let is_sure = StoredValue::new(false);
    let submit = move |event: SubmitEvent| {
        if is_sure.try_update_value(mem::take) == Some(true) {
            return;
        }
        let form = browser::target(&event).and_then(|form| form.dyn_into::<HtmlFormElement>().ok());
        let button = event.submitter().and_then(|button| button.dyn_into::<HtmlElement>().ok());
        let (Some(form), Some(button)) = (form, button) else { return };
        event.prevent_default();
        load.run(Box::new(move || {
            // Does nothing once the page is gone.
            let _ = is_sure.try_set_value(true);
            let _ = form.request_submit_with_submitter(Some(&button));
        }));
    };
    view! {
        <form class="languages" method="post" action="/api/language" on:submit=submit>
            <input type="hidden" name="from" value=from/>
            {others.map(button).collect_view()}
        </form>
    }
}
