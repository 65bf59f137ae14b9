//! Every word people read, in one place.

use client::{Ending, RosterRow, SeatChangeKind};
use protocol::room_code::RoomCodeError;
use protocol::{ErrorCode, RoomCode, ShownName, name, room_name};

use crate::api::{Cause, EnterForm, Field, Refusal};
use crate::live::question::{LogSize, Question};

pub(crate) const PRODUCT: &str = "Flasky Chat";
#[cfg(feature = "ssr")]
pub(crate) const DESCRIPTION: &str = "Private chat rooms without accounts: open one, share its link, and talk. When everybody has left, every word is deleted.";
#[cfg(feature = "ssr")]
pub(crate) const CARD_TITLE: &str = "Flasky Chat: talk now, gone when you go";
pub(crate) const THEME_AUTO: &str = "Theme: automatic";
pub(crate) const THEME_LIGHT: &str = "Theme: light";
pub(crate) const THEME_DARK: &str = "Theme: dark";
pub(crate) const MORE: &str = "More";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const LOCKED: &str = "Locked: nobody else can join";
pub(crate) const INVITE: &str = "Invite";
pub(crate) const INVITE_HEADING: &str = "Invite to this room";
pub(crate) const INVITE_MORE: &str = "Anyone with this link can join and read what was said before.";
pub(crate) const ROOM_LINK: &str = "Link to this room";
pub(crate) const QR: &str = "QR code of the link to this room";
pub(crate) const COPY_SHORT: &str = "Copy link";
pub(crate) const SHOW_QR: &str = "Show QR";
pub(crate) const FULL_SCREEN: &str = "Full screen";
pub(crate) const SCAN: &str = "Scan to join";
pub(crate) const SHARE: &str = "Share";
pub(crate) const NOTICES_OFF: &str = "Notifications: off";
pub(crate) const NOTICES_ON: &str = "Notifications: on";
pub(crate) const NOTICES_SOUND: &str = "Notifications: sound only";
pub(crate) const NOTICES_DENIED: &str =
    "Notifications: sound only, because this browser does not let the page show any";
pub(crate) const TYPING: &str = "typing…";
pub(crate) const AWAY: &str = "away";
pub(crate) const SKIP: &str = "Skip to writing";
pub(crate) const HELP_HEADING: &str = "Keys";
/// Keyboard shortcuts: keys pressed together, and their effect.
pub(crate) const HELP_KEYS: [(&[&str], &str); 10] = [
    (&["Enter"], "Send, or save a change"),
    (&["Shift", "Enter"], "New line"),
    (&["@"], "Mention somebody"),
    (&["↑"], "In an empty message box: change your last message"),
    (&["Esc"], "Cancel a reply or a change; from the messages back to the message box"),
    (&["↑", "↓"], "Among the messages: one up, one down"),
    (&["Home", "End"], "Among the messages: first and last"),
    (&["Enter"], "On a message: its actions"),
    (&["A", "…", "Z"], "Anywhere: start to write"),
    (&["Shift", "Enter"], "On an emoji: insert it, and keep the picker open"),
];
pub(crate) const PITCH: [&str; 2] = ["Talk now.", "Gone when you go."];
pub(crate) const PITCH_MORE: &str =
    "Open a room, share its code, and talk. When everybody has left, the room and every word in it evaporate.";
