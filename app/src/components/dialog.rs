//! Dialogs.

use leptos::ev;
use leptos::prelude::*;
use web_sys::Element;

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
            <button type="button" class="button icon close" command="close" commandfor=id aria-label=text::close()>
                <svg aria-hidden="true"><use href="#i-close"/></svg>
            </button>
        </dialog>
    }
}

/// Does what this dialog and its buttons are for where the browser does not know what `closedby` and `command` mean.
/// WebKitGTK 2.50 knows neither. `command` is unknown to Safari 26.1, Firefox 143, Chrome 134 and older too.
fn obey(dialog: &str, click: &ev::MouseEvent) {
    let Some(target) = browser::target(click) else { return };
    if target.id() == dialog && !knows(&target, "closedBy") && is_beside(&target, click) {
        return browser::close_dialog(dialog);
    }
    let pressed = browser::closest(&target, "[commandfor]");
    let Some(button) = pressed.filter(|button| button.get_attribute("commandfor").as_deref() == Some(dialog)) else {
        return;
    };
    if knows(&button, "command") {
        return;
    }
    if button.get_attribute("command").as_deref() == Some("close") {
        browser::close_dialog(dialog);
    } else {
        browser::open_dialog(dialog);
    }
}

/// True where the browser gives elements of this kind this property.
fn knows(element: &Element, property: &str) -> bool {
    js_sys::Reflect::has(element, &property.into()).unwrap_or(true)
}

/// True for a click outside of what this element takes up. On a dialog's backdrop the dialog is what is clicked.
fn is_beside(element: &Element, click: &ev::MouseEvent) -> bool {
    let there = element.get_bounding_client_rect();
    let (x, y) = (f64::from(click.client_x()), f64::from(click.client_y()));
    x < there.left() || x > there.right() || y < there.top() || y > there.bottom()
}

/// A dialog gives the focus back to what opened it. What was in a menu is gone with it: then to what opens the menu.
/// Where the browser has drawn the page before this is called, nothing has the focus any more.
pub(crate) fn give_back_focus() {
    let is_gone = document().active_element().is_some_and(|element| !browser::is_displayed(&element));
    if (is_gone || browser::is_focus_lost())
        && let Ok(Some(menu)) = document().query_selector("[popovertarget=tools]")
    {
        browser::focus_on(&menu);
    }
}
