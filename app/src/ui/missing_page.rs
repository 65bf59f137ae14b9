//! The calm end of a dead link, and the next step.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

use super::kit::Mark;
use super::text;

/// Nothing is here; a new room can be.
#[component]
pub(super) fn MissingPage(
    /// What is not here.
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
    unsent: Vec<String>,
) -> impl IntoView {
    view! {
        <Title text=heading/>
        <Meta name="robots" content="noindex"/>
        <div class="home">
            <a class="mark" href="/" rel="external"><Mark/>{text::PRODUCT}</a>
            <main>
                <div class="card notice">
                    <span class="vessel"><Mark/></span>
                    <h1>{heading}</h1>
                    <p>{more}</p>
                    <Unsent bodies=unsent/>
                    <a class="button primary" href=to rel="external">{step}</a>
                </div>
            </main>
        </div>
    }
}

/// Messages that did not arrive: shown, so that nothing vanishes without a word.
#[component]
pub(super) fn Unsent(
    /// What they say.
    bodies: Vec<String>,
) -> impl IntoView {
    (!bodies.is_empty()).then(|| {
        view! {
            <div class="unsent">
                <h2>{text::NOT_SENT}</h2>
                {bodies.into_iter().map(|body| view! { <p class="message failed" dir="auto">{body}</p> }).collect_view()}
            </div>
        }
    })
}
