//! Notices for somebody who is looking elsewhere: the window's title and icon at once; a sound and a notification of the
//! desktop when this was asked for on this device.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, MessageBody};

use super::log::row::excerpt;
use crate::live::effect::effect;
use crate::live::room::{Room, Status};
use crate::live::{browser, notices};
use crate::{markup, text};

pub(super) use crate::live::notices::Setting;

/// Notices of one room, and what this device was told to do about them. A context.
#[derive(Clone, Copy)]
pub(crate) struct Notices {
    room: Room,
    setting: RwSignal<Setting>,
    /// True while the page cannot be seen.
    hidden: RwSignal<bool>,
}

impl Notices {
    /// Begins to tell of this room, as this device was told to, for as long as the owner is there.
    pub(crate) fn new(room: Room) -> Self {
        let this = Self { room, setting: RwSignal::new(Setting::Off), hidden: RwSignal::new(false) };
        effect(move || {
            this.setting.set(notices::setting());
            this.hidden.set(!browser::is_visible());
            browser::on_window_event(ev::visibilitychange, move |_| this.hidden.set(!browser::is_visible()));
            on_cleanup(|| notices::mark_icon(false));
        });
        let mut before = None;
        effect(move || {
            let unread = room.unread.get();
            if before.is_some_and(|before| unread > before) && !browser::is_visible() {
                this.ring();
            }
            before = Some(unread);
        });
        effect(move || notices::mark_icon(this.unseen() > 0));
        this
    }

    /// The setting of this device. Tracked.
    pub(crate) fn setting(self) -> Setting {
        self.setting.get()
    }

    /// Number of messages that came while the page is not on the screen; 0 while it is. Tracked.
    pub(crate) fn unseen(self) -> usize {
        let counts = self.hidden.get() && !matches!(self.room.status.get(), Status::Ended(_));
        if counts { self.room.unread.get() } else { 0 }
    }

    /// Turns notices on, or off again. Only here the browser is asked for its permission.
    pub(crate) fn toggle(self) {
        if self.setting.get_untracked() == Setting::Off {
            // The page may be gone when the answer comes; then setting it does nothing.
            spawn_local(async move { self.setting.set(notices::turn_on().await) });
        } else {
            notices::turn_off();
            self.setting.set(Setting::Off);
        }
    }

    fn ring(self) {
        let setting = self.setting.get_untracked();
        if setting == Setting::Off {
            return;
        }
        notices::play();
        if setting == Setting::Desktop
            && let Some((id, name, body)) = newest(self.room)
        {
            let room = self.room;
            spawn_local(async move {
                markup::wait_for_parser(body.as_str()).await;
                notices::show(&room.code.to_string(), &text::notice(&name, &excerpt(room, id, &body)));
            });
        }
    }
}

/// The newest message of somebody else, with name and text.
fn newest(room: Room) -> Option<(EventId, String, MessageBody)> {
    room.log.find_back(|message| {
        let name = message.name.as_ref().map_or(text::SOMEBODY, |name| name.as_str());
        (!message.own).then(|| Some((message.id, name.to_owned(), message.body.clone()?))).flatten()
    })
}
