//! The question before something is given up.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use crate::components::click::click;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::question::Question;
use crate::live::room::Room;
use crate::text;

/// Id of the dialog.
const DIALOG_ID: &str = "question";
/// Id of the button that gives nothing up.
const STAY_ID: &str = "stay";

/// The dialog that asks what the room has to ask. Escape, and a click beside it, are a no.
pub(super) fn dialog() -> AnyView {
    let room = expect_context::<Room>();
    effect(move || {
        if room.question.read().is_some() {
            browser::open_dialog(DIALOG_ID);
            browser::focus(STAY_ID);
        }
    });
    // Others come and go while it is asked: what it says, and what a yes gives up, is true until it is answered.
    effect(move || {
        let is_last = room.members.read().len() <= 1;
        if let Some(Question::Leave { ends, .. }) = room.question.get_untracked()
            && ends.is_some() != is_last
        {
            room.question.set(room.leave_question().or(Some(Question::Leave { unsent: 0, ends: None })));
        }
    });
    let navigate = use_navigate();
    let confirm = move |_| {
        let asked = room.question.get_untracked();
        browser::close_dialog(DIALOG_ID);
        match asked {
            Some(Question::Leave { .. }) => {
                room.leave();
            }
            Some(Question::Go { to, .. }) => {
                room.leave_page();
                navigate(&to, Default::default());
            }
            None => {}
        }
    };
    let words = Memo::new(move |_| room.question.read().as_ref().map(text::question).unwrap_or_default());
    view! {
        <dialog id=DIALOG_ID role="alertdialog" closedby="any" aria-labelledby="question-heading"
            aria-describedby="question-more" on:close=move |_| room.question.set(None)>
            <h2 id="question-heading">{move || words.read().heading}</h2>
            <p id="question-more" aria-live="assertive">{move || words.get().more}</p>
            <div class="ways">
                <button type="button" class="button danger" on:click=click(confirm)>{move || words.read().yes}</button>
                <button type="button" class="button" id=STAY_ID on:click=click(|_| browser::close_dialog(DIALOG_ID))>
                    {text::stay()}
                </button>
            </div>
        </dialog>
    }
    .into_any()
}
