//! Dialogs.

use leptos::ev;
use leptos::prelude::*;

use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

/// A dialog with a heading and a way to close it. A button opens it by `command="show-modal"` and `commandfor`, before
/// there is any script.
#[component]
pub(crate) fn Dialog(
    /// Id of the element, which the buttons name in `commandfor`.
    id: &'static str,
    /// Heading, which is also its accessible name.
    heading: &'static str,
    /// Content below the heading.
    children: Children,
) -> impl IntoView {
    let heading_id = format!("{id}-heading");
    effect(move || browser::on_window_event(ev::click, move |event| obey(id, &event)));
    view! {
        <dialog id=id closedby="any" aria-labelledby=heading_id on:close=|_| give_back_focus()>
            <h2 id=heading_id.clone()>{heading}</h2>
            {children()}
            // The last, so that the focus goes to what the dialog is for when there is such a thing.
            <button type="button" class="button icon close" command="close" commandfor=id aria-label=text::CLOSE>
                <svg aria-hidden="true"><use href="#i-close"/></svg>
            </button>
        </dialog>
    }
}

/// Does what a button of this dialog is for where the browser does not know what `command` means: Safari 26.1, Firefox
/// 143, Chrome 134 and older.
fn obey(dialog: &str, click: &ev::MouseEvent) {
    let pressed = browser::target(click).and_then(|target| browser::closest(&target, "[commandfor]"));
    let Some(button) = pressed.filter(|button| button.get_attribute("commandfor").as_deref() == Some(dialog)) else {
        return;
    };
    if js_sys::Reflect::has(&button, &"command".into()).unwrap_or(true) {
        return;
    }
    if button.get_attribute("command").as_deref() == Some("close") {
        browser::close_dialog(dialog);
    } else {
        browser::open_dialog(dialog);
    }
}

/// A dialog gives the focus back to what opened it. What was in a menu is gone with it: then to what opens the menu.
fn give_back_focus() {
    if document().active_element().is_some_and(|element| !browser::is_displayed(&element))
        && let Ok(Some(menu)) = document().query_selector("[popovertarget=tools]")
    {
        browser::focus_on(&menu);
    }
}
