//! Words that people read. They are in `app/locales`, a file for each language; here are those that need a decision.

use client::{Ending, RosterRow, SeatChangeKind};
use protocol::room_code::RoomCodeError;
use protocol::{ErrorCode, LeaveReason, RoomCode, ShownName, name, room_name};

use crate::api::{Cause, EnterForm, Field, Refusal};
use crate::live::notices::Setting;
use crate::live::question::{LogSize, Question};

/// The functions that the build script makes of the files: one for each message.
#[cfg_attr(not(feature = "ssr"), allow(dead_code, reason = "some are said by the server alone"))]
mod words {
    use super::number;
    use crate::language::Language;

    include!(concat!(env!("OUT_DIR"), "/words.rs"));

    /// One of the same words in every language.
    fn in_language(words: &[&'static str; Language::ALL.len()]) -> &'static str {
        words.get(Language::current() as usize).copied().unwrap_or_default()
    }
}
pub(crate) use words::*;

pub(crate) const PRODUCT: &str = "Flasky Chat";

/// A number with a separator between each three digits.
fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            written.push_str(thousands_separator());
        }
        written.push(digit);
    }
    written
}

/// Message for a refused form.
pub(crate) fn refusal(refused: Refusal, typed: &EnterForm) -> String {
    match (refused.field, refused.error) {
        (_, ErrorCode::NameMissing) => name_missing().into(),
        (_, ErrorCode::NameBad) => name_problem(&typed.name, name::MAX_GRAPHEMES),
        (_, ErrorCode::RoomNameBad) => name_problem(&typed.room_name, room_name::MAX_GRAPHEMES),
        (_, ErrorCode::CodeMissing) => code_missing().into(),
        (Field::Code, ErrorCode::CodeBad) => code_problem(&typed.code),
        (_, ErrorCode::CapacityBad) => capacity_bad().into(),
        (_, ErrorCode::CodeUnknown) => code_unknown().into(),
        (_, ErrorCode::Full) => room_full().into(),
        (_, ErrorCode::Locked) => room_locked().into(),
        (_, ErrorCode::Removed) => room_removed().into(),
        (_, ErrorCode::Rate) => form_refused(refused),
        (Field::Body, error) | (_, error @ (ErrorCode::NoSeat | ErrorCode::Cookie | ErrorCode::Origin)) => {
            refused_message(error).into()
        }
        (Field::Name | Field::Code | Field::Capacity | Field::RoomName, _) => server_unreachable().into(),
    }
}

/// Reason why the form of a message was refused.
pub(crate) fn refused_message(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::NoSeat => no_seat(),
        ErrorCode::Cookie => no_cookie(),
        ErrorCode::Origin => wrong_origin(),
        error => not_sent(error),
    }
}

/// Reason why the message of a form was not taken.
pub(crate) fn form_refused(refused: Refusal) -> String {
    match refused.error {
        ErrorCode::Rate => too_fast(refused.retry_ms.unwrap_or_default().div_ceil(1_000).max(1) as usize),
        error => refused_message(error).into(),
    }
}

/// Reason why a message was not sent.
pub(crate) fn not_sent(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::Empty => message_empty(),
        ErrorCode::TooLong => message_too_long(),
        ErrorCode::BadText => message_bad(),
        ErrorCode::Rate => message_too_fast(),
        ErrorCode::TooOld => message_too_old(),
        ErrorCode::NoTarget => message_no_target(),
        ErrorCode::HostOnly => host_only(),
        _ => message_failed(),
    }
}

/// Reason why a name was not changed, which the browser had found good.
pub(crate) fn name_refused(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::NotAllowed => name_not_allowed(),
        ErrorCode::NameMissing | ErrorCode::NameBad | ErrorCode::RoomNameBad => name_not_taken(),
        ErrorCode::NoSeat => no_seat(),
        _ => name_not_changed(),
    }
}

