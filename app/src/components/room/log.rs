//! The log: a `column-reverse` scroller around blocks of rows in normal order. It opens at its end without script, and
//! stays there while the reader does not scroll away.

use leptos::ev::{ClipboardEvent, KeyboardEvent};
use leptos::html::{Div, Section};
use leptos::prelude::*;

use super::invite::Invitation;
use super::tools::with_tools;
use crate::components::click::click;
use crate::components::icon::Logo;
use crate::components::list::{Item, ItemKey, List};
use crate::components::room::toast::ToastView;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::log::{Block, RowHandle};
use crate::live::room::Room;
use crate::text;

mod actions;
pub(super) mod announcer;
mod auto_scroll;
pub(super) mod bar;
pub(super) mod changes;
mod hold;
pub(super) mod ids;
pub(super) mod keys;
mod live_region;
pub(super) mod pointing;
pub(crate) mod row;
mod scroll_anchor;
pub(super) mod selection;
pub(super) mod sheet;

use announcer::Announcer;
use auto_scroll::AutoScroll;
use bar::ActionBar;
use hold::ReadingHold;
use live_region::LiveRegion;
use pointing::Pointing;
use row::RowView;
use sheet::MessageSheet;

/// Everything said, oldest first, and the way to its end.
#[component]
pub(crate) fn LogView() -> impl IntoView {
    let room = expect_context::<Room>();
    let (scroller, sheet) = (NodeRef::<Section>::new(), NodeRef::<Div>::new());
    let announcer = Announcer::new(room);
    let auto_scroll = AutoScroll::new(room, scroller, announcer);
    let hold = ReadingHold::new(scroller, sheet);
    let pointing = Pointing::new();
    scroll_anchor::restore_scroll_anchor(room, scroller);
    let steer = move |event: &KeyboardEvent| {
        with_tools(|tools| (tools.log_key)(pointing, event));
    };
    let copied = move |event: &ClipboardEvent| {
        with_tools(|tools| (tools.on_copy)(room, event));
    };
    let scrolled = move |_| {
        auto_scroll.scrolled();
        hold.scrolled();
    };
    view! {
        <section id="log" class="log" node_ref=scroller on:scroll=scrolled>
            // One listener for all rows, of which there may be 2,000: see `Pointing`.
            <div
                class="sheet"
                node_ref=sheet
                on:click:capture=click(move |event| pointing.clicked(&event))
                on:keydown=move |event| steer(&event)
                on:focusin=move |event| pointing.focused(&event)
                on:pointerover=move |event| pointing.hovered(&event)
                on:pointerleave=move |event| pointing.left(&event)
                on:pointerdown=move |event| pointing.pressed(&event)
                on:pointerup=move |_| pointing.released()
                on:pointercancel=move |_| pointing.cancelled()
                on:copy=move |event| copied(&event)
                on:contextmenu=|event| {
                    if browser::is_touch() {
                        event.prevent_default();
                    }
                }
            >
                <div class="rows" role="log" aria-label=text::messages() aria-live="off" tabindex="0">
                    <List each=Box::new(move || room.log.blocks.get().into_iter().map(block_item).collect())/>
                </div>
                {move || room.log.newest.get().is_none().then(|| quiet(room))}
                <ActionBar pointing sheet/>
            </div>
        </section>
        <div class="below">
            <LiveRegion announcer/>
            <ToastView/>
            <button type="button" class="button jump" class:shown=move || auto_scroll.is_away.get() on:click=click(move |_| auto_scroll.scroll_to_end())>
                {move || text::jump(auto_scroll.below.get())}
            </button>
        </div>
        <MessageSheet pointing/>
    }
}

/// The content of a log without messages.
fn quiet(room: Room) -> AnyView {
    if room.members.read().len() > 1 {
        return view! { <div class="quiet"><Logo/><p>{text::nothing_said()}</p></div> }.into_any();
    }
    view! {
        <div class="quiet">
            <Logo/>
            <p>{text::empty_room()}</p>
            <Invitation/>
        </div>
    }
    .into_any()
}

fn block_item(block: Block) -> Item {
    Item::new(ItemKey::Number(block.id), || view! { <BlockView block/> }.into_any())
}

fn row_item(handle: RowHandle) -> Item {
    Item::new(ItemKey::Row(handle.key), || view! { <RowView handle/> }.into_any())
}

/// Rows that the browser lays out, or skips, together.
#[component]
fn BlockView(block: Block) -> impl IntoView {
    let node = NodeRef::<Div>::new();
    let counted = block.rows.clone();
    // How high the block may be while it has not been on the screen. Written when the number of its rows has changed, and
    // not when a row has: it makes the browser style the block anew. Never as an attribute, which the content policy
    // forbids.
    let mut before = None;
    effect(move || {
        let count = counted.read().len();
        if before != Some(count)
            && let Some(node) = node.get()
        {
            browser::set_custom_property(&node, "--rows", &count.to_string());
        }
        before = Some(count);
    });
    view! {
        <div class="block" node_ref=node>
            <List each=Box::new(move || block.rows.get().into_iter().map(row_item).collect())/>
        </div>
    }
}
