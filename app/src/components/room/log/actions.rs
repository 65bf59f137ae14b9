//! Actions on one message, for the bar and for the sheet.

use client::{Row, RowKey, RowState};
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::EventId;

use crate::components::room::context::{ComposerContext, EmojiTarget, Mode};
use crate::components::room::toast::Toast;
use crate::live::browser;
use crate::live::log::{Block, Log};
use crate::live::room::Room;
use crate::text;

/// The reactions that are one press away.
pub(super) const QUICK: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// Actions on a message. A handle.
#[derive(Clone, Copy)]
pub(super) struct MessageActions {
    room: Room,
    composer: ComposerContext,
    toast: Toast,
    id: EventId,
}

impl MessageActions {
    pub(super) fn new(id: EventId) -> Self {
        Self { room: expect_context(), composer: expect_context(), toast: expect_context(), id }
    }

    /// True if the reader may edit and delete it.
    pub(super) fn is_own(self) -> bool {
        self.room.message(self.id).is_some_and(|message| message.own)
    }

    /// Puts an emoji on it, or takes it away.
    pub(super) fn react(self, emoji: &str) {
        self.room.toggle_reaction(self.id, emoji);
    }

    /// Opens the emoji picker for a reaction to it.
    pub(super) fn pick_emoji(self) {
        self.composer.emoji_target.set(Some(EmojiTarget::Reaction(self.id)));
    }

    /// Takes it into the composer, to be answered there.
    pub(super) fn reply(self) {
        if let Some(message) = self.room.message(self.id) {
            self.composer.mode.set(Mode::Reply(Box::new(message)));
        }
        browser::focus("body");
    }

    /// Takes it into the composer, to be changed there. Where it is there already, what was typed for that stays.
    pub(super) fn edit(self) {
        let is_edited = matches!(&*self.composer.mode.read_untracked(), Mode::Edit(edited) if edited.id == self.id);
        if let Some(message) = self.room.message(self.id).filter(|_| !is_edited) {
            self.composer.mode.set(Mode::Edit(Box::new(message)));
        }
        browser::focus("body");
    }

    /// Copies its text as it was typed, and says whether that worked.
    pub(super) fn copy(self) {
        let Some(body) = self.room.message(self.id).and_then(|message| message.body) else { return };
        let copying = browser::copy(body.as_str());
        spawn_local(async move {
            self.toast.show(if copying.await { text::text_copied() } else { text::not_copied() });
        });
    }

    /// Deletes it.
    pub(super) fn delete(self) {
        self.room.delete_message(self.id);
    }
}

/// True if the message is shown, everybody has it, and it is not deleted. An effect that asks runs again when that may
/// have changed.
pub(super) fn can_be_acted_on(log: Log, id: EventId) -> bool {
    let key = RowKey::Event(id);
    // From the front: what comes at the end, which is most of what comes, asks nobody again.
    let find = |block: &Block| block.rows.read().iter().find(|handle| handle.key == key).cloned();
    let found = log.blocks.read().iter().find_map(find);
    found.is_some_and(|handle| match &**handle.row.read() {
        Row::Message(message) => {
            message.body.is_some() && matches!(message.state, RowState::Sent | RowState::Changing { .. })
        }
        _ => false,
    })
}