pub(crate) const PROMISE: &str = "No account. No tracking. Nothing kept.";
pub(crate) const YOUR_NAME: &str = "Your name";
pub(crate) const CREATE: &str = "Create a room";
pub(crate) const OPTIONS: &str = "Options";
pub(crate) const HOW_MANY: &str = "Maximum number of people";
pub(crate) const OR_JOIN: &str = "or join one";
pub(crate) const ROOM_CODE: &str = "Room code";
pub(crate) const JOIN: &str = "Join";
pub(crate) const JOIN_ROOM: &str = "Join the room";
pub(crate) const JOIN_AGAIN: &str = "Join again";
pub(crate) const OTHER_NAME: &str = "Use another name";
pub(crate) const LEAVE: &str = "Let's leave!";
pub(crate) const STAY: &str = "Stay";
pub(crate) const EVERYBODY_LEFT: &str = "Everybody has left, and what was said is deleted from this server.";
pub(crate) const MESSAGES: &str = "Messages";
pub(crate) const MESSAGE: &str = "Message";
pub(crate) const WHATS_NEW: &str = "What's new?";
pub(crate) const SEND: &str = "Send";
pub(crate) const PEOPLE: &str = "People";
pub(crate) const COPY_LINK: &str = "Copy invite link";
pub(crate) const COPIED: &str = "Link copied";
pub(crate) const REFRESH: &str = "Refresh";
pub(crate) const NO_ROOM: &str = "There is no room with this code";
pub(crate) const NO_PAGE: &str = "There is nothing at this address";
pub(crate) const MAY_HAVE_ENDED: &str = "It may have ended: a room goes when the last person has left.";
pub(crate) const START_NEW: &str = "Start a new room";
pub(crate) const FULL: &str = "This room is full";
pub(crate) const FULL_MORE: &str = "Every seat is taken. When somebody leaves, you can join.";
pub(crate) const FULL_AGAIN: &str = "This page keeps checking.";
pub(crate) const TRY_AGAIN: &str = "Try again";
pub(crate) const UNAVAILABLE: &str = "The server cannot do this right now";
pub(crate) const UNAVAILABLE_MORE: &str = "Nothing is lost. Please try again in a moment.";
#[cfg(feature = "ssr")]
pub(crate) const BOOT_FAILED: &str =
    "This page could not start completely. It works all the same: in a room, refresh to see what others say.";
pub(crate) const COMPOSE_TARGET_LOST: &str =
    "What this answered or changed is not on this page. It would be sent as a new message.";
pub(crate) const ACTIONS: &str = "Message actions";
pub(crate) const REACT: &str = "React";
pub(crate) const REACT_WITH: &str = "React with";
pub(crate) const REPLY: &str = "Reply";
pub(crate) const COPY: &str = "Copy";
pub(crate) const CODE_COPIED: &str = "Copied";
pub(crate) const DELETE_SURE: &str = "Delete?";
pub(crate) const COPY_TEXT: &str = "Copy text";
pub(crate) const COPIED_TEXT: &str = "Copied";
pub(crate) const NOT_COPIED: &str =
    "Not copied: the browser does not allow it. Select the words and copy them by hand.";
pub(crate) const GONE_MESSAGE: &str = "a message that is gone";
pub(crate) const LOOKING: &str = "Looking for the message…";
pub(crate) const NOT_FOUND: &str = "That message is gone, or too far back to be shown here.";
pub(crate) const MORE_ACTIONS: &str = "More actions";
pub(crate) const WHO_REACTED: &str = "Who reacted";
pub(crate) const DELETED: &str = "Message deleted";
pub(crate) const EDITED: &str = "edited";
pub(crate) const EARLIER_MESSAGE: &str = "an earlier message";
pub(crate) const NOTHING_SAID: &str = "Nobody has said anything yet.";
pub(crate) const EMPTY_ROOM: &str = "Nobody has said anything yet. Share the link, and talk.";
pub(crate) const YOU: &str = "you";
pub(crate) const SOMEBODY: &str = "Somebody";
pub(crate) const SENDING: &str = "Sending…";
/// State of a message that follows a refused one.
pub(crate) const HELD: &str = "Waits for the message above";
pub(crate) const NOT_SENT: &str = "Not sent";
pub(crate) const RETRY: &str = "Retry";
pub(crate) const EDIT: &str = "Edit";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const LEAVING: &str = "You leave as soon as there is a connection. What was not sent is given up.";
pub(crate) const TRY_NOW: &str = "Try now";
pub(crate) const GONE: &str = "Gone when you all go";

// Names of people and rooms.
pub(crate) const RENAME: &str = "Change your name";
pub(crate) const NAME_ROOM: &str = "Name this room";
pub(crate) const ROOM_NAME: &str = "Room name, seen only by those inside";
pub(crate) const HOST: &str = "host";
pub(crate) const NAMED_LATER: &str = "The name changes as soon as there is a connection.";

