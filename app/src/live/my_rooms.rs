//! The rooms of this browser, in the device's local storage: for the home page of any of its tabs.
//!
//! A line for each, the one read last first, as `/api/my_rooms` takes them. A line goes as soon as its room is left, or
//! turns out to be none of the reader's.

use std::mem;

use client::{Client, Status};
use leptos::prelude::*;
use protocol::{Position, RoomCode};

use super::browser;
use super::room::{Ending, Room};
use crate::api::ReadRoom;

const STORAGE_KEY: &str = "flasky.rooms";
/// Maximum number of rooms that are kept, which is also what the server looks up at once.
const MAX_ROOMS: usize = 20;
/// Minimum time between two writes while the reader reads on, in milliseconds.
const WRITE_INTERVAL_MS: u64 = 10_000;

/// How far the reader has read in a room.
#[derive(Default)]
pub(super) struct ReadMarker {
    /// Position of the newest event while the page could be seen.
    seen: Option<Position>,
    /// The position that was written last, and when.
    written: Option<(Position, u64)>,
}

/// The lines of all rooms; empty if there are none.
#[must_use]
pub fn stored() -> String {
    browser::local_item(STORAGE_KEY).unwrap_or_default()
}

/// Forgets a room.
pub fn forget(code: RoomCode) {
    rewrite(|lines| without(lines, code));
}

fn rewrite(change: impl FnOnce(&str) -> String) {
    let before = stored();
    let after = change(&before);
    if after != before {
        browser::set_local_item(STORAGE_KEY, Some(after.as_str()).filter(|lines| !lines.is_empty()));
        browser::toggle_root_attribute("data-rooms", !after.is_empty());
    }
}

fn line_is_of(line: &str, code: RoomCode) -> bool {
    line.starts_with(&code.to_string())
}

fn without(lines: &str, code: RoomCode) -> String {
    lines.lines().filter(|line| !line_is_of(line, code)).collect::<Vec<_>>().join("\n")
}

/// Adds a room or moves it to the front. Another tab may have read further.
fn with(lines: &str, mut room: ReadRoom) -> String {
    let stored = lines.lines().find(|line| line_is_of(line, room.code)).and_then(|line| line.parse::<ReadRoom>().ok());
    if let Some(stored) = stored.filter(|stored| stored.read.epoch == room.read.epoch) {
        room.read.seq = room.read.seq.max(stored.read.seq);
    }
    let rest = without(lines, room.code);
    [&*room.to_string()].into_iter().chain(rest.lines()).take(MAX_ROOMS).collect::<Vec<_>>().join("\n")
}

impl Room {
    /// Notes how far the reader has read. Writes it when the page is hidden, and now and then before; forgets the room
    /// once the reader has no seat in it.
    pub(super) fn note_read(self, client: &Client, now: u64) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        let marker = &mut cells.read_marker;
        if matches!(client.status(), Status::Ended(ending) if ending.is_over() || ending == Ending::NoSeat) {
            if mem::take(marker).written.is_some() {
                forget(self.code);
            }
            return;
        }
        let is_visible = browser::is_visible();
        if is_visible {
            marker.seen = client.room().and_then(client::RoomState::position);
        }
        let is_due = marker.written.is_none_or(|(_, at)| now >= at + WRITE_INTERVAL_MS);
        drop(cells);
        if is_due || !is_visible {
            self.write_read(now);
        }
    }

    /// Writes how far the reader has read, unless that is written.
    pub(super) fn write_read(self, now: u64) {
        let Some(mut cells) = self.cells.try_write_value() else { return };
        let marker = &mut cells.read_marker;
        let Some(read) = marker.seen.filter(|seen| marker.written.is_none_or(|(written, _)| written != *seen)) else {
            return;
        };
        marker.written = Some((read, now));
        rewrite(|lines| with(lines, ReadRoom { code: self.code, read }));
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Epoch, Seq};

    use super::*;

    fn room(code: &str, epoch: u64, seq: u64) -> ReadRoom {
        ReadRoom { code: code.parse().unwrap(), read: Position { epoch: Epoch(epoch), seq: Seq(seq) } }
    }

    fn lines(rooms: &[ReadRoom]) -> String {
        rooms.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn room_read_last_is_first_and_never_reads_back() {
        let (one, two) = (room("KXQ4-7M2P", 1, 5), room("KXQ4-7M2Q", 1, 9));
        assert_eq!(with("", one), lines(&[one]));
        assert_eq!(with(&lines(&[one]), two), lines(&[two, one]));
        assert_eq!(with(&lines(&[two, one]), room("KXQ4-7M2P", 1, 3)), lines(&[one, two]));
        let renewed = room("KXQ4-7M2P", 2, 3);
        assert_eq!(with(&lines(&[two, one]), renewed), lines(&[renewed, two]), "a log of another epoch is another one");
        assert_eq!(without(&lines(&[two, one]), two.code), lines(&[one]));
        assert_eq!(without(&lines(&[one]), one.code), "");
    }

    #[test]
    fn twenty_rooms_are_kept() {
        let rooms = (10..35).map(|i| room(&format!("KXQ4-7M{i}"), 1, i));
        let kept = rooms.fold(String::new(), |kept, room| with(&kept, room));
        assert_eq!(kept.lines().count(), MAX_ROOMS);
        assert!(kept.starts_with("KXQ4-7M34") && !kept.contains("KXQ4-7M14"));
    }
}
