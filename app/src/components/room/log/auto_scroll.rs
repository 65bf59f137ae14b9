//! The end of the log, as the reader follows it.

use client::{MessageRow, RowState};
use leptos::html::Section;
use leptos::prelude::*;
use protocol::EventId;

use super::announcer::{Announcer, NewMessage};
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::live::signal::set_if_new;
use crate::text;

/// The end is followed while it is no further away than this, in CSS pixels.
pub(super) const AT_END: i32 = 30;
/// An older page is asked for when its place comes this near, in CSS pixels.
const LOAD_OLDER_WITHIN: i32 = 800;

/// Position of the reader towards the end of the log. A handle.
#[derive(Clone, Copy)]
pub(super) struct AutoScroll {
    room: Room,
    scroller: NodeRef<Section>,
    announcer: Announcer,
    /// True while the reader has scrolled away from the end.
    pub(super) is_away: RwSignal<bool>,
    /// Number of messages of others that came below since then.
    pub(super) below: RwSignal<usize>,
}

/// The log's end when it was last looked at.
#[derive(Clone, Copy, Default)]
struct End {
    /// The last message, sent or not.
    newest: Option<EventId>,
    /// The last message that everybody has. What is not sent stands below it, and what others say comes in between.
    sent: Option<EventId>,
    /// True when everything that was ever said in the room was shown.
    is_whole: bool,
}

impl AutoScroll {
    /// Follows the end of the log until the reactive owner is cleaned up. The messages that are already there are
    /// neither counted nor announced.
    pub(super) fn new(room: Room, scroller: NodeRef<Section>, announcer: Announcer) -> Self {
        let (is_away, below) = (RwSignal::new(false), RwSignal::new(0));
        let auto_scroll = Self { room, scroller, announcer, is_away, below };
        let mut end = End::default();
        effect(move || {
            // What comes at the end changes the last block, or comes with a new one.
            if let Some(last) = room.log.blocks.read().last() {
                last.rows.track();
            }
            end = auto_scroll.log_changed(end);
        });
        auto_scroll
    }

    /// Follows a new message of the reader; counts and announces those of others.
    fn log_changed(self, before: End) -> End {
        let mut now = End { is_whole: self.room.older.get_untracked().is_none(), ..End::default() };
        let (mut others, mut news, mut is_own) = (0, Vec::new(), false);
        let known = self.room.log.find_back(|message| {
            let is_sent = is_sent(message);
            if is_sent && before.sent == Some(message.id) {
                return Some(());
            }
            // One that becomes a sent one has been followed before.
            is_own |= now.newest.is_none() && message.own && before.newest != Some(message.id);
            now.newest = now.newest.or(Some(message.id));
            if is_sent {
                now.sent = now.sent.or(Some(message.id));
            }
            if is_sent && !message.own {
                others += 1;
                news.extend(new_message_of(message));
            }
            None
        });
        now.sent = now.sent.or(before.sent.filter(|_| known.is_some()));
        now.newest = now.newest.or(now.sent);
        // Where the last message of then is gone, this is another log; where there was none, it may be an older page.
        if known.is_some() || (before.sent.is_none() && before.is_whole) {
            if is_own {
                self.scroll_to_end();
            }
            if self.is_away.get_untracked() && others > 0 {
                self.below.set(self.below.get_untracked() + others);
            }
            news.reverse();
            self.announcer.announce(news);
        }
        now
    }

    /// Goes to the end.
    pub(super) fn scroll_to_end(self) {
        if let Some(Some(scroller)) = self.scroller.try_get_untracked() {
            scroller.set_scroll_top(0);
        }
        set_if_new(self.below, 0);
    }

    /// Notes where the reader is now, and has older messages come when they are near.
    pub(super) fn scrolled(self) {
        let Some(Some(scroller)) = self.scroller.try_get_untracked() else { return };
        // From the end, upwards it is negative.
        let top = scroller.scroll_top();
        let is_away = top < -AT_END;
        set_if_new(self.is_away, is_away);
        if !is_away {
            set_if_new(self.below, 0);
        }
        if scroller.scroll_height() - scroller.client_height() + top < LOAD_OLDER_WITHIN {
            self.room.load_older();
        }
    }
}

fn is_sent(message: &MessageRow) -> bool {
    matches!(message.state, RowState::Sent | RowState::Changing { .. })
}

fn new_message_of(message: &MessageRow) -> Option<NewMessage> {
    let by = message.name.as_ref().map_or_else(|| text::somebody().to_owned(), ToString::to_string);
    message.body.clone().map(|body| NewMessage { id: message.id, by, body })
}
