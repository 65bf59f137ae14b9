//! The room as a member sees it: first as the server rendered it, then live.

use std::mem;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, RoomCode};

use super::notice::EndNotice;
use super::page_announcer::PageAnnouncer;
use super::title::PageTitle;
use crate::api::Inside;
use crate::live::effect::effect;
use crate::live::history::HISTORY;
use crate::live::room::{Ending, Room, Status};
use crate::text;

mod composer;
mod context;
mod emoji;
mod find;
mod header;
mod help;
pub(crate) mod host;
mod invite;
pub(crate) mod log;
mod naming;
mod notices;
mod question;
mod roster;
mod status;
mod toast;
mod tools;

use composer::Composer;
use context::{ComposerContext, Mode};
use find::goal::Seek;
use header::Header;
use invite::{Invite, Projector};
use log::LogView;
use notices::Notices;
use roster::Roster;
use status::StatusBanner;
use toast::Toast;
use tools::{TOOLS, hydrated_tools};

/// The room, or what became of it.
#[component]
pub(crate) fn RoomView(
    /// The room as it was when the server looked.
    inside: Inside,
    /// Called when the room is to be asked for anew.
    again: Callback<()>,
    /// Called when the reader has left it here.
    left: Callback<()>,
    /// Called when all is here that the room may need.
    fetched: Callback<()>,
    /// Called with the room's code when that has become another one.
    moved: Callback<RoomCode>,
) -> impl IntoView {
    let Inside { snapshot, post_id, flash, markup } = inside;
    let room = Room::new(snapshot, markup, post_id);
    provide_context(room);
    provide_context(ComposerContext { mode: RwSignal::new(Mode::New), emoji_target: RwSignal::new(None) });
    let notices = Notices::new(room);
    provide_context(notices);
    // The tools do some things by themselves, once they are here.
    effect(move || {
        if let Some(tools) = TOOLS.get() {
            (tools.follow)(notices);
        }
    });
    provide_context(Toast::new());
    provide_context(Seek::new());
    room.start();
    fetch_ahead(room, fetched);
    effect(move || {
        if room.leaving.get() && room.status.get() == Status::Ended(Ending::Left) {
            left.run(());
        }
    });
    effect(move || {
        let code = room.rules.get().code;
        if code != room.code {
            moved.run(code);
        }
    });
    let ending = Memo::new(move |_| match room.status.get() {
        // On the way to another page.
        Status::Ended(Ending::Left) if room.leaving.get() => None,
        Status::Ended(ending) => Some(ending),
        _ => None,
    });
    let announcer = expect_context::<PageAnnouncer>();
    let mut was_shown = true;
    effect(move || {
        let is_over = ending.get().is_some();
        if is_over && was_shown {
            announcer.announce();
        }
        was_shown = !is_over;
    });
    let shown = move || match ending.get() {
        None => view! { <OpenRoom post_id flash=flash.clone()/> }.into_any(),
        Some(ending) => view! {
            <PageTitle name=text::ending(ending).0/>
            <EndNotice ending again/>
        }
        .into_any(),
    };
    let tools = hydrated_tools();
    // One that is asked before the room is live has its dialog fetched.
    effect(move || {
        if room.question.read().is_some() {
            TOOLS.prefetch();
        }
    });
    view! {
        {move || tools.get().map(|tools| (tools.question)())}
        {move || shown()}
    }
}

/// Fetches the chunks that may be needed here as soon as the room is live: later the network may be gone, or the server
/// be another build.
fn fetch_ahead(room: Room, fetched: Callback<()>) {
    let mut has_begun = false;
    effect(move || {
        if room.status.get() == Status::Live && !mem::replace(&mut has_begun, true) {
            // Chunks are the document's: this goes on when the room is left, and ends when the chunk is here.
            spawn_local(async move {
                TOOLS.load_with_retries().await;
                HISTORY.prefetch();
                fetched.try_run(());
            });
        }
    });
}

/// The room while it goes on.
#[component]
fn OpenRoom(
    /// The id of the message that a page without script sends.
    post_id: EventId,
    /// A refused message.
    flash: Option<crate::api::Flash>,
) -> impl IntoView {
    let room = expect_context::<Room>();
    let notices = expect_context::<Notices>();
    view! {
        <PageTitle name=move || text::title(&room.label(), notices.unseen())/>
        <a class="skip" href="#body" rel="external">{text::skip()}</a>
        <Invite/>
        <Projector/>
        <Panels/>
        <div class="room">
            <Header/>
            <StatusBanner/>
            <main>
                <LogView/>
                <Composer post_id flash/>
            </main>
            <Roster/>
        </div>
    }
}

/// The place of what opens above the page. Not on the server's page: nothing opens it there.
#[component]
fn Panels() -> impl IntoView {
    let (tools, notices) = (hydrated_tools(), expect_context::<Notices>());
    view! { {move || tools.get().map(|tools| (tools.panels)(notices))} }
}