/// Message for a refused form.
pub(crate) fn refusal(refused: Refusal, typed: &EnterForm) -> String {
    match (refused.field, refused.error) {
        (_, ErrorCode::NameMissing) => "Type a name, so the others know who you are.".into(),
        (_, ErrorCode::NameBad) => name_problem(&typed.name, name::MAX_GRAPHEMES),
        (_, ErrorCode::RoomNameBad) => name_problem(&typed.room_name, room_name::MAX_GRAPHEMES),
        (_, ErrorCode::CodeMissing) => "Type the code of the room you want to join.".into(),
        (Field::Code, ErrorCode::CodeBad) => code_problem(&typed.code),
        (_, ErrorCode::CapacityBad) => "A room holds 2 to 1000 people.".into(),
        (_, ErrorCode::CodeUnknown) => "There is no room with this code. It may have ended.".into(),
        (_, ErrorCode::Full) => "This room is full.".into(),
        (_, ErrorCode::Locked) => "This room is locked. Somebody inside has to unlock it before you can join.".into(),
        (_, ErrorCode::Removed) => "You were removed from this room. You can start a new one.".into(),
        (Field::Body, error) | (_, error @ (ErrorCode::NoSeat | ErrorCode::Cookie | ErrorCode::Origin)) => {
            refused_message(error).into()
        }
        (Field::Code, ErrorCode::Rate) => "That was a lot at once. Wait a second and try again.".into(),
        (Field::Name | Field::Code | Field::Capacity | Field::RoomName, _) => {
            "The server cannot be reached right now. Please try again.".into()
        }
    }
}

/// Reason why the form of a message was refused.
pub(crate) fn refused_message(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::NoSeat => "You are not in this room any more. Join it again to talk.",
        ErrorCode::Cookie => {
            "This site needs a cookie to know you again. Allow cookies for it in your browser, then try again."
        }
        ErrorCode::Origin => {
            "This page's address is not the one that this server was set up for. Whoever runs it: PUBLIC_URL must be \
             this address, and the proxy must pass Host on."
        }
        error => not_sent(error),
    }
}

fn name_problem(typed: &str, most: usize) -> String {
    match name::bidi_control_at(typed) {
        Some(place) => {
            format!("Character {place} of that name is invisible and turns the writing around. Please take it out.")
        }
        None => format!("That name is too long. At most {most} characters fit."),
    }
}

/// Reason why a message was not sent.
pub(crate) fn not_sent(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::Empty => "There is nothing to send yet.",
        ErrorCode::TooLong => "This message is too long. At most 4,000 characters fit.",
        ErrorCode::BadText => "This cannot be sent: it holds half a character, or is no emoji where one belongs.",
        ErrorCode::Rate => "That was a lot at once. Wait a second and send it again.",
        ErrorCode::TooOld => "This may have been sent already. If you do not see it, send it again.",
        ErrorCode::NoTarget => "The message that this changes is gone. Edit sends it as a new one.",
        _ => "The server cannot take this right now. Please try again.",
    }
}

/// Reason why a message is still being sent.
pub(crate) fn sent_later(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::Storage => "The server cannot store messages right now. Trying again.",
        _ => SENDING,
    }
}

fn code_problem(typed: &str) -> String {
    let problem = match typed.parse::<RoomCode>() {
        Err(RoomCodeError::Length(7)) => "One is missing.".into(),
        Err(RoomCodeError::Length(length @ 0..7)) => format!("{} are missing.", 8 - length),
        Err(RoomCodeError::Length(9)) => "There is one too many.".into(),
        Err(RoomCodeError::Length(_)) => "There are too many.".into(),
        Err(RoomCodeError::Character(c)) if !c.is_control() => format!("\u{201c}{c}\u{201d} is never one of them."),
        _ => String::new(),
    };
    format!("A code has eight characters, like KXQ4-7M2P. {problem}")
}

/// Number of members inside, for who follows a link; not their names, because a code can be guessed.
pub(crate) fn join_page(inside: u32) -> String {
    let inside = match inside {
        0 => "Nobody is inside yet.".to_owned(),
        1 => "1 person is inside.".to_owned(),
        _ => format!("{inside} people are talking."),
    };
    format!("{inside} No account. Deleted from this server when the last person leaves.")
}

/// The rooms of this browser, on its home page.
pub(crate) const MY_ROOMS: &str = "Your rooms";

/// Number of members inside one of the reader's rooms.
pub(crate) fn inside(inside: u32) -> String {
    format!("{inside} inside")
}

/// Number of messages that the reader has not seen, as far as they were counted.
pub(crate) fn unread(unread: u32, more: bool) -> String {
    if more { format!("{unread}+ new") } else { format!("{unread} new") }
}

