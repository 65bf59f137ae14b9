//! The calm end of a dead link, and the next step.

#[cfg(feature = "ssr")]
use leptos::prelude::*;
use protocol::RoomCode;
use serde::{Deserialize, Serialize};

use super::island::Island;
use super::kit::{mark, top};
use super::text;
use super::tree::{El, el};
use crate::live::signal::Signal;
use crate::live::{keeper, watch};

/// A page that only says something.
#[cfg(feature = "ssr")]
#[component]
pub(super) fn Notice(
    /// What there is to say.
    heading: &'static str,
    /// Why that may be.
    #[prop(optional)]
    more: &'static str,
    /// What the next step is called.
    #[prop(default = text::START_NEW)]
    step: &'static str,
    /// Where it leads.
    #[prop(default = "/")]
    to: &'static str,
    /// Messages that never reached the room.
    #[prop(optional)]
    unsent_words: Vec<String>,
    /// What else there is to show.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="home">
            {top().view()}
            <main>
                <div class="card notice">
                    {said("vessel", heading, more).map(|piece| piece.view())}
                    {unsent(&unsent_words).map(|piece| piece.view())}
                    {children.map(|children| children())}
                    {next(step, to).view()}
                </div>
            </main>
        </div>
    }
}

/// What stands in the place of a room whose page has nothing more to do with it.
pub(super) fn ending(
    (heading, more, step, to): (&'static str, &'static str, &'static str, &'static str),
    words: &[String],
    evaporates: bool,
) -> El {
    // What was in the flask goes before the reader's eyes.
    let vessel = if evaporates { "vessel evaporates" } else { "vessel" };
    let card = el("div").class("card notice").children(said(vessel, heading, more)).children(unsent(words));
    el("div").class("home").child(top()).child(el("main").child(card.child(next(step, to))))
}

fn said(vessel: &'static str, heading: &'static str, more: &'static str) -> [El; 3] {
    [el("span").class(vessel).child(mark()), el("h1").text(heading), el("p").text(more)]
}

fn next(step: &'static str, to: &'static str) -> El {
    el("a").class("button primary").attr("href", to).attr("rel", "external").text(step)
}

/// Messages that did not arrive: shown, so that nothing vanishes without a word.
pub(super) fn unsent(bodies: &[String]) -> Option<El> {
    let words = bodies.iter().map(|body| el("p").class("message failed").attr("dir", "auto").text(body.clone()));
    (!bodies.is_empty()).then(|| el("div").class("unsent").child(el("h2").text(text::NOT_SENT)).children(words))
}

/// What this tab wrote for a room and could not send, out of its own storage: the room went on, or ended, without it.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptUnsent {
    /// The room.
    pub(super) code: RoomCode,
    /// Whether there is no room to send it to any more. It is forgotten then, once shown.
    pub(super) gone: bool,
}

impl Island for KeptUnsent {
    const NAME: &'static str = "kept";

    fn begin(self) -> impl Fn() -> El + Send + Sync + 'static {
        let Self { code, gone } = self;
        let bodies = Signal::new(Vec::new());
        watch(move || {
            bodies.set(keeper::unsent(code));
            if gone {
                keeper::forget(code);
            }
        });
        move || el("div").class("kept").children(bodies.with(|bodies| unsent(bodies)))
    }
}
