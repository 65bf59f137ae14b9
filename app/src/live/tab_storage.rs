//! State of a room's page that survives a reload, in this tab's session storage: unsent messages, the composer's text,
//! which message it answers or edits, and the scroll anchor. Beside it, the form of a page outside of a room.
//!
//! It hangs on the room's id: it survives another code of the room, and is never found in another room that gets the
//! code. All pages of a tab share it. One of them may be in the browser's page cache and wake up after others
//! have written there. So a page removes only what it has stored or taken over.

use client::{Outbox, Status};
use protocol::{EventId, RoomCode, RoomId, codec};

use super::{browser, ignored, notices};
use crate::api::EnterForm;

/// Key of the form that the document before this one showed.
const FORM_KEY: &str = "flasky.typed";

/// One room's outbox in the tab's storage, as one page uses it.
pub(super) struct TabStorage {
    key: String,
    /// The drafts that this page has stored or taken over, as they stand there.
    own: String,
}

impl TabStorage {
    /// Opens the storage of this room, before anything is taken over, and notes that the room has this code.
    pub(super) fn new(code: RoomCode, room: RoomId) -> Self {
        browser::set_session_item(&room_key(code), &room.to_string());
        Self { key: outbox_key(room), own: String::new() }
    }

    /// Takes over the unsent drafts of other pages of this tab. Drafts that this version cannot decode come as text.
    pub(super) fn take_over(&mut self) -> (Outbox, Option<String>) {
        // What cannot be read now is not gone.
        let Some(stored) = browser::session_item(&self.key) else { return Default::default() };
        let adopted = match drafts(&stored) {
            Some(found) => (without_own(found, &self.own), None),
            None => (Outbox::default(), Some(texts(&stored).join("\n"))),
        };
        self.own = stored;
        adopted
    }

    /// Stores the unsent drafts. After the stay is over they stay until the page that shows them goes away.
    pub(super) fn set_outbox(&mut self, outbox: &Outbox, status: Status) {
        if matches!(status, Status::Ended(ending) if ending.is_over()) {
            return;
        }
        let own = encoded(outbox);
        if own == self.own {
            return;
        }
        let stored = browser::session_item(&self.key).unwrap_or_default();
        if browser::set_session_item(&self.key, &merged_with_others(outbox, &stored, &self.own)) {
            self.own = own;
        }
    }
}

/// Merges the outbox with the stored drafts of other pages; `own` are this page's stored ones, which it replaces.
fn merged_with_others(outbox: &Outbox, stored: &str, own: &str) -> String {
    let mut all = outbox.clone();
    all.merge(without_own(drafts(stored).unwrap_or_default(), own));
    encoded(&all)
}

fn without_own(mut found: Outbox, own: &str) -> Outbox {
    for own in drafts(own).unwrap_or_default().drafts() {
        found.confirm(own.id);
    }
    found
}

fn drafts(stored: &str) -> Option<Outbox> {
    if stored.is_empty() { Some(Outbox::default()) } else { codec::decode(stored).ok() }
}

fn encoded(outbox: &Outbox) -> String {
    if outbox.is_empty() { String::new() } else { codec::encode(outbox) }
}

/// Texts of stored drafts, also of drafts that another version has written.
fn texts(stored: &str) -> Vec<String> {
    browser::texts_in_json(stored, "body")
}

fn room_key(code: RoomCode) -> String {
    format!("flasky.room.{code}")
}

/// The room that this tab last had under this code. For pages outside of the room, which are not told its id.
#[must_use]
pub fn get_room(code: RoomCode) -> Option<RoomId> {
    browser::session_item(&room_key(code))?.parse().ok().map(RoomId)
}

fn outbox_key(room: RoomId) -> String {
    format!("flasky.outbox.{room}")
}

fn draft_key(room: RoomId) -> String {
    format!("flasky.draft.{room}")
}

/// Prefix of a stored edit whose text differs from its message's.
const CHANGED: &str = "changed";

fn compose_target_key(room: RoomId) -> String {
    format!("flasky.aim.{room}")
}

/// Stores the composer's text.
pub(super) fn set_draft(room: RoomId, text: &str) {
    browser::set_session_item(&draft_key(room), text);
}

/// The composer's stored text; `None` when that cannot be read.
pub(super) fn get_draft(room: RoomId) -> Option<String> {
    browser::session_item(&draft_key(room))
}

/// Message that the composer answers or edits.
#[derive(Clone, PartialEq, Eq)]
pub struct ComposeTarget {
    /// True for an edit, false for an answer.
    pub edits: bool,
    /// The message.
    pub target: EventId,
    /// Text of the edit.
    pub text: String,
}

/// Stores the compose target. `is_unsent` tells that its text differs from the message's.
pub(super) fn set_compose_target(room: RoomId, target: Option<&ComposeTarget>, is_unsent: bool) {
    let kind = |edits| match (edits, is_unsent) {
        (false, _) => "reply",
        (true, false) => "edit",
        (true, true) => CHANGED,
    };
    let target = target.map(|ComposeTarget { edits, target, text }| format!("{} {target}\n{text}", kind(*edits)));
    browser::set_session_item(&compose_target_key(room), &target.unwrap_or_default());
}

/// The stored compose target.
pub(super) fn get_compose_target(room: RoomId) -> Option<ComposeTarget> {
    let kept = browser::session_item(&compose_target_key(room))?;
    let (target, text) = kept.split_once('\n')?;
    let (kind, target) = target.split_once(' ')?;
    Some(ComposeTarget { edits: kind != "reply", target: EventId(target.parse().ok()?), text: text.to_owned() })
}

fn half_typed_key(room: RoomId) -> String {
    format!("flasky.edits.{room}")
}