/// The heading for who has left the room of this code.
pub(crate) fn left(code: &str) -> String {
    format!("You left {code}")
}

/// Number of members inside, for who has left.
pub(crate) fn still_inside(inside: u32) -> String {
    match inside {
        0 => "Nobody is inside.".into(),
        1 => "1 person is still inside.".into(),
        _ => format!("{inside} people are still inside."),
    }
}

/// Words on the button that joins a room under a known name.
pub(crate) fn join_as(name: String) -> Vec<Piece> {
    vec![Piece::Words("Join as ".to_owned()), Piece::Name(name)]
}

/// The roster's heading.
pub(crate) fn here_now(count: usize, capacity: u32) -> String {
    format!("Here now, {count} of {capacity}")
}

/// The room's name, for its heading.
pub(crate) fn room(code: RoomCode) -> String {
    format!("Room {code}")
}

/// The window's title for a page of this name.
pub(crate) fn page_title(page: &str) -> String {
    if page.is_empty() { PRODUCT.to_owned() } else { format!("{page}, {PRODUCT}") }
}

/// The room's name in the window's title, with the messages that came while nobody looked.
pub(crate) fn title(room: &str, unseen: usize) -> String {
    match unseen {
        0 => room.to_owned(),
        _ => format!("({unseen}) {room}"),
    }
}

/// Text of a desktop notification: the author, and the first words.
pub(crate) fn notice(name: &str, words: &str) -> String {
    format!("{name}: {words}")
}

/// A piece of a line: a name, which keeps its own writing direction, or words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Name of a member.
    Name(String),
    /// Other words.
    Words(String),
}

/// Maximum number of names in one line; further members are only counted.
const NAMED: usize = 5;

/// Changes of the room: "Bo and Chidi joined. Ana is now called Anna".
pub(crate) fn roster_row(row: &RosterRow) -> Vec<Piece> {
    let mut sentences: Vec<(Vec<Piece>, Vec<Piece>)> = Vec::new();
    for change in row.changes.iter() {
        let words = |words: &str| vec![Piece::Words(words.to_owned())];
        let (is, has) = if change.own { ("are", "have") } else { ("is", "has") };
        let what = match &change.kind {
            SeatChangeKind::Joined => words("joined"),
            SeatChangeKind::Left(_) => words("left"),
            SeatChangeKind::Renamed { name, .. } => {
                vec![Piece::Words(format!("{is} now called ")), Piece::Name(name.to_string())]
            }
            SeatChangeKind::Host => words(&format!("{is} now the host")),
            SeatChangeKind::RoomName(name) if name.is_empty() => words(&format!("{has} removed the room's name")),
            SeatChangeKind::RoomName(name) => {
                vec![Piece::Words(format!("{has} named the room ")), Piece::Name(name.to_string())]
            }
        };
        let who = match (&change.name, &change.kind) {
            _ if change.own => Piece::Words("You".to_owned()),
            (_, SeatChangeKind::Renamed { was, .. }) => Piece::Name(was.to_string()),
            (Some(name), _) => Piece::Name(name.to_string()),
            (None, _) => Piece::Words(SOMEBODY.to_owned()),
        };
        match sentences.last_mut() {
            Some((names, same)) if *same == what => names.push(who),
            _ => sentences.push((vec![who], what)),
        }
    }
    let mut pieces = Vec::new();
    for (i, (mut names, what)) in sentences.into_iter().enumerate() {
        if i > 0 {
            pieces.push(Piece::Words(". ".to_owned()));
        }
        if names.len() > NAMED {
            let others = names.split_off(NAMED - 1).len();
            names.push(Piece::Words(format!("{others} others")));
        }
        let count = names.len();
        for (i, name) in names.into_iter().enumerate() {
            if i > 0 {
                pieces.push(Piece::Words(if i + 1 == count { " and " } else { ", " }.to_owned()));
            }
            pieces.push(name);
        }
        pieces.push(Piece::Words(" ".to_owned()));
        pieces.extend(what);
    }
    pieces
}

/// Words of a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct QuestionWords {
    /// Heading.
    pub(crate) heading: &'static str,
    /// Loss that a yes causes.
    pub(crate) more: String,
    /// The button that says yes.
    pub(crate) yes: &'static str,
}

