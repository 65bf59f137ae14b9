//! The live region: its place in the page, and the wait until the tools announce there.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::announcer::{Announcer, NewMessage};
use crate::components::room::toast::NoteList;
use crate::components::room::tools::TOOLS;
use crate::live::effect::effect;

/// Time within which new messages are announced together.
const ANNOUNCE_DELAY: Duration = Duration::from_millis(700);

/// The live region.
#[component]
pub(super) fn LiveRegion(announcer: Announcer) -> impl IntoView {
    effect(move || {
        if let Some(tools) = TOOLS.get() {
            (tools.announce_changes)(announcer);
        }
    });
    view! {
        <p class="visually-hidden" aria-live="polite" data-testid="told">
            <NoteList notes=announcer.notes/>
        </p>
    }
}

impl Announcer {
    /// Announces new messages, together with others that come soon.
    pub(super) fn announce(self, news: Vec<NewMessage>) {
        if news.is_empty() {
            return;
        }
        let Some(mut pending) = self.pending.try_write_value() else { return };
        if pending.is_empty() {
            let announce_new = async move {
                match TOOLS.load().await {
                    Some(tools) => (tools.announce_new)(self),
                    None => self.count_out(),
                }
            };
            set_timeout(|| spawn_local(announce_new), ANNOUNCE_DELAY);
        }
        pending.extend(news);
    }
}