/// Keeps changes that were set aside half typed.
pub(super) fn set_half_typed(room: RoomId, edits: &[ComposeTarget]) {
    let edits: Vec<_> = edits.iter().map(|ComposeTarget { target, text, .. }| format!("{target}\n{text}")).collect();
    let encoded = if edits.is_empty() { String::new() } else { codec::encode(&edits) };
    browser::set_session_item(&half_typed_key(room), &encoded);
}

/// Changes that were set aside half typed.
pub(super) fn get_half_typed(room: RoomId) -> Vec<ComposeTarget> {
    let edits: Vec<String> =
        browser::session_item(&half_typed_key(room)).and_then(|kept| codec::decode(&kept).ok()).unwrap_or_default();
    let read = |kept: String| {
        let (target, text) = kept.split_once('\n')?;
        Some(ComposeTarget { edits: true, target: EventId(target.parse().ok()?), text: text.to_owned() })
    };
    edits.into_iter().filter_map(read).collect()
}

fn scroll_anchor_key(room: RoomId) -> String {
    format!("flasky.place.{room}")
}

/// Scroll position of the reader, relative to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrollAnchor {
    /// A message on the screen.
    pub message: EventId,
    /// Distance of its top below the log's top edge, in CSS pixels; negative when it begins above.
    pub offset: i32,
}

impl ScrollAnchor {
    fn encoded(self) -> String {
        format!("{} {}", self.message, self.offset)
    }

    fn read(encoded: &str) -> Option<Self> {
        let (message, offset) = encoded.split_once(' ')?;
        Some(Self { message: EventId(message.parse().ok()?), offset: offset.parse().ok()? })
    }
}

/// Stores the scroll anchor; `None` at the end.
pub fn set_scroll_anchor(room: RoomId, anchor: Option<ScrollAnchor>) {
    browser::set_session_item(&scroll_anchor_key(room), &anchor.map(ScrollAnchor::encoded).unwrap_or_default());
}

/// The stored scroll anchor.
#[must_use]
pub fn get_scroll_anchor(room: RoomId) -> Option<ScrollAnchor> {
    ScrollAnchor::read(&browser::session_item(&scroll_anchor_key(room))?)
}

/// All unsent texts that this tab stores for the room, oldest first.
#[must_use]
pub fn unsent_texts(room: RoomId) -> Vec<String> {
    let mut texts = texts(&browser::session_item(&outbox_key(room)).unwrap_or_default());
    let changed = browser::session_item(&compose_target_key(room)).filter(|kept| kept.starts_with(CHANGED));
    texts.extend(get_half_typed(room).into_iter().map(|half| half.text));
    let typed = [get_draft(room), changed.and_then(|_| get_compose_target(room)).map(|target| target.text)];
    texts.extend(typed.into_iter().flatten().filter(|text| !text.trim().is_empty()));
    texts
}

/// Removes everything this tab stores for the room with this code, the device's setting for its notices, and whom the
/// reader ignores there.
pub fn clear(code: RoomCode, room: RoomId) {
    notices::forget_setting(code);
    ignored::forget(room);
    browser::set_session_item(&room_key(code), "");
    set_draft(room, "");
    set_compose_target(room, None, false);
    set_half_typed(room, &[]);
    set_scroll_anchor(room, None);
    browser::set_session_item(&outbox_key(room), "");
}

/// Stores what is typed into a form, for the document that follows in this tab.
pub fn set_form(fields: &EnterForm) {
    browser::set_session_item(FORM_KEY, &codec::encode(fields));
}

/// Takes what the document before stored of the form on this page. Of a form on another page nothing is left then.
#[must_use]
pub fn take_form(page: &str) -> Option<EnterForm> {
    let stored = browser::session_item(FORM_KEY).and_then(|stored| codec::decode::<EnterForm>(&stored).ok());
    clear_form();
    stored.filter(|fields| fields.from == page)
}

/// Removes what is stored of a form.
pub fn clear_form() {
    browser::set_session_item(FORM_KEY, "");
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::DraftEvent;

    fn outbox(drafts: &[u64]) -> Outbox {
        let mut outbox = Outbox::default();
        for nth in drafts {
            let event = DraftEvent::Message { body: nth.to_string().parse().unwrap(), reply_to: None };
            outbox.push(0, EventId::mint(*nth, [1; 10]), event, 0);
        }
        outbox
    }

    fn stored(drafts: &[u64]) -> String {
        encoded(&outbox(drafts))
    }

    #[test]
    fn page_removes_only_its_own_drafts() {
        // A page with 1 slept; another one of its tab wrote 2 and 3; the first sends 1 and writes 4.
        assert_eq!(merged_with_others(&outbox(&[4]), &stored(&[1, 2, 3]), &stored(&[1])), stored(&[4, 2, 3]));
        assert_eq!(merged_with_others(&outbox(&[]), &stored(&[1, 2]), &stored(&[1])), stored(&[2]));
        assert_eq!(merged_with_others(&outbox(&[]), &stored(&[1]), &stored(&[1])), "");
        assert_eq!(merged_with_others(&outbox(&[1, 2]), &stored(&[2]), ""), stored(&[1, 2]));
    }

    #[test]
    fn scroll_anchor_reads_back_as_written() {
        for offset in [-1_200, 0, 48] {
            let anchor = ScrollAnchor { message: EventId::mint(1, [1; 10]), offset };
            assert_eq!(ScrollAnchor::read(&anchor.encoded()), Some(anchor));
        }
        for nonsense in ["", " ", "0192", "0192 x", "x 1"] {
            assert_eq!(ScrollAnchor::read(nonsense), None, "{nonsense}");
        }
    }
}
