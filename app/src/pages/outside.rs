//! Pages outside of a room, in a chunk of their own: who opens a room needs none of them.

use leptos::prelude::*;
use leptos::reactive::spawn_local_scoped_with_cancellation;
use protocol::{ErrorCode, RoomCode};

use super::home_view::{HomeView, HomeViewProps};
use crate::api::{self, CallError, Cause, Inside, JoinPage, Visit};
use crate::chunk::chunk;
use crate::components::enter_form::{EnterForm, Purpose};
use crate::components::notice::{KeptUnsent, Unsent};
use crate::components::title::PageTitle;
use crate::components::top_bar::TopBar;
use crate::live::effect::effect;
use crate::live::my_rooms;
use crate::live::room::Room;
use crate::live::{browser, notices};
use crate::text;

/// Time until a full room is asked for again, in milliseconds; each further time is twice as long.
const FIRST_POLL_MS: u32 = 3_000;
/// Maximum time until then.
const MAX_POLL_MS: u32 = 30_000;

/// Views of the pages outside of a room.
#[derive(Clone, Copy)]
pub(crate) struct OutsideViews {
    /// Home.
    pub(super) home: fn(HomeViewProps) -> AnyView,
    /// A room from outside.
    pub(super) join: fn(JoinRoomProps) -> AnyView,
    /// A code that is no room's.
    pub(super) unknown: fn(UnknownRoomProps) -> AnyView,
    /// The question before the last one leaves.
    pub(super) last_leave: fn(LastLeaveProps) -> AnyView,
}

chunk! {
    /// The chunk of the pages outside of a room.
    pub(crate) static OUTSIDE: OutsideViews = outside::fetched_outside(OutsideViews {
        home: |props| HomeView(props).into_any(),
        join: |props| JoinRoom(props).into_any(),
        unknown: |props| UnknownRoom(props).into_any(),
        last_leave: |props| LastLeave(props).into_any(),
    });
}

/// The room from outside: how many are in, a name, one button.
#[component]
pub(super) fn JoinRoom(
    /// The room as it is seen from outside.
    page: JoinPage,
    /// True for who has just left it.
    has_left: bool,
    /// Called when the room has to be asked for again, because a form has done its work.
    entered: Callback<RoomCode>,
    /// Called when the room has to be asked for again.
    again: Callback<()>,
) -> impl IntoView {
    let JoinPage { code, inside, capacity, closed, flash } = page;
    effect(move || {
        notices::forget_setting(code);
        my_rooms::forget(code);
    });
    let unsent = flash.iter().map(|flash| flash.body.clone()).collect();
    let is_open = closed.is_none() && inside < capacity;
    let next = if is_open {
        view! { <EnterForm purpose=Purpose::JoinPage { code, again: has_left } flash entered/> }.into_any()
    } else if closed == Some(ErrorCode::Removed) {
        view! {
            <div class="card notice">
                <h2>{text::removed()}</h2>
                <p>{text::removed_more()}</p>
                <a class="button primary" href="/">{text::start_new()}</a>
            </div>
        }
        .into_any()
    } else {
        view! { <ShutRoom code is_locked=closed.is_some() again/> }.into_any()
    };
    let (heading, more) = if has_left {
        (text::left(&code.to_string()), text::still_inside(inside as usize))
    } else {
        (code.to_string(), text::join_page(inside as usize))
    };
    view! {
        <Outside heading more is_code=!has_left>
            <Unsent bodies=unsent/>
            {(!has_left).then(|| view! { <KeptUnsent code/> })}
            {next}
            {(has_left && is_open).then(start_new)}
        </Outside>
    }
}

/// A room that is locked or has no free seat. It is asked for again and again, less and less often.
#[component]
fn ShutRoom(
    /// The room's code.
    code: RoomCode,
    /// True if it is locked.
    is_locked: bool,
    /// Called when there is something else to show.
    again: Callback<()>,
) -> impl IntoView {
    effect(move || {
        spawn_local_scoped_with_cancellation(async move {
            let mut wait = FIRST_POLL_MS;
            loop {
                browser::sleep(wait).await;
                wait = (wait * 2).min(MAX_POLL_MS);
                if !browser::is_visible() {
                    continue;
                }
                match api::room_snapshot(code.to_string(), true).await {
                    Ok(Visit::JoinPage(page)) if page.closed.is_some() || page.inside >= page.capacity => {}
                    Err(CallError { cause: Cause::Server | Cause::Network, .. }) => {}
                    _ => return again.run(()),
                }
            }
        });
    });
    let (heading, more) = if is_locked {
        (text::room_is_locked(), text::room_is_locked_more())
    } else {
        (text::full(), text::full_more())
    };
    view! {
        <div class="card notice">
            <h2>{heading}</h2>
            <p>{more}</p>
            <p class="scripted">{text::full_again()}</p>
            <a class="button primary" href=format!("/room/{code}") rel="external">{text::try_again()}</a>
            <a class="button" href="/">{text::start_new()}</a>
        </div>
    }
}

/// A code that is no room's, to be mended.
#[component]
pub(super) fn UnknownRoom(
    /// The code, as it is in the address.
    code: String,
    /// A message that the reader tried to send there.
    unsent: Vec<String>,
    /// Called with the code of the room that the reader has joined.
    entered: Callback<RoomCode>,
) -> impl IntoView {
    let kept = code.parse().ok().map(|code| {
        effect(move || {
            notices::forget_setting(code);
            my_rooms::forget(code);
        });
        view! { <KeptUnsent code gone=true/> }.into_any()
    });
    view! {
        <Outside heading=text::no_room().to_owned() more=text::may_have_ended().to_owned()>
            <Unsent bodies=unsent/>
            {kept}
            <EnterForm purpose=Purpose::OtherCode code entered/>
            {start_new()}
        </Outside>
    }
}

/// The question before the last one leaves, for a page without script.
#[component]
pub(super) fn LastLeave(
    /// The room as it was when the server looked.
    inside: Inside,
) -> impl IntoView {
    let Inside { snapshot, post_id, markup, .. } = inside;
    let code = snapshot.room.code;
    let room = Room::new(snapshot, markup, post_id);
    let words = room.leave_question().as_ref().map(text::question).unwrap_or_default();
    view! {
        <Outside heading=words.heading.to_owned() more=words.more>
            <form class="card" method="post" action="/api/leave_room">
                <input type="hidden" name="code" value=code.to_string()/>
                <input type="hidden" name="sure" value="yes"/>
                <button class="button danger">{words.yes}</button>
                <a class="button" href=format!("/room/{code}") rel="external">{text::stay()}</a>
            </form>
        </Outside>
    }
}

/// A page outside of a room: what it is about, and what can be done.
#[component]
fn Outside(
    /// The heading, which is the page's name.
    heading: String,
    /// Explanation.
    more: String,
    /// True where the heading is a code.
    #[prop(optional)]
    is_code: bool,
    /// Next step.
    children: Children,
) -> impl IntoView {
    let title = if is_code {
        view! { <h1 class="code" translate="no">{heading.clone()}</h1> }.into_any()
    } else {
        view! { <h1>{heading.clone()}</h1> }.into_any()
    };
    view! {
        <PageTitle name=heading/>
        <div class="home">
            <TopBar/>
            <main>
                <div class="pitch">
                    {title}
                    <p>{more}</p>
                </div>
                {children()}
            </main>
        </div>
    }
}

fn start_new() -> AnyView {
    view! { <a class="button step" href="/">{text::start_new()}</a> }.into_any()
}
