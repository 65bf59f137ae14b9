//! Decisions of the composer, without the page: what a key does, what is sent, what is said.

use protocol::{ErrorCode, EventId, body};

use super::super::context::Mode;
use crate::live::tab_storage::ComposeTarget;
use crate::text;

/// Length, in scalar values, from which on the counter is shown.
pub(super) const NEAR_LIMIT: usize = body::MAX_SCALARS - 200;

/// A key, and what is held down with it.
#[derive(Clone, Copy)]
pub(super) struct KeyPress<'a> {
    /// Its name, as `KeyboardEvent.key` has it.
    pub(super) key: &'a str,
    /// True with Shift.
    pub(super) shift: bool,
    /// True with Ctrl, Meta or Alt.
    pub(super) modified: bool,
}

/// State of the page that a key's meaning depends on.
#[derive(Clone, Copy, Default)]
pub(super) struct KeyContext {
    /// True while members are offered for a mention.
    pub(super) offers: bool,
    /// True while one of them is marked: its name was begun, or the reader has moved in the list.
    pub(super) marked: bool,
    /// True while the box is for a new message.
    pub(super) new: bool,
    /// True while the box is empty. Needed for `ArrowUp` only.
    pub(super) empty: bool,
    /// True where fingers type: Enter breaks the line there. Needed for `Enter` only.
    pub(super) touch: bool,
}

/// Meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyAction {
    /// Mark the next offered member.
    Next,
    /// Mark the offered member before.
    Previous,
    /// Close the list, and keep it closed for this mention.
    Dismiss,
    /// Close the list; the key does what it does in any text.
    Close,
    /// Write out the mention that is marked, or the first.
    Complete,
    /// Send what is in the box.
    Send,
    /// Give up an answer or a change.
    Cancel,
    /// Change the reader's last message.
    EditLast,
}

/// Decides what a key does; `None` for what any text box does with it.
pub(super) fn key_action(press: KeyPress<'_>, facts: KeyContext) -> Option<KeyAction> {
    let KeyPress { key, shift, modified } = press;
    let plain = !shift && !modified;
    Some(match key {
        "ArrowDown" if plain && facts.offers => KeyAction::Next,
        "ArrowUp" if plain && facts.offers => KeyAction::Previous,
        "Escape" if plain && facts.offers => KeyAction::Dismiss,
        "ArrowLeft" | "ArrowRight" | "Home" | "End" if plain && facts.offers => KeyAction::Close,
        "Enter" if plain && facts.marked => KeyAction::Complete,
        "Tab" if plain && facts.offers => KeyAction::Complete,
        "Enter" if !shift && (modified || !facts.touch) => KeyAction::Send,
        "Escape" if !facts.new => KeyAction::Cancel,
        "ArrowUp" if plain && facts.new && facts.empty => KeyAction::EditLast,
        _ => return None,
    })
}

/// Effect of sending what is in the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submit {
    /// A new message, which may answer another one.
    Send(Option<EventId>),
    /// Other words for this message.
    Change(EventId),
    /// No change: the message has this text already.
    Unchanged,
}

/// Decides what sending this text does.
pub(super) fn submit(mode: &Mode, typed: &str) -> Submit {
    match mode {
        Mode::New => Submit::Send(None),
        Mode::Reply(message) => Submit::Send(Some(message.id)),
        Mode::Edit(message) if typed.parse().ok() == message.body => Submit::Unchanged,
        Mode::Edit(message) => Submit::Change(message.id),
    }
}

/// Words for a text that could not be sent; `None` where there is nothing to say, because nothing was typed.
pub(super) fn problem(mode: &Mode, refused: ErrorCode) -> Option<&'static str> {
    match (refused, mode) {
        (ErrorCode::Empty, Mode::Edit(_)) => Some(text::edit_to_nothing()),
        (ErrorCode::Empty, _) => None,
        (refused, _) => Some(text::not_sent(refused)),
    }
}