/// Reason why the host's wish was refused.
pub(crate) fn manage_refused(refused: Refusal, typed: &EnterForm) -> String {
    match refused.error {
        ErrorCode::CapacityBad => seats_refused().into(),
        ErrorCode::NotAllowed => not_host().into(),
        ErrorCode::NoSeat => member_gone().into(),
        ErrorCode::RoomNameBad | ErrorCode::Rate => refusal(refused, typed),
        _ => not_changed().into(),
    }
}

/// State of a message that the server refused for now, and that is sent in so many seconds.
pub(crate) fn sent_later(error: ErrorCode, seconds: u64) -> String {
    match error {
        ErrorCode::Storage => message_later().to_owned(),
        // The burst of somebody who types fast is over before a countdown could be read.
        ErrorCode::Rate if seconds > 1 => sent_in(seconds as usize),
        _ => sending().to_owned(),
    }
}

fn name_problem(typed: &str, most: usize) -> String {
    match name::bidi_control_at(typed) {
        Some(place) => name_turns_writing(place),
        None if has_too_many_signs(typed, most) => name_too_many_signs().into(),
        None => name_too_long(most),
    }
}

/// True where a name is too long by parts of emoji and by accents: who typed it counts few characters.
fn has_too_many_signs(typed: &str, most: usize) -> bool {
    let letters = typed.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace()).count();
    letters <= most && typed.chars().count() > 4 * most
}

fn code_problem(typed: &str) -> String {
    match typed.parse::<RoomCode>() {
        Err(RoomCodeError::Length(length @ 0..8)) => code_too_short(8 - length),
        Err(RoomCodeError::Length(length)) => code_too_long(length - 8),
        Err(RoomCodeError::Character(c)) if !c.is_control() => code_bad_character(c.encode_utf8(&mut [0; 4])),
        _ => code_bad().into(),
    }
}

/// Words on the button that joins a room under a known name.
pub(crate) fn join_as(name: String) -> Vec<Piece> {
    with_names(&words::join_as(NAMES), vec![Piece::Name(name)])
}

/// The window's title for a page of this name.
pub(crate) fn page_title(page: &str) -> String {
    if page.is_empty() { PRODUCT.to_owned() } else { format!("{page}, {PRODUCT}") }
}

/// Name of the room in the window's title, with the messages that came while nobody looked.
pub(crate) fn title(room: &str, unseen: usize) -> String {
    match unseen {
        0 => room.to_owned(),
        _ => format!("({unseen}) {room}"),
    }
}

/// A piece of a line: a name, which keeps its own writing direction, or words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Name of a member.
    Name(String),
    /// Other words.
    Words(String),
}

/// Place of the names in a sentence: U+FFFC, "object replacement character".
const NAMES: &str = "\u{fffc}";
/// Place of a new name, behind those who gave it: U+FFFD, so that it is no name either.
const NEW_NAME: &str = "\u{fffd}";
/// Maximum number of names in one line; further members are only counted.
const NAMED: usize = 5;

/// A sentence with names in their place.
fn with_names(sentence: &str, names: Vec<Piece>) -> Vec<Piece> {
    let (before, after) = sentence.split_once(NAMES).unwrap_or((sentence, ""));
    let words = |words: &str| (!words.is_empty()).then(|| Piece::Words(words.to_owned()));
    words(before).into_iter().chain(names).chain(words(after)).collect()
}

/// Names as a list: "Ana, Bo and Chidi".
fn list(mut names: Vec<Piece>) -> Vec<Piece> {
    if names.len() > NAMED {
        let more = names.split_off(NAMED - 1).len();
        names.push(Piece::Words(others(more)));
    }
    let last = names.len().saturating_sub(1);
    let mut pieces = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        match i {
            0 => {}
            _ if i == last => pieces.push(Piece::Words(and().to_owned())),
            _ => pieces.push(Piece::Words(comma().to_owned())),
        }
        pieces.push(name);
    }
    pieces
}

