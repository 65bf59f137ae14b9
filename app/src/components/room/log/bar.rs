//! The bar of actions: one for all messages, beside the bubble that is pointed at or has the keyboard's focus. It covers no
//! words: styles keep space for it, and show as much of it as there is space for.

use leptos::html::Div;
use leptos::prelude::*;
use protocol::EventId;

use super::actions::{MessageActions, QUICK, can_be_acted_on};
use super::ids::{element_id, words_id};
use super::pointing::Pointing;
use crate::components::click::click;
use crate::components::icon::Icon;
use crate::components::room::tools::TOOLS;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::text;

/// The bar; empty and hidden while there is no message for it.
#[component]
pub(super) fn ActionBar(
    /// Knows which message it is for.
    pointing: Pointing,
    /// The element that bar and rows stand on.
    sheet: NodeRef<Div>,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let bar = NodeRef::<Div>::new();
    let shown = Memo::new(move |_| pointing.target.get().filter(|id| can_be_acted_on(room.log, *id)));
    let is_own = move || shown.get().and_then(|id| room.message(id)).is_some_and(|message| message.own);
    let place = move || {
        if let (Some(Some(id)), Some(Some(bar)), Some(Some(sheet))) =
            (shown.try_get_untracked(), bar.try_get_untracked(), sheet.try_get_untracked())
            && let Some(words) = browser::by_id(&words_id(id))
        {
            let own = room.message(id).is_some_and(|message| message.own);
            browser::set_custom_property(&bar, "--at", &format!("{}px", browser::top_within(&words, &sheet)));
            let beside = browser::width_beside(&words, &sheet, !own);
            browser::set_custom_property(&bar, "--beside", &format!("{beside}px"));
        }
    };
    // What comes above the bubble, or gets its size there, moves it, and changes the sheet's size. An edit changes its own.
    effect(move || {
        let words = shown.get().and_then(|id| browser::by_id(&words_id(id)));
        place();
        if let (Some(words), Some(sheet)) = (words, sheet.get_untracked()) {
            browser::observe_size(&words, place);
            browser::observe_size(&sheet, place);
        }
    });
    let content = move || {
        let id = shown.get()?;
        Some((TOOLS.get()?.bar)(ButtonsProps { id, pointing }))
    };
    view! {
        <div
            id="actions"
            class="actions"
            class:own=is_own
            role="toolbar"
            aria-label=text::ACTIONS
            hidden=move || shown.get().is_none()
            data-message=move || shown.get().map(|id| id.to_string())
            node_ref=bar
        >
            {content}
        </div>
    }
}

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
        let name = format!("{} {emoji}", text::REACT_WITH);
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
            <Action name=text::EDIT press=Box::new(edit)><Icon href="#i-edit"/></Action>
            <DeleteButton press=Box::new(delete)/>
        }
        .into_any()
    });
    let more = move || pointing.sheet.set(Some(id));
    let at = room.message(id).map_or(0, |message| message.at);
    view! {
        <div class="buttons">
            {quick.collect_view()}
            <Action name=text::REACT press=Box::new(pick)><Icon href="#i-smile"/></Action>
            <Action name=text::REPLY press=Box::new(reply)><Icon href="#i-reply"/></Action>
            <Action name=text::COPY press=Box::new(copy)><Icon href="#i-copy"/></Action>
            {change}
            <Action class="more" name=text::MORE_ACTIONS press=Box::new(more)><Icon href="#i-more"/></Action>
            <time datetime=text::iso(at) title=browser::exact_time(at)>{browser::local_time(at)}</time>
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
    let name = move || if is_sure.get() { text::DELETE_SURE } else { text::DELETE };
    let pressed = move |_| if is_sure.get_untracked() { press() } else { is_sure.set(true) };
    view! {
        <button type="button" tabindex="-1" class:sure=move || is_sure.get() title=name aria-label=name on:click=click(pressed)>
            {move || {
                if is_sure.get() { text::DELETE_SURE.into_any() } else { view! { <Icon href="#i-delete"/> }.into_any() }
            }}
        </button>
    }
}