/// Compose target of this mode. An edit begins with the text that was typed for it before a reload, otherwise
/// with those of its message.
pub(super) fn compose_target(mode: &Mode, resumed: Option<String>) -> Option<ComposeTarget> {
    match mode {
        Mode::New => None,
        Mode::Reply(message) => Some(ComposeTarget { edits: false, target: message.id, text: String::new() }),
        Mode::Edit(message) => {
            let says = || message.body.as_ref().map(|body| body.as_str().to_owned());
            Some(ComposeTarget { edits: true, target: message.id, text: resumed.or_else(says).unwrap_or_default() })
        }
    }
}

/// Text that comes back into the box, before what stands there. What is the same already is there once.
pub(super) fn prepend_text(back: &str, rest: &str) -> String {
    if back == rest {
        return rest.to_owned();
    }
    let between = if back.is_empty() || rest.is_empty() { "" } else { "\n" };
    format!("{back}{between}{rest}")
}

/// Number of characters that the box takes in when something is pasted. What is far above the limit can only be cut, and
/// browsers take seconds at every key to lay it out: 3 to 5 s for a megabyte.
const MAX_PASTED: usize = 4 * body::MAX_SCALARS;

/// Decides if a text is pasted into a box that holds `standing` characters beside it. Where it is not, returns its
/// length, and the length of its beginning for which a message has space.
pub(super) fn refused_paste(standing: usize, text: &str) -> Option<(usize, usize)> {
    // Cheap for most: there are never more characters than bytes.
    if standing + text.len() <= MAX_PASTED {
        return None;
    }
    let length = text.chars().count();
    (standing + length > MAX_PASTED).then(|| (length, body::MAX_SCALARS.saturating_sub(standing)))
}