/// Changes of the room: "Bo and Chidi joined. Ana is now called Anna".
pub(crate) fn roster_row(row: &RosterRow) -> Vec<Piece> {
    // Those who did the same one after the other; the reader always alone, because verbs differ then.
    let mut groups: Vec<(&SeatChangeKind, bool, Vec<Piece>)> = Vec::new();
    for change in row.changes.iter() {
        let who = match (&change.name, &change.kind) {
            (_, SeatChangeKind::Renamed { was, .. }) => Piece::Name(was.to_string()),
            (Some(name), _) => Piece::Name(name.to_string()),
            (None, _) => Piece::Words(somebody().to_owned()),
        };
        match groups.last_mut() {
            Some((kind, false, names)) if does_the_same(kind, &change.kind) && !change.own => names.push(who),
            _ => groups.push((&change.kind, change.own, vec![who])),
        }
    }
    let mut pieces = Vec::new();
    for (kind, own, names) in groups {
        if !pieces.is_empty() {
            pieces.push(Piece::Words(full_stop().to_owned()));
        }
        pieces.extend(roster_sentence(kind, own, names));
    }
    pieces
}

/// True for changes that one sentence says of several members.
fn does_the_same(kind: &SeatChangeKind, other: &SeatChangeKind) -> bool {
    matches!(
        (kind, other),
        (SeatChangeKind::Joined, SeatChangeKind::Joined) | (SeatChangeKind::Left(_), SeatChangeKind::Left(_))
    ) && was_removed(kind) == was_removed(other)
}

fn was_removed(kind: &SeatChangeKind) -> bool {
    matches!(kind, SeatChangeKind::Left(LeaveReason::Removed))
}

fn roster_sentence(kind: &SeatChangeKind, own: bool, names: Vec<Piece>) -> Vec<Piece> {
    let count = names.len();
    let who = if own { Vec::new() } else { list(names) };
    // The new name is the last piece of its sentence, and the author the first.
    let with_new = |sentence: String, new: String| {
        let (before, after) = sentence.split_once(NEW_NAME).unwrap_or((&sentence, ""));
        let after = Some(after).filter(|after| !after.is_empty()).map(|after| Piece::Words(after.to_owned()));
        with_names(before, who.clone()).into_iter().chain([Piece::Name(new)]).chain(after).collect()
    };
    match kind {
        SeatChangeKind::Joined if own => with_names(you_joined(), who),
        SeatChangeKind::Joined => with_names(&joined(count, NAMES), who),
        SeatChangeKind::Left(LeaveReason::Removed) => with_names(&was_removed_from_room(count, NAMES), who),
        SeatChangeKind::Left(_) if own => with_names(you_left(), who),
        SeatChangeKind::Left(_) => with_names(&left_room(count, NAMES), who),
        SeatChangeKind::Renamed { name, .. } if own => with_new(you_renamed(NEW_NAME), name.to_string()),
        SeatChangeKind::Renamed { name, .. } => with_new(renamed(NAMES, NEW_NAME), name.to_string()),
        SeatChangeKind::Host if own => with_names(you_host(), who),
        SeatChangeKind::Host => with_names(&new_host(NAMES), who),
        SeatChangeKind::RoomName(name) if name.is_empty() && own => with_names(you_unnamed_room(), who),
        SeatChangeKind::RoomName(name) if name.is_empty() => with_names(&unnamed_room(NAMES), who),
        SeatChangeKind::RoomName(name) if own => with_new(you_named_room(NEW_NAME), name.to_string()),
        SeatChangeKind::RoomName(name) => with_new(named_room(NAMES, NEW_NAME), name.to_string()),
        SeatChangeKind::Locked(true) => plain_words(locked_now()),
        SeatChangeKind::Locked(false) => plain_words(unlocked_now()),
        SeatChangeKind::HostOnly(true) => plain_words(host_only_now()),
        SeatChangeKind::HostOnly(false) => plain_words(all_write_now()),
        SeatChangeKind::Slow(0) => plain_words(slow_mode_off()),
        SeatChangeKind::Slow(ms) => plain_words(&slow_mode_now(ms.div_ceil(1_000) as usize)),
        SeatChangeKind::Capacity(seats) => plain_words(&seats_now(*seats as usize)),
        SeatChangeKind::Code => plain_words(code_now()),
    }
}

