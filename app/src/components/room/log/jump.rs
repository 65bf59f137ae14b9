//! The way to a message that a reply answers. It may be on a page that is not loaded.

use client::RowKey;
use leptos::prelude::*;
use protocol::EventId;

use super::ids::element_id;
use crate::components::room::toast::Toast;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::text;

/// Goes to messages. A context.
#[derive(Clone, Copy)]
pub(super) struct MessageJump {
    room: Room,
    toast: Toast,
    /// The message that older pages are being loaded for.
    sought: RwSignal<Option<EventId>>,
}

impl MessageJump {
    pub(super) fn new(room: Room) -> Self {
        let jump = Self { room, toast: expect_context(), sought: RwSignal::new(None) };
        // With each page that came.
        effect(move || {
            if let Some(id) = jump.sought.get() {
                jump.look(id);
            }
        });
        jump
    }

    /// Goes to this message, as soon as it is here.
    pub(super) fn jump_to(self, id: EventId) {
        if self.room.log.find(RowKey::Event(id)).is_none() {
            self.toast.show(text::looking());
        }
        self.sought.set(Some(id));
    }

    fn look(self, id: EventId) {
        let is_older = self.room.older.get().is_some();
        if self.room.log.find(RowKey::Event(id)).is_some() {
            self.sought.set(None);
            // Once it is drawn.
            request_animation_frame(move || browser::scroll_into_view(&element_id(id)));
        } else if is_older {
            self.room.load_older();
        } else {
            self.sought.set(None);
            self.toast.show(text::not_found());
        }
    }
}
