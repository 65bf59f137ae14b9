//! Content of the sheet of actions.

use client::{MessageRow, Reaction};
use leptos::ev;
use leptos::prelude::*;
use protocol::EventId;

use crate::components::click::click;
use crate::components::icon::Icon;
use crate::components::name::Name;
use crate::components::room::log::actions::{MessageActions, QUICK};
use crate::components::room::log::ids::element_id;
use crate::components::room::log::row::{excerpt, names};
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::text;

/// The sheet's id.
pub(super) const ID: &str = "message-sheet";

/// The sheet's content, for one message as it was when it was opened.
#[component]
pub(in crate::components::room) fn Sheet(
    /// The message.
    message: MessageRow,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let actions = MessageActions::new(message.id);
    effect(move || browser::open_dialog(ID));
    let name = message.name.as_ref().map_or_else(|| text::somebody().to_owned(), ToString::to_string);
    let words = message.body.as_ref().map(|body| excerpt(room, message.id, body));
    let quick = QUICK.into_iter().map(|emoji| {
        let name = text::react_with(emoji);
        let is_own = message.reactions.iter().any(|reaction| reaction.own && reaction.emoji.as_str() == emoji);
        view! {
            <button type="button" aria-label=name aria-pressed=is_own.to_string() on:click=closing(move || actions.react(emoji))>
                {emoji}
            </button>
        }
        .into_any()
    });
    let id = message.id;
    let change = message.own.then(|| {
        view! {
            <button type="button" class="row" on:click=closing(move || actions.edit())>
                <Icon href="#i-edit"/>
                {text::edit()}
            </button>
            <DeleteRow id/>
        }
        .into_any()
    });
    view! {
        <div class="inside">
            <h2>
                <Name name/>
            </h2>
            <time datetime=text::iso(message.at)>{browser::exact_time(message.at)}</time>
            <p class="words" dir="auto">{words}</p>
            <div class="quick">
                {quick.collect_view()}
                <button type="button" aria-label=text::react() on:click=closing(move || actions.pick_emoji())>
                    <Icon href="#i-smile"/>
                </button>
            </div>
            <button type="button" class="row" on:click=closing(move || actions.reply())>
                <Icon href="#i-reply"/>
                {text::reply()}
            </button>
            <button type="button" class="row" on:click=closing(move || actions.copy())>
                <Icon href="#i-copy"/>
                {text::copy_text()}
            </button>
            {change}
            {who(&message.reactions)}
            <button type="button" class="button icon close" aria-label=text::close() on:click=closing(|| ())>
                <Icon href="#i-close"/>
            </button>
        </div>
    }
}

/// A listener that closes the sheet and does something then: closing gives the focus back, and an action may take it again.
fn closing(then: impl Fn() + 'static) -> Box<dyn FnMut(ev::MouseEvent)> {
    click(move |_| {
        browser::close_dialog(ID);
        then();
    })
}

/// The row that deletes, once it is pressed again.
#[component]
fn DeleteRow(
    /// The message.
    id: EventId,
) -> impl IntoView {
    let actions = MessageActions::new(id);
    let is_sure = RwSignal::new(false);
    let pressed = move |_| {
        if is_sure.get_untracked() {
            browser::close_dialog(ID);
            actions.delete();
            // What opened the sheet may go with the message.
            browser::focus(&element_id(id));
        } else {
            is_sure.set(true);
        }
    };
    view! {
        <button type="button" class="row danger" on:click=click(pressed)>
            <Icon href="#i-delete"/>
            {move || if is_sure.get() { text::delete_sure() } else { text::delete() }}
        </button>
    }
}

/// Each emoji, and who put it there.
fn who(reactions: &[Reaction]) -> Option<AnyView> {
    let line = |Reaction { emoji, who, count, .. }: &Reaction| {
        view! { <li>{format!("{emoji} ")}<bdi translate="no">{names(who, *count)}</bdi></li> }.into_any()
    };
    let lines = || reactions.iter().map(line).collect_view();
    (!reactions.is_empty())
        .then(|| view! { <ul class="who" role="list" aria-label=text::who_reacted()>{lines()}</ul> }.into_any())
}
