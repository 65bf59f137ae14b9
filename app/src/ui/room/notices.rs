//! What reaches somebody who is looking elsewhere: the window's title and sign at once; a sound and a notification of
//! the desktop when this was asked for on this device.

use client::Row;
use protocol::MessageBody;
use wasm_bindgen_futures::spawn_local;

use super::message;
use crate::live::signal::Signal;
use crate::live::store::{RoomStore, Status};
use crate::live::{browser, notices, watch};
use crate::ui::{markup, text};

pub(super) use crate::live::notices::Setting;

/// What the person wants to hear of.
#[derive(Clone, Copy)]
pub(super) struct Notices(Signal<Setting>);

impl Notices {
    /// Begins to tell of this room, as this device was told to.
    pub(super) fn of(store: RoomStore) -> Self {
        let this = Self(Signal::new(Setting::Off));
        watch(move || this.0.set(notices::setting()));
        let mut before = usize::MAX;
        watch(move || {
            let unread = store.unread.get();
            if unread > before && !browser::is_visible() {
                this.ring(store);
            }
            before = unread;
        });
        show_unseen(store);
        this
    }

    /// What the person wants.
    pub(super) fn setting(self) -> Setting {
        self.0.get()
    }

    /// On, or off again. Only here the browser is asked for its permission.
    pub(super) fn toggle(self) {
        if self.0.get_untracked() == Setting::Off {
            spawn_local(async move {
                let setting = notices::turn_on().await;
                // The page may be gone by then.
                self.0.set(setting);
            });
        } else {
            notices::turn_off();
            self.0.set(Setting::Off);
        }
    }

    fn ring(self, store: RoomStore) {
        let setting = self.0.get_untracked();
        if setting == Setting::Off {
            return;
        }
        notices::play();
        if setting == Setting::Desktop
            && let Some((name, body)) = newest(store)
        {
            spawn_local(async move {
                markup::until_read(body.as_str()).await;
                notices::show(&store.code.to_string(), &text::notice(&name, &message::excerpt(body.as_str())));
            });
        }
    }
}

/// Who of the others said something last, and what.
fn newest(store: RoomStore) -> Option<(String, MessageBody)> {
    store.rows.with_untracked(|rows| {
        rows.iter().rev().find_map(|row| match &**row {
            Row::Message(message) if !message.own => {
                let name = message.name.as_ref().map_or(text::SOMEBODY, |name| name.as_str());
                Some((name.to_owned(), message.body.clone()?))
            }
            _ => None,
        })
    })
}

/// Counts in the window's title and sign what came while the page is not on the screen.
fn show_unseen(store: RoomStore) {
    let hidden = Signal::new(false);
    watch(move || {
        hidden.set(!browser::is_visible());
        browser::hear_page("visibilitychange", move |_| hidden.set(!browser::is_visible()));
    });
    watch(move || {
        let unseen = if hidden.get() { store.unread.get() } else { 0 };
        match store.status.get() {
            Status::Ended(ending) => notices::name_window(&text::ended_title(ending), false),
            _ => notices::name_window(&text::title(store.code, unseen), unseen > 0),
        }
    });
}
