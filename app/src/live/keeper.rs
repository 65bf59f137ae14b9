//! What a room's page keeps over a reload, in this tab: messages not sent yet, the text in the composer, which message it
//! answers or changes, and the place where the reader is.
//!
//! A tab has one such place for all its pages. One of them may be in the browser's page cache and wake up after others
//! have written there. So a page takes away only what it has put there or adopted.

use client::{Outbox, Status};
use protocol::{EventId, RoomCode, codec};
use serde_json::Value;

use super::browser;

/// One room's place in the tab's storage, as one page uses it.
pub(super) struct Keeper {
    key: String,
    /// The drafts this page has put there or adopted, as they stand there.
    ours: String,
}

impl Keeper {
    /// For this room. Nothing is adopted yet.
    pub(super) fn new(code: RoomCode) -> Self {
        Self { key: outbox_key(code), ours: String::new() }
    }

    /// Takes over what other pages of this tab could not send. What this version does not know as drafts comes as text.
    pub(super) fn adopt(&mut self) -> (Outbox, Option<String>) {
        // What cannot be read now is not gone.
        let Some(stored) = browser::kept(&self.key) else { return Default::default() };
        let adopted = match drafts(&stored) {
            Some(found) => (without(found, &self.ours), None),
            None => (Outbox::default(), Some(words(&stored).join("\n"))),
        };
        self.ours = stored;
        adopted
    }

    /// Keeps what is not sent. After the stay is over it stays until the page that shows it goes away.
    pub(super) fn keep(&mut self, outbox: &Outbox, status: Status) {
        if matches!(status, Status::Ended(ending) if ending.is_over()) {
            return;
        }
        let ours = written(outbox);
        if ours == self.ours {
            return;
        }
        let stored = browser::kept(&self.key).unwrap_or_default();
        if browser::keep(&self.key, &beside(outbox, &stored, &self.ours)) {
            self.ours = ours;
        }
    }
}

/// What to write where `stored` stands, `ours` of it this page's own: the outbox, and behind it what is not its own.
fn beside(outbox: &Outbox, stored: &str, ours: &str) -> String {
    let mut all = outbox.clone();
    all.merge(without(drafts(stored).unwrap_or_default(), ours));
    written(&all)
}

fn without(mut found: Outbox, ours: &str) -> Outbox {
    for own in drafts(ours).unwrap_or_default().drafts() {
        found.settle(own.id);
    }
    found
}

fn drafts(stored: &str) -> Option<Outbox> {
    if stored.is_empty() { Some(Outbox::default()) } else { codec::decode(stored).ok() }
}

fn written(outbox: &Outbox) -> String {
    if outbox.is_empty() { String::new() } else { codec::encode(outbox) }
}

/// The words of stored drafts, also of drafts that another version has written.
fn words(stored: &str) -> Vec<String> {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
                Value::String(text) if name == "body" => words.push(text.clone()),
                _ => collect(value, words),
            }),
            _ => {}
        }
    }
    let mut words = Vec::new();
    collect(&codec::decode(stored).unwrap_or_default(), &mut words);
    words
}

fn outbox_key(code: RoomCode) -> String {
    format!("flasky.outbox.{code}")
}

fn draft_key(code: RoomCode) -> String {
    format!("flasky.draft.{code}")
}

/// Begins what is kept of a change with other words than its message has.
const CHANGED: &str = "changed";

fn aim_key(code: RoomCode) -> String {
    format!("flasky.aim.{code}")
}

/// Keeps the text in the composer.
pub(super) fn keep_draft(code: RoomCode, text: &str) {
    browser::keep(&draft_key(code), text);
}

/// The text that was in the composer; `None` when that cannot be read.
pub(super) fn kept_draft(code: RoomCode) -> Option<String> {
    browser::kept(&draft_key(code))
}

/// What the composer is for, where it is no new message.
#[derive(Clone, PartialEq, Eq)]
pub struct Aim {
    /// Whether it changes the message; otherwise it answers it.
    pub edits: bool,
    /// Which message.
    pub target: EventId,
    /// What stands in the box for the change.
    pub text: String,
}

