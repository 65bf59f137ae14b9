//! The calm end of a dead link, and the next step.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use protocol::RoomCode;

use super::icon::Logo;
use super::top_bar::TopBar;
use crate::live::effect::effect;
use crate::live::room::{Ending, Room};
use crate::live::tab_storage;
use crate::text;

/// A page that only says something.
#[component]
pub(crate) fn Notice(
    /// The heading.
    #[prop(into)]
    heading: String,
    /// Possible reason.
    #[prop(optional, into)]
    more: Option<&'static str>,
    /// Name of the next step.
    #[prop(default = text::start_new())]
    step: &'static str,
    /// Address it leads to. Empty: this page is loaded again.
    #[prop(default = "/")]
    to: &'static str,
    /// Called instead of following it, where there is script.
    #[prop(optional_no_strip)]
    again: Option<Callback<()>>,
    /// True where what was in the flask goes before the reader's eyes.
    #[prop(optional)]
    evaporates: bool,
    /// The room whose end it says: what was written there is not given up without a question.
    #[prop(optional)]
    room: Option<Room>,
    /// Further content.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let click = move |event: MouseEvent| {
        if let Some(again) = again {
            event.prevent_default();
            again.run(());
        }
    };
    let clicked = move |event: MouseEvent| {
        if let Some(room) = room {
            room.confirm_navigation(&event);
        }
    };
    view! {
        <div class="home" on:click=clicked>
            <TopBar/>
            <main>
                <div class="card notice">
                    <span class=if evaporates { "vessel evaporates" } else { "vessel" }><Logo/></span>
                    <h1>{heading}</h1>
                    <p>{more}</p>
                    {children.map(|children| children())}
                    <a class="button primary" href=to rel=to.is_empty().then_some("external") on:click=click>
                        {step}
                    </a>
                </div>
            </main>
        </div>
    }
}

/// Notice in the place of a room whose stay is over, with what was written there and never
/// sent.
#[component]
pub(crate) fn EndNotice(
    /// Reason of the end.
    ending: Ending,
    /// Called when the room is to be asked for anew. Another release, or what this one did wrong, needs another document.
    again: Callback<()>,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let (heading, more, step, to) = text::ending(ending);
    let again = matches!(ending, Ending::NoSeat | Ending::TooManyTabs).then_some(again);
    view! {
        <Notice heading more step to evaporates=ending == Ending::RoomEnded room again>
            {move || {
                // What was written there and never sent.
                room.unsent.track();
                view! { <Unsent bodies=room.unsent_texts()/> }.into_any()
            }}
        </Notice>
    }
}

/// Messages that did not arrive: shown, so that nothing vanishes without a word.
#[component]
pub(crate) fn Unsent(
    /// The texts. Empty ones do not count.
    mut bodies: Vec<String>,
) -> impl IntoView {
    bodies.retain(|body| !body.is_empty());
    (!bodies.is_empty()).then(|| {
        let message = |body| view! { <p class="message failed" dir="auto">{body}</p> }.into_any();
        view! {
            <div class="unsent">
                <h2>{text::unsent()}</h2>
                {bodies.into_iter().map(message).collect_view()}
            </div>
        }
        .into_any()
    })
}

/// Unsent texts of a room out of this tab's storage: the room went on, or ended, without them.
#[component]
pub(crate) fn KeptUnsent(
    /// The room.
    code: RoomCode,
    /// True where there is no room to send it to any more. It is forgotten then, once shown.
    #[prop(optional)]
    gone: bool,
) -> impl IntoView {
    let bodies = RwSignal::new(Vec::new());
    effect(move || {
        let Some(room) = tab_storage::get_room(code) else { return };
        bodies.set(tab_storage::unsent_texts(room));
        if gone {
            tab_storage::clear(code, room);
        }
    });
    view! { <div class="kept">{move || view! { <Unsent bodies=bodies.get()/> }.into_any()}</div> }
}
