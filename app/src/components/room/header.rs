//! The header: the room's code and seats, the way to bring others in, and the way out.

use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::prelude::*;

use super::host::HOST_ID;
use super::naming::NAME_ROOM_ID;
use super::notices::{Notices, Setting};
use super::tools::with_tools;
use crate::components::click::click;
use crate::components::copy_link::CodeChip;
use crate::components::icon::{LabelledIcon, Logo};
use crate::components::language_form::LanguageForm;
use crate::components::name::Name;
use crate::components::theme::ThemeButton;
use crate::live::browser;
use crate::live::room::Room;
use crate::text;

/// The bar at the top.
#[component]
pub(super) fn Header() -> impl IntoView {
    let room = expect_context::<Room>();
    let lock = move || {
        view! {
            <span class="chip lock" title=text::locked()>
                <svg aria-hidden="true"><use href="#i-lock"/></svg>
                <span class="visually-hidden">{text::locked()}</span>
            </span>
        }
        .into_any()
    };
    let open_host = |event: MouseEvent| {
        event.prevent_default();
        with_tools(|_| browser::open_dialog(HOST_ID));
    };
    // For the host, who may name and change the room. Without script the link leads to the same as forms.
    let name = move || {
        (room.host.get() == Some(room.me)).then(|| {
            view! {
                <button type="button" class="button icon hydrated" command="show-modal" commandfor=NAME_ROOM_ID>
                    <LabelledIcon icon="#i-edit" label=text::name_room() title=text::name_room()/>
                </button>
                <a class="button icon" href=format!("/room/{}/host", room.rules.get().code) rel="external" on:click=open_host>
                    <LabelledIcon icon="#i-lock" label=text::manage_room() title=text::manage_room()/>
                </a>
            }
            .into_any()
        })
    };
    view! {
        <header>
            <a class="mark" href="/" aria-label=text::PRODUCT on:click=move |event| room.confirm_navigation(&event)><Logo/></a>
            <div class="bar">
                <RoomHeading/>
                <CodeChip code=room.code/>
                <span class="chip wide"><Seats/></span>
                <button type="button" class="chip narrow" popovertarget="people"><Seats/></button>
                {move || room.locked.get().then(lock)}
                <span class="space"></span>
                <button type="button" class="button icon narrow" popovertarget="tools" aria-label=text::more() title=text::more()>
                    <svg aria-hidden="true"><use href="#i-more"/></svg>
                </button>
                <div class="tools" id="tools" popover="">
                    <button type="button" class="button icon scripted" command="show-modal" commandfor="invite">
                        <LabelledIcon icon="#i-qr" label=text::invite() title=text::invite()/>
                    </button>
                    <button type="button" class="button icon hydrated" on:click=click(|_| with_tools(|tools| (tools.find)()))>
                        <LabelledIcon icon="#i-search" label=text::find() title=text::find()/>
                    </button>
                    {name}
                    <Bell/>
                    <ThemeButton/>
                    <LanguageForm from=format!("/room/{}", room.code)
                        load=Callback::new(move |load| room.load_if_reachable(load))/>
                </div>
                <Leave/>
            </div>
        </header>
    }
}

/// The room's name, or for who hears it its code.
#[component]
fn RoomHeading() -> impl IntoView {
    let room = expect_context::<Room>();
    move || {
        let name = room.name.get();
        if name.is_empty() {
            view! { <h1 class="visually-hidden">{text::room(&room.code.to_string())}</h1> }.into_any()
        } else {
            view! { <h1 class="title" title=name.to_string()><Name name=name.to_string()/></h1> }.into_any()
        }
    }
}

/// Number of seats taken, and of all seats.
#[component]
fn Seats() -> impl IntoView {
    let Room { members, rules, .. } = expect_context::<Room>();
    view! {
        <svg aria-hidden="true"><use href="#i-people"/></svg>
        <span class="visually-hidden">{text::people()}</span>
        // The space is for who hears it; the eye has the gap.
        <span>{move || format!(" {} ", members.read().len())}</span>
        <span class="of">{move || format!("/ {}", rules.get().capacity)}</span>
    }
}

/// Opens the settings for notices.
#[component]
fn Bell() -> impl IntoView {
    let notices = expect_context::<Notices>();
    let sign = move || {
        let (icon, label) = match notices.setting() {
            Setting::Off => ("#i-bell-off", text::notices_off()),
            Setting::Mentions => ("#i-bell", text::notices_mentions()),
            Setting::All => ("#i-bell", text::notices_all()),
        };
        view! { <LabelledIcon icon label title=label/> }.into_any()
    };
    view! {
        <button type="button" class="button icon bell hydrated" command="show-modal" commandfor="notices">
            {sign}
        </button>
    }
}

/// The way out. Without script, or before anything runs here, the form says it.
#[component]
fn Leave() -> impl IntoView {
    let room = expect_context::<Room>();
    let submit = move |event: SubmitEvent| {
        if room.leave_or_ask() {
            event.prevent_default();
        }
    };
    view! {
        <form method="post" action="/api/leave_room" on:submit=submit>
            <input type="hidden" name="code" value=room.code.to_string()/>
            <button class="button icon leave" title=text::leave()><LabelledIcon icon="#i-leave" label=text::leave()/></button>
        </form>
    }
}