/// Length of a text as the limit counts it, from [`NEAR_LIMIT`] on; 0 below, so that no key there changes it.
pub(super) fn counter_length(typed: &str) -> usize {
    let length = body::length(typed);
    if length < NEAR_LIMIT { 0 } else { length }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use client::{MessageRow, RowState};
    use protocol::MemberId;
    use uuid::Uuid;

    use super::*;

    const ID: EventId = EventId(Uuid::from_u128(1));

    fn message(body: Option<&str>) -> Box<MessageRow> {
        Box::new(MessageRow {
            id: ID,
            by: MemberId(Uuid::from_u128(2)),
            name: None,
            at: 0,
            own: true,
            body: body.map(|body| body.parse().unwrap()),
            edited: false,
            reply: None,
            reactions: Arc::default(),
            state: RowState::Sent,
            first_of_group: true,
            last_of_group: true,
        })
    }

    fn plain(key: &str) -> KeyPress<'_> {
        KeyPress { key, shift: false, modified: false }
    }

    const TYPING: KeyContext = KeyContext { offers: false, marked: false, new: true, empty: false, touch: false };

    #[test]
    fn enter_sends_and_breaks_the_line_with_shift_or_where_fingers_type() {
        let enter = plain("Enter");
        let touch = KeyContext { touch: true, ..TYPING };
        assert_eq!(key_action(enter, TYPING), Some(KeyAction::Send));
        assert_eq!(key_action(enter, touch), None);
        assert_eq!(key_action(KeyPress { modified: true, ..enter }, touch), Some(KeyAction::Send));
        assert_eq!(key_action(KeyPress { shift: true, ..enter }, TYPING), None);
        assert_eq!(key_action(KeyPress { shift: true, modified: true, ..enter }, TYPING), None);
    }

    #[test]
    fn up_edits_the_last_message_from_an_empty_box_only() {
        let empty = KeyContext { empty: true, ..TYPING };
        assert_eq!(key_action(plain("ArrowUp"), empty), Some(KeyAction::EditLast));
        assert_eq!(key_action(plain("ArrowUp"), TYPING), None);
        assert_eq!(key_action(plain("ArrowUp"), KeyContext { new: false, ..empty }), None);
        assert_eq!(key_action(KeyPress { shift: true, ..plain("ArrowUp") }, empty), None);
    }

    #[test]
    fn escape_closes_the_list_first_and_then_cancels() {
        let edits = KeyContext { new: false, ..TYPING };
        assert_eq!(key_action(plain("Escape"), KeyContext { offers: true, ..edits }), Some(KeyAction::Dismiss));
        assert_eq!(key_action(plain("Escape"), edits), Some(KeyAction::Cancel));
        assert_eq!(key_action(plain("Escape"), TYPING), None);
    }

    #[test]
    fn keys_move_in_an_open_list_without_modifiers_only() {
        let offers = KeyContext { offers: true, marked: true, ..TYPING };
        for (key, does) in [
            ("ArrowDown", KeyAction::Next),
            ("ArrowUp", KeyAction::Previous),
            ("Enter", KeyAction::Complete),
            ("Tab", KeyAction::Complete),
            ("Home", KeyAction::Close),
            ("ArrowLeft", KeyAction::Close),
        ] {
            assert_eq!(key_action(plain(key), offers), Some(does), "{key}");
            assert_eq!(key_action(KeyPress { shift: true, ..plain(key) }, offers), None, "Shift+{key}");
        }
        assert_eq!(key_action(KeyPress { modified: true, ..plain("Enter") }, offers), Some(KeyAction::Send));
        assert_eq!(key_action(plain("Tab"), TYPING), None);
        assert_eq!(key_action(plain("a"), offers), None);
    }

    #[test]
    fn enter_sends_while_no_offered_member_is_marked() {
        let offers = KeyContext { offers: true, ..TYPING };
        assert_eq!(key_action(plain("Enter"), offers), Some(KeyAction::Send));
        assert_eq!(key_action(plain("Tab"), offers), Some(KeyAction::Complete));
    }

    #[test]
    fn paste_is_refused_far_above_the_limit_only() {
        let long = |length| "ä".repeat(length);
        assert_eq!(refused_paste(0, &long(MAX_PASTED)), None);
        assert_eq!(refused_paste(6, &long(MAX_PASTED)), Some((MAX_PASTED, body::MAX_SCALARS - 6)));
        assert_eq!(refused_paste(body::MAX_SCALARS + 1, &long(MAX_PASTED)), Some((MAX_PASTED, 0)));
    }

    #[test]
    fn mode_decides_what_is_sent() {
        assert_eq!(submit(&Mode::New, "a"), Submit::Send(None));
        assert_eq!(submit(&Mode::Reply(message(Some("a"))), "a"), Submit::Send(Some(ID)));
        assert_eq!(submit(&Mode::Edit(message(Some("a"))), "b"), Submit::Change(ID));
        assert_eq!(submit(&Mode::Edit(message(Some("a"))), "a\n"), Submit::Unchanged);
        assert_eq!(submit(&Mode::Edit(message(Some("a"))), ""), Submit::Change(ID));
    }

    #[test]
    fn empty_text_is_an_error_of_an_edit_only() {
        assert_eq!(problem(&Mode::New, ErrorCode::Empty), None);
        assert_eq!(problem(&Mode::Edit(message(Some("a"))), ErrorCode::Empty), Some(text::edit_to_nothing()));
        assert_eq!(problem(&Mode::New, ErrorCode::TooLong), Some(text::not_sent(ErrorCode::TooLong)));
    }

    #[test]
    fn edit_begins_with_its_half_typed_text() {
        let edit = Mode::Edit(message(Some("said")));
        assert!(compose_target(&Mode::New, None).is_none());
        assert_eq!(compose_target(&edit, None).unwrap().text, "said");
        assert_eq!(compose_target(&edit, Some("half".to_owned())).unwrap().text, "half");
        let reply = compose_target(&Mode::Reply(message(Some("said"))), None).unwrap();
        assert!(!reply.edits && reply.text.is_empty() && reply.target == ID);
    }

    #[test]
    fn restored_text_stands_before_the_typed_one() {
        assert_eq!(prepend_text("back", "rest"), "back\nrest");
        assert_eq!(prepend_text("", "rest"), "rest");
        assert_eq!(prepend_text("back", ""), "back");
        assert_eq!(prepend_text("same", "same"), "same");
    }

    #[test]
    fn counter_counts_near_the_limit_only() {
        assert_eq!(counter_length(&"x".repeat(NEAR_LIMIT - 1)), 0);
        assert_eq!(counter_length(&"x".repeat(NEAR_LIMIT)), NEAR_LIMIT);
    }
}
