//! The rooms of this browser, in the device's local storage: for the home page of any of its tabs.
//!
//! A line for each, the one read last first, as `/api/my_rooms` takes them. A line goes as soon as its room is left, or
//! turns out to be none of the reader's.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use leptos::reactive::spawn_local_scoped_with_cancellation;
use protocol::{Position, RoomCode};
use web_sys::StorageEvent;

use super::browser;
use super::room::{Ending, Room, Status};
use crate::api::ReadRoom;

const STORAGE_KEY: &str = "flasky.rooms";
/// Maximum number of rooms that are kept, which is also what the server looks up at once.
const MAX_ROOMS: usize = 20;
/// Time between two writes while the reader reads on, in milliseconds.
const WRITE_INTERVAL_MS: u32 = 10_000;

/// Removes what is no line of a room, and returns the lines of all rooms; empty if there are none.
#[must_use]
pub fn clean() -> String {
    rewrite(lines_of_rooms)
}

/// The first line of each room, as [`with`] writes it.
fn lines_of_rooms(stored: &str) -> String {
    let mut codes = Vec::new();
    let is_room = |line: &&str| {
        let Ok(room) = line.parse::<ReadRoom>() else { return false };
        let is_first = line.starts_with(&room.code.to_string()) && !codes.contains(&room.code);
        codes.push(room.code);
        is_first
    };
    stored.lines().filter(is_room).take(MAX_ROOMS).collect::<Vec<_>>().join("\n")
}

/// True for the event of a change of these lines, here or on another page. The one of this page names no key.
#[must_use]
pub fn is_changed_by(event: &StorageEvent) -> bool {
    event.key().is_none_or(|key| key == STORAGE_KEY)
}

/// Forgets a room.
pub fn forget(code: RoomCode) {
    forget_all(&[code]);
}

/// Forgets rooms, which the pages are told once.
pub fn forget_all(codes: &[RoomCode]) {
    rewrite(|lines| codes.iter().fold(lines.to_owned(), |lines, code| without(&lines, *code)));
}

fn rewrite(change: impl FnOnce(&str) -> String) -> String {
    let before = browser::local_item(STORAGE_KEY).unwrap_or_default();
    let after = change(&before);
    if after != before {
        browser::set_local_item(STORAGE_KEY, Some(after.as_str()).filter(|lines| !lines.is_empty()));
        browser::toggle_root_attribute("data-rooms", !after.is_empty());
        // The browser tells the other pages alone, and a room's page that gives way to the home page writes last. Not at
        // once: what hears it on that page is just being cleaned up.
        set_timeout(browser::announce_storage, Duration::ZERO);
    }
    after
}

fn without(lines: &str, code: RoomCode) -> String {
    let code = code.to_string();
    lines.lines().filter(|line| !line.starts_with(&code)).collect::<Vec<_>>().join("\n")
}

/// Adds a room or moves it to the front. Another tab may have read further.
fn with(lines: &str, code: RoomCode, read: Position) -> String {
    let log = format!("{code} {} ", read.epoch);
    let stored = lines.lines().find_map(|line| line.strip_prefix(&log)?.parse().ok());
    let seq = read.seq.0.max(stored.unwrap_or_default());
    let rest = without(lines, code);
    [&*format!("{log}{seq}")].into_iter().chain(rest.lines()).take(MAX_ROOMS).collect::<Vec<_>>().join("\n")
}

/// Keeps a room with how far the reader has read in it, until the reactive owner is cleaned up.
pub fn follow(room: Room) {
    browser::on_window_event(ev::visibilitychange, move |_| {
        // While it could be seen, until now.
        if !browser::is_visible() {
            write_read(room);
        }
    });
    browser::on_window_event(ev::pagehide, move |_| write_seen(room));
    on_cleanup(move || write_seen(room));
    spawn_local_scoped_with_cancellation(async move {
        loop {
            write_seen(room);
            browser::sleep(WRITE_INTERVAL_MS).await;
        }
    });
}

/// Writes how far the reader has read, where the page can be seen.
fn write_seen(room: Room) {
    if browser::is_visible() {
        write_read(room);
    }
}

fn write_read(room: Room) {
    let is_kept = !room.leaving.get_untracked() && has_seat(&room.status.get_untracked());
    if let Some(read) = room.position().filter(|_| is_kept) {
        rewrite(|lines| with(lines, room.code, read));
    }
}

/// True unless the stay is over, or the seat was given away.
pub(super) fn has_seat(status: &Status) -> bool {
    !matches!(status, Status::Ended(ending) if ending.is_over() || *ending == Ending::NoSeat)
}

#[cfg(test)]
mod tests {
    use protocol::{Epoch, Seq};

    use super::*;

    fn kept(lines: &str, code: &str, epoch: u64, seq: u64) -> String {
        with(lines, code.parse().unwrap(), Position { epoch: Epoch(epoch), seq: Seq(seq) })
    }

    #[test]
    fn room_read_last_is_first_and_never_reads_back() {
        let (one, two) = ("KXQ4-7M2P 0000000000000001 5", "KXQ4-7M2Q 0000000000000001 9");
        assert_eq!(kept("", "KXQ4-7M2P", 1, 5), one);
        assert_eq!(kept(one, "KXQ4-7M2Q", 1, 9), format!("{two}\n{one}"));
        let both = format!("{two}\n{one}");
        assert_eq!(kept(&both, "KXQ4-7M2P", 1, 3), format!("{one}\n{two}"));
        let renewed = kept(&both, "KXQ4-7M2P", 2, 3);
        assert_eq!(renewed, format!("KXQ4-7M2P 0000000000000002 3\n{two}"), "a log of another epoch is another one");
        assert_eq!(without(&both, "KXQ4-7M2Q".parse().unwrap()), one);
        assert_eq!(without(one, "KXQ4-7M2P".parse().unwrap()), "");
    }

    #[test]
    fn lines_that_are_no_rooms_are_removed() {
        let (one, two) = ("KXQ4-7M2P 0000000000000001 5", "KXQ4-7M2Q 0000000000000001 9");
        let odd = format!("{one}\nkxq4-7m2p 0000000000000001 5\nnonsense\n\nKXQ4-7M2P\n{one} x\nKXQ4-7M2P  5\n{two}");
        assert_eq!(lines_of_rooms(&odd), format!("{one}\n{two}"));
        let long = format!("KXQ4-7M2P {} 5", "1".repeat(300_000));
        assert_eq!(lines_of_rooms(&long), "");
        assert_eq!(lines_of_rooms(&format!("{one}\n").repeat(100)), one, "a room has one line");
    }

    #[test]
    fn twenty_rooms_are_kept() {
        let all = (10..35).fold(String::new(), |lines, i| kept(&lines, &format!("KXQ4-7M{i}"), 1, i));
        assert_eq!(all.lines().count(), MAX_ROOMS);
        assert!(all.starts_with("KXQ4-7M34") && !all.contains("KXQ4-7M14"));
    }
}