/// Question before something is given up.
pub(crate) fn question(question: &Question) -> QuestionWords {
    match *question {
        Question::Leave { unsent, ends: Some(log) } => {
            let more = [deleted(log), not_sent_yet(unsent)].join(" ").trim_end().to_owned();
            QuestionWords { heading: "You are the last one", more, yes: "Delete and leave" }
        }
        Question::Leave { unsent, ends: None } | Question::Go { unsent, .. } => {
            QuestionWords { heading: "Leave without sending?", more: not_sent_yet(unsent), yes: "Leave" }
        }
    }
}

fn deleted(log: LogSize) -> String {
    match log {
        LogSize { messages: messages @ 2.., has_older: true } => {
            format!("More than {messages} messages will be deleted.")
        }
        LogSize { has_older: true, .. } => "Everything that was said will be deleted.".into(),
        LogSize { messages: 0, .. } => "The room will be deleted, and its link will lead nowhere.".into(),
        LogSize { messages: 1, .. } => "1 message will be deleted.".into(),
        LogSize { messages, .. } => format!("{messages} messages will be deleted."),
    }
}

fn not_sent_yet(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "What you wrote is not sent yet.".into(),
        _ => format!("{count} messages are not sent yet."),
    }
}

/// Announcement while there is no connection.
pub(crate) fn disconnected(offline: bool) -> &'static str {
    if offline {
        "You are offline. What you write is kept and sent when you are back."
    } else {
        "Connection lost. Trying again."
    }
}

/// The same for the eye while it counts down.
pub(crate) fn trying_again_in(seconds: u64) -> String {
    format!("Connection lost. Trying again in {seconds} s.")
}

/// Explanation of an ending: heading, more, the next step, and its address.
pub(crate) fn ending(ending: Ending) -> (&'static str, &'static str, &'static str, &'static str) {
    const STAY: &str = "";
    match ending {
        Ending::RoomEnded => ("This room has ended", "Everybody left, and what was said is gone.", START_NEW, "/"),
        Ending::NoSuchRoom => (NO_ROOM, MAY_HAVE_ENDED, START_NEW, "/"),
        Ending::NoSeat => ("You were away too long", "Your place was freed. You can join again.", "Join again", STAY),
        Ending::Removed => (
            "You were removed from this room",
            "The host removed you. You can start a room of your own.",
            START_NEW,
            "/",
        ),
        Ending::Version => ("There is a new version", "Reload the page to go on.", "Reload", STAY),
        Ending::TooManyTabs => {
            ("This room is open in too many tabs", "Close one of them and try again.", TRY_AGAIN, STAY)
        }
        Ending::Protocol => ("Something went wrong", "Reload the page to go on.", "Reload", STAY),
        Ending::Left => (
            "You left this room",
            "Here, or in another tab. While somebody is inside, its link lets you in again.",
            START_NEW,
            "/",
        ),
    }
}

/// Why a room cannot be had now: heading, more, the next step.
pub(crate) fn unavailable(cause: Cause) -> (&'static str, &'static str, &'static str) {
    match cause {
        Cause::Server => (UNAVAILABLE, UNAVAILABLE_MORE, TRY_AGAIN),
        Cause::Network => (
            "The server cannot be reached",
            "Check your network. Nothing is lost: this page goes on by itself.",
            TRY_AGAIN,
        ),
        Cause::Release => ("There is a new version", "Reload the page to go on.", "Reload"),
    }
}

/// Number of new messages.
pub(crate) fn new_messages(count: usize) -> String {
    match count {
        1 => "1 new message".into(),
        _ => format!("{count} new messages"),
    }
}

/// Notice that the connection is back after a loss.
pub(crate) fn reconnected(missed: usize) -> String {
    match missed {
        0 => "You are back. Nothing was said while you were away.".into(),
        1 => "You are back. 1 message arrived while you were away.".into(),
        _ => format!("You are back. {missed} messages arrived while you were away."),
    }
}

/// The way back to the end.
pub(crate) fn jump(below: usize) -> String {
    match below {
        0 => "Jump to latest".into(),
        _ => format!("{}, jump to latest", new_messages(below)),
    }
}

/// Some names, and how many more there are.
pub(crate) fn and_more(names: String, more: usize) -> String {
    match more {
        0 => names,
        _ => format!("{names} and {more} more"),
    }
}

