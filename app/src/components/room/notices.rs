//! Notices for somebody who is looking elsewhere: the window's title and icon at once; a sound and a notification of the
//! desktop when this was asked for on this device.

use leptos::ev;
use leptos::prelude::*;

use crate::live::effect::effect;
use crate::live::room::{Room, Status};
use crate::live::signal::set_if_new;
use crate::live::{browser, notices};

pub(super) use crate::live::notices::Setting;

mod claims;
pub(super) mod dialog;
pub(super) mod ringer;

/// Notices of one room, and what this device was told to do about them. A context.
#[derive(Clone, Copy)]
pub(crate) struct Notices {
    pub(super) room: Room,
    setting: RwSignal<Setting>,
    /// True if screen readers are told of reactions and edits.
    announces_changes: RwSignal<bool>,
    /// True while the page cannot be seen.
    hidden: RwSignal<bool>,
}

impl Notices {
    /// Marks the page's icon while something is unseen, for as long as the owner is there. Sounds and notifications of the
    /// desktop are the [`ringer`]'s.
    pub(crate) fn new(room: Room) -> Self {
        let this = Self {
            room,
            setting: RwSignal::new(Setting::Off),
            announces_changes: RwSignal::default(),
            hidden: RwSignal::default(),
        };
        effect(move || {
            this.setting.set(notices::setting(room.present_code()));
            this.hidden.set(!browser::is_visible());
            browser::on_window_event(ev::visibilitychange, move |_| this.hidden.set(!browser::is_visible()));
            on_cleanup(|| notices::mark_icon(false));
        });
        effect(move || notices::mark_icon(this.unseen() > 0));
        this
    }

    /// Takes over what the device is told to do now.
    fn read_settings(self) {
        set_if_new(self.setting, notices::setting(self.room.present_code()));
        set_if_new(self.announces_changes, notices::announces_changes());
    }

    /// The setting of this room. Tracked.
    pub(crate) fn setting(self) -> Setting {
        self.setting.get()
    }

    /// True if screen readers are told of reactions and edits. Tracked.
    pub(super) fn announces_changes(self) -> bool {
        self.announces_changes.get()
    }

    /// Number of messages that came while the page is not on the screen; 0 while it is. Tracked.
    pub(crate) fn unseen(self) -> usize {
        let counts = self.hidden.get() && !matches!(self.room.status.get(), Status::Ended(_));
        if counts { self.room.unread.get() } else { 0 }
    }
}
