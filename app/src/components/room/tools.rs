//! Tools of an open room, in a chunk of their own: nothing of them is on the page as the server draws it. It is fetched as
//! soon as the room is live.
//!
//! The page calls its tools by this table. No file that is imported here imports it back.

use leptos::ev::{ClipboardEvent, KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use leptos::reactive::spawn_local_scoped_with_cancellation;
use web_sys::{DataTransfer, Event, HtmlTextAreaElement};

use super::composer::editor::Editor;
use super::composer::mention::{self, Mention};
use super::composer::{suggestions, transfer};
use super::emoji::picker::Picker;
use super::emoji::{grid, pick};
use super::find::panel;
use super::help;
use super::host;
use super::log::announcer::{self, Announcer};
use super::log::bar::buttons::{Buttons, ButtonsProps};
use super::log::pointing::Pointing;
use super::log::sheet::content::{Sheet, SheetProps};
use super::log::{changes, keys, selection};
use super::naming;
use super::notices::{self, Notices, ringer};
use super::question;
use crate::chunk::chunk;
use crate::components::list::{Item, ItemKey, List};
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::live::{browser, my_rooms};

/// Views and listeners.
#[derive(Clone, Copy)]
pub(super) struct Tools {
    /// Content of the open emoji picker.
    pub(super) picker: fn(RwSignal<Option<String>>) -> AnyView,
    /// A click in it.
    pub(super) picker_clicked: fn(Picker, &MouseEvent),
    /// A key in it.
    pub(super) picker_pressed: fn(Picker, &KeyboardEvent),
    /// Buttons of the bar of actions.
    pub(super) bar: fn(ButtonsProps) -> AnyView,
    /// Content of the sheet of actions.
    pub(super) sheet: fn(SheetProps) -> AnyView,
    /// Opens or closes the list of names for a mention.
    pub(super) suggest: fn(Mention, &HtmlTextAreaElement, &str),
    /// That list.
    pub(super) suggestions: fn(Editor) -> AnyView,
    /// Answers what is pasted or dropped and cannot be taken in.
    pub(super) on_paste: fn(Editor, &Event, &DataTransfer),
    /// Announces the new messages.
    pub(super) announce_new: fn(Announcer),
    /// Announces reactions to the reader's messages, and edits, where this is asked for.
    pub(super) announce_changes: fn(Announcer),
    /// Dialogs and the panel that open above the page.
    pub(super) panels: fn(Notices) -> AnyView,
    /// The question before something is given up.
    pub(super) question: fn() -> AnyView,
    /// Opens the panel that searches and saves.
    pub(super) find: fn(),
    /// Rings for new messages, and keeps the room among those of this browser.
    pub(super) follow: fn(Notices),
    /// A key in the log.
    pub(super) log_key: fn(Pointing, &KeyboardEvent),
    /// Copying of what is selected in the log.
    pub(super) on_copy: fn(Room, &ClipboardEvent),
}

/// The tools, once they are here and the page is no longer as the server drew it.
pub(super) fn hydrated_tools() -> RwSignal<Option<Tools>> {
    let tools = RwSignal::new(None);
    effect(move || tools.set(TOOLS.get()));
    tools
}

/// Calls `act` with the tools if their chunk is loaded; otherwise only requests the chunk.
pub(super) fn with_tools(act: impl FnOnce(Tools)) {
    if let Some(tools) = TOOLS.get_or_fetch() {
        act(tools);
    }
}

/// Number of [`panels`].
const PANELS: i64 = 5;

/// The list of shortcuts, the settings for notices, the dialogs for names and of the host, and the panel that searches and saves: each
/// drawn in a task of its own, so that no key waits for all of them.
fn panels(notices: Notices) -> AnyView {
    let drawn = RwSignal::new(0);
    spawn_local_scoped_with_cancellation(async move {
        while drawn.get_untracked() < PANELS {
            browser::sleep(0).await;
            drawn.update(|drawn| *drawn += 1);
        }
    });
    let item = move |nth| {
        Item::new(ItemKey::Number(nth), move || match nth {
            0 => panel::panel(),
            1 => notices::dialog::dialog(notices),
            2 => naming::dialogs(),
            3 => host::dialog(),
            _ => help::dialog(),
        })
    };
    view! { <List each=Box::new(move || (0..drawn.get()).map(item).collect())/> }.into_any()
}

chunk! {
    /// The chunk of tools.
    pub(super) static TOOLS: Tools = tools::fetched_tools(Tools {
        picker: grid::content,
        picker_clicked: pick::on_click,
        picker_pressed: pick::on_press,
        bar: |props| Buttons(props).into_any(),
        sheet: |props| Sheet(props).into_any(),
        suggest: mention::suggest,
        suggestions: suggestions::suggestions,
        on_paste: transfer::on_paste,
        announce_new: announcer::announce_new,
        announce_changes: changes::announce_changes,
        panels,
        question: question::dialog,
        find: panel::open,
        follow: |notices| {
            ringer::ring_for(notices);
            my_rooms::follow(notices.room);
        },
        log_key: keys::on_key,
        on_copy: selection::on_copy,
    });
}
