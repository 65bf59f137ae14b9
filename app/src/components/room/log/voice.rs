//! New messages, told to whoever cannot see them. The log itself is no live region: it would tell reactions, changes and
//! older pages, too.

use std::mem;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::{EventId, MessageBody};

use super::row::excerpt;
use crate::live::room::Room;
use crate::{markup, text};

/// Messages that come within this time are told together.
const TELL_AFTER: Duration = Duration::from_millis(700);
/// More than this many are told as a number.
const TELL_EACH: usize = 3;

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
    told: RwSignal<String>,
    untold: StoredValue<Vec<News>>,
}

impl Announcer {
    pub(super) fn new(room: Room) -> Self {
        Self { room, told: RwSignal::default(), untold: StoredValue::default() }
    }

    /// Tells new messages, together with others that come soon.
    pub(super) fn announce(self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        let Some(mut untold) = self.untold.try_write_value() else { return };
        if untold.is_empty() {
            set_timeout(move || self.tell(), TELL_AFTER);
        }
        untold.extend(news);
    }

    /// Tells what is not told yet. Does nothing once the page is gone.
    fn tell(self) {
        let Some(untold) = self.untold.try_write_value().map(|mut untold| mem::take(&mut *untold)) else { return };
        if untold.len() > TELL_EACH {
            return self.told.set(text::new_messages(untold.len()));
        }
        spawn_local(async move {
            let mut told = Vec::new();
            for News { id, by, body } in &untold {
                markup::until_read(body.as_str()).await;
                told.push(format!("{by}: {}", excerpt(self.room, *id, body)));
            }
            self.told.set(told.join(". "));
        });
    }
}

/// The live region.
#[component]
pub(super) fn Voice(announcer: Announcer) -> impl IntoView {
    view! { <p class="visually-hidden" aria-live="polite" data-testid="told">{move || announcer.told.get()}</p> }
}
