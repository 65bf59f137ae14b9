//! The sheet of actions: what a long press brings, with words, and what the bar opens where it has no space.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::actions::can_be_acted_on;
use super::pointing::Pointing;
use crate::components::click::click;
use crate::components::room::tools::TOOLS;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::live::signal::set_if_new;
use crate::text;

pub(in crate::components::room) mod content;

use content::{ID, SheetProps};

/// The sheet; closed while there is no message for it. A modal dialog: Escape, and Android's Back where the browser passes it
/// on, close it without a step of the page's history.
#[component]
pub(super) fn MessageSheet(
    /// Knows which message it is for.
    pointing: Pointing,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let shown = Memo::new(move |_| pointing.sheet.get().filter(|id| can_be_acted_on(room.log, *id)));
    effect(move || {
        if shown.get().is_none() {
            browser::close_dialog(ID);
        } else if TOOLS.get().is_none() {
            spawn_local(async move {
                if TOOLS.load().await.is_none() {
                    set_if_new(pointing.sheet, None);
                }
            });
        }
    });
    let content = move || {
        let message = room.message(shown.get()?)?;
        Some((TOOLS.get()?.sheet)(SheetProps { message }))
    };
    view! {
        <dialog
            id=ID
            aria-label=text::actions()
            on:close=move |_| set_if_new(pointing.sheet, None)
            on:click:capture=click(move |event| pointing.clicked(&event))
            on:click=click(|event| close_outside(&event))
            on:touchmove=|event| close_outside(&event)
            on:wheel=|event| close_outside(&event)
            on:pointerdown=move |_| pointing.cancelled()
            on:keydown=move |_| pointing.cancelled()
        >
            {content}
        </dialog>
    }
}

/// Closes the sheet for what is done beside it, such as to scroll the log: the dialog itself is the target then.
fn close_outside(event: &ev::Event) {
    if browser::target(event).is_some_and(|target| target.id() == ID) {
        browser::close_dialog(ID);
    }
}
