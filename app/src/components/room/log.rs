//! The log: a `column-reverse` scroller around blocks of rows in normal order. It opens at its end without script, and
//! stays there while the reader does not scroll away.

use leptos::html::{Div, Section};
use leptos::prelude::*;

use super::invite::Invitation;
use crate::components::click::click;
use crate::components::icon::Mark;
use crate::components::room::toast::ToastView;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::log::Block;
use crate::live::room::Room;
use crate::text;

mod actions;
mod announcer;
mod bar;
mod following;
mod hold;
mod keys;
mod pointing;
pub(crate) mod row;
mod scroll_anchor;
mod seeker;
mod selection;
mod sheet;

use announcer::{Announcer, LiveRegion};
use bar::ActionBar;
use following::Following;
use hold::ReadingHold;
use pointing::Pointing;
use row::RowView;
use seeker::Seeker;
use sheet::MessageSheet;

/// Everything said, oldest first, and the way to its end.
#[component]
pub(crate) fn LogView() -> impl IntoView {
    let room = expect_context::<Room>();
    let (scroller, sheet) = (NodeRef::<Section>::new(), NodeRef::<Div>::new());
    let announcer = Announcer::new(room);
    let following = Following::new(room, scroller, announcer);
    let hold = ReadingHold::new(scroller, sheet);
    let pointing = Pointing::new();
    provide_context(Seeker::new(room));
    scroll_anchor::restore_scroll_anchor(room, scroller);
    let scrolled = move |_| {
        following.scrolled();
        hold.scrolled();
    };
    view! {
        <section id="log" class="log" node_ref=scroller on:scroll=scrolled>
            // One listener for all rows, of which there may be 2,000: see `Pointing`.
            <div
                class="sheet"
                node_ref=sheet
                on:click:capture=click(move |event| pointing.clicked(&event))
                on:keydown=move |event| keys::steer(pointing, &event)
                on:focusin=move |event| pointing.focused(&event)
                on:pointerover=move |event| pointing.hovered(&event)
                on:pointerleave=move |event| pointing.left(&event)
                on:pointerdown=move |event| pointing.pressed(&event)
                on:pointerup=move |_| pointing.released()
                on:pointercancel=move |_| pointing.cancelled()
                on:copy=move |event| selection::copied(room, &event)
                on:contextmenu=|event| {
                    if browser::is_touch() {
                        event.prevent_default();
                    }
                }
            >
                <div class="rows" role="log" aria-label=text::MESSAGES aria-live="off" tabindex="0">
                    <For each=move || room.log.blocks.get() key=|block| block.id let(block)>
                        <BlockView block/>
                    </For>
                </div>
                {move || room.log.newest.get().is_none().then(|| quiet(room))}
                <ActionBar pointing sheet/>
            </div>
        </section>
        <div class="below">
            <LiveRegion announcer/>
            <ToastView/>
            <button type="button" class="button jump" class:shown=move || following.is_away.get() on:click=click(move |_| following.to_end())>
                {move || text::jump(following.below.get())}
            </button>
        </div>
        <MessageSheet pointing/>
    }
}

/// The content of a log without messages.
fn quiet(room: Room) -> AnyView {
    if room.members.read().len() > 1 {
        return view! { <div class="quiet"><Mark/><p>{text::NOTHING_SAID}</p></div> }.into_any();
    }
    view! {
        <div class="quiet">
            <Mark/>
            <p>{text::EMPTY_ROOM}</p>
            <Invitation/>
        </div>
    }
    .into_any()
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
            <For each=move || block.rows.get() key=|handle| handle.key let(handle)>
                <RowView handle/>
            </For>
        </div>
    }
}
