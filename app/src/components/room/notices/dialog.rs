//! The settings of this device for notices.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Notices, Setting};
use crate::components::click::click;
use crate::components::dialog::Dialog;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::notices::{self, Permission, SOUNDS};
use crate::text;

/// The dialog that the bell opens.
pub(in crate::components::room) fn dialog(notices: Notices) -> AnyView {
    let (sound, permission) = (RwSignal::new(SOUNDS[0]), RwSignal::new(Permission::NotAsked));
    let read = move || {
        sound.set(notices::sound());
        permission.set(notices::permission());
    };
    effect(move || {
        read();
        browser::on_window_event(ev::storage, move |_| read());
    });
    let choose = move |setting| {
        notices::set_setting(notices.room.present_code(), setting);
        notices.read_settings();
        if setting != Setting::Off {
            // The page may be gone when the answer comes; then setting it does nothing.
            spawn_local(async move {
                notices::ask_permission().await;
                permission.set(notices::permission());
            });
        }
    };
    let setting = move |(setting, words): (Setting, &'static str)| {
        let is_chosen = move || notices.setting() == setting;
        choice("radio", "notices-for", words, Box::new(is_chosen), Box::new(move || choose(setting)))
    };
    let pick = move |(name, words): (&'static str, &'static str)| {
        let choose = move || {
            notices::set_sound(name);
            sound.set(name);
            notices::play();
        };
        choice("radio", "notices-sound", words, Box::new(move || sound.get() == name), Box::new(choose))
    };
    let permitted = move || match (notices.setting(), permission.get()) {
        (Setting::Off, _) => "",
        (_, Permission::Granted) => text::notices_shown(),
        (_, Permission::NotAsked) => text::notices_asking(),
        (_, Permission::Denied) => text::notices_denied(),
        (_, Permission::Unable) => text::notices_unable(),
    };
    let announce = move || {
        notices::set_announces_changes(!notices.announces_changes.get_untracked());
        notices.read_settings();
    };
    let is_announced = Box::new(move || notices.announces_changes());
    let settings = text::notices_settings().into_iter().map(setting).collect();
    let sounds = SOUNDS.into_iter().zip(text::sounds()).map(pick).collect();
    view! {
        <Dialog id="notices" heading=text::notices()>
            // The permission may have become another one in the browser's own settings.
            <div on:focusin=move |_| read()>
                {choices(text::notices_for(), settings)}
                <p>{text::notices_more()}</p>
                <p role="status">{permitted}</p>
                {choices(text::notices_sound(), sounds)}
                {choice("checkbox", "announce", text::announce_changes(), is_announced, Box::new(announce))}
            </div>
        </Dialog>
    }
    .into_any()
}

/// Several choices, of which the device has one.
fn choices(heading: &'static str, choices: Vec<AnyView>) -> AnyView {
    view! {
        <fieldset>
            <legend>{heading}</legend>
            {choices}
        </fieldset>
    }
    .into_any()
}

/// A choice, with its words.
fn choice(
    kind: &'static str,
    group: &'static str,
    words: &'static str,
    is_chosen: Box<dyn Fn() -> bool + Send>,
    choose: Box<dyn Fn() + Send>,
) -> AnyView {
    view! {
        <label>
            <input type=kind name=group prop:checked=is_chosen on:click=click(move |_| choose())/>
            {words}
        </label>
    }
    .into_any()
}