/// A day as people call it.
pub(crate) fn day(day: i64, today: i64, date: String) -> String {
    match today - day {
        0 => "Today".into(),
        1 => "Yesterday".into(),
        _ => date,
    }
}

/// A day, counted from 1970-01-01, as machines read it (RFC 3339).
pub(crate) fn iso_day(day: i64) -> String {
    let moment = iso(day.unsigned_abs() * 86_400_000);
    moment[..10].to_owned()
}

/// A clock time in UTC: what the server can say without knowing where the reader is.
pub(crate) fn utc_time(unix_ms: u64) -> String {
    let minutes = unix_ms / 60_000;
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

/// A moment as machines read it (RFC 3339). Days are counted as in Howard Hinnant's "chrono-compatible low-level date
/// algorithms", `civil_from_days`.
pub(crate) fn iso(unix_ms: u64) -> String {
    let days = unix_ms / 86_400_000 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) =
        (era * 400 + year_of_era + u64::from(month >= 10), if month < 10 { month + 3 } else { month - 9 });
    let seconds = unix_ms / 1_000 % 86_400;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Keys worth knowing, and what they do.
pub(crate) const KEYS: [(&str, &str); 2] = [("Enter", " sends, "), ("Shift+Enter", " breaks the line. ")];
pub(crate) const ALL_KEYS: &str = "All keys";
pub(crate) const EMOJI: &str = "Emoji";
pub(crate) const SEARCH_EMOJI: &str = "Search emoji";
pub(crate) const RECENT: &str = "Recent";
pub(crate) const FOUND: &str = "Found";
pub(crate) const STILL_LOADING: &str = "Still loading…";
pub(crate) const NO_EMOJI: &str = "No emoji has this name.";
pub(crate) const CONNECTING: &str = "Connecting…";
pub(crate) const NEW_VERSION: &str =
    "There is a new version of this page. What you are writing is kept when you reload.";
pub(crate) const RELOAD: &str = "Reload";
pub(crate) const LOG_KEYS: &str = "Among the messages, / goes to the message box, and ? shows this list";
pub(crate) const NO_FILES: &str = "Pictures and files cannot be sent here. Text can.";
pub(crate) const TEXT_ONLY: &str = "Only the text is taken: pictures and files cannot be sent here.";
pub(crate) const SAVE: &str = "Save";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const REPLYING: &str = "Reply to";
pub(crate) const EDITING: &str = "Editing";
pub(crate) const EDIT_TO_NOTHING: &str = "A message cannot become empty. To take it back, delete it.";

/// Why a text was not pasted.
pub(crate) fn paste_refused(length: usize, most: usize) -> String {
    format!("That text has {length} characters, and a message can have {most}. It was not pasted.")
}

/// The way to paste the beginning of such a text.
pub(crate) fn paste_beginning(count: usize) -> String {
    format!("Paste the first {count}")
}

/// Space that is left in the box, or the length above the limit.
pub(crate) fn space_left(most: usize, length: usize) -> String {
    match most.checked_sub(length) {
        Some(left) => format!("{left} left"),
        None => format!("{} too many", length - most),
    }
}

/// Members who are typing: "Ana and Bo are typing…". Empty when nobody is.
pub(crate) fn typing(names: &[&ShownName]) -> Vec<Piece> {
    let name = |name: &ShownName| Piece::Name(name.to_string());
    let words = |words: &str| Piece::Words(words.to_owned());
    match names {
        [] => Vec::new(),
        [one] => vec![name(one), words(" is typing…")],
        [one, other] => vec![name(one), words(" and "), name(other), words(" are typing…")],
        _ => vec![words("Several people are typing…")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> ShownName {
        name.parse::<protocol::DisplayName>().unwrap().into()
    }

    #[test]
    fn roster_row_names_everyone_once() {
        use client::SeatChange;
        use protocol::{EventId, LeaveReason, MemberId};
        let change = |name: &str, own, kind| SeatChange {
            member: MemberId(uuid::Uuid::nil()),
            name: Some(shown(name)),
            own,
            kind,
        };
        let joined = |name| change(name, false, SeatChangeKind::Joined);
        let left = change("Ana", false, SeatChangeKind::Left(LeaveReason::Choice));
        let say = |changes: Vec<SeatChange>| {
            let row = RosterRow { id: EventId(uuid::Uuid::nil()), at: 0, changes: changes.into() };
            roster_row(&row)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Name(text) | Piece::Words(text) => text,
                })
                .collect::<String>()
        };
        assert_eq!(say(vec![change("Ana", true, SeatChangeKind::Joined)]), "You joined");
        assert_eq!(say(vec![joined("Bo"), joined("Chidi"), joined("Di"), left]), "Bo, Chidi and Di joined. Ana left");
        let renamed = || SeatChangeKind::Renamed { was: shown("Ana"), name: shown("Anna") };
        let named = |name: &str| SeatChangeKind::RoomName(name.parse().unwrap());
        assert_eq!(say(vec![change("Di", false, renamed()), joined("Bo")]), "Ana is now called Anna. Bo joined");
        assert_eq!(say(vec![change("Ana", true, renamed())]), "You are now called Anna");
        assert_eq!(say(vec![change("Ana", true, SeatChangeKind::Host)]), "You are now the host");
        assert_eq!(say(vec![change("Bo", false, named("Book club"))]), "Bo has named the room Book club");
        assert_eq!(say(vec![change("Bo", false, named(""))]), "Bo has removed the room's name");
    }

    #[test]
    fn lost_session_and_wrong_origin_say_what_to_do() {
        for (error, why, step) in [
            (ErrorCode::Cookie, "This site needs a cookie to know you again.", "then try again"),
            (
                ErrorCode::Origin,
                "This page's address is not the one that this server was set up for.",
                "PUBLIC_URL must be",
            ),
        ] {
            for field in [Field::Code, Field::Body] {
                let words = refusal(Refusal { field, error }, &EnterForm::default());
                assert!(words.starts_with(why) && words.contains(step), "{words}");
            }
        }
    }

    #[test]
    fn question_says_what_is_given_up() {
        let more = |unsent, messages, has_older| {
            question(&Question::Leave { unsent, ends: Some(LogSize { messages, has_older }) }).more
        };
        assert_eq!(more(0, 43, false), "43 messages will be deleted.");
        assert_eq!(more(1, 1, false), "1 message will be deleted. What you wrote is not sent yet.");
        assert_eq!(more(0, 0, false), "The room will be deleted, and its link will lead nowhere.");
        assert_eq!(more(0, 99, true), "More than 99 messages will be deleted.");
        assert_eq!(more(2, 1, true), "Everything that was said will be deleted. 2 messages are not sent yet.");
        let others = question(&Question::Leave { unsent: 1, ends: None });
        assert_eq!((others.heading, others.yes), ("Leave without sending?", "Leave"));
    }

    #[test]
    fn title_counts_unseen_messages() {
        assert_eq!(page_title(&title("KXQ4-7M2P", 0)), "KXQ4-7M2P, Flasky Chat");
        assert_eq!(page_title(&title("Book club", 3)), "(3) Book club, Flasky Chat");
        assert_eq!(page_title(""), "Flasky Chat");
    }

    #[test]
    fn typing_line_lists_few_names_only() {
        let says = |names: &[&str]| {
            let names: Vec<ShownName> = names.iter().map(|name| shown(name)).collect();
            typing(&names.iter().collect::<Vec<_>>())
                .into_iter()
                .map(|piece| match piece {
                    Piece::Name(text) | Piece::Words(text) => text,
                })
                .collect::<String>()
        };
        assert_eq!(says(&[]), "");
        assert_eq!(says(&["Ana"]), "Ana is typing…");
        assert_eq!(says(&["Ana", "Bo"]), "Ana and Bo are typing…");
        assert_eq!(says(&["Ana", "Bo", "Chidi"]), "Several people are typing…");
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso(951_782_399_000), "2000-02-28T23:59:59Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(iso(1_795_403_715_000), "2026-11-23T03:15:15Z");
        assert_eq!(utc_time(1_795_403_715_000), "03:15");
    }

    #[test]
    fn invalid_code_says_its_mistake() {
        assert!(code_problem("KXQ4-7M2").ends_with("One is missing."));
        assert!(code_problem("KXQ4").ends_with("4 are missing."));
        assert!(code_problem("KXQ4-7M2U").contains('U'));
    }
}