/// A sentence without names: everybody knows that it was the host.
fn plain_words(sentence: &str) -> Vec<Piece> {
    vec![Piece::Words(sentence.to_owned())]
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
    let given_up = |unsent| if unsent == 0 { String::new() } else { unsent_given_up(unsent) };
    match *question {
        Question::Leave { unsent, ends: Some(log) } => {
            let more = [deleted_log(log), given_up(unsent)].join(" ").trim_end().to_owned();
            QuestionWords { heading: last_one(), more, yes: delete_and_leave() }
        }
        Question::Leave { unsent: 0, ends: None } => {
            QuestionWords { heading: leave_room(), more: leave_room_more().into(), yes: leave_yes() }
        }
        Question::Leave { unsent, ends: None } | Question::Go { unsent, .. } => {
            QuestionWords { heading: leave_unsent(), more: given_up(unsent), yes: leave_yes() }
        }
    }
}

fn deleted_log(log: LogSize) -> String {
    match log {
        LogSize { messages: messages @ 2.., has_older: true } => more_deleted(messages),
        LogSize { has_older: true, .. } => everything_deleted().into(),
        LogSize { messages, .. } => messages_deleted(messages),
    }
}

/// Explanation of an ending: heading, more, the next step, and its address.
pub(crate) fn ending(ending: Ending) -> (&'static str, &'static str, &'static str, &'static str) {
    const STAY: &str = "";
    match ending {
        Ending::RoomEnded => (room_ended(), room_ended_more(), start_new(), "/"),
        Ending::NoSuchRoom => (no_room(), may_have_ended(), start_new(), "/"),
        Ending::NoSeat => (away_too_long(), away_too_long_more(), join_again(), STAY),
        Ending::Removed => (removed(), removed_more(), start_new(), "/"),
        Ending::Version => (new_version(), new_version_more(), reload(), STAY),
        Ending::TooManyTabs => (too_many_tabs(), too_many_tabs_more(), try_again(), STAY),
        Ending::Protocol => (something_wrong(), new_version_more(), reload(), STAY),
        Ending::Left => (left_elsewhere(), left_elsewhere_more(), start_new(), "/"),
    }
}

/// Why a room cannot be had now: heading, more, the next step.
pub(crate) fn unavailable(cause: Cause) -> (&'static str, &'static str, &'static str) {
    match cause {
        Cause::Server => (server_cannot(), server_cannot_more(), try_again()),
        Cause::Network => (unreachable(), unreachable_more(), try_again()),
        Cause::Release => (new_version(), new_version_more(), reload()),
    }
}