/// Keeps what the composer is for, and whether something was typed for it that nobody has.
pub(super) fn keep_aim(code: RoomCode, aim: Option<&Aim>, is_unsent: bool) {
    let verb = |edits| match (edits, is_unsent) {
        (false, _) => "reply",
        (true, false) => "edit",
        (true, true) => CHANGED,
    };
    let aim = aim.map(|Aim { edits, target, text }| format!("{} {target}\n{text}", verb(*edits)));
    browser::keep(&aim_key(code), &aim.unwrap_or_default());
}

/// What the composer was for.
pub(super) fn kept_aim(code: RoomCode) -> Option<Aim> {
    let kept = browser::kept(&aim_key(code))?;
    let (aim, text) = kept.split_once('\n')?;
    let (verb, target) = aim.split_once(' ')?;
    Some(Aim { edits: verb != "reply", target: EventId(target.parse().ok()?), text: text.to_owned() })
}

fn place_key(code: RoomCode) -> String {
    format!("flasky.place.{code}")
}

/// The place where somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The message at the log's top edge.
    pub message: EventId,
    /// How far below that edge it begins, in CSS pixels; negative when it begins above.
    pub offset: i32,
}

impl Place {
    fn written(self) -> String {
        format!("{} {}", self.message, self.offset)
    }

    fn read(written: &str) -> Option<Self> {
        let (message, offset) = written.split_once(' ')?;
        Some(Self { message: EventId(message.parse().ok()?), offset: offset.parse().ok()? })
    }
}

/// Keeps where the reader is; `None` at the end.
pub fn keep_place(code: RoomCode, place: Option<Place>) {
    browser::keep(&place_key(code), &place.map(Place::written).unwrap_or_default());
}

/// Where the reader was.
#[must_use]
pub fn kept_place(code: RoomCode) -> Option<Place> {
    Place::read(&browser::kept(&place_key(code))?)
}

/// Everything this tab wrote for the room and could not send, oldest first.
#[must_use]
pub fn unsent(code: RoomCode) -> Vec<String> {
    let mut words = words(&browser::kept(&outbox_key(code)).unwrap_or_default());
    let changed = browser::kept(&aim_key(code)).filter(|kept| kept.starts_with(CHANGED));
    let typed = [kept_draft(code), changed.and_then(|_| kept_aim(code)).map(|aim| aim.text)];
    words.extend(typed.into_iter().flatten().filter(|text| !text.trim().is_empty()));
    words
}

/// Forgets everything this tab keeps of the room.
pub fn forget(code: RoomCode) {
    keep_draft(code, "");
    keep_aim(code, None, false);
    keep_place(code, None);
    browser::keep(&outbox_key(code), "");
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
        written(&outbox(drafts))
    }

    #[test]
    fn a_page_takes_away_only_its_own() {
        // A page with 1 slept; another one of its tab wrote 2 and 3; the first sends 1 and writes 4.
        assert_eq!(beside(&outbox(&[4]), &stored(&[1, 2, 3]), &stored(&[1])), stored(&[4, 2, 3]));
        assert_eq!(beside(&outbox(&[]), &stored(&[1, 2]), &stored(&[1])), stored(&[2]));
        assert_eq!(beside(&outbox(&[]), &stored(&[1]), &stored(&[1])), "");
        assert_eq!(beside(&outbox(&[1, 2]), &stored(&[2]), ""), stored(&[1, 2]));
    }

    #[test]
    fn words_of_another_version_are_read() {
        assert_eq!(words(&stored(&[1, 2])), ["1", "2"]);
        let later = r#"{"drafts":[{"what":"later","body":"one"},{"is":{"a":[{"body":"two"}]}},{"body":1}],"v":9}"#;
        assert!(drafts(later).is_none());
        assert_eq!(words(later), ["one", "two"]);
        for nonsense in ["", "{", "[]", "null"] {
            assert_eq!(words(nonsense), Vec::<String>::new(), "{nonsense}");
        }
    }

    #[test]
    fn places_are_read_as_they_were_written() {
        for offset in [-1_200, 0, 48] {
            let place = Place { message: EventId::mint(1, [1; 10]), offset };
            assert_eq!(Place::read(&place.written()), Some(place));
        }
        for nonsense in ["", " ", "0192", "0192 x", "x 1"] {
            assert_eq!(Place::read(nonsense), None, "{nonsense}");
        }
    }
}
