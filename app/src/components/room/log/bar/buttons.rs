//! Buttons of the bar of actions.

use leptos::prelude::*;
use protocol::EventId;

use crate::components::click::click;
use crate::components::icon::Icon;
use crate::components::room::log::actions::{MessageActions, QUICK};
use crate::components::room::log::ids::element_id;
use crate::components::room::log::pointing::Pointing;
use crate::live::browser;
use crate::live::room::Room;
use crate::text;

/// The buttons for one message, and when it was said.
#[component]
pub(in crate::components::room) fn Buttons(
    /// The message.
    id: EventId,
    /// Points at no message after an action.
    pointing: Pointing,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let actions = MessageActions::new(id);
    // The button goes with the bar; the focus stays at the message.
    let back_to_message = move || {
        browser::focus(&element_id(id));
        pointing.target.set(None);
    };
    let quick = QUICK.into_iter().map(|emoji| {
        let react = move || {
            actions.react(emoji);
            back_to_message();
        };
        let name = text::react_with(emoji);
        view! { <Action class="quick" name press=Box::new(react)>{emoji}</Action> }.into_any()
    });
    let pick = move || {
        actions.pick_emoji();
        pointing.target.set(None);
    };
    let reply = move || {
        actions.reply();
        pointing.target.set(None);
    };
    let copy = move || {
        actions.copy();
        back_to_message();
    };
    let change = actions.is_own().then(|| {
        let edit = move || {
            actions.edit();
            pointing.target.set(None);
        };
        let delete = move || {
            actions.delete();
            back_to_message();
        };
        view! {
            <Action name=text::edit() press=Box::new(edit)><Icon href="#i-edit"/></Action>
            <DeleteButton press=Box::new(delete)/>
        }
        .into_any()
    });
    let more = move || pointing.sheet.set(Some(id));
    let at = room.message(id).map_or(0, |message| message.at);
    // Whoever came by the keyboard cannot point at the time.
    let class = browser::by_id(&element_id(id)).is_some_and(|row| browser::is_keyboard_focus(&row)).then_some("exact");
    view! {
        <div class="buttons">
            {quick.collect_view()}
            <Action name=text::react() press=Box::new(pick)><Icon href="#i-smile"/></Action>
            <Action name=text::reply() press=Box::new(reply)><Icon href="#i-reply"/></Action>
            <Action name=text::copy() press=Box::new(copy)><Icon href="#i-copy"/></Action>
            {change}
            <Action class="more" name=text::more_actions() press=Box::new(more)><Icon href="#i-more"/></Action>
            <time class=class datetime=text::iso(at) title=browser::exact_time(at)>{browser::local_time(at)}</time>
        </div>
    }
}

/// A button of the bar.
#[component]
fn Action(
    /// Its name.
    #[prop(into)]
    name: String,
    /// Its action.
    press: Box<dyn Fn()>,
    /// Class for styles.
    #[prop(optional)]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <button type="button" class=class tabindex="-1" title=name.clone() aria-label=name on:click=click(move |_| press())>
            {children()}
        </button>
    }
}

/// The button that deletes, once it is pressed again.
#[component]
fn DeleteButton(
    /// Action of the second press.
    press: Box<dyn Fn()>,
) -> impl IntoView {
    let is_sure = RwSignal::new(false);
    let name = move || if is_sure.get() { text::delete_sure() } else { text::delete() };
    let pressed = move |_| if is_sure.get_untracked() { press() } else { is_sure.set(true) };
    view! {
        <button type="button" tabindex="-1" class:sure=move || is_sure.get() title=name aria-label=name on:click=click(pressed)>
            {move || {
                if is_sure.get() { text::delete_sure().into_any() } else { view! { <Icon href="#i-delete"/> }.into_any() }
            }}
        </button>
    }
}