/// A day as people call it.
pub(crate) fn day(day: i64, today: i64, date: String) -> String {
    match today - day {
        0 => words::today().into(),
        1 => yesterday().into(),
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
pub(crate) fn keys() -> [(String, &'static str); 2] {
    [(key_enter().to_owned(), enter_sends()), ([key_shift(), "+", key_enter()].concat(), shift_enter_breaks())]
}

/// Keyboard shortcuts: keys pressed together, and their effect.
pub(crate) fn help_keys() -> [(Vec<&'static str>, &'static str); 11] {
    [
        (vec![key_enter()], help_send()),
        (vec![key_shift(), key_enter()], help_line()),
        (vec!["@"], help_mention()),
        (vec!["↑"], help_edit()),
        (vec![key_escape()], help_cancel()),
        (vec!["↑", "↓"], help_up_down()),
        (vec![key_home(), key_end()], help_home_end()),
        (vec![key_enter()], help_actions()),
        (vec![key_ctrl(), key_shift(), "F"], help_search()),
        (vec!["A", "…", "Z"], help_write()),
        (vec![key_shift(), key_enter()], help_emoji()),
    ]
}

/// Space that is left in the box, or the length above the limit.
pub(crate) fn space_left(most: usize, length: usize) -> String {
    match most.checked_sub(length) {
        Some(left) => words::space_left(left),
        None => too_many(length - most),
    }
}

/// Members who are typing: "Ana and Bo are typing…". Empty when nobody is.
pub(crate) fn typing(names: &[&ShownName]) -> Vec<Piece> {
    let sentence = match names {
        [] => return Vec::new(),
        [_] => one_types(NAMES),
        [_, _] => two_type(NAMES),
        _ => return vec![Piece::Words(several_type().to_owned())],
    };
    with_names(&sentence, list(names.iter().map(|name| Piece::Name(name.to_string())).collect()))
}

/// Messages of this room that give notice.
pub(crate) fn notices_settings() -> [(Setting, &'static str); 3] {
    [
        (Setting::All, notices_all_messages()),
        (Setting::Mentions, notices_mentions_only()),
        (Setting::Off, notices_nothing()),
    ]
}

/// The sounds of [`SOUNDS`](crate::live::notices::SOUNDS).
pub(crate) fn sounds() -> [&'static str; 4] {
    [sound_chime(), sound_drop(), sound_knock(), sound_none()]
}

/// Number of messages that the reader has not seen, as far as they were counted.
pub(crate) fn unread(unread: u32, more: bool) -> String {
    match (unread, more) {
        (0, true) => unread_some().into(),
        (unread, true) => unread_at_least(unread as usize),
        (unread, false) => unread_messages(unread as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn shown(name: &str) -> ShownName {
        name.parse::<protocol::DisplayName>().unwrap().into()
    }

    #[test]
    fn unread_messages_are_said_without_a_number_that_is_not_known() {
        assert_eq!(unread(3, false), "3 new");
        assert_eq!(unread(3, true), "3+ new");
        assert_eq!(unread(0, true), "new");
    }

    fn plain(pieces: Vec<Piece>) -> String {
        let plain = |piece| match piece {
            Piece::Name(text) | Piece::Words(text) => text,
        };
        pieces.into_iter().map(plain).collect()
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
        let say = |changes: &[SeatChange]| {
            let row = RosterRow { id: EventId(uuid::Uuid::nil()), at: 0, changes: changes.to_vec().into() };
            plain(roster_row(&row))
        };
        let own = [change("Ana", true, SeatChangeKind::Joined), joined("Bo")];
        assert_eq!(say(&own), "You joined. Bo joined");
        assert_eq!(Language::De.run(|| say(&own)), "Du bist jetzt dabei. Bo ist jetzt dabei");
        let others = [joined("Bo"), joined("Chidi"), joined("Di"), left];
        assert_eq!(say(&others), "Bo, Chidi and Di joined. Ana left");
        assert_eq!(Language::De.run(|| say(&others)), "Bo, Chidi und Di sind jetzt dabei. Ana ist gegangen");
        let many = ["A", "B", "C", "D", "E", "F"].map(joined);
        assert_eq!(say(&many), "A, B, C, D and 2 others joined");
        assert_eq!(Language::De.run(|| say(&many)), "A, B, C, D und 2 weitere sind jetzt dabei");
    }

    #[test]
    fn roster_row_says_who_has_another_name_or_the_room() {
        use client::SeatChange;
        use protocol::{EventId, MemberId};
        let says = |name: &str, own, kind| {
            let change = SeatChange { member: MemberId(uuid::Uuid::nil()), name: Some(shown(name)), own, kind };
            let row = RosterRow { id: EventId(uuid::Uuid::nil()), at: 0, changes: vec![change].into() };
            [Language::En, Language::De].map(|language| language.run(|| plain(roster_row(&row))))
        };
        let renamed = || SeatChangeKind::Renamed { was: shown("Ana"), name: shown("Anna") };
        let named = |name: &str| SeatChangeKind::RoomName(name.parse().unwrap());
        assert_eq!(says("Anna", false, renamed()), ["Ana is now called Anna", "Ana heißt jetzt Anna"]);
        assert_eq!(says("Anna", true, renamed()), ["You are now called Anna", "Du heißt jetzt Anna"]);
        assert_eq!(says("Bo", false, SeatChangeKind::Host), ["Bo is now the host", "Bo leitet jetzt den Raum"]);
        let club = || named("Book club");
        assert_eq!(says("Bo", false, club()), ["Bo named the room Book club", "Bo hat den Raum Book club genannt"]);
        assert_eq!(says("Bo", true, club()), ["You named the room Book club", "Du hast den Raum Book club genannt"]);
        let unnamed = ["Bo removed the room's name", "Bo hat den Raumnamen entfernt"];
        assert_eq!(says("Bo", false, named("")), unnamed);
    }

    #[test]
    fn every_language_has_its_plural_forms_and_numbers() {
        for (language, forms) in [
            (Language::En, ["0 new messages", "1 new message", "2 new messages", "1,234,567 new messages"]),
            (
                Language::De,
                ["0 neue Nachrichten", "1 neue Nachricht", "2 neue Nachrichten", "1.234.567 neue Nachrichten"],
            ),
        ] {
            assert_eq!(language.run(|| [0, 1, 2, 1_234_567].map(new_messages)), forms);
        }
        let and_more = |language: Language| language.run(|| [0, 1, 2].map(|more| and_more(more, "Ana, Bo")));
        assert_eq!(and_more(Language::En), ["Ana, Bo", "Ana, Bo and 1 more", "Ana, Bo and 2 more"]);
        assert_eq!(and_more(Language::De), ["Ana, Bo", "Ana, Bo und 1 weitere Person", "Ana, Bo und 2 weitere"]);
        let inside = |language: Language| language.run(|| [0, 1, 2].map(still_inside));
        assert_eq!(inside(Language::En)[0], "Nobody is inside.");
        assert_eq!(inside(Language::De)[1..], ["1 Person ist noch drin.", "2 Personen sind noch drin."]);
        assert_eq!([0, 12, 999, 1_000, 100_000].map(number), ["0", "12", "999", "1,000", "100,000"]);
    }

    #[test]
    fn names_keep_their_place_in_every_language() {
        let names = ["Ana", "Bo"].map(shown);
        let names: Vec<_> = names.iter().collect();
        let says = |language: Language| language.run(|| [plain(typing(&names)), plain(join_as("Ana".into()))]);
        assert_eq!(says(Language::En), ["Ana and Bo are typing…", "Join as Ana"]);
        assert_eq!(says(Language::De), ["Ana und Bo schreiben\u{a0}…", "Als Ana beitreten"]);
        assert_eq!(Language::De.run(|| typing(&names[..1]))[0], Piece::Name("Ana".into()));
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
                let words = refusal(Refusal { field, error, retry_ms: None }, &EnterForm::default());
                assert!(words.starts_with(why) && words.contains(step), "{words}");
            }
        }
    }

    #[test]
    fn form_above_a_limit_says_how_many_seconds_to_wait() {
        for (retry_ms, seconds) in [(Some(5_001), "6 s"), (Some(6_000), "6 s"), (Some(0), "1 s"), (None, "1 s")] {
            for field in [Field::Code, Field::Body] {
                let refused = Refusal { field, error: ErrorCode::Rate, retry_ms };
                for language in [Language::En, Language::De] {
                    let words = language.run(|| refusal(refused, &EnterForm::default()));
                    assert!(words.replace('\u{a0}', " ").contains(seconds), "{retry_ms:?}: {words}");
                }
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
            plain(typing(&names.iter().collect::<Vec<_>>()))
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
