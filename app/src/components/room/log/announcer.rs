//! Announcements of new messages for screen readers. The log itself is no live region: it would announce reactions,
//! edits and older pages, too.

use std::mem;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, MessageBody};

use super::row::excerpt;
use crate::live::room::Room;
use crate::{markup, text};

/// Time within which new messages are announced together.
const ANNOUNCE_DELAY: Duration = Duration::from_millis(700);
/// Maximum number of messages that are read out one by one; more are announced as a count.
const MAX_READ_OUT: usize = 3;

/// A new message.
pub(super) struct News {
    /// The message.
    pub(super) id: EventId,
    /// The name of who said it.
    pub(super) by: String,
    /// The message.
    pub(super) body: MessageBody,
}

/// Announcements of new messages. A handle.
#[derive(Clone, Copy)]
pub(super) struct Announcer {
    room: Room,
    announced: RwSignal<String>,
    pending: StoredValue<Vec<News>>,
}

impl Announcer {
    pub(super) fn new(room: Room) -> Self {
        Self { room, announced: RwSignal::default(), pending: StoredValue::default() }
    }

    /// Announces new messages, together with others that come soon.
    pub(super) fn announce(self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        let Some(mut pending) = self.pending.try_write_value() else { return };
        if pending.is_empty() {
            set_timeout(move || self.flush(), ANNOUNCE_DELAY);
        }
        pending.extend(news);
    }

    /// Announces the pending messages. Does nothing once the page is gone.
    fn flush(self) {
        let Some(pending) = self.pending.try_write_value().map(|mut pending| mem::take(&mut *pending)) else { return };
        if pending.len() > MAX_READ_OUT {
            return self.announced.set(text::new_messages(pending.len()));
        }
        spawn_local(async move {
            let mut announced = Vec::new();
            for News { id, by, body } in &pending {
                markup::wait_for_parser(body.as_str()).await;
                announced.push(format!("{by}: {}", excerpt(self.room, *id, body)));
            }
            self.announced.set(announced.join(". "));
        });
    }
}

/// The live region.
#[component]
pub(super) fn LiveRegion(announcer: Announcer) -> impl IntoView {
    view! { <p class="visually-hidden" aria-live="polite" data-testid="told">{move || announcer.announced.get()}</p> }
}
