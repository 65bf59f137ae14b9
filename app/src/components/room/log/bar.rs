//! Actions on a message: one bar for all of them, beside the one that is pointed at, pressed long or focused.

use client::{Row, RowKey, RowState};
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::EventId;

use super::row::element_id;
use crate::components::click::click;
use crate::components::icon::Icon;
use crate::components::room::{ComposerContext, EmojiTarget, Mode};
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::log::{Block, Log};
use crate::live::room::Room;
use crate::text;

/// The reactions that are one press away.
const QUICK: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// The bar; empty and hidden while there is no message for it.
#[component]
pub(super) fn ActionBar(
    /// The message that it is for.
    target: RwSignal<Option<EventId>>,
    /// The sheet that bar and rows stand on.
    sheet: NodeRef<Div>,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let bar = NodeRef::<Div>::new();
    let shown = Memo::new(move |_| target.get().filter(|id| can_be_acted_on(room.log, *id)));
    // Beside its row. What comes above that, or gets its size there, moves it, and changes the sheet's size.
    let place = move || {
        if let (Some(Some(id)), Some(Some(bar)), Some(Some(sheet))) =
            (shown.try_get_untracked(), bar.try_get_untracked(), sheet.try_get_untracked())
            && let Some(row) = browser::by_id(&element_id(id))
        {
            browser::set_custom_property(&bar, "--at", &format!("{}px", browser::top_within(&row, &sheet)));
        }
    };
    effect(move || {
        shown.track();
        place();
    });
    effect(move || {
        if let Some(sheet) = sheet.get() {
            browser::watch_size(&sheet, place);
        }
    });
    let is_own = move || shown.get().and_then(|id| room.message(id)).is_some_and(|message| message.own);
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
            {move || shown.get().map(|id| view! { <Actions id target/> }.into_any())}
        </div>
    }
}

/// True if the message is shown, everybody has it, and it is not deleted. An effect that asks runs again when that may
/// have changed.
fn can_be_acted_on(log: Log, id: EventId) -> bool {
    let key = RowKey::Event(id);
    // From the front: what comes at the end, which is most of what comes, asks nobody again.
    let find = |block: &Block| block.rows.read().iter().find(|handle| handle.key == key).cloned();
    let found = log.blocks.read().iter().find_map(find);
    found.is_some_and(|handle| match &**handle.row.read() {
        Row::Message(message) => {
            message.body.is_some() && matches!(message.state, RowState::Sent | RowState::Changing { .. })
        }
        _ => false,
    })
}

/// The buttons for one message.
#[component]
fn Actions(
    /// The message.
    id: EventId,
    /// The message that the bar is for: none after an action.
    target: RwSignal<Option<EventId>>,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let composer = expect_context::<ComposerContext>();
    // The button goes with the bar; the focus stays at the message.
    let back_to_message = move || {
        browser::focus(&element_id(id));
        target.set(None);
    };
    let to_composer = move || {
        browser::focus("body");
        target.set(None);
    };
    let quick = QUICK.into_iter().map(|emoji| {
        let react = move || {
            room.toggle_reaction(id, emoji);
            back_to_message();
        };
        view! { <Action name=format!("{} {emoji}", text::REACT_WITH) press=Box::new(react)>{emoji}</Action> }.into_any()
    });
    let pick = move || {
        composer.emoji_target.set(Some(EmojiTarget::Reaction(id)));
        target.set(None);
    };
    let reply = move || {
        if let Some(message) = room.message(id) {
            composer.mode.set(Mode::Reply(Box::new(message)));
        }
        to_composer();
    };
    let copy = move || {
        if let Some(body) = room.message(id).and_then(|message| message.body) {
            spawn_local(async move {
                browser::copy(body.as_str()).await;
            });
        }
        back_to_message();
    };
    let change = room.message(id).is_some_and(|message| message.own).then(|| {
        let edit = move || {
            edit(room, composer, id);
            to_composer();
        };
        let delete = move || {
            room.delete_message(id);
            back_to_message();
        };
        view! {
            <Action name=text::EDIT press=Box::new(edit)><Icon href="#i-edit"/></Action>
            <DeleteButton press=Box::new(delete)/>
        }
        .into_any()
    });
    view! {
        {quick.collect_view()}
        <Action name=text::REACT press=Box::new(pick)><Icon href="#i-smile"/></Action>
        <Action name=text::REPLY press=Box::new(reply)><Icon href="#i-reply"/></Action>
        <Action name=text::COPY press=Box::new(copy)><Icon href="#i-copy"/></Action>
        {change}
    }
}

/// Takes a message into the composer, unless it is there already: what was typed for the change stays.
fn edit(room: Room, composer: ComposerContext, id: EventId) {
    let is_edited = matches!(&*composer.mode.read_untracked(), Mode::Edit(edited) if edited.id == id);
    if let Some(message) = room.message(id).filter(|_| !is_edited) {
        composer.mode.set(Mode::Edit(Box::new(message)));
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
    children: Children,
) -> impl IntoView {
    view! {
        <button type="button" tabindex="-1" title=name.clone() aria-label=name on:click=click(move |_| press())>
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
